"""Airflow on one machine: LocalExecutor and SQLite, its four processes, its pools, and a client of its REST API."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.embedded.process import (
    ROOT,
    Service,
    StartError,
    answers,
    free_port,
    loopback_client,
    python,
    start,
    stop_all,
)

USER = "admin"
CONNECT_ARGS = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"
AGAIN_AFTER = (1, 2, 4)  # seconds


@dataclass
class Airflow:
    """The running processes and what a person needs to log in."""

    url: str
    password: str
    home: Path
    services: list[Service] = field(default_factory=list)

    def stop(self) -> None:
        stop_all(self.services)


def prepared_airflow(state: Path) -> Path:
    """Make the database and the pools under ``state`` and return Airflow's home. Needs nothing else to run yet."""
    home = state / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    settings = _settings(home, free_port())
    command = _command()
    _run(command, ["db", "migrate"], settings, state)
    (home / "config").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("airflow_local_settings.py"), home / "config")
    (home / "pools.json").write_text(_pools(settings))
    _run(command, ["pools", "import", str(home / "pools.json")], settings, state)
    return home


def start_airflow(home: Path, state: Path, env: Mapping[str, str]) -> Airflow:
    """Start api-server, scheduler, dag-processor and triggerer on a prepared home and wait until all are healthy."""
    port = free_port()
    password = secrets.token_urlsafe(12)
    (home / "passwords.json").write_text(json.dumps({USER: password}))
    airflow = Airflow(f"http://127.0.0.1:{port}", password, home)
    try:
        _start_processes(airflow, _command(), {**env, **_settings(home, port)}, state, port)
    except BaseException:
        airflow.stop()
        raise
    return airflow


def _command() -> Path:
    command = python("airflow").parent / "airflow"
    if not command.exists():
        raise StartError("airflow is missing from its environment: run `make env`.")
    return command


def _start_processes(airflow: Airflow, command: Path, env: Mapping[str, str], state: Path, port: int) -> None:
    logs = state / "logs"
    # The others load while the API server does: `start` waits for its health.
    for name in ("scheduler", "dag-processor", "triggerer"):
        airflow.services.append(
            start(name, [command, name], port=free_port(), log=logs / f"{name}.log", env=env, healthy=lambda _: True)
        )
    airflow.services.append(
        start("api-server", [command, "api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
              port=port, log=logs / "api-server.log",
              env={**env, CONNECT_ARGS: "services.embedded.airflow_database.BRIEF"}, healthy=answers("/api/v2/monitor/health"), timeout_seconds=180)
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while not _all_healthy(airflow.url):
        for service in airflow.services:
            if service.popen.poll() is not None:
                raise StartError(f"{service.name} ended with code {service.popen.returncode}. Its log: {service.log}")
        if time.monotonic() > deadline:
            raise StartError(f"Airflow was not healthy after 180 s. Its logs: {logs}")
        time.sleep(0.5)


def _all_healthy(url: str) -> bool:
    with loopback_client(url, timeout=10) as client:
        body = client.get("/api/v2/monitor/health").json()
    return all(
        body[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
    )


def _settings(home: Path, port: int) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(32),
        "AIRFLOW__CORE__FERNET_KEY": "",
        CONNECT_ARGS: "services.embedded.airflow_database.PATIENT",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        # A worker that misses its task's end by a moment holds its slot this long. A trigger that fires
        # meanwhile costs the task a try: it must stay well below enrich_contacts' poll_seconds.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "2",
        "GTM_SCHEDULES": "manual",
        "GX_ANALYTICS_ENABLED": "false",
    }


def _pools(env: Mapping[str, str]) -> str:
    command: list[str | Path] = [python("airflow"), "-m", "include.pools"]
    done = subprocess.run(command, env={**os.environ, **env}, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def _run(command: Path, arguments: list[str], env: Mapping[str, str], state: Path) -> None:
    log = state / "logs" / "airflow-setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        done = subprocess.run(
            [command, *arguments], env={**os.environ, **env}, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode:
        raise StartError(f"airflow {' '.join(arguments)} ended with code {done.returncode}. Its log: {log}")


class AirflowApi:
    """Airflow's REST API v2, as a person with the admin login would use it."""

    def __init__(self, url: str, password: str) -> None:
        with loopback_client(url, timeout=30) as client:
            answer = client.post("/auth/token", json={"username": USER, "password": password})
        answer.raise_for_status()
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self._client = loopback_client(f"{url}/api/v2", timeout=60, headers=token)

    def dag_ids(self) -> list[str]:
        return sorted(d["dag_id"] for d in self._get("/dags", limit=200)["dags"])

    def import_errors(self) -> dict[str, str]:
        """Return file -> stack trace of every DAG file that did not import."""
        return {e["filename"]: e["stack_trace"] for e in self._get("/importErrors")["import_errors"]}

    def unpause_all(self) -> None:
        self._call("PATCH", "/dags", params={"dag_id_pattern": "~"}, json={"is_paused": False}).raise_for_status()

    def set_paused(self, dag_id: str, paused: bool) -> None:
        self._call("PATCH", f"/dags/{dag_id}", json={"is_paused": paused}).raise_for_status()

    def trigger(self, dag_id: str, body: dict[str, Any]) -> str:
        """Start a run and return its id; a run of the same logical date is cleared and runs again."""
        answer = self._call("POST", f"/dags/{dag_id}/dagRuns", json=body)
        if answer.status_code == httpx.codes.CONFLICT:
            runs = self._get(
                f"/dags/{dag_id}/dagRuns", logical_date_gte=body["logical_date"], logical_date_lte=body["logical_date"]
            )
            run_id = str(runs["dag_runs"][0]["dag_run_id"])
            cleared = self._call("POST", f"/dags/{dag_id}/dagRuns/{run_id}/clear", json={"dry_run": False})
            cleared.raise_for_status()
            return run_id
        if answer.is_error:
            raise StartError(f"Airflow refused to run {dag_id}: {answer.status_code} {answer.text}")
        return str(answer.json()["dag_run_id"])

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
        answer = self._call("GET", path, params=params)
        answer.raise_for_status()
        return dict(answer.json())

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to a call. Asked again where Airflow answers 500: SQLite gives up on one of two writers that wait for each other."""
        for pause in AGAIN_AFTER:
            answer = self._client.request(method, path, **request)
            if not answer.is_server_error:
                return answer
            time.sleep(pause)
        return self._client.request(method, path, **request)
