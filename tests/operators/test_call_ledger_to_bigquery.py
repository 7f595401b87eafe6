"""The ledger's load: late, twice or after a crash, the same table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from include.call_ledger import CallLedger
from operators.call_ledger_to_bigquery import CallLedgerToBigQueryOperator, RepeatedKeys

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
    assert _load() == {"loaded": 3, "in_doubt": 2}
    first = _table(bigquery_client)
    assert [(row["request_key"], row["status"], row["vendor_ref"]) for row in first] == [
        ("a", "responded", None),
        ("b", "in_doubt", "32"),
        ("c", "in_doubt", None),
    ]
    assert first[0]["body"]["data"]["email"] == "ada@b.test"
    assert first[0]["request"] == {"full_name": "Ada “Tooth” Molar"}
    assert (first[0]["requested_date"], first[0]["requested_at"]) == (MONDAY.date(), MONDAY)
    assert (first[0]["credits"], first[0]["cost_usd"], first[1]["credits"]) == (2.0, 0.1, 0.0)

    friday.record_response("b", '{"data": {}}', vendor_ref="32")
    friday.reopen("c", asked_before=FRIDAY)
    friday.record_response("c", None, status="failed", http_status=400)
    assert _load() == {"loaded": 2, "in_doubt": 0}
    second = _table(bigquery_client)
    assert [(row["request_key"], row["status"], row["http_status"]) for row in second] == [
        ("a", "responded", 200),
        ("b", "responded", 200),
        ("c", "failed", 400),
    ]
    assert second[2]["body"] is None
    assert (second[2]["requested_at"], second[2]["responded_at"]) == (MONDAY, FRIDAY)

    assert _load() == {"loaded": 0, "in_doubt": 0}
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
    assert _load() == {"loaded": 30, "in_doubt": 0}
    assert _table(bigquery_client) == before
    assert list(bigquery_client.list_tables("raw", max_results=100)) != []
    staged = [t.table_id for t in bigquery_client.list_tables("raw") if "load" in t.table_id]
    assert staged == []  # the staging table is gone


def test_execute_when_the_ledger_is_empty_then_does_nothing(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    assert _load() == {"loaded": 0, "in_doubt": 0}
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
    assert _load() == {"loaded": 1, "in_doubt": 0}
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
