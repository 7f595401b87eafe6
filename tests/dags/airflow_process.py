"""DAG runs in an Airflow of their own, as processes: for tests that must see what Airflow itself makes of a DAG."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path) -> dict[str, str]:
    """Return the variables of an Airflow on SQLite under ``home``."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "GTM_SCHEDULES": "cron",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
    }


def python(env: dict[str, str], *arguments: str) -> str:
    """Run Python with ``arguments`` in that Airflow's environment and return its output."""
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command,
        env={**os.environ, **env},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def run(env: dict[str, str], dag_id: str, **conf: Any) -> dict[str, Any]:
    """Run the DAG and return {"run": state, "tasks": [{task_id, map_index, state, name}], "log": text}."""
    out = python(env, "-m", "tests.dags.run_dag", dag_id, json.dumps(conf))
    found = json.loads(next(line for line in out.splitlines() if line.startswith("STATES "))[len("STATES ") :])
    return {**found, "log": out}


def states(env: dict[str, str], dag_id: str, **conf: Any) -> dict[str, str]:
    """Run the DAG and return task -> state, with the run's own state under "run"."""
    found = run(env, dag_id, **conf)
    return {"run": found["run"], **{task["task_id"]: task["state"] for task in found["tasks"]}}


def announced(env: dict[str, str]) -> list[dict[str, Any]]:
    """Return the extras of the asset events, oldest first."""
    with sqlite3.connect(Path(env["AIRFLOW_HOME"]) / "airflow.db") as database:
        return [json.loads(extra) for (extra,) in database.execute("SELECT extra FROM asset_event ORDER BY id")]
