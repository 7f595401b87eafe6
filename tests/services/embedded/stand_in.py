"""An Airflow whose answers a test lays down; what a test does not lay down, it must not ask."""

from __future__ import annotations

from typing import Any, cast

from services.embedded.airflow_api import AirflowApi


class StandIn:
    """The questions that waiting asks, answered from ``dags_``, ``runs_`` and ``tasks_``."""

    url = "http://airflow"

    def __init__(self, **dags: dict[str, Any]) -> None:
        self.dags_ = {
            dag_id: {"dag_id": dag_id, "is_paused": False, "max_active_runs": 1, **dag} for dag_id, dag in dags.items()
        }
        self.errors: dict[str, str] = {}
        self.runs_: list[dict[str, Any]] = []
        self.tasks_: list[dict[str, Any]] = []
        self.triggered: list[str] = []
        self.paused: list[tuple[str, bool]] = []

    def dags(self) -> list[dict[str, Any]]:
        return list(self.dags_.values())

    def dag(self, dag_id: str) -> dict[str, Any]:
        return self.dags_[dag_id]

    def import_errors(self, since: object = None) -> dict[str, str]:
        return self.errors

    def set_paused(self, dag_id: str, paused: bool) -> None:
        self.paused.append((dag_id, paused))

    def trigger(self, dag_id: str, body: dict[str, Any]) -> str:
        self.triggered.append(dag_id)
        return "manual__0"

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return next(run for run in self.runs_ if (run["dag_id"], run["dag_run_id"]) == (dag_id, run_id))

    def active_runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        return [run for run in self.runs_ if run["state"] in ("queued", "running") and run["dag_id"] == dag_id]

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.tasks_

    def api(self) -> AirflowApi:
        return cast(AirflowApi, self)


def run(state: str, run_id: str = "manual__0", dag_id: str = "clean_events") -> dict[str, Any]:
    """Return a run of a second's length."""
    at = "2026-01-05T12:00:0{}+00:00"
    return {
        "dag_id": dag_id,
        "dag_run_id": run_id,
        "state": state,
        "start_date": at.format(0),
        "end_date": at.format(1),
    }


def task(task_id: str, state: str | None) -> dict[str, Any]:
    return {"task_id": task_id, "state": state}
