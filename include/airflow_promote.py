"""Promotions: SQL beside a table's definition, run as one labelled, capped, parameterised BigQuery job."""

from __future__ import annotations

from include.airflow_defaults import GCP_CONN_ID
from include.airflow_google import PromoteOperator
from include.settings import project
from include.tables import table

MAXIMUM_BYTES_BILLED = 200 * 1024**3
_TYPES = ("STRING", "INT64", "FLOAT64", "BOOL", "DATE", "TIMESTAMP")


def promote(
    table_name: str,
    *,
    sql: str = "query",
    text: str | None = None,
    task_id: str | None = None,
    params: dict[str, tuple[str, str]] | None = None,
    trigger_rule: str = "all_success",
) -> PromoteOperator:
    """Return the task that runs ``include/sql/<table>/<sql>.sql``.

    :param text: the statement itself, where Python makes it of the file and of declarations.
    :param params: query parameter name -> (type, value); a value may be a template, for example ``{"as_of": ("TIMESTAMP", AS_OF)}``.
    """
    target = table(table_name)
    name = task_id or f"promote_{target.table_id}"
    return PromoteOperator(
        task_id=name,
        gcp_conn_id=GCP_CONN_ID,
        project_id=project(),
        location="US",
        pool="bigquery",
        trigger_rule=trigger_rule,
        configuration={
            "query": {
                "query": text or target.sql(sql),
                "useLegacySql": False,
                "parameterMode": "NAMED",
                "queryParameters": [_parameter(key, *value) for key, value in (params or {}).items()],
                "maximumBytesBilled": str(MAXIMUM_BYTES_BILLED),
            },
            "labels": {
                "dag": "{{ dag.dag_id }}",
                "task": name,
                "table": table_name.replace(".", "-"),
            },
        },
    )


def _parameter(name: str, type_: str, value: str) -> dict[str, object]:
    if type_ not in _TYPES:
        raise ValueError(f"Query parameter {name}: type {type_!r} is not one of {_TYPES}.")
    return {"name": name, "parameterType": {"type": type_}, "parameterValue": {"value": value}}
