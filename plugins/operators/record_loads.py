"""Close the books on the loads of one file: what each read, wrote and refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.settings import lake_bucket
from include.warehouse.run import run
from include.warehouse.tables import Table, table

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

KEPT = ("row_key", "rule", "value", "reason", "line")  # the whole record stays in the lake
COUNT = """
-- @partition DATE, @source STRING
SELECT COUNT(*) AS n FROM {table} WHERE {partition_field} = @partition AND {slice_field} = @source
"""


class RowsMissing(AirflowFailException):
    """A partition does not hold the rows that were converted, or records of the file are unaccounted for. Never retried: the
    count is the same the next time, and it is the task before this one that must run again.
    """


class RecordLoadsOperator(WarehouseOperator):
    """Check each table's slice against its conversion, then write clean.rejected_row and ops.load_manifest.

    Every table is checked before anything is written, so a manifest row means that the whole file is in. Run it again:
    the same rows. Returns how many rows each table got. Raises RowsMissing, naming the table and both counts.

    :param archived: what the archive task returned, or its XCom: `file_name`, `bytes` and `sha256` of the source.
    :param loads: table as dataset.table -> what its conversion returned, or its XCom: `source_object`, `rows_in`, `rows`,
        `rejected`, `note`; with rejected rows also `member_object` and `rejects_object`, a lake object with one JSON
        object a line: line, rule, row_key, value, reason.
    :param partition: the partition of all of them, ISO date.
    :param source: name of the source, as in include/quality/freshness_sources.py: the slice of the partition.
    :param slice_field: the column of the tables that holds the source's name.
    """

    template_fields: Sequence[str] = ("archived", "loads", "partition", "source")
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        archived: Any,
        loads: Mapping[str, Any],
        partition: str,
        source: str,
        slice_field: str = "source",
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.archived = archived
        self.loads = loads
        self.partition = partition
        self.source = source
        self.slice_field = slice_field
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        client = warehouse(self.gcp_conn_id)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        for table_name, load in self.loads.items():
            self._check(client, table_name, load)
        self._record_rejected(
            client, [row for name, load in self.loads.items() for row in _rejected(bucket, name, load)]
        )
        for table_name, load in self.loads.items():
            self._run(
                client,
                table("ops.load_manifest").sql("replace"),
                dataset_table=table_name,
                source_object=load["source_object"],
                file_name=self.archived["file_name"],
                source_bytes=self.archived["bytes"],
                sha256=self.archived["sha256"],
                source_rows=load["rows_in"],
                rows=load["rows"],
                rejected_rows=load["rejected"],
                note=load["note"],
            )
        return {table_name: load["rows"] for table_name, load in self.loads.items()}

    def _record_rejected(self, client: bigquery.Client, rows: list[dict[str, Any]]) -> None:
        from include.warehouse.staged_rows import staged_rows

        target = table("clean.rejected_row")
        suffix = f"{self.source}_{self.partition.replace('-', '')}"
        with staged_rows(
            client, target, suffix, ("table_name", "source_object", *KEPT), rows, self._labels()
        ) as staged:
            self._run(client, target.sql("replace_loaded").replace("{staged}", staged), table_names=list(self.loads))

    def _check(self, client: bigquery.Client, table_name: str, load: Mapping[str, Any]) -> None:
        target = table(table_name)
        (found,) = self._run(client, count(target, self.slice_field))
        if found["n"] != load["rows"]:
            raise RowsMissing(
                f"{table_name} holds {found['n']} rows of {self.source} in partition {self.partition}, but {load['rows']} "
                "were converted. Something else writes there: find it, then clear the table's convert task."
            )
        if load["rows_in"] != load["rows"] + load["rejected"]:
            raise RowsMissing(
                f"{table_name}: {load['rows_in']} records in {load['member_object']} are not {load['rows']} rows and "
                f"{load['rejected']} rejected ones: an error in the conversion. See the log of the table's convert task."
            )

    def _run(self, client: bigquery.Client, sql: str, **more: Any) -> Any:
        return run(client, sql, self._labels(), partition=self.partition, source=self.source, **more)

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id}


def count(target: Table, slice_field: str) -> str:
    """Return the statement that counts the rows of @source in the partition @partition."""
    return COUNT.format(table=target.name, partition_field=target.partition_field, slice_field=slice_field)


def _rejected(bucket: storage.Bucket, table_name: str, load: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of clean.rejected_row that one conversion wrote into the lake."""
    if not load["rejected"]:
        return []
    lines = bucket.blob(load["rejects_object"]).download_as_bytes().splitlines()
    of_table = {"table_name": table_name, "source_object": load["member_object"]}
    return [of_table | {key: row[key] for key in KEPT} for row in map(json.loads, lines)]
