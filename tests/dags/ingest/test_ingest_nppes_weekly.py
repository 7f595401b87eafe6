"""The whole DAG through Airflow on the sample's first week: twice, with the same result, and the asset announced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dags.airflow_process import announced, python

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[3]
RETRIED_BY_NAME = (
    "hooks.nppes.FileNotPublished",
    "include.zip_member.DamagedFile",
    "include.nppes.WrongMembers",
    "include.nppes_layout.HeaderContractError",
)
STATE = """
SELECT TO_JSON_STRING(ARRAY(SELECT FORMAT('%s %d', npi, line) FROM raw.nppes_npi ORDER BY line)) AS landed,
  (SELECT TO_JSON_STRING(ARRAY_AGG(m)) FROM ops.load_manifest AS m) AS manifest,
  TO_JSON_STRING(ARRAY(SELECT FORMAT('%s %d', rule, line) FROM clean.rejected_row ORDER BY line)) AS rejected
"""


@pytest.mark.timeout(400)
def test_dag_when_run_twice_then_the_same_world_and_an_announced_week(
    airflow_env: dict[str, str], sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    python(airflow_env, "-m", "airflow", "dags", "test", "ingest_nppes_weekly", "2025-11-10T06:00:00")
    first = dict(next(iter(bigquery_client.query_and_wait(STATE))))
    archived = {b.name: b.generation for b in lake.list_blobs(prefix="raw/")}
    python(airflow_env, "-m", "airflow", "dags", "test", "ingest_nppes_weekly", "2025-11-11T06:00:00")

    assert dict(next(iter(bigquery_client.query_and_wait(STATE)))) == first
    assert {b.name: b.generation for b in lake.list_blobs(prefix="raw/")} == archived
    (manifest,) = json.loads(first["manifest"])
    assert manifest["partition"] == "2025-11-09"
    assert manifest["rows"] == len(json.loads(first["landed"])) > 5000
    assert manifest["rejected_rows"] == len(json.loads(first["rejected"])) == 3
    assert manifest["source_rows"] == manifest["rows"] + 3
    zipped = (sandbox.nppes_dir / manifest["file_name"]).read_bytes()
    assert lake.blob(next(iter(archived))).download_as_bytes() == zipped
    assert [extra["as_of"] for extra in announced(airflow_env)] == ["2025-11-10T06:00:00+00:00"] * 2


@pytest.mark.parametrize("name", RETRIED_BY_NAME)
def test_retry_rules_when_they_name_an_exception_then_it_exists(name: str) -> None:
    source = (ROOT / "dags" / "ingest" / "ingest_nppes_weekly.py").read_text(encoding="utf-8")
    module, _, kind = name.rpartition(".")

    assert f'"{name}"' in source
    assert issubclass(getattr(__import__(module, fromlist=[kind]), kind), Exception)
