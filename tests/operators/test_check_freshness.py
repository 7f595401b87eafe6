"""Freshness through the warehouse: alerts are stored first, then the task fails; a mended source's alert leaves."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.check_freshness import CheckFreshnessOperator, SourcesSilent
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery

DAY = "2025-11-24"


def loaded(client: bigquery.Client, *partitions: str) -> None:
    values = ", ".join(
        f"('raw.nppes_npi', DATE '{day}', 'nppes_weekly', 'gs://a/b', 'b', 1, 'c', 1, 1, 0, NULL)" for day in partitions
    )
    client.query_and_wait(f"INSERT INTO ops.load_manifest VALUES {values}")


def stored(client: bigquery.Client) -> list[tuple[object, ...]]:
    rows = client.query_and_wait("SELECT * FROM ops.alert WHERE source = 'nppes_weekly' ORDER BY subject")
    return [(r["raised_on"], r["check_name"], r["subject"], r["severity"]) for r in rows]


def check(day: str = DAY) -> dict[str, int]:
    return CheckFreshnessOperator(task_id="check", day=day).execute(context())


def heard(client: bigquery.Client, *events: tuple[str, str, bool]) -> None:
    values = ", ".join(
        f"(DATE '{day}', '{sender}', '{day}', TIMESTAMP '{day}', JSON '{{}}', '{{}}', 'x', {verified})"
        for sender, day, verified in events
    )
    client.query_and_wait(f"INSERT INTO raw.event VALUES {values}")


def test_check_when_a_source_is_overdue_then_fails_and_the_alert_leaves_once_it_came(
    bigquery_client: bigquery.Client,
) -> None:
    loaded(bigquery_client, "2025-11-02", "2025-11-09")
    with pytest.raises(SourcesSilent, match="nppes_weekly: the newest data is of 2025-11-09, 15 days before"):
        check()
    assert stored(bigquery_client) == [(date(2025, 11, 24), "freshness", "raw.nppes_npi", "error")]

    loaded(bigquery_client, "2025-11-16")
    assert check()["error"] == 0
    assert stored(bigquery_client) == []


def test_check_when_days_pass_then_one_alert_stands_and_leaves_when_the_source_came(
    bigquery_client: bigquery.Client,
) -> None:
    loaded(bigquery_client, "2025-11-02", "2025-11-09")
    for day in ("2025-11-22", "2025-11-23", DAY):
        with pytest.raises(SourcesSilent):
            check(day)
    assert [row[0] for row in stored(bigquery_client)] == [date(2025, 11, 24)]
    loaded(bigquery_client, "2025-11-16", "2025-11-23")
    check("2025-11-25")
    assert stored(bigquery_client) == []


def test_check_when_a_sender_is_silent_then_fails_and_a_forged_event_is_no_sign_of_life(
    bigquery_client: bigquery.Client,
) -> None:
    heard(
        bigquery_client,
        ("instantly", "2025-11-18", True),
        ("instantly", "2025-11-23", False),
        ("ghl", "2025-11-20", True),
    )
    with pytest.raises(
        SourcesSilent, match="event_instantly: the newest data is of 2025-11-18, 6 days before"
    ) as raised:
        check()
    assert "event_ghl" not in str(raised.value)
    assert isinstance(raised.value, AirflowFailException)
