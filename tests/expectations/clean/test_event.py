"""The gate on clean.event: a lost, repeated or unreadable event stops it. Rows are put there: the fold takes longer than the gate."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from tests.expectations.gated import broken_rules, gate, warnings
from tests.sql.segmented.registry import insert, person_id

GOOD: dict[str, Any] = {
    "event_id": "a" * 64, "canonical_type": "email_sent", "sender": "instantly", "vendor_event": "email_sent",
    "occurred_at": "2025-11-09T12:00:00+00:00", "received_date": "2025-11-09", "dedup_key": "a", "person_id": person_id("2000000002"),
    "email_hash": "b" * 64, "step": 1, "attributes": "{}",
}  # fmt: skip


def counted(client: bigquery.Client, rows_in: int, rows_out: int) -> None:
    """Write down what a promotion of clean.event counted."""
    counts = (("in", "raw.event", rows_in), ("out", "clean.event", rows_out))
    insert(
        client, "ops.balance",
        [{"table_name": "clean.event", "kind": kind, "reason": reason, "row_count": n} for kind, reason, n in counts],
    )  # fmt: skip


def test_gate_when_events_are_good_then_it_passes_and_when_one_is_lost_then_it_fails(
    bigquery_client: bigquery.Client,
) -> None:
    counted(bigquery_client, 2, 2)
    other = GOOD | {"event_id": "c" * 64, "dedup_key": "c"}
    assert gate(bigquery_client, "clean.event", [GOOD, other])["warnings"] == 0
    bigquery_client.query_and_wait("DELETE FROM clean.event WHERE dedup_key = 'a'")
    assert broken_rules(bigquery_client, "clean.event", []) == [
        "Something else writes to clean.event: find it, then run clean_events again."
    ]


def test_gate_when_events_are_wrong_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    counted(bigquery_client, 3, 1)
    wrong = GOOD | {
        "canonical_type": "email_read", "sender": "smartlead", "person_id": "dana", "email_hash": "dana@main-street.example",
        "occurred_at": "2031-01-01T00:00:00+00:00", "step": 0,
    }  # fmt: skip
    reasons = broken_rules(bigquery_client, "clean.event", [GOOD, wrong])
    assert [" ".join(reason.split(" ")[:4]) for reason in reasons] == [
        "A SHA-256, so that",
        "A row of raw.event",
        "An event that is",
        "Nobody else sends us",
        "Something else writes to",
        "Suppression, features and reports",
        "Whom an event is",
    ]
    assert [reason.split(":")[0][:16] for reason in warnings(bigquery_client)] == [
        "A sender's clock",
        "Steps of a seque",
    ]


def test_gate_when_nothing_was_counted_then_it_fails(bigquery_client: bigquery.Client) -> None:
    reasons = broken_rules(bigquery_client, "clean.event", [GOOD])
    assert [" ".join(reason.split(" ")[:4]) for reason in reasons] == ["A row of raw.event", "Something else writes to"]
