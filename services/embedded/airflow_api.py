"""A client of the embedded Airflow's REST API."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx

from services.embedded.process import StartError, loopback_client

USER = "admin"
AGAIN_AFTER = (1, 2, 4, 8, 15)  # seconds
# What the health check of the API calls our processes.
COMPONENTS = {"scheduler": "scheduler", "triggerer": "triggerer", "dag_processor": "dag-processor"}


def silent_components(url: str, since: datetime | None = None) -> list[str]:
    """Return which of Airflow's processes its API calls unhealthy, or has not heard of ``since`` then; every one while it does not answer.

    :param since: on kept data the last heartbeat may be that of a process that is gone
    """
    try:
        with loopback_client(url, timeout=10) as client:
            answer = client.get("/api/v2/monitor/health")
    except httpx.TransportError:
        return [*COMPONENTS.values()]
    body = answer.json() if answer.is_success else {}
    silent = []
    for component, name in COMPONENTS.items():
        heartbeat = body.get(component, {}).get(f"latest_{component}_heartbeat")
        is_old = heartbeat is None or (since is not None and datetime.fromisoformat(heartbeat) < since)
        if is_old or body[component]["status"] != "healthy":
            silent.append(name)
    return silent


class AirflowApi:
    """Airflow's REST API v2, as a person with the admin login would use it."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._client = loopback_client(url, timeout=30)
        answer = self._call("POST", "/auth/token", json={"username": USER, "password": password})
        if answer.is_error:
            raise StartError(f"Airflow at {url} refused the login: {answer.status_code} {answer.text}")
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self._client = loopback_client(f"{url}/api/v2", timeout=30, headers=token)

    def dags(self) -> list[dict[str, Any]]:
        """Return every DAG that Airflow knows."""
        return sorted(self._get("/dags", limit=200)["dags"], key=lambda dag: str(dag["dag_id"]))

    def dag(self, dag_id: str) -> dict[str, Any]:
        return self._get(f"/dags/{dag_id}")

    def dag_ids(self) -> list[str]:
        return [dag["dag_id"] for dag in self.dags()]

    def import_errors(self, since: datetime | None = None) -> dict[str, str]:
        """Return file -> stack trace of every DAG file that did not import.

        :param since: on kept data an error may be of a file that has been mended
        """
        return {
            error["filename"]: error["stack_trace"]
            for error in self._get("/importErrors", limit=200)["import_errors"]
            if since is None or datetime.fromisoformat(error["timestamp"]) >= since
        }

    def unpause_all(self) -> None:
        self._done("PATCH", "/dags", params={"dag_id_pattern": "~"}, json={"is_paused": False})

    def set_paused(self, dag_id: str, paused: bool) -> None:
        self._done("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def write_connections(self, connections: Mapping[str, Mapping[str, Any]], written: Mapping[str, Any]) -> None:
        """Create connections. One that is there is left as it is, but for the fields in which it differs from what was ``written`` last.

        So what a person corrected stays, and the address of a process that has another port now is mended.
        """
        bodies = {conn_id: _connection_body(conn_id, connection) for conn_id, connection in connections.items()}
        create = {"action": "create", "action_on_existence": "skip", "entities": list(bodies.values())}
        self._done("PATCH", "/connections", json={"actions": [create]})
        for conn_id, body in bodies.items():
            before = _connection_body(conn_id, written[conn_id]) if conn_id in written else body
            changed = [name for name, value in body.items() if before.get(name) != value]
            if changed:
                path = f"/connections/{conn_id}"
                self._done("PATCH", path, params={"update_mask": changed}, json=body)

    def trigger(self, dag_id: str, body: dict[str, Any]) -> str:
        """Start a run and return its id. A run of the same logical date that has ended is cleared and runs again; one at work is that run."""
        answer = self._call("POST", f"/dags/{dag_id}/dagRuns", json=body)
        if answer.status_code == httpx.codes.CONFLICT:
            runs = self._get(
                f"/dags/{dag_id}/dagRuns", logical_date_gte=body["logical_date"], logical_date_lte=body["logical_date"]
            )["dag_runs"]
            if not runs:
                raise StartError(f"Airflow refused to run {dag_id}: {answer.text}")
            run_id = str(runs[0]["dag_run_id"])
            if runs[0]["state"] in ("success", "failed"):
                self._done("POST", f"/dags/{dag_id}/dagRuns/{run_id}/clear", json={"dry_run": False})
            return run_id
        if answer.is_error:
            raise StartError(f"Airflow refused to run {dag_id}: {answer.status_code} {answer.text}")
        return str(answer.json()["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return self._get(f"/dags/{dag_id}/dagRuns/{run_id}")

    def active_runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        """Return the runs that are queued or running, oldest first."""
        return list(
            self._get(f"/dags/{dag_id}/dagRuns", state=["queued", "running"], limit=100, order_by="run_after")[
                "dag_runs"
            ]
        )

    def runs(self) -> list[dict[str, Any]]:
        """Return every DAG run, oldest first."""
        runs: list[dict[str, Any]] = []
        while True:
            page = self._get("/dags/~/dagRuns", limit=100, offset=len(runs), order_by="run_after")
            runs += page["dag_runs"]
            if len(runs) >= page["total_entries"] or not page["dag_runs"]:
                return runs

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return list(self._get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=300)["task_instances"])

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        return dict(self._done("GET", path, params=params).json())

    def _done(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self._call(method, path, **request)
        if answer.is_error:
            raise StartError(f"Airflow refused {method} {path}: {answer.status_code} {answer.text}")
        return answer

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to a call.

        Asked again where Airflow answers 500, because SQLite gives up on one of two writers that wait for each other, and where it does
        not answer, because it is being restarted or the machine is busy.
        """
        for pause in AGAIN_AFTER:
            with suppress(httpx.TransportError):
                answer = self._client.request(method, path, **request)
                if not answer.is_server_error:
                    return answer
            time.sleep(pause)
        try:
            return self._client.request(method, path, **request)
        except httpx.TransportError as error:
            raise StartError(
                f"Airflow's API at {self._client.base_url} does not answer ({type(error).__name__}): `make status` says what runs."
            ) from error


def _connection_body(conn_id: str, connection: Mapping[str, Any]) -> dict[str, Any]:
    body = {"connection_id": conn_id, **connection}
    return body | ({"extra": json.dumps(connection["extra"])} if "extra" in connection else {})
