"""The gate on clean.event: what the fold makes of raw.event passes; a lost, repeated or unreadable event does not."""

from __future__ import annotations

from google.cloud import bigquery

from tests.expectations.gated import broken_rules, gate, warnings
from tests.sql.clean.raw_events import clean, instantly


def test_gate_when_events_are_what_the_fold_makes_then_it_passes(bigquery_client: bigquery.Client) -> None:
    clean(bigquery_client, instantly("a", "email_sent"), instantly("b", "email_opened"))
    gate(bigquery_client, "clean.event", [])


def test_gate_when_a_promoted_event_is_lost_then_it_fails(bigquery_client: bigquery.Client) -> None:
    clean(bigquery_client, instantly("a", "email_sent"), instantly("b", "email_opened"))
    bigquery_client.query_and_wait("DELETE FROM clean.event WHERE dedup_key = 'a'")
    assert broken_rules(bigquery_client, "clean.event", []) == [
        "Something else writes to clean.event: find it, then run clean_events again."
    ]


def test_gate_when_events_are_wrong_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    clean(bigquery_client, instantly("a", "email_sent"))
    bigquery_client.query_and_wait(
        "INSERT INTO clean.event SELECT * REPLACE ('email_read' AS canonical_type, 'smartlead' AS sender, 'dana' AS person_id, "
        "'dana@main-street.example' AS email_hash, TIMESTAMP '2031-01-01' AS occurred_at, 0 AS step) FROM clean.event"
    )
    bigquery_client.query_and_wait("UPDATE ops.balance SET row_count = 3 WHERE kind = 'in'")
    reasons = broken_rules(bigquery_client, "clean.event", [])
    assert [reason.split(" ")[0:4] for reason in reasons] == [
        ["A", "SHA-256,", "so", "that"],
        ["A", "row", "of", "raw.event"],
        ["An", "event", "that", "is"],
        ["Nobody", "else", "sends", "us"],
        ["Something", "else", "writes", "to"],
        ["Suppression,", "features", "and", "reports"],
        ["Whom", "an", "event", "is"],
    ]
    assert any("sender's clock" in reason for reason in warnings(bigquery_client))
    assert any("count from 1" in reason for reason in warnings(bigquery_client))
