"""Whatever stands in any field of any vendor's answer: nothing is raised, money stays what it was, and what is odd is named."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from include.enrichment.answer_fields import MAX_CREDITS
from include.enrichment.vendor_rows import ledger_rows, tally, unpaid_keys, vendor_rows
from tests.include.vendor_answers import ANSWERS, APOLLO, CLAY, ODD_VALUES, PERSON, WIZA, entry, paths, with_value


@pytest.mark.parametrize("vendor", ANSWERS)
def test_ledger_rows_when_the_answer_is_as_documented_then_nothing_is_refused(vendor: str) -> None:
    read = ledger_rows(entry(vendor, json.dumps(ANSWERS[vendor][1])))
    assert read.refused == []
    assert {row["status"] for row in read.rows} == {"responded"}
    assert all(row["found"] for row in read.rows) == (vendor in ("wiza", "apollo", "clay"))


@pytest.mark.parametrize("vendor", ANSWERS)
def test_ledger_rows_when_any_field_holds_any_odd_value_then_nothing_is_raised_and_money_stays(vendor: str) -> None:
    _, answer = ANSWERS[vendor]
    refused = 0
    for path in paths(answer):
        for value in ODD_VALUES:
            text = with_value(answer, path, value)
            read = ledger_rows(entry(vendor, text))
            where = f"{vendor} {path}: {value[:30]}"
            assert sum(row["credits"] for row in read.rows) == pytest.approx(2.0), where
            assert sum(row["cost_usd"] for row in read.rows) == pytest.approx(0.1), where
            assert {row["status"] for row in read.rows} <= {"responded", "failed"}, where
            failed = [row for row in read.rows if row["status"] == "failed"]
            assert all(row["found"] is None and row["body"] is None for row in failed), where
            assert bool(failed) <= bool(read.refused), where
            assert len({(one.request_key, one.field) for one in read.refused}) == len(read.refused), where
            # what is loaded has a JSON text that BigQuery takes
            for row in read.rows:
                assert "\\u0000" not in (row["body"] or "") and "Infinity" not in (row["body"] or ""), where
                (row["body"] or "").encode("utf-8")
            for one in read.refused:
                assert (one.field + one.problem + one.value).isascii() and len(one.value) <= 200, where
                assert f"{one.field} {one.problem}".isprintable(), where
            tally(vendor, text, 2)
            refused += bool(read.refused)
    assert refused > 20


@pytest.mark.parametrize(
    ("vendor", "path", "value", "field"),
    [
        ("apollo", ("matches", 0, "organization", "website_url"), '"http://[bright.test]"', "organization.website_url"),
        ("apollo", ("matches", 0, "organization", "estimated_num_employees"), '"1e999"', "organization.estimated_num_employees"),
        ("apollo", ("matches", 0, "organization", "estimated_num_employees"), "100000000000000000000", "organization.estimated_num_employees"),
        ("apollo", ("matches", 0, "organization", "founded_year"), "-5", "organization.founded_year"),
        ("apollo", ("matches", 0, "email"), "[]", "email"),
        ("apollo", ("matches", 0), '"x"', "the answer"),
        ("wiza", ("data", "phones"), "{}", "data.phones"),
        ("wiza", ("data", "title"), "5", "data.title"),
        ("clay", (0, "data", 0, "result", "work_email"), "true", "work_email"),
        ("clay", (0, "data", 0, "status"), "1", "status"),
        ("usps", ("address", "ZIPCode"), "78701", "address.ZIPCode"),
        ("addy", ("address", "postcode"), "-1", "address.postcode"),
        ("twilio", ("valid",), '"yes"', "valid"),
        ("twilio", ("line_type_intelligence", "carrier_name"), '"a\\ud800"', "line_type_intelligence.carrier_name"),
    ],
)  # fmt: skip
def test_ledger_rows_when_a_field_is_odd_then_its_entry_is_refused_by_name_and_the_neighbor_stands(
    vendor: str, path: tuple[Any, ...], value: str, field: str
) -> None:
    answer = APOLLO | {"matches": [dict(PERSON), *APOLLO["matches"][1:]]} if vendor == "apollo" else ANSWERS[vendor][1]
    if path[-1] == "website_url":
        answer["matches"][0]["organization"] = {"website_url": None}
    read = ledger_rows(entry(vendor, with_value(answer, path, value)))
    assert field in [one.field for one in read.refused]
    assert read.rows[0]["status"] == "failed"
    if len(read.rows) == 2:
        assert (read.rows[1]["status"], [one.request_key for one in read.refused]) == ("responded", ["key1"])
        assert "@bright.test" in read.rows[1]["found"]


@pytest.mark.parametrize(
    ("vendor", "path", "field"),
    [
        ("apollo", ("credits_consumed",), "credits_consumed"),
        ("wiza", ("data", "credits", "api_credits", "total"), "data.credits.api_credits.total"),
        ("wiza", ("data", "credits", "api_credits"), "data.credits.api_credits"),
        ("wiza", ("data", "credits"), "data.credits"),
    ],
)
@pytest.mark.parametrize("value", ["-1", "1e300", "1e999", "NaN", '"x"', "true", "[]", "9" * 5000])
def test_ledger_rows_when_only_the_charge_is_odd_then_the_people_stand_and_the_figure_is_refused(
    vendor: str, path: tuple[Any, ...], field: str, value: str
) -> None:
    read = ledger_rows(entry(vendor, with_value(ANSWERS[vendor][1], path, value)))
    assert [(one.request_key, one.field, one.is_charge) for one in read.refused] == [("odd", field, True)]
    assert {row["status"] for row in read.rows} == {"responded"}
    assert all("@bright.test" in row["found"] for row in read.rows)
    assert sum(row["credits"] for row in read.rows) == pytest.approx(2.0)
    for row in read.rows:  # what a JSON column takes
        json.loads(row["body"], parse_constant=pytest.fail)


def test_ledger_rows_when_an_unread_part_of_the_charge_cannot_be_stored_then_the_person_stands() -> None:
    path = ("data", "credits", "api_credits", "phone_credits")
    read = ledger_rows(entry("wiza", with_value(WIZA, path, "1e999")))
    assert [(one.field, one.is_charge) for one in read.refused] == [(".".join(path), True)]
    assert "dana@bright.test" in read.rows[0]["found"] and "Infinity" not in read.rows[0]["body"]


def test_ledger_rows_when_charge_and_person_are_odd_then_both_are_refused_and_the_neighbor_stands() -> None:
    odd = APOLLO | {"credits_consumed": "x", "matches": [PERSON | {"email": []}, PERSON]}
    read = ledger_rows(entry("apollo", json.dumps(odd)))
    assert [(one.request_key, one.field, one.is_charge) for one in read.refused] == [
        ("odd", "credits_consumed", True),
        ("key1", "email", False),
    ]
    assert [row["status"] for row in read.rows] == ["failed", "responded"]


@pytest.mark.parametrize("matches", [[PERSON], [PERSON] * 3, [], None, "x"])
def test_ledger_rows_when_apollos_list_has_another_length_then_nobody_gets_anothers_part(matches: Any) -> None:
    body = json.dumps(APOLLO | {"matches": matches})
    read = ledger_rows(entry("apollo", body))
    assert {row["status"] for row in read.rows} == {"failed"} and all(row["found"] is None for row in read.rows)
    assert [(one.request_key, one.field) for one in read.refused] == [("key1", "matches"), ("key2", "matches")]
    assert [row["credits"] for row in read.rows] == [1.0, 1.0]
    assert tally("apollo", body, 2) == (0, 2)


def test_ledger_rows_when_clays_run_has_too_few_or_too_many_items_then_the_others_stand() -> None:
    items = CLAY[0]["data"]
    short = ledger_rows(entry("clay", json.dumps([CLAY[0] | {"data": items[1:]}]), credits=4.0))
    assert [(row["status"], row["credits"]) for row in short.rows] == [("failed", 2.0), ("responded", 2.0)]
    assert [(one.request_key, one.problem) for one in short.refused] == [
        ("key1", "has 0 items for this person, not one")
    ]
    assert tally("clay", json.dumps([CLAY[0] | {"data": items[1:]}]), 2) == (1, 1)
    twice = ledger_rows(entry("clay", json.dumps([CLAY[0], CLAY[0] | {"data": items[:1]}])))
    assert [row["status"] for row in twice.rows] == ["failed", "responded"]
    stranger = ledger_rows(entry("clay", json.dumps([CLAY[0] | {"data": [*items, items[0] | {"id": "stranger"}]}])))
    assert [row["status"] for row in stranger.rows] == ["responded", "responded"]
    assert [(one.request_key, one.field) for one in stranger.refused] == [("odd", "data")]


def test_ledger_rows_when_the_booked_charge_can_be_none_then_the_most_is_counted_and_it_is_told() -> None:
    for credits in (math.inf, -math.inf, math.nan, -1.0, MAX_CREDITS + 1):
        for vendor, most in (("wiza", 2.0), ("apollo", 2.0), ("clay", 8.0)):
            read = ledger_rows(entry(vendor, json.dumps(ANSWERS[vendor][1]), credits=credits))
            assert sum(row["credits"] for row in read.rows) == most
            assert sum(row["cost_usd"] for row in read.rows) == pytest.approx(most * 0.05)
            assert [one.field for one in read.refused] == ["credits"]
            assert {row["status"] for row in read.rows} == {"responded"} and all(row["found"] for row in read.rows)
        assert vendor_rows(entry("twilio", "{}", credits=credits))[0]["cost_usd"] == 0.0


def test_unpaid_keys_when_an_error_is_no_text_then_nobody_is_left_out_by_it() -> None:
    for error in (5, "credits", [], {"message": 5}, {"message": ["credits"]}):
        items = [{"id": "key1", "status": "failed", "error": error}, CLAY[0]["data"][1]]
        assert unpaid_keys(entry("clay", json.dumps([{"data": items}]))) == set()
    items = [{"id": "key1", "status": "failed", "error": {"message": "Out of credits"}}, CLAY[0]["data"][1]]
    answered = entry("clay", json.dumps([{"data": items}]))
    assert unpaid_keys(answered) == {"key1"}
    assert [row["request_key"] for row in vendor_rows(answered)] == ["key2"]


def test_tally_when_answers_are_good_then_counts_the_emails() -> None:
    assert tally("wiza", json.dumps(WIZA), 1) == (1, 0)
    assert tally("apollo", json.dumps(APOLLO), 2) == (2, 0)
    assert tally("clay", json.dumps(CLAY), 2) == (2, 0)
    assert tally("apollo", "no JSON", 2) == (0, 2)
