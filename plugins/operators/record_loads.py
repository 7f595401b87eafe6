"""Close the books on the loads of one file: what each read, wrote and refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from include.airflow_promote import MAXIMUM_BYTES_BILLED
from include.settings import lake_bucket, project
from include.tables import table
from operators.rejects_to_bigquery import KEPT

if TYPE_CHECKING:
    from google.cloud import bigquery

COUNT = "SELECT COUNT(*) AS n FROM {table} WHERE {partition_field} = @partition AND source = @source"


class RowsMissing(RuntimeError):
    """A partition does not hold the rows that were converted, or records of the file are unaccounted for."""


class RecordLoadsOperator(BaseOperator):
    """Check each table's slice against its conversion, then write clean.rejected_row and ops.load_manifest.

    Every table is checked before anything is written, so a manifest row means that the whole file is in. Run it again:
    the same rows. Returns how many rows each table got. Raises RowsMissing, naming the table and both counts.

    :param archived: what the archive task returned, or its XCom.
    :param loads: table as dataset.table -> what its conversion returned, or its XCom.
    :param partition: the partition of all of them, ISO date.
    :param source: name of the source, as in include/sources.py: the slice of the partition.
    """

    template_fields: Sequence[str] = ("archived", "loads", "partition")
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        archived: Any,
        loads: Mapping[str, Any],
        partition: str,
        source: str,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.archived = archived
        self.loads = loads
        self.partition = partition
        self.source = source
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        client = BigQueryHook(gcp_conn_id=self.gcp_conn_id).get_client(project_id=project())
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        for table_name, load in self.loads.items():
            self._check(client, table_name, load)
        for table_name, load in self.loads.items():
            lines = bucket.blob(load["rejects_object"]).download_as_bytes().splitlines()
            rejected = [{key: row[key] for key in KEPT} for row in map(json.loads, lines)]
            self._run(
                client,
                table("clean.rejected_row").sql("replace_partition"),
                table_name=("STRING", table_name),
                source_object=("STRING", load["member_object"]),
                rejected=("STRING", json.dumps(rejected)),
            )
            self._run(
                client,
                table("ops.load_manifest").sql("replace"),
                dataset_table=("STRING", table_name),
                source_object=("STRING", load["source_object"]),
                file_name=("STRING", self.archived["file_name"]),
                source_bytes=("INT64", self.archived["bytes"]),
                sha256=("STRING", self.archived["sha256"]),
                source_rows=("INT64", load["rows_in"]),
                rows=("INT64", load["rows"]),
                rejected_rows=("INT64", load["rejected"]),
                note=("STRING", load["note"]),
            )
        return {table_name: load["rows"] for table_name, load in self.loads.items()}

    def _check(self, client: bigquery.Client, table_name: str, load: Mapping[str, Any]) -> None:
        target = table(table_name)
        sql = COUNT.format(table=target.name, partition_field=target.partition_field)
        (found,) = self._run(client, sql)
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

    def _run(self, client: bigquery.Client, sql: str, **more: tuple[str, Any]) -> Any:
        from google.cloud import bigquery

        parameters = {"partition": ("DATE", self.partition), "source": ("STRING", self.source), **more}
        config = bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter(name, *of) for name, of in parameters.items()],
            maximum_bytes_billed=MAXIMUM_BYTES_BILLED,
            labels={"dag": self.dag_id, "task": self.task_id},
        )
        return client.query_and_wait(sql, job_config=config)
