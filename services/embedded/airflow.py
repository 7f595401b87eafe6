"""Airflow on one machine: LocalExecutor and SQLite, its four processes, its pools, and a client of its REST API."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import httpx

from services.embedded.airflow_api import COMPONENTS, USER, silent_components
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
from services.embedded.state import damaged, kept_port, read_json, write_json

CONNECT_ARGS = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
HEALTHY_WITHIN_SECONDS = 300  # about 20 on an idle machine


@dataclass
class Airflow:
    """The running processes and what a person needs to log in."""

    url: str
    password: str
    home: Path
    began: datetime
    services: list[Service] = field(default_factory=list)

    def stop(self) -> None:
        stop_all(self.services)


def prepared_airflow(state: Path) -> Path:
    """Bring the database and the pools under ``state`` up to date and return Airflow's home. Needs nothing else to run yet."""
    home = state / "airflow"
    (home / "config").mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("airflow_local_settings.py"), home / "config")
    settings = _settings(home, free_port())
    command = _command()
    done = read_json(home / "prepared.json") or {}
    version = metadata.version("apache-airflow-core")
    is_there = _is_readable(home / "airflow.db", state)
    if not is_there or done.get("airflow") != version:
        _migrate(home / "airflow.db", command, settings, state)
        done = {**done, "airflow": version} if is_there else {"airflow": version}
        write_json(home / "prepared.json", done)
    pools = _pools(settings)
    # Slots that a person changed stay, until ours change.
    if done.get("pools") != pools:
        (home / "pools.json").write_text(pools)
        _run(command, ["pools", "import", str(home / "pools.json")], settings, state)
        write_json(home / "prepared.json", done | {"pools": pools})
    return home


def start_airflow(home: Path, state: Path, env: Mapping[str, str], say: Callable[[str], None]) -> Airflow:
    """Start api-server, scheduler, dag-processor and triggerer on a prepared home and wait until all are healthy."""
    port = kept_port(state, "api-server")
    password = _kept_secrets(home)["password"]
    write_json(home / "passwords.json", {USER: password})
    airflow = Airflow(f"http://127.0.0.1:{port}", password, home, datetime.now(UTC))
    try:
        _start_processes(airflow, _command(), {**env, **_settings(home, port)}, state, say)
    except BaseException:
        airflow.stop()
        raise
    return airflow


def _is_readable(database: Path, state: Path) -> bool:
    """Whether there is a database. Raises StartError for one that is damaged."""
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise StartError(damaged(state, database, error)) from error
    if found != "ok":
        raise StartError(damaged(state, database, found))
    return True


def _migrate(database: Path, command: Path, settings: Mapping[str, str], state: Path) -> None:
    """Make the database, or bring a copy of it up to date: whoever is killed meanwhile leaves the one that was there."""
    partial = database.with_name(f"{database.name}.partial")
    for left in database.parent.glob(f"{partial.name}*"):
        left.unlink()
    if database.exists():
        with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(partial)) as new:
            old.backup(new)
    _run(command, ["db", "migrate"], {**settings, DATABASE: f"sqlite:///{partial}"}, state)
    partial.replace(database)


def _kept_secrets(home: Path) -> dict[str, str]:
    """Return what Airflow signs and encrypts with, and the login's password; made once, so that keys stay readable and browsers logged in."""
    path = home / "secrets.json"
    kept = read_json(path)
    if kept is None:
        kept = {
            "password": secrets.token_urlsafe(12),
            "jwt": secrets.token_urlsafe(64),
            "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        write_json(path, kept)
    return kept


def _command() -> Path:
    command = python("airflow").parent / "airflow"
    if not command.exists():
        raise StartError("airflow is missing from its environment: run `make env`.")
    return command


def _start_processes(
    airflow: Airflow, command: Path, env: Mapping[str, str], state: Path, say: Callable[[str], None]
) -> None:
    logs = state / "logs"
    port = int(airflow.url.rsplit(":", 1)[1])
    # The others load while the API server does: `start` waits for its health.
    for name in COMPONENTS.values():
        airflow.services.append(
            start(name, [command, name], port=free_port(), log=logs / f"{name}.log", env=env, healthy=lambda _: True)
        )
    airflow.services.append(
        start("api-server", [command, "api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
              port=port, log=logs / "api-server.log",
              env={**env, CONNECT_ARGS: "services.embedded.airflow_database.BRIEF"}, healthy=answers("/api/v2/monitor/health"), timeout_seconds=HEALTHY_WITHIN_SECONDS, say=say)
    )  # fmt: skip
    _await_task_api(airflow.url, say)
    deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
    said: list[str] = []
    while silent := silent_components(airflow.url, airflow.began):
        if silent != said:
            say(f"  waiting for the first sign of life of {', '.join(silent)}")
            said = silent
        for service in airflow.services:
            if service.popen.poll() is not None:
                raise StartError(f"{service.name} ended with code {service.popen.returncode}. Its log: {service.log}")
        if time.monotonic() > deadline:
            raise StartError(
                f"No sign of life of {', '.join(silent)} after {HEALTHY_WITHIN_SECONDS} s. Airflow's logs: {logs}"
            )
        time.sleep(0.5)


def _await_task_api(url: str, say: Callable[[str], None]) -> None:
    """Let the API server make the API of tasks, which it does at the first call, while nothing else can be asked of it.

    On a busy machine that takes a minute, and the task whose call it is would lose a try.
    """
    say("  waiting for the API that tasks speak to")
    with loopback_client(url, timeout=HEALTHY_WITHIN_SECONDS) as client:
        try:
            client.get("/execution/health")
        except httpx.TransportError as error:
            raise StartError(
                f"Airflow's API for tasks was not there after {HEALTHY_WITHIN_SECONDS} s: {type(error).__name__}"
            ) from error


def _settings(home: Path, port: int) -> dict[str, str]:
    kept = _kept_secrets(home)
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
        "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt"],
        "AIRFLOW__API__SECRET_KEY": kept["jwt"],
        "AIRFLOW__CORE__FERNET_KEY": kept["fernet"],
        CONNECT_ARGS: "services.embedded.airflow_database.PATIENT",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        # A worker that misses its task's end by a moment holds its slot this long. A trigger that fires
        # meanwhile costs the task a try: it must stay well below enrich_contacts' poll_seconds.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # On a busy machine the API takes its time, and a task that hears nothing when it starts loses a try.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "2",
        # A file that timed out on a busy machine would come again after the interval above.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
        "GTM_SCHEDULES": "manual",
        "GX_ANALYTICS_ENABLED": "false",
    }


def _pools(env: Mapping[str, str]) -> str:
    command: list[str | Path] = [python("airflow"), "-m", "include.airflow.pools"]
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
