"""A run that is late: what Airflow hands to the callback of a DeadlineAlert becomes a message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.sdk.execution_time.callback_supervisor import execute_callback

from include.airflow.defaults import deadline


def test_deadline_when_it_is_missed_then_the_executor_runs_the_callback_and_the_run_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import structlog

    path = tmp_path / "pages.jsonl"
    monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps({"conn_type": "fs", "extra": {"path": str(path)}}))
    callback = deadline(hours=3, owner="growth").callback
    # As airflow.models.deadline makes it: the run as the API shows it, and no DAG.
    context = {
        "dag_run": {
            "dag_id": "activate_ghl", "dag_run_id": "asset_triggered__1", "logical_date": None,
            "run_after": "2025-11-10T06:00:00Z", "state": "running", "conf": {},
        },
        "deadline": {"id": "1", "deadline_time": "2025-11-10T09:00:00Z"},
    }  # fmt: skip
    done, error = execute_callback(
        callback.path,
        json.loads(json.dumps({**callback.kwargs, "context": context})),
        tmp_path,
        None,
        structlog.get_logger(),
    )
    assert done, error
    (page,) = map(json.loads, path.read_text().splitlines())
    assert page["title"] == "CRITICAL: activate_ghl missed its deadline"
    assert page["facts"] == {
        "DAG": "activate_ghl", "Run": "asset_triggered__1", "As of": "2025-11-10T06:00:00Z", "Owner": "growth",
        "Due": "2025-11-10T09:00:00Z", "State": "running",
    }  # fmt: skip
