"""The client of Airflow's REST API: it asks again where Airflow was busy, and says plainly what was refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.embedded import airflow_api
from services.embedded.airflow_api import AirflowApi, silent_components
from services.embedded.process import StartError

RUN = {"logical_date": "2025-11-03T00:00:00+00:00"}


def api(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> AirflowApi:
    """A client whose Airflow is a function."""

    def client(url: str, **_: object) -> httpx.Client:
        return httpx.Client(base_url=url, transport=httpx.MockTransport(answer))

    monkeypatch.setattr(airflow_api, "loopback_client", client)
    monkeypatch.setattr(airflow_api, "AGAIN_AFTER", (0, 0, 0))
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


@pytest.mark.parametrize(("state", "is_cleared"), [("success", True), ("failed", True), ("running", False)])
def test_trigger_when_there_is_a_run_of_that_date_then_it_is_cleared_unless_it_is_at_work(
    monkeypatch: pytest.MonkeyPatch, state: str, is_cleared: bool
) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        asked.append((request.method, request.url.path.removeprefix("/api/v2/dags/ingest_nppes_weekly/dagRuns")))
        if request.method == "GET":
            return httpx.Response(200, json={"dag_runs": [{"dag_run_id": "manual__0", "state": state}]})
        return httpx.Response(200 if asked[-1][1] else 409, json={})

    assert api(monkeypatch, answer).trigger("ingest_nppes_weekly", RUN) == "manual__0"
    assert asked == [("POST", ""), ("GET", ""), *([("POST", "/manual__0/clear")] if is_cleared else [])]


def test_login_when_the_database_is_locked_at_first_then_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [httpx.Response(500, text="locked"), httpx.Response(201, json={"access_token": "t"})]
    api(monkeypatch, lambda _: answers.pop(0))
    assert answers == []


def test_call_when_nobody_answers_then_the_error_says_where_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ConnectError("refused")

    with pytest.raises(StartError, match="http://airflow does not answer.*make status"):
        api(monkeypatch, answer)
    assert len(asked) == 4


def test_get_when_it_is_refused_then_the_error_says_which_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        return httpx.Response(404, text="no such DAG")

    with pytest.raises(StartError, match="refused GET /dags/nothing: 404 no such DAG"):
        api(monkeypatch, answer).dag("nothing")


def test_write_connections_when_a_port_changed_then_only_that_field_of_that_connection_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, list[str], dict[str, Any]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        path = request.url.path.removeprefix("/api/v2/connections")
        asked.append((path, request.url.params.get_list("update_mask"), json.loads(request.content)))
        return httpx.Response(200, json={})

    wiza = {"conn_type": "http", "host": "http://127.0.0.1:1/wiza", "password": "k", "extra": {"pace": 1}}
    ghl = {"conn_type": "http", "host": "http://127.0.0.1:1/ghl"}
    moved = wiza | {"host": "http://127.0.0.1:2/wiza"}
    api(monkeypatch, answer).write_connections({"wiza": moved, "ghl": ghl}, {"wiza": wiza, "ghl": ghl})

    (created, mended) = asked
    (action,) = created[2]["actions"]
    assert action["action_on_existence"] == "skip"
    assert [entity["connection_id"] for entity in action["entities"]] == ["wiza", "ghl"]
    assert mended[:2] == ("/wiza", ["host"]) and mended[2]["host"] == moved["host"]


def heartbeats(monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]) -> None:
    def client(url: str, **_: object) -> httpx.Client:
        return httpx.Client(base_url=url, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))

    monkeypatch.setattr(airflow_api, "loopback_client", client)


def test_silent_components_when_the_last_heartbeat_is_of_a_stack_that_is_gone_then_they_are_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began = datetime(2026, 1, 5, 12, tzinfo=UTC)
    beats = {
        "scheduler": began - timedelta(seconds=5),
        "triggerer": began + timedelta(seconds=1),
        "dag_processor": None,
    }
    heartbeats(
        monkeypatch,
        {name: {"status": "healthy", f"latest_{name}_heartbeat": at and at.isoformat()} for name, at in beats.items()},
    )
    assert silent_components("http://airflow", began) == ["scheduler", "dag-processor"]
