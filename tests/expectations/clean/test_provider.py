"""The gate on clean.provider: books that balance, one open row of history, and nothing served that history does not know."""

from __future__ import annotations

from google.cloud import bigquery

from tests.expectations.gated import broken_rules, gate
from tests.sql.clean.raw_rows import converge, dentist, load_week


def test_gate_when_rows_are_lost_or_written_by_hand_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist("2000000002"), dentist("2000000010")])
    converge(bigquery_client)
    assert gate(bigquery_client, "clean.provider", [])["warnings"] == 0
    bigquery_client.query_and_wait(
        "UPDATE ops.balance SET row_count = row_count + 1 WHERE kind = 'in';"
        "UPDATE clean.provider SET row_hash = 'by hand' WHERE npi = '2000000010';"
        "INSERT INTO clean.provider_history SELECT * FROM clean.provider_history WHERE npi = '2000000002'"
    )
    assert [" ".join(reason.split(" ")[:4]) for reason in broken_rules(bigquery_client, "clean.provider", [])] == [
        "A row that is",
        "Table and history are",
        "Two open rows are",
    ]
