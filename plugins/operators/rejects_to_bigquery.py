"""Put the rows that a load refused into clean.rejected_row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from include.airflow_promote import MAXIMUM_BYTES_BILLED
from include.settings import lake_bucket, project
from include.tables import table

TABLE = "clean.rejected_row"
KEPT = ("row_key", "rule", "value", "reason", "line")  # the whole record stays in the lake


class RejectsToBigQueryOperator(BaseOperator):
    """Replace the slice of clean.rejected_row that belongs to one table, partition and source, in one transaction.

    Run it again: the same rows. The number of refused rows is bounded by what the conversion tolerates.
    Returns how many rows were written.

    :param table_name: the table whose load refused the rows, as dataset.table.
    :param partition: its partition, ISO date; becomes run_date.
    :param source: name of the source, as in include/sources.py.
    :param rejects_object: lake object with one JSON object a line: line, rule, row_key, value, reason.
    :param source_object: where the rows came from.
    """

    template_fields: Sequence[str] = ("table_name", "partition", "source", "rejects_object", "source_object")
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        table_name: str,
        partition: str,
        source: str,
        rejects_object: str,
        source_object: str,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table_name = table_name
        self.partition = partition
        self.source = source
        self.rejects_object = rejects_object
        self.source_object = source_object
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> int:
        from google.cloud import bigquery

        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        lines = bucket.blob(self.rejects_object).download_as_bytes().splitlines()
        rejected = [{key: row[key] for key in KEPT} for row in map(json.loads, lines)]
        client = BigQueryHook(gcp_conn_id=self.gcp_conn_id).get_client(project_id=project())
        parameters = {
            "table_name": ("STRING", self.table_name),
            "partition": ("DATE", self.partition),
            "source": ("STRING", self.source),
            "source_object": ("STRING", self.source_object),
            "rejected": ("STRING", json.dumps(rejected)),
        }
        config = bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter(name, *of) for name, of in parameters.items()],
            maximum_bytes_billed=MAXIMUM_BYTES_BILLED,
            labels={"dag": self.dag_id, "task": self.task_id, "table": TABLE.replace(".", "-")},
        )
        client.query_and_wait(table(TABLE).sql("replace_partition"), job_config=config)
        return len(rejected)
