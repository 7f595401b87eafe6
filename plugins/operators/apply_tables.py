"""Bring datasets and tables to their definitions in ``include/sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from include.airflow_google import BigQueryHook
from include.settings import project
from include.tables import Table, column_types, tables

if TYPE_CHECKING:
    from airflow.sdk import Context
    from google.cloud import bigquery


class ApplyTablesOperator(BaseOperator):
    """Create what is missing, add new columns, update descriptions and labels. Never drops or retypes a column.

    A column in the warehouse whose type or partitioning differs from its definition fails the task with the list of differences:
    such a change needs a written migration.
    """

    def __init__(self, *, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        client = BigQueryHook(gcp_conn_id=self.gcp_conn_id).get_client(project_id=project())
        for dataset in sorted({t.dataset for t in tables()}):
            client.create_dataset(dataset, exists_ok=True)
        outcomes = [_apply(client, t) for t in tables()]
        conflicts = [line for _, lines in outcomes for line in lines]
        if conflicts:
            raise AirflowException(
                "These columns differ from include/sql and need a migration by hand:\n  " + "\n  ".join(conflicts)
            )
        counts = {name: sum(done == name for done, _ in outcomes) for name in ("created", "updated", "unchanged")}
        self.log.info("Tables: %s", counts)
        return counts


def _apply(client: bigquery.Client, definition: Table) -> tuple[str, list[str]]:
    from google.api_core.exceptions import NotFound
    from google.cloud import bigquery

    wanted = bigquery.Table.from_api_repr(definition.resource(client.project))
    try:
        existing = client.get_table(wanted.reference)
    except NotFound:
        client.create_table(wanted)
        return "created", []
    conflicts = _conflicts(definition.name, existing, wanted)
    if conflicts:
        return "conflict", conflicts
    if _described(existing) == _described(wanted):
        return "unchanged", []
    existing.schema, existing.description, existing.labels = wanted.schema, wanted.description, wanted.labels
    client.update_table(existing, ["schema", "description", "labels"])
    return "updated", []


def _described(definition: bigquery.Table) -> tuple[object, ...]:
    schema = [field.to_api_repr() for field in definition.schema]
    return list(column_types(schema).items()), _descriptions(schema), definition.description, definition.labels


def _descriptions(schema: list[dict[str, Any]]) -> list[object]:
    return [(field.get("description"), _descriptions(field.get("fields", []))) for field in schema]


def _conflicts(name: str, existing: bigquery.Table, wanted: bigquery.Table) -> list[str]:
    theirs, ours = (column_types([f.to_api_repr() for f in of.schema]) for of in (existing, wanted))
    lines = []
    for column, there in theirs.items():
        here = ours.get(column)
        if here is None:
            lines.append(f"{name}.{column}: in the warehouse, not in table.yaml")
        elif there != here:
            lines.append(f"{name}.{column}: {' '.join(there)} in the warehouse, {' '.join(here)} in table.yaml")
    by = [of.time_partitioning.field if of.time_partitioning else None for of in (existing, wanted)]
    if by[0] != by[1]:
        lines.append(f"{name}: partitioned by {by[0]} in the warehouse, by {by[1]} in table.yaml")
    return lines
