"""One door to BigQuery: a statement that it cancels for another one's sake runs again, and not for ever."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from include.warehouse import run as door
from include.warehouse.run import is_cancelled, run, run_job, until_not_cancelled
from services.embedded.cloud import Cloud

RAISED = """
-- @day DATE
MERGE ops.alert AS t
USING (SELECT @day AS raised_on, 'x' AS source, 'c' AS check_name, 's' AS subject, 'warning' AS severity, 'm' AS message) AS s
ON FALSE
WHEN NOT MATCHED THEN INSERT ROW
"""
COUNT = "SELECT COUNT(*) AS n FROM ops.alert"

Cancel = Callable[[int], None]


@pytest.fixture
def cancel(cloud: Cloud, bigquery_client: bigquery.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cancel]:
    """Let the warehouse cancel the next statements that change ops.alert, and let waits be short."""
    monkeypatch.setattr(door, "FIRST_WAIT_SECONDS", 0.01)

    def next_ones(times: int) -> None:
        body = json.dumps({"table": "ops.alert", "times": times}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{cloud.warehouse.url}/__warehouse__/cancel", body, headers)
        urllib.request.urlopen(request, timeout=30).close()

    yield next_ones
    next_ones(0)


def rows(client: bigquery.Client) -> int:
    (row,) = run(client, COUNT, {})
    return int(row["n"])


@pytest.mark.parametrize("how", [run, run_job])
def test_run_when_bigquery_cancels_the_statement_twice_then_the_third_try_is_done_once(
    bigquery_client: bigquery.Client, cancel: Cancel, how: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    cancel(2)
    how(bigquery_client, RAISED, {"task": "t"}, day="2026-01-02")
    assert rows(bigquery_client) == 1
    assert caplog.text.count("BigQuery cancelled the statement; it runs again") == 2


def test_run_when_it_is_cancelled_each_time_then_it_ends_with_bigquerys_words(
    bigquery_client: bigquery.Client, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "ENDS_AFTER_SECONDS", 2.0)
    cancel(10_000)
    with pytest.raises(BadRequest, match="aborted due to concurrent update against table .*ops.alert"):
        run(bigquery_client, RAISED, {}, day="2026-01-02")
    cancel(0)
    assert rows(bigquery_client) == 0


def test_until_not_cancelled_when_the_statement_ran_long_before_then_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(door, "ENDS_AFTER_SECONDS", 0.2)
    ended = iter([BadRequest(f"aborted {door.CANCELLED}"), None])

    def ran_long() -> str:
        time.sleep(0.3)
        if (error := next(ended)) is not None:
            raise error
        return "done"

    assert until_not_cancelled()(ran_long)() == "done"


def test_run_when_the_statement_itself_is_wrong_then_it_is_not_tried_again(
    bigquery_client: bigquery.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BadRequest):
        run(bigquery_client, "SELECT nope FROM ops.alert", {})
    assert "runs again" not in caplog.text


@pytest.mark.parametrize(
    ("message", "is_so"),
    [
        (
            "Query error: Transaction is aborted due to concurrent update against table p:d.t. Transaction ID: 6 at [3:1]",
            True,
        ),
        ("Could not serialize access to table p:d.t due to concurrent update", True),
        ("Unrecognized name: npu at [1:8]", False),
    ],
)
def test_is_cancelled_when_the_message_speaks_of_a_concurrent_update(message: str, is_so: bool) -> None:
    assert is_cancelled(BadRequest(message)) == is_so


def test_run_when_called_then_job_has_labels_and_cap(bigquery_client: bigquery.Client) -> None:
    job = run_job(bigquery_client, COUNT, {"dag": "d", "task": "t"})
    labels = {"dag": "d", "task": "t", "process": door.process_label()}
    assert (job.labels, job.maximum_bytes_billed) == (labels, door.MAXIMUM_BYTES_BILLED)


@pytest.mark.parametrize("host", ["worker-1", "Worker_1.Example.COM", "x" * 80])
def test_process_label_when_the_host_has_any_name_then_a_label_can_hold_it(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert re.fullmatch(r"[a-z0-9-]{1,63}", door.process_label())
