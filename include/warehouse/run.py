"""Run one statement: typed parameters, labels, a cap on bytes, and again where BigQuery cancels it for another one's sake."""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import BadRequest
from google.api_core.retry import Retry
from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from include.warehouse.parameters import query_parameters

MAXIMUM_BYTES_BILLED = 200 * 1024**3
# "Transaction is aborted due to concurrent update against table …" and "Could not serialize access to table … due to
# concurrent update" come as 400, invalidQuery: Google's client takes them for errors in the statement and ends.
CANCELLED = "due to concurrent update"
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS, ENDS_AFTER_SECONDS = 1.0, 30.0, 180.0

# A job names the process that waits for it, so that a process which is told to end can end its jobs, too.
PROCESS = "process"
LOOK_BACK = timedelta(days=1)  # no task of ours runs longer

log = logging.getLogger(__name__)


def is_cancelled(error: Exception) -> bool:
    """Whether BigQuery gave a statement up because another one was changing the same table."""
    return isinstance(error, BadRequest) and CANCELLED in str(error)


def until_not_cancelled() -> Retry:
    """Return what runs one statement again while BigQuery cancels it, after random waits. For one call only.

    The three minutes begin when BigQuery cancels it first: a statement that had run for longer is tried again, too.
    Nothing of a cancelled statement or transaction is done, and each of our scripts may be run again from its start.
    Raises BigQuery's last words.
    """
    cancelled_at: list[float] = []

    def is_tried_again(error: Exception) -> bool:
        if not is_cancelled(error):
            return False
        cancelled_at.append(time.monotonic())
        return cancelled_at[-1] - cancelled_at[0] < ENDS_AFTER_SECONDS

    return Retry(
        predicate=is_tried_again,
        initial=FIRST_WAIT_SECONDS,
        maximum=MAX_WAIT_SECONDS,
        timeout=None,
        on_error=lambda error: log.warning("BigQuery cancelled the statement; it runs again: %s", error),
    )


def run(
    client: bigquery.Client,
    sql: str,
    labels: Mapping[str, str],
    maximum_bytes_billed: int = MAXIMUM_BYTES_BILLED,
    /,
    **values: Any,
) -> RowIterator:
    """Run a statement to its end and return its rows. ``values``: its parameters, as its comments declare them."""
    config = _config(sql, labels, maximum_bytes_billed, values)
    return until_not_cancelled()(client.query_and_wait)(sql, job_config=config)


def run_job(client: bigquery.Client, sql: str, labels: Mapping[str, str], /, **values: Any) -> bigquery.QueryJob:
    """Run a statement to its end and return its job, for those who need the table that holds its rows."""
    config = _config(sql, labels, MAXIMUM_BYTES_BILLED, values)

    def finished() -> bigquery.QueryJob:
        job = client.query(sql, job_config=config)
        job.result()
        return job

    return until_not_cancelled()(finished)()


def process_label() -> str:
    """Return this process, in what a label may hold: lower case letters, digits and dashes, 63 at most."""
    return f"{re.sub(r'[^a-z0-9-]', '-', socket.gethostname().lower())[-50:]}-{os.getpid()}"


def cancel_running(client: bigquery.Client) -> list[str]:
    """Cancel the jobs that this process waits for, and return their ids. Without it they go on, and cost, when their task is killed."""
    since = datetime.now(UTC) - LOOK_BACK
    ours = [
        job
        for state in ("pending", "running")
        for job in client.list_jobs(state_filter=state, min_creation_time=since)
        if job.labels.get(PROCESS) == process_label()
    ]
    for job in ours:
        client.cancel_job(job.job_id, location=job.location)
        log.warning("Job %s is cancelled: the task that waits for it is told to end.", job.job_id)
    return [str(job.job_id) for job in ours]


def _config(
    sql: str, labels: Mapping[str, str], maximum_bytes_billed: int, values: Mapping[str, Any]
) -> bigquery.QueryJobConfig:
    return bigquery.QueryJobConfig(
        query_parameters=query_parameters(sql, values),
        labels={**labels, PROCESS: process_label()},
        maximum_bytes_billed=maximum_bytes_billed,
    )
