"""Who is asked for, and how answers fold into contacts, in the embedded warehouse."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud import bigquery

from include.enrichment.vendors import parse_response
from include.enrichment.waterfall import policy
from include.warehouse.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_OF = datetime(2025, 11, 10, 6, tzinfo=UTC)
ELIGIBLE: dict[str, Any] = {
    "as_of": AS_OF, "max_age_days": 180, "ask_again_days": 180, "vendors": 3,
    "taxonomy_prefix": "1223", "min_icp_score": 30.0,
}  # fmt: skip
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
    organization = {
        "entity_type": "organization",
        "person_id": None,
        "first_name": None,
        "last_name": None,
        "practice_id": practice_id,
        "organization_name": name,
        "enumeration_date": "2010-01-01",
    }
    return _provider(npi, **{**organization, **changes})


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
        "found": None if body is None else json.dumps(parse_response("wiza", {"data": body}).as_json()),
        "segment": "solo",
        "run_id": "run-1",
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
        "found": None,
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


def _run(client: bigquery.Client, name: str, sql: str = "query", **params: Any) -> list[dict[str, Any]]:
    types = {bool: "BOOL", int: "INT64", float: "FLOAT64", str: "STRING", datetime: "TIMESTAMP"}
    given = [bigquery.ScalarQueryParameter(key, types[type(value)], value) for key, value in params.items()]
    config = bigquery.QueryJobConfig(query_parameters=given)
    return [dict(row.items()) for row in client.query_and_wait(table(name).sql(sql), job_config=config)]


def _judge(client: bigquery.Client) -> None:
    _run(client, "enriched.answer", accepted="valid", min_confidence=0.8, vendors=policy().names)


def _candidates(client: bigquery.Client, **changes: Any) -> list[dict[str, Any]]:
    _judge(client)
    return _run(client, "enriched.answer", "candidates", **(ELIGIBLE | {"max_people": 100} | changes))


def _not_asked(client: bigquery.Client, **changes: Any) -> dict[str, int]:
    _judge(client)
    rows = _run(client, "enriched.answer", "not_asked", **(ELIGIBLE | changes))
    return {row["reason"]: row["people"] for row in rows}


def _lookup_candidates(client: bigquery.Client, **changes: Any) -> list[dict[str, Any]]:
    params = {"as_of": AS_OF, "max_lookups": 100, "max_age_days": 365, "retry_age_days": 7, "resend_unknown": False, "phone_order": "wiza,registry"}  # fmt: skip # noqa: E501
    _judge(client)
    return _run(client, "enriched.contact", "lookup_candidates", **(params | changes))


def _contacts(client: bigquery.Client, as_of: datetime = AS_OF) -> dict[str, dict[str, Any]]:
    rules = policy()
    _judge(client)
    orders = {f"{name}_order": ",".join(rules.orders[name]) for name in ("phone", "linkedin")}
    ages = {"max_age_days": rules.email.max_age_days, "stale_after_days": rules.email.stale_after_days}
    _run(client, "enriched.contact", as_of=as_of, email_order=",".join(rules.email.order), **orders, **ages)
    return {row["npi"]: dict(row.items()) for row in client.query_and_wait("SELECT * FROM enriched.contact")}


def test_candidates_when_several_fit_then_signers_and_small_practices_come_first(
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
    found_rows = _candidates(client)
    assert [row["npi"] for row in found_rows] == [BEN, CAM, ADA]
    ben = {
        "npi": BEN,
        "full_name": "BEN CUSPID",
        "first_name": "BEN",
        "last_name": "CUSPID",
        "company": "EXAMPLE DENTAL",
    }
    assert found_rows[0] == {**ben, "city": None, "state": None, "segment": "small", "answers": "[]"}
    assert (found_rows[1]["segment"], found_rows[2]["segment"]) == ("solo", "small")
    assert found_rows[1]["company"] == "SOLO DENTAL"  # the oldest organization at the address
    assert [row["npi"] for row in _candidates(client, max_people=1)] == [BEN]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_active": False}, "inactive"),
        ({"taxonomy_code": "124Q00000X"}, "no_dentist"),
        ({"practice_id": "o9"}, "no_company_and_no_place"),
        ({"practice_id": None, "city": "AUSTIN"}, "no_company_and_no_place"),
        ({"first_name": None}, "no_name"),
    ],
)
def test_candidates_when_a_person_cannot_be_asked_for_then_leaves_them_out_and_says_why(
    client: bigquery.Client, changes: dict[str, Any], reason: str
) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _provider(BEN, **changes), _practice("2000000011")])
    assert [row["npi"] for row in _candidates(client)] == [ADA]
    assert _not_asked(client) == {"candidate": 1, "organization": 1, reason: 1}


@pytest.mark.parametrize("practice_id", ["o9", None])
def test_candidates_when_no_organization_is_registered_at_the_place_then_a_solo_dentist_is_asked_for_by_place(
    client: bigquery.Client, practice_id: str | None
) -> None:
    solo = _provider(BEN, practice_id=practice_id, city="AUSTIN", state="TX")
    _insert(client, "clean.provider", [_provider(ADA), solo, _practice("2000000011")])
    rows = {row["npi"]: row for row in _candidates(client)}
    assert sorted(rows) == [ADA, BEN]
    ben = rows[BEN]
    assert (ben["company"], ben["city"], ben["state"], ben["segment"]) == (None, "AUSTIN", "TX", "solo")
    assert _not_asked(client) == {"candidate": 2, "organization": 1}
    assert [row["npi"] for row in _candidates(client, max_people=1)] == [ADA]  # who has a company comes first


def test_candidates_when_suppressed_then_leaves_them_out_from_that_day(client: bigquery.Client) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _practice("2000000011")])
    since = (AS_OF - timedelta(hours=1)).isoformat()
    blocked = {"identifier_type": "person", "identifier_hash": f"p{ADA}", "reason": "unsubscribed", "since": since}
    _insert(client, "clean.suppression", [{**blocked, "channel": "email"}, {**blocked, "channel": "sms"}])
    assert _candidates(client) == []
    assert _not_asked(client) == {"organization": 1, "suppressed": 1}
    assert len(_candidates(client, as_of=AS_OF - timedelta(hours=2))) == 1


def test_candidates_when_answered_then_tells_what_each_vendor_said_and_leaves_out_who_is_known_or_exhausted(
    client: bigquery.Client,
) -> None:
    dee = "2000000004"
    people = [_provider(npi) for npi in (ADA, BEN, CAM, dee)]
    _insert(client, "clean.provider", [*people, _practice("2000000011")])
    old, fresh = AS_OF - timedelta(days=181), AS_OF - timedelta(days=179)
    valid = {"email": "x@b.test", "email_status": "valid"}
    clay, apollo = {"vendor": "clay", "operation": "c"}, {"vendor": "apollo", "operation": "a"}
    _insert(
        client,
        "raw.vendor_response",
        [
            _answer(ADA, "a1", old, valid),  # known, and grown old
            _answer(BEN, "b1", fresh, valid),  # known
            *(
                _answer(CAM, f"c{n}", fresh, {}, **vendor) for n, vendor in enumerate(({}, clay, apollo))
            ),  # all were asked
            _answer(dee, "d1", fresh, None, status="failed", http_status=400),
            _answer(dee, "d2", fresh, None, status="outcome_unknown", responded_at=None, **clay),
        ],
    )
    rows = {row["npi"]: json.loads(row["answers"]) for row in _candidates(client)}
    assert sorted(rows) == [ADA, dee]
    assert rows[ADA] == [
        {
            "vendor": "wiza",
            "status": "responded",
            "usable": True,
            "asked_at": rows[ADA][0]["asked_at"],
            "request_key": "a1",
        }
    ]
    assert datetime.fromisoformat(rows[ADA][0]["asked_at"]) == old
    assert [(one["vendor"], one["status"]) for one in rows[dee]] == [("wiza", "failed"), ("clay", "outcome_unknown")]
    lead = {
        "person_id": f"p{dee}",
        "npi": dee,
        "specialty": "general",
        "practice_size": 1,
        "practice_size_band": "solo",
    }
    more = {"has_email": False, "icp_score": 12.0, "icp_reasons": [], "as_of": AS_OF.isoformat()}
    _insert(client, "segmented.lead", [{**lead, **more}])
    assert [row["npi"] for row in _candidates(client)] == [ADA]  # not ICP-worthy
    counted = {
        "candidate": 1,
        "usable_email_known": 1,
        "asked_everywhere": 1,
        "icp_score_too_low": 1,
        "organization": 1,
    }
    assert _not_asked(client) == counted


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
            _answer(CAM, "c1", second, None, status="outcome_unknown", responded_at=None),
            _look_up("+15125550100", "t1", first, "mobile"),
            _look_up("+15125550100", "t2", second, None),
        ],
    )
    contacts = _contacts(client)
    assert sorted(contacts) == [ADA, BEN]  # nobody knows anything about CAM yet
    for _ in range(2):
        _run(client, "ops.balance", "contacts")
    balance = (
        "SELECT kind, reason, row_count FROM ops.balance WHERE table_name = 'enriched.contact' ORDER BY kind, reason"
    )
    assert [tuple(row.values()) for row in client.query_and_wait(balance)] == [
        ("filtered", "nothing_found", 1),
        ("filtered", "outcome_unknown", 1),
        ("in", "people_asked_for", 3),
        ("out", "usable_email", 1),
    ]
    ada = contacts[ADA]
    assert (ada["email"], ada["email_status"], ada["email_response_key"]) == ("ada@example-dental.test", "valid", "a1")
    assert (ada["email_vendor"], ada["email_fetched_at"], ada["usable_email"]) == ("wiza", first, True)
    assert (ada["linkedin_url"], ada["title"]) == ("https://www.linkedin.com/in/ada", "Dentist")
    assert (ada["phone_e164"], ada["phone_line_type"], ada["phone_carrier"]) == ("+15125550100", "mobile", "Bell")
    assert (ada["phone_valid"], ada["phone_response_key"]) == (True, "t1")
    assert ada["credits"] == 2.0
    assert ada["cost_usd"] == pytest.approx(0.05 + 2 * 0.008)
    assert ada["person_id"] == "p" + hashlib.sha256(f"npi:{ADA}".encode()).hexdigest()[:20]
    ben = contacts[BEN]
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


@pytest.mark.parametrize("placeholder", ["+1 000-000-0000", "555-555-5555"])
def test_contact_when_a_vendors_phone_is_nobodys_then_the_registrys_stands(
    client: bigquery.Client, placeholder: str
) -> None:
    _insert(client, "clean.provider", [_provider(ADA)])
    body = {"email": "ada@b.test", "email_status": "valid", "phones": [{"number": placeholder}]}
    _insert(client, "raw.vendor_response", [_answer(ADA, "a", AS_OF - timedelta(days=1), body)])
    (ada,) = _contacts(client).values()
    assert (ada["phone_e164"], ada["phone_vendor"]) == ("+15125550100", "registry")


def test_contact_when_an_address_is_malformed_then_is_unusable_and_a_good_older_one_stands(
    client: bigquery.Client,
) -> None:
    _insert(client, "clean.provider", [_provider(ADA), _provider(BEN)])
    bad = {"email": "ada@b.test, ben@b.test", "email_status": "valid"}
    good = {"email": "ada@b.test", "email_status": "valid"}
    older, newer = AS_OF - timedelta(days=200), AS_OF - timedelta(days=1)
    rows = [_answer(ADA, "a1", older, good), _answer(ADA, "a2", newer, bad), _answer(BEN, "b", newer, bad)]
    _insert(client, "raw.vendor_response", rows)
    contacts = _contacts(client)
    assert (contacts[ADA]["email"], contacts[ADA]["usable_email"]) == ("ada@b.test", True)
    assert (contacts[BEN]["usable_email"], contacts[BEN]["email_verification"]) == (False, "malformed")


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


def test_contact_when_vendors_disagree_then_the_best_value_stands_with_its_provenance(client: bigquery.Client) -> None:
    _insert(client, "clean.provider", [_provider(npi) for npi in (ADA, BEN, CAM)])
    day = [AS_OF - timedelta(days=n) for n in range(10)]
    clay = {"vendor": "clay", "operation": "contact_routine", "credits": 4.0, "cost_usd": 0.2}
    apollo = {"vendor": "apollo", "operation": "bulk_match", "credits": 1.0, "cost_usd": 0.05, "call_key": "batch"}

    def said(vendor: str, **body: Any) -> str:
        return json.dumps(parse_response(vendor, body).as_json())

    _insert(
        client,
        "raw.vendor_response",
        [
            # a worse and a missing value never overwrite a good one, however new they are
            _answer(ADA, "w", day[5], {"email": "ada@good.test", "email_status": "valid"}),
            _answer(ADA, "c", day[1], {}) | clay | {"found": said("clay", work_email="ada@guess.test", email_status="catch_all")},
            _answer(ADA, "a", day[0], {}) | apollo | {"found": said("apollo", email="email_not_unlocked@domain.com", email_status="verified", linkedin_url="https://l.test/ada")},
            # two vendors give the same: confirmed, and it is his whose word makes it usable
            _answer(BEN, "w2", day[5], {"email": "ben@b.test", "email_status": "risky"}),
            _answer(BEN, "c2", day[1], {}) | clay | {"found": said("clay", work_email="ben@b.test", email_status="valid")},
            # a team's box, and an address that bounced
            _answer(CAM, "w3", day[5], {"email": "info@b.test", "email_status": "valid"}),
            _answer(CAM, "c3", day[4], {}) | clay | {"found": said("clay", work_email="cam@gone.test", email_status="valid")},
        ],
    )  # fmt: skip
    gone = hashlib.sha256(b"cam@gone.test").hexdigest()
    bounce = {"identifier_type": "email", "identifier_hash": gone, "channel": "email", "reason": "bounced"}
    _insert(client, "clean.suppression", [bounce | {"since": day[2].isoformat()}])
    contacts = _contacts(client)
    ada = contacts[ADA]
    assert (ada["email"], ada["email_vendor"], ada["email_response_key"]) == ("ada@good.test", "wiza", "w")
    assert (ada["email_verification"], ada["email_confidence"], ada["email_cost_usd"]) == ("accepted", 0.95, 0.05)
    assert (ada["linkedin_url"], ada["linkedin_vendor"], ada["linkedin_response_key"]) == (
        "https://l.test/ada",
        "apollo",
        "a",
    )
    assert (ada["linkedin_cost_usd"], ada["phone_vendor"]) == (0.05, "registry")
    assert (ada["credits"], ada["cost_usd"]) == (7.0, pytest.approx(0.3))
    ben = contacts[BEN]
    assert (ben["email_verification"], ben["usable_email"], ben["email_vendor"]) == ("confirmed", True, "clay")
    _run(client, "ops.balance", "contacts")
    balance = (
        "SELECT kind, reason, row_count FROM ops.balance WHERE table_name = 'enriched.contact' ORDER BY kind, reason"
    )
    assert [tuple(row.values()) for row in client.query_and_wait(balance)] == [
        ("filtered", "role", 1),
        ("in", "people_asked_for", 3),
        ("out", "usable_email", 2),
    ]
    cam = contacts[CAM]
    assert (cam["email"], cam["email_verification"], cam["usable_email"]) == ("info@b.test", "role", False)
    assert not any("not_unlocked" in str(row) for row in contacts.values())
    # after a year without a fresh answer an address is found, and no longer used
    later = _contacts(client, AS_OF + timedelta(days=366))
    assert (later[ADA]["email"], later[ADA]["email_verification"], later[ADA]["usable_email"]) == ("ada@good.test", "stale", False)  # fmt: skip # noqa: E501

    # what was learned, by who was asked before in vain
    tallies = _run(client, "enriched.answer", "tallies", since=AS_OF - timedelta(days=365))
    seen = {(row["vendor"], row["vendors_before"]): (row["asked"], row["usable"], row["credits"]) for row in tallies}
    assert seen[("wiza", "")] == (3, 1, 6.0)
    assert seen[("clay", "wiza")] == (2, 1, 8.0)
    assert seen[("apollo", "clay")] == (1, 0, 1.0)
    (spent,) = _run(client, "enriched.answer", "spent", as_of=AS_OF)
    assert 0 < spent["usd"] < 1

    # spend by vendor balances with the answers, and the forecast is closed with what came
    _run(client, "ops.vendor_usage", vendors=policy().names)
    usage = {
        row["vendor"]: row
        for row in client.query_and_wait(
            "SELECT vendor, SUM(calls) AS calls, SUM(requests) AS requests, SUM(found) AS found, SUM(usable) AS usable, SUM(credits) AS credits FROM ops.vendor_usage GROUP BY vendor"
        )
    }  # noqa: E501
    assert {name: (row["requests"], row["found"], row["usable"], row["credits"]) for name, row in usage.items()} == {
        "wiza": (3, 3, 1, 6.0),
        "clay": (3, 3, 1, 12.0),
        "apollo": (1, 0, 0, 1.0),
    }
    line = {"not_asked": '{"no_company": 4}', "candidates": 3, "people": 3, "calls": 3, "credits": 4.2, "usd": 0.21, "usable": 2.1, "max_usd": 0.3, "seconds": 25.5}  # fmt: skip # noqa: E501
    vendors = json.dumps([{"vendor": "wiza", **line}, {"vendor": "hunter", **line}])
    _run(client, "ops.enrichment_forecast", "replace_run", run_id="run-1", as_of=AS_OF, vendors=vendors)
    _run(client, "ops.enrichment_forecast", "close")
    closed = list(client.query_and_wait("SELECT * FROM ops.enrichment_forecast ORDER BY vendor DESC"))
    assert (closed[0]["expected_credits"], closed[0]["actual_credits"], closed[0]["actual_usable"]) == (4.2, 6.0, 1)
    assert (closed[1]["actual_people"], closed[0]["not_asked"]) == (0, '{"no_company": 4}')


def test_contact_when_two_addresses_are_as_good_then_the_declared_order_decides_not_the_newest(
    client: bigquery.Client,
) -> None:
    _insert(client, "clean.provider", [_provider(npi) for npi in (ADA, BEN)])
    clay = {"vendor": "clay", "operation": "contact_routine"}
    valid = {"email_status": "valid"}
    older, newer = AS_OF - timedelta(days=5), AS_OF - timedelta(days=1)

    def said(email: str) -> dict[str, Any]:
        return {"found": json.dumps(parse_response("clay", {"work_email": email, **valid}).as_json())}

    _insert(
        client,
        "raw.vendor_response",
        [
            _answer(ADA, "w", older, {"email": "ada@wiza.test", **valid}),
            _answer(ADA, "c", newer, {}) | clay | said("ada@clay.test"),
            # among answers of one vendor the newest
            _answer(BEN, "b1", newer, {"email": "ben@new.test", **valid}),
            _answer(BEN, "b2", older, {"email": "ben@old.test", **valid}),
        ],
    )
    assert policy().email.order.index("wiza") < policy().email.order.index("clay")
    contacts = _contacts(client)
    assert (contacts[ADA]["email"], contacts[ADA]["email_vendor"]) == ("ada@wiza.test", "wiza")
    assert contacts[BEN]["email"] == "ben@new.test"


def test_spent_when_answers_are_of_other_days_and_months_then_the_month_up_to_now_counts(
    client: bigquery.Client,
) -> None:
    _insert(client, "clean.provider", [_provider(ADA)])
    moments = {
        "first": datetime(2025, 11, 1, tzinfo=UTC), "today": AS_OF + timedelta(hours=1),
        "last_month": datetime(2025, 10, 31, 23, 59, tzinfo=UTC), "tomorrow": datetime(2025, 11, 11, tzinfo=UTC),
    }  # fmt: skip
    costs = {"first": 1.0, "today": 2.0, "last_month": 4.0, "tomorrow": 8.0}
    _insert(
        client, "raw.vendor_response", [_answer(ADA, key, at, {}, cost_usd=costs[key]) for key, at in moments.items()]
    )
    _judge(client)
    (spent,) = _run(client, "enriched.answer", "spent", as_of=AS_OF)
    assert spent["usd"] == 3.0


def test_firmographics_and_provider_360_when_answers_name_companies_then_most_people_decide(
    client: bigquery.Client,
) -> None:
    _insert(client, "clean.provider", [*(_provider(npi) for npi in (ADA, BEN, CAM)), _practice("2000000011")])
    at = AS_OF - timedelta(days=1)

    def works(domain: str, **more: Any) -> dict[str, Any]:
        return {"email": "x@b.test", "email_status": "valid", "company_domain": domain, **more}

    _insert(
        client,
        "raw.vendor_response",
        [
            _answer(ADA, "a", at, works("example-dental.test", company_industry="medical practice")),
            _answer(BEN, "b", at - timedelta(days=1), works("example-dental.test", company_size=12)),
            _answer(CAM, "c", at, works("former.test", company_size=900)),
        ],
    )
    _contacts(client)
    for _ in range(2):  # folded twice it is the same
        _run(client, "enriched.firmographics", firmographics_order="apollo,wiza,clay")
    (row,) = client.query_and_wait("SELECT * FROM enriched.firmographics")
    assert (row["practice_id"], row["domain"], row["people_agreeing"]) == ("o1", "example-dental.test", 2)
    assert (row["industry"], row["employees"], row["vendor"], row["response_key"]) == (
        "medical practice",
        12,
        "wiza",
        "a",
    )
    blocked = {"identifier_type": "person", "identifier_hash": f"p{ADA}", "reason": "unsubscribed", "channel": "email"}
    _insert(client, "clean.suppression", [{**blocked, "since": at.isoformat()}])
    for _ in range(2):
        _run(client, "enriched.provider_360")
    rows = {row["npi"]: row for row in client.query_and_wait("SELECT * FROM enriched.provider_360")}
    assert sorted(rows) == [ADA, BEN, CAM]  # people, not organizations
    ada = rows[ADA]
    assert (ada["usable_email"], ada["employees"], ada["dentists_at_practice"]) == (True, 12, 3)
    assert (ada["suppressed_channels"], rows[BEN]["suppressed_channels"]) == (["email"], [])
    assert (ada["organization_name"], ada["icp_score"]) == ("EXAMPLE DENTAL", None)
