"""The part of Airflow's task context that our operators read, for calling ``execute`` directly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def context(task_id: str = "task", run_id: str = "test", **more: Any) -> Any:
    return {"ti": SimpleNamespace(dag_id="dag", run_id=run_id, task_id=task_id, map_index=-1, try_number=1), **more}
