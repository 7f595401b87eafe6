"""Promotions: SQL beside a table's definition, run as one labeled, capped, parameterized BigQuery job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from include.airflow.defaults import GCP_CONN_ID
from include.airflow.google import InsertJobOperator
from include.settings import project
from include.warehouse.parameters import declared, from_text, query_parameters
from include.warehouse.run import MAXIMUM_BYTES_BILLED, until_not_cancelled
from include.warehouse.tables import table

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromoteOperator(InsertJobOperator):
    """A statement of include/sql as one job: its parameters fit their types, and it runs again where BigQuery cancels it."""

    def execute(self, context: Context) -> Any:
        query = self.configuration["query"]
        texts = {one["name"]: str(one["parameterValue"]["value"]) for one in query["queryParameters"]}
        query_parameters(query["query"], from_text(query["query"], texts))

        def run_once() -> Any:
            self.job_id = None  # a job that was cancelled is over: the next one has an id of its own
            return super(PromoteOperator, self).execute(context)

        return until_not_cancelled()(run_once)()


def promote(
    table_name: str,
    *,
    sql: str = "query",
    text: str | None = None,
    task_id: str | None = None,
    params: Mapping[str, str] | None = None,
    trigger_rule: str = "all_success",
) -> PromoteOperator:
    """Return the task that runs ``include/sql/<table>/<sql>.sql``.

    :param text: the statement itself, where Python makes it of the file and of declarations.
    :param params: query parameter name -> value as text, or a template of it, for example ``{"as_of": AS_OF}``. Their types
        are those that the statement declares; raises ValueError where it declares others than are given.
    """
    target = table(table_name)
    name = task_id or f"promote_{target.table_id}"
    query = text or target.sql(sql)
    types, given = declared(query), params or {}
    if types.keys() != given.keys():
        raise ValueError(f"{name}: {table_name} {sql} declares {sorted(types)}, and {sorted(given)} are given.")
    return PromoteOperator(
        task_id=name,
        gcp_conn_id=GCP_CONN_ID,
        project_id=project(),
        pool="bigquery",
        trigger_rule=trigger_rule,
        configuration={
            "query": {
                "query": query,
                "useLegacySql": False,
                "parameterMode": "NAMED",
                "queryParameters": [_parameter(key, types[key], value) for key, value in given.items()],
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
    return {"name": name, "parameterType": {"type": type_}, "parameterValue": {"value": value}}
