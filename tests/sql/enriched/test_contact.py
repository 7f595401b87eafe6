"""Who is asked for, and how answers fold into contacts, in the embedded warehouse."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud import bigquery

from include.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_OF = datetime(2025, 11, 10, 6, tzinfo=UTC)
ADA, BEN, CAM = "2000000001", "2000000002", "2000000003"


def _provider(npi: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "npi": npi,
        "entity_type": "individual",
        "person_id": f"p{npi}",
        "practice_id": "o1",
        "first_name": "ADA",
        "last_name": f"MOLAR{npi[-1]}",
        "taxonomy_code": "1223G0001X",
        "taxonomy_codes": ["1223G0001X"],
        "specialty": "general",
        "phone_e164": "+15125550100",
        "last_update_date": "2025-11-03",
        "is_active": True,
        "source_file_date": "2025-11-03",
        "source_object": "archive/x.zip",
        "source_line": 2,
        "row_hash": "h",
    }
    return {**row, **changes}


def _practice(npi: str, practice_id: str = "o1", name: str = "EXAMPLE DENTAL", **changes: Any) -> dict[str, Any]:
    organisation = {
        "entity_type": "organization",
        "person_id": None,
        "first_name": None,
        "last_name": None,
        "practice_id": practice_id,
        "organization_name": name,
        "enumeration_date": "2010-01-01",
    }
    return _provider(npi, **{**organisation, **changes})


def _answer(npi: str, key: str, at: datetime, body: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    row = {
        "vendor": "wiza",
        "operation": "individual_reveal",
        "request_key": key,
        "person_key": npi,
        "status": "responded",
        "http_status": 200,
        "request": json.dumps({"full_name": "x"}),
        "body": None if body is None else json.dumps({"data": body}),
        "credits": 2.0,
        "cost_usd": 0.05,
        "requested_at": at.isoformat(),
        "responded_at": at.isoformat(),
        "requested_date": at.date().isoformat(),
    }
    return {**row, **changes}


def _look_up(phone: str, key: str, at: datetime, line: str | None, npi: str = ADA, **changes: Any) -> dict[str, Any]:
    body = {"valid": True, "line_type_intelligence": {"type": line, "carrier_name": "Bell"}}
    return _answer(npi, key, at, None) | {
        "vendor": "twilio",
        "operation": "line_type_intelligence",
        "request": json.dumps({"phone_number": phone}),
        "body": json.dumps(body),
        "credits": 0.0,
        "cost_usd": 0.008,
        **changes,
    }


def _insert(client: bigquery.Client, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Append rows; JSON columns are given as text."""
    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table(name).columns]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(list(rows), name, job_config=config).result()


@pytest.fixture
def client(bigquery_client: bigquery.Client) -> bigquery.Client:
    return bigquery_client


def _select(client: bigquery.Client, name: str, **params: Any) -> list[dict[str, Any]]:
    types = {bool: "BOOL", int: "INT64", datetime: "TIMESTAMP"}
    given = [bigquery.ScalarQueryParameter(key, types[type(value)], value) for key, value in params.items()]
    config = bigquery.QueryJobConfig(query_parameters=given)
    return [dict(row.items()) for row in client.query_and_wait(table("enriched.contact").sql(name), job_config=config)]


def _reveal_candidates(client: bigquery.Client, **changes: Any) -> list[dict[str, Any]]:
    params = {"as_of": AS_OF, "max_contacts": 100, "max_age_days": 180, "resend_in_doubt": False}
    return _select(client, "reveal_candidates", **(params | changes))


def _lookup_candidates(client: bigquery.Client, **changes: Any) -> list[dict[str, Any]]:
    params = {"as_of": AS_OF, "max_lookups": 100, "max_age_days": 365, "retry_age_days": 7, "resend_in_doubt": False}
    return _select(client, "lookup_candidates", **(params | changes))


def _contacts(client: bigquery.Client) -> dict[str, dict[str, Any]]:
    client.query_and_wait(table("enriched.contact").sql())
    return {row["npi"]: dict(row.items()) for row in client.query_and_wait("SELECT * FROM enriched.contact")}


def test_reveal_candidates_when_several_fit_then_signers_and_small_practices_come_first(
    client: bigquery.Client,
) -> None:
    _insert(
        client,
        "clean.provider",
        [
            _provider(ADA),
            _provider(BEN, first_name="BEN", last_name="CUSPID"),
            _provider(CAM, practice_id="o2"),
            _practice("2000000011", authorized_official_first_name="BEN", authorized_official_last_name="CUSPID"),
            _practice("2000000012", "o2", "SOLO DENTAL"),
            _practice("2000000013", "o2", "YOUNGER DENTAL", enumeration_date="2020-01-01"),
        ],
    )
    found = _reveal_candidates(client)
    assert [row["npi"] for row in found] == [BEN, CAM, ADA]
    assert found[0] == {"npi": BEN, "full_name": "BEN CUSPID", "company": "EXAMPLE DENTAL", "after": None}
    assert found[1]["company"] == "SOLO DENTAL"  # the oldest organisation at the address
    assert [row["npi"] for row in _reveal_candidates(client, max_contacts=1)] == [BEN]


@pytest.mark.parametrize(
    "changes",
    [
        {"is_active": False},
        {"taxonomy_code": "124Q00000X"},
        {"practice_id": "o9"},
        {"practice_id": None},
        {"first_name": None},
    ],
    ids=["inactive", "hygienist", "no company there", "no practice", "no name"],
)
def test_reveal_candidates_when_a_person_cannot_be_asked_for_then_leaves_them_out(
    client: bigquery.Client, changes: dict[str, Any]
) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _provider(BEN, **changes), _practice("2000000011")])
    assert [row["npi"] for row in _reveal_candidates(client)] == [ADA]


def test_reveal_candidates_when_suppressed_then_leaves_them_out_from_that_day(client: bigquery.Client) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _practice("2000000011")])
    since = (AS_OF - timedelta(hours=1)).isoformat()
    blocked = {"identifier_type": "person", "identifier_hash": f"p{ADA}", "reason": "unsubscribed", "since": since}
    _insert(client, "clean.suppression", [{**blocked, "channel": "email"}, {**blocked, "channel": "sms"}])
    assert _reveal_candidates(client) == []
    assert len(_reveal_candidates(client, as_of=AS_OF - timedelta(hours=2))) == 1


def test_reveal_candidates_when_answered_then_only_an_old_answer_is_bought_again(client: bigquery.Client) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _provider(BEN), _provider(CAM), _practice("2000000011")])
    old, fresh = AS_OF - timedelta(days=181), AS_OF - timedelta(days=179)
    _insert(
        client,
        "raw.vendor_response",
        [
            _answer(ADA, "ancient", old - timedelta(days=300), {}),
            _answer(ADA, "old", old, {}),
            _answer(BEN, "fresh", fresh, None, status="failed", http_status=400),
        ],
    )
    assert [(row["npi"], row["after"]) for row in _reveal_candidates(client)] == [(CAM, None), (ADA, "old")]


def test_reveal_candidates_when_in_doubt_then_are_left_alone_unless_told(client: bigquery.Client) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _practice("2000000011")])
    doubt = _answer(ADA, "k1", AS_OF - timedelta(days=300), None, status="in_doubt", responded_at=None)
    _insert(client, "raw.vendor_response", [doubt])
    assert _reveal_candidates(client) == []
    assert [row["npi"] for row in _reveal_candidates(client, resend_in_doubt=True)] == [ADA]


def test_lookup_candidates_when_numbers_are_shared_then_each_is_asked_once(client: bigquery.Client) -> None:
    _insert(
        client,
        "clean.provider",
        [_provider(ADA), _provider(BEN), _provider(CAM, phone_e164="+15125550199"), _provider("2000000004")],
    )
    valid = {"email": "a@b.test", "email_status": "valid"}
    own = valid | {"phones": [{"number": "+15125550177"}]}
    at = AS_OF - timedelta(days=1)
    _insert(
        client,
        "raw.vendor_response",
        [
            _answer(BEN, "b", at, valid),
            _answer(ADA, "a", at, valid),
            _answer(CAM, "c", at, {"email": "c@b.test", "email_status": "risky"}),  # not usable: not worth a look-up
            _answer("2000000004", "d", at, own),
        ],
    )
    assert [(row["npi"], row["phone_e164"]) for row in _lookup_candidates(client)] == [
        (ADA, "+15125550100"),
        ("2000000004", "+15125550177"),
    ]
    _insert(client, "raw.vendor_response", [_look_up("+15125550100", "t", at, "mobile")])
    assert [row["phone_e164"] for row in _lookup_candidates(client)] == ["+15125550177"]
    later = _lookup_candidates(client, as_of=AS_OF + timedelta(days=365))
    assert [row["after"] for row in later] == ["t", None]


def test_contact_when_answers_arrive_then_the_newest_good_value_stands(client: bigquery.Client) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _provider(BEN)])
    first, second = AS_OF - timedelta(days=200), AS_OF - timedelta(days=2)
    good = {
        "email": " Ada@Example-Dental.test ",
        "email_status": "valid",
        "email_type": "work",
        "linkedin_profile_url": "https://www.linkedin.com/in/ada",
        "title": "Owner",
    }
    nothing: dict[str, Any] = {"email": None, "email_status": "unfound", "emails": [], "phones": [], "title": "Dentist"}
    _insert(
        client,
        "raw.vendor_response",
        [
            _answer(ADA, "a1", first, good),
            _answer(ADA, "a2", second, nothing, credits=0.0, cost_usd=0.0),
            _answer(BEN, "b1", second, nothing, credits=0.0, cost_usd=0.0),
            _answer(CAM, "c1", second, None, status="in_doubt", responded_at=None),
            _look_up("+15125550100", "t1", first, "mobile"),
            _look_up("+15125550100", "t2", second, None),
        ],
    )
    found = _contacts(client)
    assert sorted(found) == [ADA, BEN]  # nobody knows anything about CAM yet
    ada = found[ADA]
    assert (ada["email"], ada["email_status"], ada["email_response_key"]) == ("ada@example-dental.test", "valid", "a1")
    assert (ada["email_vendor"], ada["email_fetched_at"], ada["usable_email"]) == ("wiza", first, True)
    assert (ada["linkedin_url"], ada["title"]) == ("https://www.linkedin.com/in/ada", "Dentist")
    assert (ada["phone_e164"], ada["phone_line_type"], ada["phone_carrier"]) == ("+15125550100", "mobile", "Bell")
    assert (ada["phone_valid"], ada["phone_response_key"]) == (True, "t1")
    assert ada["credits"] == 2.0
    assert ada["cost_usd"] == pytest.approx(0.05 + 2 * 0.008)
    assert ada["person_id"] == "p" + hashlib.sha256(f"npi:{ADA}".encode()).hexdigest()[:20]
    ben = found[BEN]
    assert (ben["email"], ben["email_status"], ben["email_vendor"], ben["usable_email"]) == (None, None, None, False)
    assert ben["phone_line_type"] == "mobile"  # the practice's line, paid for with ADA


def test_contact_when_folded_twice_then_is_the_same_and_follows_an_erasure(client: bigquery.Client) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _provider(BEN)])
    at = AS_OF - timedelta(days=1)
    body = {"email": "a@b.test", "email_status": "risky", "phones": [{"number": "+15125550177"}]}
    _insert(client, "raw.vendor_response", [_answer(ADA, "a", at, body), _answer(BEN, "b", at, {})])
    first = _contacts(client)
    assert first[ADA]["usable_email"] is False
    assert first[ADA]["phone_e164"] == "+15125550177"  # one's own number before the practice's
    assert _contacts(client) == first
    client.query_and_wait(f"DELETE FROM raw.vendor_response WHERE person_key = '{ADA}'")  # noqa: S608
    assert sorted(_contacts(client)) == [BEN]


@pytest.mark.parametrize(
    ("sent", "phone"),
    [
        ("+1 512-555-0177", "+15125550177"),
        ("(512) 555-0177", "+15125550177"),
        ("1 512 555 0177", "+15125550177"),
        ("+442071838750", "+442071838750"),
        ("555-0177", "+15125550100"),
        ("+12", "+15125550100"),
        ("ask at the desk", "+15125550100"),
    ],
)
def test_contact_when_a_vendors_number_is_odd_then_is_normalised_or_the_practices_is_used(
    client: bigquery.Client, sent: str, phone: str
) -> None:
    _insert(client, "clean.provider", [_provider(ADA)])
    body = {"email": "a@b.test", "email_status": "valid", "phones": [{"number": sent}]}
    _insert(client, "raw.vendor_response", [_answer(ADA, "a", AS_OF - timedelta(days=1), body)])
    assert _contacts(client)[ADA]["phone_e164"] == phone
    assert [row["phone_e164"] for row in _lookup_candidates(client)] == [phone]


def test_contact_when_an_address_is_malformed_then_is_unusable_and_a_good_older_one_stands(
    client: bigquery.Client,
) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _provider(BEN)])
    bad = {"email": "ada@b.test, ben@b.test", "email_status": "valid"}
    good = {"email": "ada@b.test", "email_status": "valid"}
    older, newer = AS_OF - timedelta(days=200), AS_OF - timedelta(days=1)
    rows = [_answer(ADA, "a1", older, good), _answer(ADA, "a2", newer, bad), _answer(BEN, "b", newer, bad)]
    _insert(client, "raw.vendor_response", rows)
    found = _contacts(client)
    assert (found[ADA]["email"], found[ADA]["usable_email"]) == ("ada@b.test", True)
    assert found[BEN]["usable_email"] is False


@pytest.mark.parametrize(("code", "asked"), [(60608, ["+15125550100"]), (60600, [])])
def test_lookup_candidates_when_the_package_failed_then_only_a_fact_about_the_number_is_final(
    client: bigquery.Client, code: int, asked: list[str]
) -> None:
    _insert(client, "clean.provider", [_provider(ADA)])
    at = AS_OF - timedelta(days=8)
    body = json.dumps({"valid": True, "line_type_intelligence": {"type": None, "error_code": code}})
    valid = _answer(ADA, "a", at, {"email": "a@b.test", "email_status": "valid"})
    _insert(client, "raw.vendor_response", [valid, _look_up("+15125550100", "t", at, None, body=body)])
    assert [row["phone_e164"] for row in _lookup_candidates(client)] == asked
    assert _lookup_candidates(client, as_of=AS_OF - timedelta(days=2)) == []
