"""The whole DAG through Airflow for two states, one of which fails: it does not hold up the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dags.airflow_process import Airflow, announced, run

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

CHAIN = ("archive_file", "convert_file", "check_size", "load_slice", "record_load")
LOADED = "SELECT source, status, COUNT(*) AS n FROM raw.board_license GROUP BY source, status"
MANIFEST = "SELECT source, `rows` AS n, rejected_rows, source_rows, note FROM ops.load_manifest"


@pytest.mark.timeout(400)
def test_dag_when_one_site_has_moved_then_the_other_state_loads_and_the_run_fails(
    airflow_env: Airflow, sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    sandbox.admin.delete("faults")
    sandbox.admin.post("faults", json={"vendor": "board_il", "operation": "rows", "status": 404, "body": "gone"})

    found = run(airflow_env, "ingest_board_licenses", states=["TX", "IL"])

    states = {(task["task_id"], task["name"]): task["state"] for task in found["tasks"]}
    assert found["run"] == "failed"
    assert states[("archive_file", "IL")] == "failed"
    assert {states[(task, "TX")] for task in CHAIN} == {"success"}
    alone = {task["task_id"]: task["state"] for task in found["tasks"] if task["name"] is None}
    assert (alone["announce_board_license"], alone["confirm_states"]) == ("success", "upstream_failed")
    loaded = {row["status"]: row["n"] for row in bigquery_client.query_and_wait(LOADED) if row["source"] == "board_tx"}
    (manifest,) = bigquery_client.query_and_wait(MANIFEST)
    assert manifest["source"] == "board_tx"
    assert manifest["n"] == sum(loaded.values()) == manifest["source_rows"] - manifest["rejected_rows"] > 100
    assert manifest["note"] == f"statuses that are not declared: 'Military Service' ({loaded['Military Service']})"
    (archived,) = lake.list_blobs(prefix="raw/")
    assert archived.name.endswith("/Dentist.csv") and archived.metadata["etag"]
    assert len(announced(airflow_env)) == 1
