"""The monthly files through Airflow on the sample: each its own slice, the weekly file of the same Sunday untouched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.dags.airflow_process import Airflow, announced, run_of

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

STATE = """
SELECT
  (SELECT TO_JSON_STRING(ARRAY_AGG(m ORDER BY dataset_table)) FROM ops.load_manifest AS m) AS manifest,
  (SELECT COUNT(*) FROM raw.nppes_npi WHERE source = 'nppes_weekly') AS weekly_rows,
  (SELECT COUNT(DISTINCT npi) FROM raw.nppes_npi WHERE source = 'nppes_monthly') AS npis,
  (SELECT COUNT(*) FROM raw.nppes_npi WHERE source = 'nppes_monthly' AND entity_type_code IS NULL) AS bare_rows,
  (SELECT COUNT(*) FROM raw.nppes_deactivation WHERE file_date = '2025-11-10') AS reported
"""


@pytest.mark.timeout(400)
def test_dags_when_run_for_november_then_both_files_land_in_their_own_partitions(
    airflow_env: Airflow, sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    bigquery_client.query_and_wait(
        "INSERT INTO raw.nppes_npi (file_date, source, source_object, line, npi) "
        "VALUES (DATE '2025-11-09', 'nppes_weekly', 'w', 2, '2551230990')"
    )
    for dag_id in ("ingest_nppes_monthly", "ingest_nppes_deactivation"):
        run_of(airflow_env, dag_id, "2025-11-15T06:00:00")
    state = dict(next(iter(bigquery_client.query_and_wait(STATE))))
    manifests = {m["dataset_table"]: m for m in json.loads(state["manifest"])}

    assert {(m["source"], m["partition"]) for m in manifests.values()} == {
        ("nppes_monthly", "2025-11-09"),
        ("nppes_deactivation", "2025-11-10"),
    }
    assert sorted(manifests) == sorted(
        [
            "raw.nppes_deactivation",
            "raw.nppes_endpoint",
            "raw.nppes_npi",
            "raw.nppes_other_name",
            "raw.nppes_practice_location",
        ]
    )
    assert state["weekly_rows"] == 1
    assert state["npis"] == manifests["raw.nppes_npi"]["rows"] > 5000
    assert state["reported"] == manifests["raw.nppes_deactivation"]["rows"] == state["bare_rows"] > 0
    archived = {blob.name for blob in lake.list_blobs(prefix="raw/")}
    assert archived == {
        "raw/nppes/2025-11-01/NPPES_Data_Dissemination_November_2025_V2.zip",
        "raw/nppes/2025-11-10/NPPES_Deactivated_NPI_Report_111025_V2.zip",
    }
    assert [extra["as_of"] for extra in announced(airflow_env)] == ["2025-11-15T06:00:00+00:00"] * 2
