"""A killed task's job does not go on."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from google.api_core.exceptions import GoogleAPICallError

from include.airflow.warehouse_operator import WarehouseOperator
from include.warehouse.run import PROCESS, process_label, run

if TYPE_CHECKING:
    from google.cloud import bigquery

# Hours of work.
LONG = """
SELECT COUNT(*) AS n
FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a
CROSS JOIN UNNEST(GENERATE_ARRAY(1, 1000000)) AS b
WHERE MOD(a * b, 7) = 3
"""
DEADLINE_SECONDS = 30


class Waiting(WarehouseOperator):
    gcp_conn_id = "google_cloud_default"


def running(client: bigquery.Client) -> list[bigquery.QueryJob]:
    return list(client.list_jobs(state_filter="running"))


def until_running(client: bigquery.Client, count: int) -> list[bigquery.QueryJob]:
    ends = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < ends:
        if len(found := running(client)) == count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {count} jobs ran within {DEADLINE_SECONDS} s: {running(client)}")


@pytest.mark.timeout(120)
def test_on_kill_when_a_statement_runs_then_it_is_cancelled_and_another_process_s_goes_on(
    bigquery_client: bigquery.Client,
) -> None:
    from google.cloud import bigquery

    labels = {"dag": "d", "task": "t", "table": "x"}
    others = bigquery_client.query(LONG, job_config=bigquery.QueryJobConfig(labels={**labels, PROCESS: "another-1"}))
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(run, bigquery_client, LONG, labels)
            jobs = until_running(bigquery_client, 2)
            assert {job.labels[PROCESS] for job in jobs} == {process_label(), "another-1"}
            ends = time.monotonic() + DEADLINE_SECONDS
            while not waiting.done() and time.monotonic() < ends:
                Waiting(task_id="t").on_kill()  # again: DuckDB forgets an interrupt that comes before it has begun
                time.sleep(0.5)
            with pytest.raises(GoogleAPICallError, match="cancelled"):
                waiting.result(1)
        assert [job.job_id for job in running(bigquery_client)] == [others.job_id]
    finally:
        others.cancel()
