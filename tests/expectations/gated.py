"""Made-up rows, checked by the gate of their table."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery

from operators.gate import GateFailed, GateOperator
from tests.operators.context import context
from tests.sql.segmented.registry import AS_OF, insert


def gate(client: bigquery.Client, name: str, rows: list[dict[str, Any]], **options: Any) -> dict[str, int]:
    """Return what the gate of table ``name`` answers when ``rows`` have been added to it."""
    insert(client, name, rows)
    result: dict[str, int] = GateOperator(task_id="gate", table_name=name, as_of=AS_OF, **options).execute(context())
    return result


def broken_rules(client: bigquery.Client, name: str, rows: list[dict[str, Any]], **options: Any) -> list[str]:
    """Return the reasons of the rules that stop the promotion of ``rows``, in the order of the alphabet."""
    with pytest.raises(GateFailed):
        gate(client, name, rows, **options)
    return _reasons(client, "fail")


def warnings(client: bigquery.Client) -> list[str]:
    """Return the reasons of the rules that only warned."""
    return _reasons(client, "warn")


def _reasons(client: bigquery.Client, severity: str) -> list[str]:
    sql = f"SELECT reason FROM ops.quality_result WHERE NOT success AND severity = '{severity}' ORDER BY reason"
    return [row["reason"] for row in client.query_and_wait(sql)]
