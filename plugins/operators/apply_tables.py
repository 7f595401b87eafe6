"""Bring datasets and tables to their definitions in ``include/sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from include.airflow.google import warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.warehouse.tables import column_types, tables

if TYPE_CHECKING:
    from airflow.sdk import Context
    from google.cloud import bigquery


class ApplyTablesOperator(WarehouseOperator):
    """Create what is missing, add new columns, update descriptions and labels. Never drops or retypes a column.

    A column in the warehouse whose type or partitioning differs from its definition, or a new REQUIRED column of a table
    that is there, fails the task with the list of differences, before anything is changed: that needs a written migration.
    """

    def __init__(self, *, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        from google.cloud import bigquery

        client = warehouse(self.gcp_conn_id)
        wanted = [bigquery.Table.from_api_repr(t.resource(client.project)) for t in tables()]
        existing = [_existing(client, one) for one in wanted]
        conflicts = [
            line for definition, there, one in zip(tables(), existing, wanted, strict=True) if there
            for line in _conflicts(definition.name, there, one)
        ]  # fmt: skip
        if conflicts:
            raise AirflowException(
                "These columns differ from include/sql and need a migration by hand; nothing was changed:\n  "
                + "\n  ".join(conflicts)
            )
        for dataset in sorted({t.dataset for t in tables()}):
            client.create_dataset(dataset, exists_ok=True)
        outcomes = [_apply(client, there, one) for there, one in zip(existing, wanted, strict=True)]
        counts = {name: outcomes.count(name) for name in ("created", "updated", "unchanged")}
        self.log.info("Tables: %s", counts)
        return counts


def _existing(client: bigquery.Client, wanted: bigquery.Table) -> bigquery.Table | None:
    from google.api_core.exceptions import NotFound

    try:
        return client.get_table(wanted.reference)
    except NotFound:
        return None


def _apply(client: bigquery.Client, existing: bigquery.Table | None, wanted: bigquery.Table) -> str:
    if existing is None:
        client.create_table(wanted)
        return "created"
    if _described(existing) == _described(wanted):
        return "unchanged"
    existing.schema, existing.description, existing.labels = wanted.schema, wanted.description, wanted.labels
    client.update_table(existing, ["schema", "description", "labels"])
    return "updated"


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
    for column, (type_, mode) in ours.items():
        # A nested field of a record that is new comes with it; BigQuery adds no REQUIRED one to rows that are there.
        if column not in theirs and mode == "REQUIRED" and column.rpartition(".")[0] in ("", *theirs):
            lines.append(
                f"{name}.{column}: {type_} REQUIRED in table.yaml, not in the warehouse: BigQuery adds no REQUIRED column to a "
                "table that is there. Add it as NULLABLE, fill it, and tighten it by hand"
            )
    by = [of.time_partitioning.field if of.time_partitioning else None for of in (existing, wanted)]
    if by[0] != by[1]:
        lines.append(f"{name}: partitioned by {by[0]} in the warehouse, by {by[1]} in table.yaml")
    return lines
