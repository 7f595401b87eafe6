"""Faults that BigQuery has and local-bigquery has not; nothing fails unless a test asks for it at ``/__warehouse__/cancel``."""

from __future__ import annotations

import re
import threading
from typing import Any

from local_bigquery import app
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import query

_waiting: dict[str, int] = {}  # table as dataset.table -> statements that change it and are yet to be cancelled
_lock = threading.Lock()


def cancel(body: dict[str, Any]) -> dict[str, int]:
    """Let the next ``times`` statements that change ``table`` be cancelled for another one's sake; 0 ends it."""
    with _lock:
        _waiting[str(body["table"])] = int(body["times"])
        return dict(_waiting)


def install() -> None:
    """Serve the request, and look at each statement before it runs."""
    app.post("/__warehouse__/cancel")(cancel)
    run = query.execute

    def execute(cursor: Any, project_id: str, job_id: str | None, config: Any, *rest: Any, **options: Any) -> Any:
        if table := _next(config.query):
            raise BigQueryError(
                "invalidQuery",
                f"Query error: Transaction is aborted due to concurrent update against table {project_id}:{table}. "
                f"Transaction ID: {job_id} at [1:1]",
            )
        return run(cursor, project_id, job_id, config, *rest, **options)

    query.execute = execute


def _next(sql: str) -> str | None:
    """Return the table for whose sake this statement is cancelled."""
    changed = set(re.findall(r"(?i)\b(?:MERGE(?:\s+INTO)?|INSERT\s+INTO|DELETE\s+FROM|UPDATE)\s+`?([\w.]+)", sql))
    with _lock:
        table = next((name for name in changed if _waiting.get(name, 0) > 0), None)
        if table:
            _waiting[table] -= 1
        return table
