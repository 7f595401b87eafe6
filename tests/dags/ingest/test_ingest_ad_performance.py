"""The whole DAG through Airflow, two days of three platforms, of which one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dags.airflow_process import Airflow, announced, run

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

SLICES = """
SELECT platform, FORMAT_DATE('%F', day) AS day, COUNT(*) AS n, COUNT(DISTINCT source_object) AS objects
FROM raw.ad_performance GROUP BY platform, day ORDER BY platform, day
"""
MANIFEST = "SELECT source, FORMAT_DATE('%F', `partition`) AS day, `rows` AS n FROM ops.load_manifest"


@pytest.mark.timeout(400)
def test_dag_when_one_platform_fails_then_the_others_are_loaded_and_announced_and_the_run_fails(
    airflow_env: Airflow, sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    sandbox.admin.delete("faults")
    sandbox.admin.post("faults", json={"vendor": "ttd", "status": 401, "times": 100})
    conf = {"day": "2025-11-09", "restate_days": 1, "as_of": "2025-11-10T12:00:00+00:00"}
    found = run(airflow_env, "ingest_ad_performance", **conf)

    states = {(task["task_id"], task["name"] or ""): task["state"] for task in found["tasks"]}
    assert found["run"] == "failed"
    assert states[("pull_ttd", "2025-11-08")] == "failed"
    assert states[("record_google_ads", "2025-11-09")] == states[("record_meta_ads", "2025-11-08")] == "success"
    assert (states[("announce_ad_performance", "")], states[("confirm_platforms", "")]) == (
        "success",
        "upstream_failed",
    )
    assert [extra["as_of"] for extra in announced(airflow_env)] == ["2025-11-10T12:00:00+00:00"]
    loaded = {(row["platform"], row["day"]): dict(row) for row in bigquery_client.query_and_wait(SLICES)}
    assert set(loaded) == {(p, day) for p in ("google_ads", "meta_ads") for day in ("2025-11-08", "2025-11-09")}
    assert all(row["n"] and row["objects"] == 1 for row in loaded.values())

    manifest = {(row["source"], row["day"]): row["n"] for row in bigquery_client.query_and_wait(MANIFEST)}
    assert manifest == {key: row["n"] for key, row in loaded.items()}
    assert len(list(lake.list_blobs(prefix="raw/"))) == 4
    sandbox.admin.delete("faults")
