"""The whole DAG through Airflow: Leadfeeder's day and a dropped export of RB2B, each in its table and announced."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from services.embedded.rb2b import drop_rb2b_export
from tests.dags.airflow_process import Airflow, announced, states

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.cloud import Cloud
    from services.embedded.sandbox import Sandbox

COUNTS = """
SELECT source, `rows` AS told,
  (SELECT COUNT(*) FROM raw.company_visit AS v WHERE v.source = m.source AND v.day = m.`partition`)
  + (SELECT COUNT(*) FROM raw.visitor_profile AS p WHERE p.source = m.source AND p.day = m.`partition`) AS held
FROM ops.load_manifest AS m ORDER BY source
"""


@pytest.mark.timeout(400)
def test_dag_when_an_export_was_dropped_then_both_sources_are_loaded_recorded_and_announced(
    airflow_env: Airflow, cloud: Cloud, sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    sandbox.admin.delete("faults")
    drop_rb2b_export(cloud, sandbox, date(2025, 11, 7))

    found = states(airflow_env, "ingest_site_visits", day="2025-11-07", restate_days=0)

    assert set(found.values()) == {"success"}, found
    counts = {row["source"]: (row["told"], row["held"]) for row in bigquery_client.query_and_wait(COUNTS)}
    assert set(counts) == {"leadfeeder", "rb2b"}
    assert all(told == held > 0 for told, held in counts.values())
    assert len(announced(airflow_env)) == 2
