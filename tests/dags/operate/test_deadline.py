"""A deadline in Airflow: a run that ends in time has none left, and one that is late makes the executor tell the pager."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dags.airflow_process import ROOT, environment


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_deadline_when_one_run_ends_in_time_and_one_does_not_then_the_late_one_is_told(tmp_path: Path) -> None:
    import structlog
    from airflow.sdk.execution_time.callback_supervisor import execute_callback

    command = [sys.executable, "-m", "tests.dags.operate.deadline_probe"]
    done = subprocess.run(
        command, env={**os.environ, **environment(tmp_path)}, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert (seen["versions"], seen["ended"], seen["hours"]) == (1, "success", 2.0)
    assert seen["callback"] == {"kind": "ExecutorCallback", "path": "notifiers.deadline.DeadlineNotifier"}

    path = tmp_path / "pages.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        connection = {"conn_type": "fs", "extra": {"path": str(path)}}
        patch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps(connection))
        went, error = execute_callback(seen["callback"]["path"], seen["kwargs"], tmp_path, None, structlog.get_logger())
    assert went, error
    page = json.loads(path.read_text())
    assert (page["title"], page["facts"]["Run"]) == ("CRITICAL: clean_events missed its deadline", "late")
