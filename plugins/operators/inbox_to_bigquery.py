"""Load one received date of the webhook inbox into its partition of raw.event."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from typing import IO, TYPE_CHECKING, Any

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.events.inbox import day_prefix, row_of_object
from include.settings import lake_bucket
from include.warehouse.run import run
from include.warehouse.tables import Table, table

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

TABLE = "raw.event"
SOURCE = "events"  # as in include/quality/freshness_sources.py
READERS = 8  # stays below the ten connections that the storage client keeps open
BATCH = 500
# The receiver dates an event when it arrives and may need some seconds to store it.
SETTLED_AFTER = timedelta(seconds=30)
# One statement that touches one partition: a transaction would cancel, or be cancelled by, the runs of other dates.
REPLACE = """
-- @received_date DATE
MERGE {target} AS loaded
USING {staging} AS staged
ON FALSE
WHEN NOT MATCHED BY SOURCE AND loaded.received_date = @received_date THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ({columns}) VALUES ({columns})
"""
EMPTY = """
-- @received_date DATE
DELETE FROM raw.event WHERE received_date = @received_date
"""


class InboxToBigQueryOperator(WarehouseOperator):
    """Replace the partition ``received_date`` of raw.event with what the inbox holds for that date.

    Run it twice: the same rows in the same order. A date without events ends as an empty partition, and stands in
    ops.load_manifest as every other. An object that the
    receiver did not write is a row that is not verified. Returns the rows.

    :param received_date: UTC date of receipt, YYYY-MM-DD.
    """

    template_fields: Sequence[str] = ("received_date",)
    ui_color = "#e8f0fe"

    def __init__(self, *, received_date: str, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.received_date = received_date
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> int:
        day = date.fromisoformat(self.received_date)
        _wait_until_reconciled(day)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        client = warehouse(self.gcp_conn_id)
        with tempfile.TemporaryFile() as rows:
            count = _write_rows(bucket, day, rows)
            rows.seek(0)
            self._replace(client, day, rows if count else None)
            rows.seek(0)
            self._record(client, day, count, rows)
        self.log.info("%s: %d rows of %s", TABLE, count, day)
        return count

    def _record(self, client: bigquery.Client, day: date, count: int, rows: IO[bytes]) -> None:
        """Note in ops.load_manifest that the day is in, also where nothing came: its absence there is an alarm."""
        run(
            client,
            table("ops.load_manifest").sql("replace"),
            self._labels(),
            dataset_table=TABLE,
            partition=day,
            source=SOURCE,
            source_object=f"gs://{lake_bucket()}/{day_prefix(day)}",
            file_name=day_prefix(day),
            source_bytes=rows.seek(0, os.SEEK_END),
            sha256=_sha256(rows),
            source_rows=count,
            rows=count,
            rejected_rows=0,
            note="" if count else "no events",
        )

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id, "table": TABLE.replace(".", "-")}

    def _replace(self, client: bigquery.Client, day: date, rows: IO[bytes] | None) -> None:
        """Put the rows into the partition in one statement, through a staging table of this date.

        A load job straight into ``raw.event$YYYYMMDD`` would do it on BigQuery; local-bigquery takes that for a table
        of its own.
        """
        from google.cloud import bigquery

        target = table(TABLE)
        labels = self._labels()
        staging = f"{target.dataset}.staging_{target.table_id}_{day:%Y%m%d}"
        load = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField.from_api_repr(field) for field in target.schema()],
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels=labels,
        )
        try:
            if rows:
                client.load_table_from_file(rows, staging, job_config=load).result()
                run(client, replacement(target, staging), labels, received_date=day)
            else:
                run(client, EMPTY, labels, received_date=day)
        finally:
            client.delete_table(staging, not_found_ok=True)


def _sha256(rows: IO[bytes]) -> str:
    rows.seek(0)
    return hashlib.file_digest(rows, "sha256").hexdigest()  # type: ignore[arg-type]


def replacement(target: Table, staging: str) -> str:
    """Return the statement that makes the rows of ``staging`` the whole partition @received_date."""
    return REPLACE.format(target=target.name, staging=staging, columns=", ".join(c.name for c in target.columns))


def _write_rows(bucket: storage.Bucket, day: date, rows: IO[bytes]) -> int:
    """Write the day's raw.event rows as JSON lines, in the order of the objects' names, and return their number."""
    count = 0
    with ThreadPoolExecutor(READERS) as readers:
        # Names sort by sender and dedup_key, and a listing is sorted: so the same day gives the same bytes.
        for blobs in batched(bucket.list_blobs(prefix=day_prefix(day)), BATCH, strict=False):
            for blob, content in zip(blobs, readers.map(lambda b: b.download_as_bytes(), blobs), strict=True):
                rows.write(json.dumps(row_of_object(blob.name, content)).encode() + b"\n")
                count += 1
    return count


def _wait_until_reconciled(day: date) -> None:
    """Sleep for the last events of ``day`` when it has only just ended; a day that still runs is not waited for."""
    end = datetime.combine(day, datetime.min.time(), tzinfo=UTC) + timedelta(days=1)
    since_end = datetime.now(UTC) - end
    if timedelta(0) <= since_end < SETTLED_AFTER:
        time.sleep((SETTLED_AFTER - since_end).total_seconds())
