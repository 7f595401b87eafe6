"""Load Parquet files of the lake as exactly one partition of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from include.airflow.google import warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.warehouse.run import run
from include.warehouse.tables import Table, table

# One statement, so the partition is the old one or the new one at any moment. It touches no other partition: runs of
# other dates may work at the same time. A load job into `table$20251109` would do the same on BigQuery, but the
# embedded warehouse takes that for a table of that name. Columns are named, because INSERT ROW goes by position, and a
# column that apply_tables adds to a table stands last there, wherever table.yaml has it.
REPLACE = """
MERGE {target} AS loaded
USING {staging} AS staged
ON FALSE
WHEN NOT MATCHED BY SOURCE AND loaded.{partition_field} = @partition{slice} THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ({columns}) VALUES ({columns})
"""


class ParquetToBigQueryPartitionOperator(WarehouseOperator):
    """Load the files into a staging table of the target's schema, then replace the partition in one MERGE.

    Every row in the files must belong to the partition, and to the slice if there is one. Run it again: the same partition. Returns the rows loaded.

    :param table_name: target as dataset.table; it has a definition and is partitioned by day.
    :param partition: ISO date.
    :param source_uri: the files, `gs://bucket/folder/part-*.parquet`.
    :param slice_by: column -> value; only the partition's rows that have these values are replaced, because several
        sources share the table and load at different times.
    """

    template_fields: Sequence[str] = ("partition", "source_uri", "slice_by")
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        table_name: str,
        partition: str,
        source_uri: str,
        slice_by: Mapping[str, str] | None = None,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table_name = table_name
        self.partition = partition
        self.source_uri = source_uri
        self.slice_by = slice_by or {}
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> int:
        from google.cloud import bigquery

        client = warehouse(self.gcp_conn_id)
        target = table(self.table_name)
        day = date.fromisoformat(self.partition)
        of_slice = "_".join(str(value) for value in self.slice_by.values())
        staging = f"{target.name}_load_{day:%Y%m%d}{f'_{of_slice}' if of_slice else ''}"
        labels = {"dag": self.dag_id, "task": self.task_id, "table": target.name.replace(".", "-")}
        load = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField.from_api_repr(field) for field in target.schema()],
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels=labels,
        )
        job = client.load_table_from_uri(self.source_uri, staging, job_config=load)
        job.result()
        run(client, replacement(target, staging, tuple(self.slice_by)), labels, partition=day, **self.slice_by)
        client.delete_table(staging, not_found_ok=True)
        self.log.info("%s of %s holds %d rows from %s", day, target.name, job.output_rows, self.source_uri)
        return int(job.output_rows)


def replacement(target: Table, staging: str, slice_by: Sequence[str] = ()) -> str:
    """Return the statement that makes the rows of ``staging`` the whole partition @partition, or its slice."""
    declared = ", ".join(["@partition DATE", *(f"@{name} STRING" for name in slice_by)])
    merge = REPLACE.format(
        target=target.name,
        staging=staging,
        partition_field=target.partition_field,
        columns=", ".join(f"`{column.name}`" for column in target.columns),
        slice="".join(f" AND loaded.{name} = @{name}" for name in slice_by),
    )
    return f"-- {declared}{merge}"
