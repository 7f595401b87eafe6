"""Turn CMS's archived deactivation report, a spreadsheet in a zip, into Parquet in the lake."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import IO, TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from include.settings import lake_bucket
from include.tables import table

if TYPE_CHECKING:
    from google.cloud import storage

TABLE = "raw.nppes_deactivation"


class NppesReportToParquetOperator(BaseOperator):
    """Write `staged/nppes_deactivation/<day>/nppes_deactivation/part-00000.parquet` and `rejected.jsonl` beside it.

    The zip is read in exactly the generation that was archived. The folder is emptied first: it is scratch space.

    Returns what NppesZipToParquetOperator does. Raises DamagedFile, HeaderContractError, WrongMembers or WrongDates
    when nothing of the report may be loaded.

    :param archived: what NppesToGcsOperator returned, or its XCom.
    """

    template_fields: Sequence[str] = ("archived",)
    ui_color = "#e6f4ea"

    def __init__(self, *, archived: Any, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.archived = archived
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from include.answers import staged_prefix
        from include.nppes_deactivation import SOURCE, convert_report

        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        day = date.fromisoformat(self.archived["file_date"])
        prefix = staged_prefix(table(TABLE), day, SOURCE)
        for old in bucket.list_blobs(prefix=prefix):
            old.delete()
        zipped = bucket.blob(self.archived["object"], generation=self.archived["generation"])
        source_object = f"gs://{bucket.name}/{zipped.name}"
        rejects_object = f"{prefix}rejected.jsonl"
        with zipped.open("rb") as source, tempfile.TemporaryFile() as rejects:
            try:
                result = convert_report(
                    source,
                    source_object=source_object,
                    file_date=day,
                    open_part=lambda name: _part(bucket, prefix + name),
                    rejects=rejects,
                )
            finally:
                # Also when so many rows were refused that the report is: somebody must be able to look at them.
                bucket.blob(rejects_object).upload_from_file(rejects, rewind=True, content_type="application/x-ndjson")
        note = "" if result.rows_in else "empty report: it has a header and no row"
        self.log.info("%s: %d rows, rejected %s %s", source_object, result.rows, dict(result.rejected_by_rule), note)
        return {
            "source_object": source_object,
            "member_object": f"{source_object}#{result.member}",
            "source_uri": f"gs://{bucket.name}/{prefix}part-*.parquet",
            "rows_in": result.rows_in,
            "rows": result.rows,
            "rejected": result.rejected,
            "rejects_object": rejects_object,
            "note": note,
        }


@contextmanager
def _part(bucket: storage.Bucket, name: str) -> Iterator[IO[bytes]]:
    # Parquet's writer flushes between row groups; GCS takes whole chunks only, so flushing is left to the close.
    with bucket.blob(name).open("wb", ignore_flush=True, content_type="application/vnd.apache.parquet") as sink:
        yield sink
