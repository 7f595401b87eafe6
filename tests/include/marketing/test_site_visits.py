"""Leadfeeder's visits with their companies, and RB2B's exports."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.lake.answers import DamagedAnswer
from include.marketing.site_visits import leadfeeder_visits, rb2b_profiles

DAY = date(2025, 11, 9)
WHERE = "gs://lake/raw/leadfeeder/2025-11-09/visits.json"
LEAD = {"id": "l1", "type": "leads", "attributes": {"name": "Bright Dental", "website_url": "bright.example"}}
HEADER = "LinkedInUrl,FirstName,CompanyName,Website,FirstSeenAt,LastSeenAt"


def visit(visit_id: str = "v1", **changes: Any) -> dict[str, Any]:
    attributes = {
        "lead_id": "l1", "started_at": "2025-11-09T15:04:05.000Z", "date": "2025-11-09", "source": "google",
        "medium": "cpc", "campaign": "Dental specialists | TX", "page_depth": 3, "visit_length": 95.0,
        "ga_client_ids": ["123.456"],
    }  # fmt: skip
    return {"id": visit_id, "type": "visits", "attributes": {**attributes, **changes}}


def pages(*items: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps({"data": page, "links": {}}).encode() for page in items)


def test_visits_when_read_then_carry_their_company_and_their_own_text() -> None:
    (row,) = leadfeeder_visits(pages([LEAD]), pages([visit()]), DAY, WHERE)
    assert (row.visit_id, row.company_name, row.company_website) == ("v1", "Bright Dental", "bright.example")
    assert row.started_at == datetime(2025, 11, 9, 15, 4, 5, tzinfo=UTC)
    assert (row.traffic_campaign, row.page_depth, row.visit_seconds) == ("Dental specialists | TX", 3, 95)
    assert json.loads(row.visit)["attributes"]["ga_client_ids"] == ["123.456"]


def test_visits_when_the_company_is_not_among_the_leads_then_stay_without_it() -> None:
    (row,) = leadfeeder_visits(pages([]), pages([visit(started_at=None, page_depth=None)]), DAY, WHERE)
    assert (row.lead_id, row.company_name, row.company, row.started_at) == ("l1", None, None, None)


def test_visits_when_a_page_is_repeated_then_each_is_one_and_the_later_holds() -> None:
    first = [visit("v1"), visit("v2")]
    rows = leadfeeder_visits(pages([LEAD], [LEAD]), pages(first, [visit("v2", page_depth=9), visit("v3")]), DAY, WHERE)
    assert [(row.visit_id, row.page_depth) for row in rows] == [("v1", 3), ("v2", 9), ("v3", 3)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pages([{"id": "v1", "type": "visits"}]), "page 1, item 1: has no id or no attributes"),
        (
            pages([{"id": "v1", "attributes": {"lead": "l1"}}]),
            r"visit 'v1': has no lead_id or started_at, but \['lead'\]",
        ),
        (pages([visit(started_at="yesterday")]), "started_at is 'yesterday', not a time"),
        (pages([visit(started_at="2025-11-09T15:04:05")]), "has no time zone"),
        (pages([visit(date="2025-11-08")]), "is of '2025-11-08' in the answer for 2025-11-09"),
        (pages([visit(page_depth="3")]), "page_depth is '3', not a whole number"),
        (pages([visit()])[:-9], "answer 1 is not JSON"),
        (b'{"errors": []}', "page 1 has no list 'data'"),
        (b'{"data": [null]}', "page 1, item 1: has no id or no attributes, but None"),
        (pages([visit(lead_id=7)]), "lead_id is 7, not a text"),
        (pages([visit(campaign=5)]), "visit 'v1': campaign is 5, not a text"),
        (pages([visit(source=["a"])]), r"visit 'v1': source is \['a'\], not a text"),
        (pages([visit(medium={"a": 1})]), "visit 'v1': medium is {'a': 1}, not a text"),
        (pages([visit(page_depth=10**30)]), "visit 'v1': page_depth is 10000.*, not a whole number from 0 to"),
        (pages([visit(page_depth=1e30)]), r"visit 'v1': page_depth is 1e\+30, not a whole number"),
        (pages([visit(visit_length=-1)]), "visit 'v1': visit_length is -1, not a whole number"),
        (pages([visit(visit_length=True)]), "visit 'v1': visit_length is True, not a whole number"),
        (pages([visit(campaign="a\ud83d")]), "visit 'v1': attributes.campaign is 'a.*half a character"),
        (pages([visit(ga_client_ids=["1", "a\ud83d"])]), r"visit 'v1': attributes.ga_client_ids\[2\] is 'a"),
        (pages([visit(**{"a\ud83d": "x"})]), "visit 'v1': attributes's name is 'a.*half a character"),
        (pages([visit(score=float("nan"))]), "visit 'v1': attributes.score is nan, not a number"),
        (pages([visit(started_at="0001-01-01T00:00:00+14:00")]), "started_at .* is before or after all time"),
        (
            pages([visit()]).replace(b'"date"', b'"medium": "x", "date"'),
            r"answer 1: an object has the names \['medium'\]",
        ),
        (pages([visit(visit_length=float("inf"))]), "visit_length is inf, not a whole number"),
    ],
)
def test_visits_when_the_answer_is_damaged_then_the_place_is_named(content: bytes, said: str) -> None:
    with pytest.raises(DamagedAnswer, match=said):
        leadfeeder_visits(pages([LEAD]), content, DAY, WHERE)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [({"name": 42}, "name is 42, not a text"), ({"website_url": {"u": 1}}, "website_url is {'u': 1}, not a text"),
     ({"name": "a\ud83d"}, "attributes.name is 'a.*half a character")],
)  # fmt: skip
def test_visits_when_their_company_is_odd_then_refused_with_visit_lead_and_field(
    attributes: dict[str, Any], said: str
) -> None:
    lead = {"id": "l1", "type": "leads", "attributes": LEAD["attributes"] | attributes}  # type: ignore[operator]
    with pytest.raises(DamagedAnswer, match=f"{WHERE}: visit 'v1', its lead 'l1': {said}"):
        leadfeeder_visits(pages([lead]), pages([visit()]), DAY, WHERE)


def test_visits_when_a_text_is_empty_or_whole_then_kept() -> None:
    (row,) = leadfeeder_visits(pages([LEAD]), pages([visit(campaign="", source="\U0001f600", medium=None)]), DAY, WHERE)
    assert (row.traffic_campaign, row.traffic_source, row.traffic_medium) == ("", "\U0001f600", None)


def test_profiles_when_an_export_is_read_then_lines_count_also_inside_quotes() -> None:
    text = f'{HEADER}\r\n,,"Bright\nDental",bright.example,,2025-11-09T10:00:00Z\r\nhttps://l.example/in/a,Ada,X,,,\r\n'
    rows = rb2b_profiles(b"\xef\xbb\xbf" + text.encode() + b"\r\n", DAY, "a.csv")  # a blank line is no profile
    assert [(row.line, row.linkedin_url, row.company_name) for row in rows] == [
        (2, None, "Bright\nDental"),
        (4, "https://l.example/in/a", "X"),
    ]
    assert json.loads(rows[1].payload)["FirstName"] == "Ada"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Name,Website\n", r"line 1: missing columns \['LinkedInUrl', 'CompanyName', 'FirstSeenAt', 'LastSeenAt'\]"),
        (b"", "missing columns"),
        (
            f"{HEADER},LinkedInUrl\na,b,c,d,e,f,g\n".encode(),
            r"a.csv: line 1: columns \['LinkedInUrl'\] are there more than once. Export it again",
        ),
        (f'{HEADER}\n,,"AD"A,,,\n,,"AD"A,,,\n'.encode(), "is no CSV in UTF-8"),
        (f"{HEADER}\na,b\n".encode(), "line 2: 2 values instead of 6"),
        (f"{HEADER}\n\xe9".encode("latin-1"), "is no CSV in UTF-8"),
    ],
)
def test_profiles_when_the_file_is_no_export_then_refused(content: bytes, said: str) -> None:
    with pytest.raises(DamagedAnswer, match=said):
        rb2b_profiles(content, DAY, "a.csv")


def test_profiles_when_lines_end_as_on_old_macs_then_read_all_the_same() -> None:
    (row,) = rb2b_profiles(f"{HEADER}\ra,b,c,d,e,f\r".encode(), DAY, "a.csv")
    assert (row.line, row.linkedin_url, row.last_seen_at) == (2, "a", "f")


def test_profiles_when_the_header_is_missing_then_the_message_tells_nothing_of_a_person() -> None:
    person = b"https://l.example/in/ada,Ada,Bright Dental,bright.example,ada@bright.example,\n"
    with pytest.raises(DamagedAnswer, match="line 1: missing columns .* among 6") as error:
        rb2b_profiles(person, DAY, "a.csv")
    assert "Ada" not in str(error.value)
    assert "bright" not in str(error.value)
