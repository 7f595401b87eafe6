"""The clients that tasks get: every one of them says what it waits for."""

from __future__ import annotations

import json
import logging
import socket
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from include.airflow.google import BigQueryHook, GCSHook, InsertJobOperator, warehouse
from include.airflow.promote import promote
from include.warehouse.google_waits import ServiceAway, WaitingAdapter, log_waits
from tests.operators.context import context


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> str:
    """The address, in the connection, of a service that is away."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", "google-cloud-platform://?is_anonymous=true&project=p")
    return address


def test_hooks_when_asked_for_a_client_then_its_session_says_its_waits(away: str) -> None:
    lake = GCSHook()
    for client in (BigQueryHook().get_client(project_id="p"), lake.get_conn()):
        assert isinstance(client._http.get_adapter("https://any.example"), WaitingAdapter)
        assert isinstance(client._http.get_adapter("http://any.example"), WaitingAdapter)
    # The second time it is the same client, with what it knows of an outage.
    adapter = lake.get_conn()._http.get_adapter("https://any.example")
    assert adapter is lake.get_conn()._http.get_adapter("https://any.example")


@pytest.mark.parametrize(("extra", "expected"), [({}, "US"), ({"location": ""}, "US"), ({"location": "EU"}, "EU")])
def test_warehouse_when_asked_for_then_works_at_the_location_of_the_connection(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, str], expected: str
) -> None:
    connection = {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": "p", **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("GTM_PROJECT", "p")
    assert warehouse("google_cloud_default").location == expected


@pytest.mark.timeout(120)
@pytest.mark.slow
def test_promote_when_the_warehouse_stays_away_then_says_so_and_ends_with_its_name(
    away: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="include.warehouse.google_waits")
    monkeypatch.setattr("include.airflow.google.log_waits", partial(log_waits, patience=timedelta(seconds=2)))
    task: Any = promote("clean.event")
    assert isinstance(task, InsertJobOperator)
    with pytest.raises(ServiceAway, match=r"BigQuery at 127.0.0.1:\d+ \(POST .*/jobs\) does not answer"):
        task._submit_job(None, "job_1")
    assert len([line for line in caplog.messages if "it is asked again until" in line]) >= 2
    with pytest.raises(ServiceAway, match=r"GET .*/jobs/job_1"):
        task.get_job_status("job_1", context())
