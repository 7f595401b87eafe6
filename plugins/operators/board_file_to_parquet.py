"""Turn an archived board file into Parquet in the lake, as a stream."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow.sdk import BaseOperator

from include.airflow.google import GCSHook
from include.boards.sources import board_source
from include.settings import lake_bucket
from include.warehouse.tables import table

TABLE = "raw.board_license"
READ_AHEAD_BYTES = 8 * 1024**2


class BoardFileToParquetOperator(BaseOperator):
    """Write `staged/board_license/<day>/<source>/part-00000.parquet`, and `rejected.jsonl` beside it.

    The folder is emptied first: it is scratch space of this board and day. Returns ``{"source_object",
    "member_object", "rows_in", "rows", "rejected", "rejects_object", "source_uri", "note"}``. Raises DamagedFile, BoardHeaderError (include.boards.rows) or
    PageChanged (include.boards.pages) when nothing of the file may be loaded.

    :param archived: what BoardToGcsOperator returned.
    :param file_date: the day that it was read for, ISO date.
    """

    template_fields: Sequence[str] = ("archived", "file_date")
    ui_color = "#e6f4ea"

    def __init__(
        self, *, archived: Any, file_date: str, gcp_conn_id: str = "google_cloud_default", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.archived = archived
        self.file_date = file_date
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from include.boards.parquet import convert
        from include.lake.staging import emptied_staging

        source, day = board_source(self.archived["state"]), date.fromisoformat(self.file_date)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        folder = emptied_staging(bucket, table(TABLE), day, source.name)
        blob = bucket.blob(self.archived["object"], generation=self.archived["generation"])
        source_object = f"gs://{bucket.name}/{blob.name}"
        started = time.monotonic()
        with blob.open("rb", chunk_size=READ_AHEAD_BYTES) as content, folder.rejects() as rejects:
            result = convert(
                content, source, source_object=source_object, file_date=day, open_part=folder.part, rejects=rejects
            )
        seconds, note = time.monotonic() - started, result.remarks.note()
        if note:
            self.log.warning("%s: %s", source_object, note)
        self.log.info(
            "%s: %d bytes, %d records, %d rows in %.1f s (%.1f MB/s), rejected %s",
            source_object, self.archived["bytes"], result.rows_in, result.rows, seconds,
            self.archived["bytes"] / 1e6 / max(seconds, 1e-6), dict(result.rejected_by_rule),
        )  # fmt: skip
        return {
            "source_object": source_object,
            "member_object": source_object,
            "rows_in": result.rows_in,
            "rows": result.rows,
            "rejected": result.rejected,
            "rejects_object": folder.rejects_object,
            "source_uri": folder.parts_uri,
            "note": note,
        }
