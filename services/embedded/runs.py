"""Start a DAG run as a person would, wait for it, and say which task and which log file when it fails."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from services.embedded.airflow import AirflowApi
from services.embedded.process import ROOT, python

DONE = ("success", "failed")


class RunFailed(RuntimeError):
    """A DAG run failed, or never came. The message names DAG, run, task and log file."""


Interval = tuple[datetime, datetime]


def run_body(interval: Interval | None, conf: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the body that triggers a run: of the interval that it owns, or (None) of a convergent DAG, now."""
    if interval is None:
        return {"logical_date": datetime.now(UTC).isoformat(), "conf": conf or {}}
    start, end = (moment.isoformat() for moment in interval)
    return {"logical_date": start, "data_interval_start": start, "data_interval_end": end, "conf": conf or {}}


def interval_of(dag_id: str, day: date) -> Interval | None:
    """Return the interval of ``dag_id`` that contains ``day``; None for a DAG that owns no interval."""
    code = (
        "import json, sys, datetime; from include.airflow_schedules import CRONS, interval_of; d = sys.argv[1]; "
        "day = datetime.date.fromisoformat(sys.argv[2]); "
        "print(json.dumps([x.isoformat() for x in interval_of(d, day)] if d in CRONS else None))"
    )
    # Cron arithmetic is Airflow's: asked in its own process, because services do not import Airflow.
    done = subprocess.run(
        [python("airflow"), "-c", code, dag_id, day.isoformat()], cwd=ROOT, check=True, capture_output=True, text=True
    )
    bounds = json.loads(done.stdout.strip().splitlines()[-1])
    return (datetime.fromisoformat(bounds[0]), datetime.fromisoformat(bounds[1])) if bounds else None


def finished_run(api: AirflowApi, dag_id: str, run_id: str, logs: Path, timeout_seconds: float = 1800) -> float:
    """Wait for the run and return its seconds; raise RunFailed with task and log file when it fails."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        run = next(r for r in api.runs() if (r["dag_id"], r["dag_run_id"]) == (dag_id, run_id))
        if run["state"] in DONE:
            raise_for_failures(api, [run], logs)
            return run_seconds(run)
        time.sleep(1)
    raise RunFailed(f"{dag_id} {run_id} was not done after {timeout_seconds:.0f} s.")


def run_seconds(run: dict[str, Any]) -> float:
    """Return the duration of a finished run."""
    length: timedelta = datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["start_date"])
    return length.total_seconds()


def raise_for_failures(api: AirflowApi, runs: Sequence[dict[str, Any]], logs: Path) -> None:
    """Raise RunFailed that names each failed run's failed tasks and their newest log files."""
    reports = []
    for run in runs:
        if run["state"] != "failed":
            continue
        failed = [t for t in api.tasks(run["dag_id"], run["dag_run_id"]) if t["state"] == "failed"]
        for item in failed:
            reports.append(f"{item['dag_id']} . {item['task_id']} failed\n    log: {_log_file(logs, item)}")
        if not failed:
            reports.append(f"{run['dag_id']} {run['dag_run_id']} failed without a failed task: see the scheduler log")
    if reports:
        raise RunFailed("\n".join(reports))


def _log_file(logs: Path, task: dict[str, Any]) -> str:
    folder = logs / f"dag_id={task['dag_id']}" / f"run_id={task['dag_run_id']}" / f"task_id={task['task_id']}"
    if task["map_index"] >= 0:
        folder /= f"map_index={task['map_index']}"
    attempts = sorted(folder.glob("attempt=*.log"))
    return str(attempts[-1]) if attempts else f"{folder} (no file yet)"
