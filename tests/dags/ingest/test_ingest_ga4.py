"""The DAG through Airflow on what the sandbox's GA4 exports: four days, each with what became of it, in one run."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from operators.ga4_export_to_bigquery import Ga4ExportToBigQueryOperator
from services.embedded.cloud import GA4_DATASET, Cloud
from services.embedded.ga4 import publish_ga4
from tests.dags.airflow_process import Airflow, announced, run_of
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery

    from services.embedded.sandbox import Sandbox

THURSDAY, FRIDAY, SATURDAY, SUNDAY = (date(2025, 11, day) for day in (6, 7, 8, 9))
HELD = """
SELECT event_day, COUNT(*) AS events, COUNT(DISTINCT user_pseudo_id) AS visitors, COUNTIF(user_pseudo_id IS NULL) AS unknown,
  COUNTIF(event_date = FORMAT_DATE('%Y%m%d', event_day)) AS of_the_day
FROM raw.ga4_events GROUP BY event_day ORDER BY event_day
"""


@pytest.mark.timeout(200)
def test_dag_when_days_are_new_restated_unchanged_and_late_then_each_is_so_in_the_grid_and_in_the_warehouse(
    airflow_env: Airflow, cloud: Cloud, sandbox: Sandbox, bigquery_client: bigquery.Client
) -> None:
    bigquery_client.delete_dataset(GA4_DATASET, delete_contents=True, not_found_ok=True)
    rows = {day: publish_ga4(cloud, sandbox, day) for day in (THURSDAY, FRIDAY, SATURDAY)}
    bigquery_client.query_and_wait(f"DELETE FROM {GA4_DATASET}.events_20251107 WHERE event_name = 'page_view'")
    for day in (THURSDAY, FRIDAY):
        Ga4ExportToBigQueryOperator(task_id="t", day=day.isoformat(), run_day="2025-11-09").execute(context())
    assert publish_ga4(cloud, sandbox, FRIDAY) == rows[FRIDAY]

    found = run_of(airflow_env, "ingest_ga4", "2025-11-10T12:00:00")

    mapped = sorted((task["map_index"], task["name"]) for task in found["tasks"] if task["map_index"] >= 0)
    assert [name for _, name in mapped] == [
        "2025-11-09 not published", "2025-11-08 loaded", "2025-11-07 restated", "2025-11-06 unchanged",
    ]  # fmt: skip
    held = [dict(row) for row in bigquery_client.query_and_wait(HELD)]
    assert {row["event_day"]: row["events"] for row in held} == rows
    assert all(row["of_the_day"] == row["events"] and row["visitors"] for row in held)
    assert sum(row["unknown"] for row in held)
    loads = bigquery_client.query_and_wait("SELECT `partition`, `rows` FROM ops.load_manifest WHERE source = 'ga4'")
    assert {row["partition"]: row["rows"] for row in loads} == rows
    assert [extra["as_of"] for extra in announced(airflow_env)] == ["2025-11-10T12:00:00+00:00"]
