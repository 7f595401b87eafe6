"""The ledger's load: late, twice or after a crash, the same table."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from include.enrichment.ledger_load import RepeatedKeys, load_ledger
from include.lake.call_ledger import CallLedger
from operators.call_ledger_to_bigquery import CallLedgerToBigQueryOperator
from operators.load_vendor_answers import load_answers
from tests.include.vendor_answers import ANSWERS, ODD_VALUES, PEOPLE, paths, with_value

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

MONDAY = datetime(2025, 11, 10, 6, tzinfo=UTC)
FRIDAY = datetime(2025, 11, 14, 6, tzinfo=UTC)


def _load() -> dict[str, int]:
    operator = CallLedgerToBigQueryOperator(task_id="load_reveals", vendor="wiza", operation="individual_reveal")
    return operator.execute({})


def _ledger(lake: storage.Bucket, now: datetime) -> CallLedger:
    return CallLedger(lake, "wiza", "individual_reveal", clock=lambda: now)


def _table(client: bigquery.Client) -> list[dict[str, Any]]:
    sql = "SELECT * FROM raw.vendor_response ORDER BY request_key"
    return [dict(row.items()) for row in client.query_and_wait(sql)]


def test_execute_when_answers_come_later_then_each_request_is_one_row_that_ends_answered(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    monday, friday = _ledger(lake, MONDAY), _ledger(lake, FRIDAY)
    for key in ("a", "b", "c"):
        monday.claim(key, {"full_name": "Ada “Tooth” Molar"}, person_key="2000000001")
    monday.record_response(
        "a", '{"data": {"email": "ada@b.test", "long": 0.12345678901234567890123}}', credits=2.0, cost_usd=0.1
    )
    monday.record_started("b", "32")
    assert _load() == {"loaded": 3, "outcome_unknown": 2}
    first = _table(bigquery_client)
    assert [(row["request_key"], row["status"], row["vendor_ref"]) for row in first] == [
        ("a", "responded", None),
        ("b", "outcome_unknown", "32"),
        ("c", "outcome_unknown", None),
    ]
    assert first[0]["body"]["data"]["email"] == "ada@b.test"
    assert first[0]["request"] == {"full_name": "Ada “Tooth” Molar"}
    assert (first[0]["requested_date"], first[0]["requested_at"]) == (MONDAY.date(), MONDAY)
    assert (first[0]["credits"], first[0]["cost_usd"], first[1]["credits"]) == (2.0, 0.1, 0.0)

    friday.record_response("b", '{"data": {}}', vendor_ref="32")
    friday.reopen("c", asked_before=FRIDAY)
    friday.record_response("c", None, status="failed", http_status=400)
    assert _load() == {"loaded": 2, "outcome_unknown": 0}
    second = _table(bigquery_client)
    assert [(row["request_key"], row["status"], row["http_status"]) for row in second] == [
        ("a", "responded", 200),
        ("b", "responded", 200),
        ("c", "failed", 400),
    ]
    assert second[2]["body"] is None
    assert (second[2]["requested_at"], second[2]["responded_at"]) == (MONDAY, FRIDAY)

    assert _load() == {"loaded": 0, "outcome_unknown": 0}
    assert _table(bigquery_client) == second


def test_execute_when_the_table_was_lost_then_the_ledger_brings_it_back(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    ledger = _ledger(lake, MONDAY)
    for number in range(30):
        ledger.claim(f"k{number:02d}", {"n": number})
        ledger.record_response(f"k{number:02d}", "{}")
    _load()
    before = _table(bigquery_client)
    bigquery_client.query_and_wait("TRUNCATE TABLE raw.vendor_response")
    assert _load() == {"loaded": 30, "outcome_unknown": 0}
    assert _table(bigquery_client) == before
    assert list(bigquery_client.list_tables("raw", max_results=100)) != []
    staged = [t.table_id for t in bigquery_client.list_tables("raw") if "load" in t.table_id]
    assert staged == []  # the staging table is gone


def test_execute_when_the_ledger_is_empty_then_does_nothing(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    assert _load() == {"loaded": 0, "outcome_unknown": 0}
    assert _table(bigquery_client) == []


def test_execute_when_a_claim_was_withdrawn_then_its_row_goes_and_asked_again_it_is_one_row(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    monday, friday = _ledger(lake, MONDAY), _ledger(lake, FRIDAY)
    for key in ("a", "b"):
        monday.claim(key, {})
    _load()
    monday.withdraw("a")
    monday.withdraw("b")
    friday.claim("b", {})
    friday.record_response("b", "{}")
    assert _load() == {"loaded": 1, "outcome_unknown": 0}
    assert [
        (r["request_key"], r["status"], r["requested_at"], r["requested_date"]) for r in _table(bigquery_client)
    ] == [("b", "responded", FRIDAY, FRIDAY.date())]


def test_execute_when_an_answer_is_there_twice_then_it_fails_with_the_keys_named(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    ledger = _ledger(lake, MONDAY)
    for key in ("a", "b"):
        ledger.claim(key, {"full_name": "Ada Molar"}, person_key="2000000001")
        ledger.record_response(key, "{}", credits=2.0, cost_usd=0.1)
    _load()
    # What two MERGEs do that insert the same key at the same time.
    bigquery_client.query_and_wait(
        "INSERT INTO raw.vendor_response SELECT * FROM raw.vendor_response WHERE request_key = 'b'"
    )
    ledger.claim("c", {"full_name": "Bo Molar"}, person_key="2000000002")
    with pytest.raises(RepeatedKeys, match=r"1 answers of wiza individual_reveal .*: b \(2 times\)"):
        _load()


# The answers of the case `odd answer stops enrichment`, one person asked for in each but the last.
ODD_APOLLO = (
    '{"matches": [{"email": "ada@bright.test", "email_status": "verified", "organization": {"website_url": "http://[bright.test]"}}], "credits_consumed": 1}',
    '{"matches": [{"email": "ada@bright.test", "email_status": "verified", "organization": {"estimated_num_employees": "1e999"}}], "credits_consumed": 1}',
    '{"matches": [{"email": "ada@bright.test", "email_status": "verified", "organization": {"estimated_num_employees": 100000000000000000000}}], "credits_consumed": 1}',
    '{"matches": [{"email": "ada@bright.test", "email_status": "verified"}], "_note": "two people were asked", "credits_consumed": 1}',
    '{"matches": [{"email": "ada@bright.test", "email_status": "verified"}], "credits_consumed": -1e999}',
)  # fmt: skip


def _people(call: str, count: int) -> dict[str, Any]:
    asked = {"first_name": "Ada", "last_name": "Molar", "organization_name": "Bright"}
    return {"people": [{"key": f"{call}-{n}", "npi": "2000000001", "segment": "solo", "asked": asked} for n in range(count)]}  # fmt: skip # noqa: E501


def test_load_answers_when_some_are_odd_then_those_are_refused_by_name_and_the_rest_is_loaded(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    ledger = CallLedger(lake, "apollo", "bulk_match", clock=lambda: MONDAY)
    for number, body in enumerate(ODD_APOLLO):
        call = f"odd{number}"
        ledger.claim(call, _people(call, 2 if "two people" in body else 1))
        ledger.record_response(call, body, credits=1.0, cost_usd=0.05)
    good = '{"matches": [{"email": "ben@bright.test", "email_status": "verified"}], "credits_consumed": 1}'
    ledger.claim("good", _people("good", 1))
    ledger.record_response("good", good, credits=1.0, cost_usd=0.05)
    labels = {"dag": "test", "task": "load_answers"}
    for attempt in range(2):  # twice: the same tables
        assert load_answers(bigquery_client, lake, labels)["apollo"] == (0 if attempt else 7)
    rows = {row["request_key"]: row for row in _table(bigquery_client)}
    assert rows["good-0"]["status"] == "responded" and rows["good-0"]["found"]["email"] == "ben@bright.test"
    assert rows["odd4-0"]["status"] == "responded" and rows["odd4-0"]["found"]["email"] == "ada@bright.test"
    bad = [row for key, row in rows.items() if key not in ("good-0", "odd4-0")]
    assert {row["status"] for row in bad} == {"failed"}
    assert all(row["found"] is None and row["body"] is None for row in bad)
    assert sum(row["credits"] for row in rows.values()) == pytest.approx(6.0)
    assert sum(row["cost_usd"] for row in rows.values()) == pytest.approx(0.3)
    judged = list(bigquery_client.query_and_wait("SELECT npi, usable_email FROM enriched.answer WHERE email IS NOT NULL"))  # fmt: skip # noqa: E501
    assert [(row["npi"], row["usable_email"]) for row in judged] == [("2000000001", True)] * 2
    sql = "SELECT row_key, rule, reason, source, source_object FROM clean.rejected_row WHERE run_date = '2025-11-10' AND table_name = 'raw.vendor_response'"  # noqa: E501
    refused = {(row["row_key"], row["rule"]): row for row in bigquery_client.query_and_wait(sql)}
    assert sorted(refused) == [
        ("odd0-0", "organization.website_url"),
        ("odd1-0", "organization.estimated_num_employees"),
        ("odd2-0", "organization.estimated_num_employees"),
        ("odd3-0", "matches"),
        ("odd3-1", "matches"),
        ("odd4", "credits_consumed"),
    ]
    one = refused[("odd0-0", "organization.website_url")]
    assert (one["source"], one["source_object"].endswith("calls/apollo/bulk_match/odd0/response.json")) == ("apollo", True)  # fmt: skip # noqa: E501
    assert one["reason"].startswith("apollo bulk_match: organization.website_url must be a web address. Nothing of it")
    assert "The people in the answer are used, and the most" in refused["odd4", "credits_consumed"]["reason"]
    sql = "SELECT source, subject, message FROM ops.alert WHERE check_name = 'refused_answers'"
    (alert,) = bigquery_client.query_and_wait(sql)
    assert (alert["source"], alert["subject"]) == ("apollo", "bulk_match odd0-0")
    assert (
        "6 answers of apollo bulk_match are refused, or their charge is" in alert["message"]
        and "website_url" in alert["message"]
    )


@pytest.mark.parametrize("vendor", ANSWERS)
def test_load_ledger_when_any_field_of_an_answer_is_odd_then_the_table_takes_the_rest(
    bigquery_client: bigquery.Client, lake: storage.Bucket, vendor: str
) -> None:
    operation, answer = ANSWERS[vendor]
    ledger = CallLedger(lake, vendor, operation, clock=lambda: MONDAY)
    request = {"people": PEOPLE} if vendor in ("apollo", "clay") else {"phone_number": "+15125550100", "standard_key": "s"}  # fmt: skip # noqa: E501
    bodies = [with_value(answer, path, value) for path in paths(answer) for value in ODD_VALUES]
    chosen = bodies[::7]  # seven is prime to the number of odd values: each of them, and each field
    for number, body in enumerate(chosen):
        entry = {"people": [one | {"key": f"o{number}-{one['key']}"} for one in PEOPLE]} if "people" in request else request  # fmt: skip # noqa: E501
        ledger.claim(f"odd{number}", entry)
        ledger.record_response(f"odd{number}", body, credits=1.0, cost_usd=0.05)
    ledger.claim("good", request)
    ledger.record_response("good", json.dumps(answer), credits=1.0, cost_usd=0.05)
    labels = {"dag": "test", "task": "load"}
    load_ledger(bigquery_client, lake, vendor, operation, labels)
    rows = _table(bigquery_client)
    assert sum(row["credits"] for row in rows) == pytest.approx(len(chosen) + 1.0)
    assert {row["status"] for row in rows if row["request_key"] in ("good", "key1", "key2")} == {"responded"}
    (count,) = bigquery_client.query_and_wait("SELECT COUNT(*) AS n FROM clean.rejected_row WHERE table_name = 'raw.vendor_response'")  # fmt: skip # noqa: E501
    assert count["n"] > 5
