"""Freshness through the warehouse: alerts are stored first, then the task fails; a mended source's alert leaves."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.check_freshness import CheckFreshnessOperator
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


def check() -> dict[str, int]:
    return CheckFreshnessOperator(task_id="check", day=DAY).execute(context())


def test_check_when_a_source_is_overdue_then_fails_and_the_alert_leaves_once_it_came(
    bigquery_client: bigquery.Client,
) -> None:
    loaded(bigquery_client, "2025-11-02", "2025-11-09")
    with pytest.raises(AirflowFailException, match="nppes_weekly: the newest data is of 2025-11-09, 15 days before"):
        check()
    assert stored(bigquery_client) == [(date(2025, 11, 24), "freshness", "raw.nppes_npi", "error")]

    loaded(bigquery_client, "2025-11-16")
    assert check()["error"] == 0
    assert stored(bigquery_client) == []
