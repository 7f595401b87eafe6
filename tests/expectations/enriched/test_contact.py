"""The gate on enriched.contact: which rows stop it, by the rule that they break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.warehouse.tables import table
from operators.gate import GateFailed, GateOperator
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery

GOOD = {
    "npi": "2000000001",
    "person_id": "p0123456789abcdef0123",
    "email": "ada@example-dental.test",
    "email_status": "valid",
    "phone_e164": "+15125550100",
    "phone_line_type": "mobile",
    "usable_email": True,
    "credits": 2.0,
    "cost_usd": 0.1,
}
NOTHING_FOUND = GOOD | {
    "npi": "2000000002",
    "email": None,
    "email_status": None,
    "phone_line_type": None,
    "usable_email": False,
    "credits": 0.0,
}


def _check(client: bigquery.Client, *rows: dict[str, Any]) -> dict[str, Any]:
    from google.cloud import bigquery

    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table("enriched.contact").columns]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(list(rows), "enriched.contact", job_config=config).result()
    gate = GateOperator(task_id="gate_contact", table_name="enriched.contact", as_of="2025-11-10T06:00:00+00:00")
    result: dict[str, Any] = gate.execute(context())
    return result


def test_gate_when_somebody_fell_out_uncounted_then_stops(bigquery_client: bigquery.Client) -> None:
    from google.cloud import bigquery

    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table("ops.balance").columns]
    counts = [("in", "people_asked_for", 3), ("out", "usable_email", 1), ("filtered", "nothing_found", 1)]
    rows = [{"table_name": "enriched.contact", "kind": k, "reason": r, "row_count": n} for k, r, n in counts]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    bigquery_client.load_table_from_json(rows, "ops.balance", job_config=config).result()
    with pytest.raises(GateFailed, match="fell out between answer and contact"):
        _check(bigquery_client, GOOD, NOTHING_FOUND)


def test_gate_when_rows_are_good_then_passes(bigquery_client: bigquery.Client) -> None:
    _check(bigquery_client, GOOD, NOTHING_FOUND)


def test_gate_when_rows_are_bad_then_stops_and_names_every_rule(bigquery_client: bigquery.Client) -> None:
    with pytest.raises(GateFailed) as raised:
        _check(
            bigquery_client,
            GOOD,
            GOOD,
            GOOD | {"npi": "2000000003", "email_status": "risky"},
            GOOD | {"npi": "2000000004", "email": None},
            GOOD | {"npi": "2000000005", "email": "ada@b.test, ben@b.test"},
            GOOD | {"npi": "2000000006", "phone_e164": "(512) 555-0100"},
            GOOD | {"npi": "2000000007", "cost_usd": -1.0},
            GOOD | {"npi": "12", "person_id": "ada"},
        )
    report = str(raised.value)
    for broken in (
        "to_be_unique on npi",
        "to_match_regex on npi",
        "to_match_regex on person_id",
        "to_match_regex on email",
        "to_be_in_set on email_status",
        "to_not_be_null on email",
        "to_match_regex on phone_e164",
        "to_be_between on cost_usd",
    ):
        assert broken in report


def test_gate_when_a_vendor_uses_a_new_word_then_warns_and_passes(bigquery_client: bigquery.Client) -> None:
    _check(
        bigquery_client, NOTHING_FOUND | {"email": "a@b.test", "email_status": "maybe", "phone_line_type": "satellite"}
    )
    sql = "SELECT column_name FROM ops.quality_result WHERE NOT success ORDER BY column_name"
    assert [row[0] for row in bigquery_client.query_and_wait(sql)] == ["email_status", "phone_line_type"]


def test_gate_when_an_unusable_address_is_malformed_then_warns_and_passes(bigquery_client: bigquery.Client) -> None:
    _check(bigquery_client, GOOD | {"email": "ada@b.test, ben@b.test", "usable_email": False})
    sql = "SELECT column_name FROM ops.quality_result WHERE NOT success"
    assert [row[0] for row in bigquery_client.query_and_wait(sql)] == ["email"]
