"""The client of Airflow's REST API: a run that is there is run again, and a database that was locked is asked again."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from services.embedded import airflow
from services.embedded.airflow import AirflowApi
from services.embedded.process import StartError

RUN = {"logical_date": "2025-11-03T00:00:00+00:00"}


def api(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> AirflowApi:
    """A client whose Airflow is a function."""

    def client(url: str, **_: object) -> httpx.Client:
        return httpx.Client(base_url=url, transport=httpx.MockTransport(answer))

    monkeypatch.setattr(airflow, "loopback_client", client)
    monkeypatch.setattr(airflow, "AGAIN_AFTER", (0, 0, 0))
    return AirflowApi("http://airflow", "secret")


def test_trigger_when_the_database_was_locked_then_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [httpx.Response(500, text="Database error"), httpx.Response(200, json={"dag_run_id": "manual__1"})]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        return answers.pop(0)

    assert api(monkeypatch, answer).trigger("ingest_nppes_weekly", RUN) == "manual__1"
    assert answers == []


def test_trigger_when_airflow_stays_broken_then_the_error_names_the_dag(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        asked.append(request.url.path)
        return httpx.Response(500, text="Database error")

    with pytest.raises(StartError, match="refused to run ingest_nppes_weekly: 500 Database error"):
        api(monkeypatch, answer).trigger("ingest_nppes_weekly", RUN)
    assert len(asked) == 4


def test_trigger_when_there_is_a_run_of_that_date_then_it_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        asked.append((request.method, request.url.path.removeprefix("/api/v2/dags/ingest_nppes_weekly/dagRuns")))
        if request.method == "GET":
            return httpx.Response(200, json={"dag_runs": [{"dag_run_id": "manual__0"}]})
        return httpx.Response(200 if asked[-1][1] else 409, json={})

    assert api(monkeypatch, answer).trigger("ingest_nppes_weekly", RUN) == "manual__0"
    assert asked == [("POST", ""), ("GET", ""), ("POST", "/manual__0/clear")]
