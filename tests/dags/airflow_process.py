"""DAG runs in an Airflow process of the test session: for tests that must see what Airflow itself makes of a DAG."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
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


class AirflowProcess:
    """One process that runs DAG after DAG, started when it is first asked. It is asked by one test at a time."""

    def __init__(self, home: Path) -> None:
        self._env = environment(home)
        self._log = home / "process.log"
        self._popen: subprocess.Popen[str] | None = None

    def answer(self, dag_id: str, logical_date: str | None, conf: dict[str, Any]) -> dict[str, Any]:
        """Run the DAG with this test's environment variables; return the server's answer with what was printed as "log".

        Raises AssertionError with the end of the log when the process ends instead of answering; the next call starts anew.
        """
        request = {"env": {**os.environ, **self._env}, "dag_id": dag_id, "logical_date": logical_date, "conf": conf}
        try:
            popen = self._running()
            assert popen.stdin and popen.stdout
            began = self._log.stat().st_size
            print(json.dumps(request), file=popen.stdin, flush=True)
            line = popen.stdout.readline()
        except BaseException:
            # A test that was cut off, by its time limit or by Ctrl-C, leaves no run behind that goes on.
            self.stop()
            raise
        log = self._log.read_bytes()[began:].decode(errors="replace")
        if not line:
            self.stop()
            raise AssertionError(f"Airflow's process ended while it ran {dag_id}:\n{log[-6000:]}")
        return {**json.loads(line), "log": log}

    def stop(self) -> None:
        if self._popen:
            if self._popen.poll() is None:
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.communicate()
            self._popen = None

    def _running(self) -> subprocess.Popen[str]:
        if not self._popen:
            with self._log.open("ab") as log:
                self._popen = subprocess.Popen(
                    [sys.executable, "-m", "tests.dags.airflow_server"], env={**os.environ, **self._env}, cwd=ROOT,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                )  # fmt: skip
        return self._popen


@dataclass
class Airflow:
    """The session's Airflow as one test sees it: its own runs and nothing of the tests before it."""

    process: AirflowProcess
    announced: list[dict[str, Any]] = field(default_factory=list)


def run(airflow: Airflow, dag_id: str, **conf: Any) -> dict[str, Any]:
    """Run the DAG without a logical date, as `airflow dags trigger` does, and return {"run": state, "tasks": [{task_id, map_index, state, name, tries}], "links": {task/link: URL}, "log": text}."""
    found = airflow.process.answer(dag_id, None, conf)
    airflow.announced += found["announced"]
    return found


def run_of(airflow: Airflow, dag_id: str, logical_date: str, **conf: Any) -> dict[str, Any]:
    """Run the DAG for that logical date (ISO 8601, UTC), require that it succeeds, and return what `run` does."""
    found = airflow.process.answer(dag_id, logical_date, conf)
    airflow.announced += found["announced"]
    assert found["run"] == "success", found["log"][-6000:]
    return found


def states(airflow: Airflow, dag_id: str, **conf: Any) -> dict[str, str]:
    """Run the DAG and return task -> state, with the run's own state under "run"."""
    found = run(airflow, dag_id, **conf)
    return {"run": found["run"], **{task["task_id"]: task["state"] for task in found["tasks"]}}


def announced(airflow: Airflow) -> list[dict[str, Any]]:
    """Return the extras of the asset events of this test's runs, oldest first."""
    return airflow.announced
