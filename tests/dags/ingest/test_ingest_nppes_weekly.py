"""The whole DAG through Airflow on the sample's first week: twice, with the same result, and the asset announced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.dags.airflow_process import Airflow, announced, run_of

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

STATE = """
SELECT TO_JSON_STRING(ARRAY(SELECT FORMAT('%s %d', npi, line) FROM raw.nppes_npi ORDER BY line)) AS landed,
  TO_JSON_STRING(ARRAY(SELECT FORMAT('%s %s', npi, provider_other_organization_name) FROM raw.nppes_other_name ORDER BY line))
    AS other_names,
  TO_JSON_STRING(ARRAY(SELECT FORMAT('%s %d', npi, line) FROM raw.nppes_practice_location ORDER BY line)) AS places,
  TO_JSON_STRING(ARRAY(SELECT FORMAT('%s %d', npi, line) FROM raw.nppes_endpoint ORDER BY line)) AS endpoints,
  (SELECT TO_JSON_STRING(ARRAY_AGG(m ORDER BY dataset_table)) FROM ops.load_manifest AS m) AS manifest,
  TO_JSON_STRING(ARRAY(SELECT FORMAT('%s %d', rule, line) FROM clean.rejected_row ORDER BY line)) AS rejected
"""
TABLES = {
    "endpoints": "raw.nppes_endpoint",
    "landed": "raw.nppes_npi",
    "other_names": "raw.nppes_other_name",
    "places": "raw.nppes_practice_location",
}


@pytest.mark.timeout(400)
def test_dag_when_run_twice_then_the_same_world_and_an_announced_week(
    airflow_env: Airflow, sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    run_of(airflow_env, "ingest_nppes_weekly", "2025-11-10T06:00:00")
    first = dict(next(iter(bigquery_client.query_and_wait(STATE))))
    archived = {b.name: b.generation for b in lake.list_blobs(prefix="raw/")}
    run_of(airflow_env, "ingest_nppes_weekly", "2025-11-11T06:00:00")

    assert dict(next(iter(bigquery_client.query_and_wait(STATE)))) == first
    assert {b.name: b.generation for b in lake.list_blobs(prefix="raw/")} == archived
    manifests = json.loads(first["manifest"])
    rows = {of: len(json.loads(first[of])) for of in TABLES}
    assert {(m["partition"], m["source"]) for m in manifests} == {("2025-11-09", "nppes_weekly")}
    assert {m["dataset_table"]: m["rows"] for m in manifests} == {table: rows[of] for of, table in TABLES.items()}
    assert rows["landed"] > 5000 and min(rows.values()) > 100
    manifest = next(m for m in manifests if m["dataset_table"] == "raw.nppes_npi")
    assert manifest["rejected_rows"] == len(json.loads(first["rejected"])) == 3
    assert manifest["source_rows"] == manifest["rows"] + 3
    zipped = (sandbox.nppes_dir / manifest["file_name"]).read_bytes()
    assert lake.blob(next(iter(archived))).download_as_bytes() == zipped
    assert [extra["as_of"] for extra in announced(airflow_env)] == ["2025-11-10T06:00:00+00:00"] * 2
