"""DAG runs in an Airflow of their own, as processes: for tests that must see what Airflow itself makes of a DAG."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def migrated(home: Path) -> dict[str, str]:
    """Return the environment of a new Airflow on SQLite under ``home``."""
    env = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
    }
    _python(env, "-m", "airflow", "db", "migrate")
    return env


def states(env: dict[str, str], dag_id: str, **conf: Any) -> dict[str, str]:
    """Run the DAG and return task -> state, with the run's own state under "run"."""
    out = _python(env, "-m", "tests.dags.run_dag", dag_id, json.dumps(conf))
    found = json.loads(next(line for line in out.splitlines() if line.startswith("STATES "))[len("STATES ") :])
    return {"run": found["run"], **{task["task_id"]: task["state"] for task in found["tasks"]}}


def _python(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **env}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
