"""Start a DAG run as a person would, wait for it, and say which task and which log file when it fails."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from services.embedded.airflow_api import AirflowApi, silent_components
from services.embedded.process import ROOT, StartError, python

DONE = ("success", "failed")
ENDED = (*DONE, "skipped", "upstream_failed", "removed")
AT_WORK = {
    "running": "running",
    "deferred": "waiting for a vendor",
    "up_for_retry": "tried again soon",
    "scheduled": "waiting for a slot of its pool",
    "queued": "about to start",
}
SAY_AGAIN_SECONDS = 30


class RunFailed(RuntimeError):
    """A DAG run failed, or never came. The message names DAG, run, task and log file."""


Interval = tuple[datetime, datetime]


def run_body(interval: Interval | None, conf: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the body that triggers a run: of the interval that it owns, or (None) of a convergent DAG, now."""
    if interval is None:
        return {"logical_date": datetime.now(UTC).isoformat(), "conf": conf or {}}
    start, end = (moment.isoformat() for moment in interval)
    return {"logical_date": start, "data_interval_start": start, "data_interval_end": end, "conf": conf or {}}


def interval_of(dag_id: str, day: date, airflow_home: Path) -> Interval | None:
    """Return the interval of ``dag_id`` that contains ``day``; None for a DAG that owns no interval."""
    code = (
        "import json, sys, datetime; from include.airflow.schedules import CRONS, interval_of; d = sys.argv[1]; "
        "day = datetime.date.fromisoformat(sys.argv[2]); "
        "print(json.dumps([x.isoformat() for x in interval_of(d, day)] if d in CRONS else None))"
    )
    # Cron arithmetic is Airflow's: asked in its own process, because services do not import Airflow. In the home of the stack, which
    # has its configuration: where there is none, Airflow writes one, and of several commands at once one reads half of it.
    done = subprocess.run(
        [python("airflow"), "-c", code, dag_id, day.isoformat()],
        cwd=ROOT, env={**os.environ, "AIRFLOW_HOME": str(airflow_home)}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise StartError(f"Airflow could not say which interval of {dag_id} {day} is in:\n{done.stderr}")
    bounds = json.loads(done.stdout.strip().splitlines()[-1])
    return (datetime.fromisoformat(bounds[0]), datetime.fromisoformat(bounds[1])) if bounds else None


def finished_run(
    api: AirflowApi,
    dag_id: str,
    run_id: str,
    logs: Path,
    say: Callable[[str], None] = lambda _: None,
    timeout_seconds: float = 1800,
) -> float:
    """Wait for the run and return its seconds; raise RunFailed with task and log file when it fails, or with what it waited for at the deadline.

    :param say: told what the run waits for, when that changes and every half minute
    """
    began = said_at = time.monotonic()
    said = ""
    while (run := api.run(dag_id, run_id))["state"] not in DONE:
        now = time.monotonic()
        state = what_it_waits_for(api, run)
        if state != said or now - said_at > SAY_AGAIN_SECONDS:
            say(f"  [{now - began:4.0f} s] {state}")
            said, said_at = state, now
        if now - began > timeout_seconds:
            raise RunFailed(f"{dag_id} {run_id} was not done after {timeout_seconds:.0f} s: {state}")
        time.sleep(1)
    raise_for_failures(api, [run], logs)
    return run_seconds(run)


def what_it_waits_for(api: AirflowApi, run: dict[str, Any]) -> str:
    """Return in a line what a run that is not done waits for."""
    dag = api.dag(run["dag_id"])
    if silent := [name for name in silent_components(api.url) if name != "triggerer"]:
        return f"{run['state']}; no sign of life of {' and '.join(silent)}: `make status`"
    if dag["is_paused"]:
        return f"{run['state']}; {dag['dag_id']} is paused: nothing begins before somebody unpauses it"
    if run["state"] == "queued":
        running = [other["dag_run_id"] for other in api.active_runs(dag["dag_id"]) if other["state"] == "running"]
        others = [other for other in running if other != run["dag_run_id"]]
        if dag["max_active_runs"] and len(others) >= dag["max_active_runs"]:
            return f"queued behind {', '.join(others)}: {dag['dag_id']} allows {dag['max_active_runs']} at a time"
        return "queued: the scheduler begins it with its next round"
    return tasks_in_words(api.tasks(run["dag_id"], run["dag_run_id"]))


def tasks_in_words(tasks: Sequence[dict[str, Any]]) -> str:
    """Return in a line how far the tasks of a run are, and which are at work or held up."""
    done = sum(task["state"] in ENDED for task in tasks)
    parts = [f"{done} of {len(tasks)} tasks done"]
    for state, words in AT_WORK.items():
        if names := sorted({task["task_id"] for task in tasks if task["state"] == state}):
            parts.append(f"{words}: {', '.join(names[:4])}{' ...' if len(names) > 4 else ''}")
    return "; ".join(parts)


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
