"""Turn CMS's archived deactivation report, a spreadsheet in a zip, into Parquet in the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow.sdk import BaseOperator

from include.airflow.google import GCSHook
from include.settings import lake_bucket
from include.warehouse.tables import table

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
        from include.lake.staging import emptied_staging
        from include.nppes.deactivation import SOURCE, convert_report

        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        day = date.fromisoformat(self.archived["file_date"])
        folder = emptied_staging(bucket, table(TABLE), day, SOURCE)
        zipped = bucket.blob(self.archived["object"], generation=self.archived["generation"])
        source_object = f"gs://{bucket.name}/{zipped.name}"
        with zipped.open("rb") as source, folder.rejects() as rejects:
            result = convert_report(
                source, source_object=source_object, file_date=day, open_part=folder.part, rejects=rejects
            )
        note = "" if result.rows_in else "empty report: it has a header and no row"
        self.log.info("%s: %d rows, rejected %s %s", source_object, result.rows, dict(result.rejected_by_rule), note)
        return {
            "source_object": source_object,
            "member_object": f"{source_object}#{result.member}",
            "source_uri": folder.parts_uri,
            "rows_in": result.rows_in,
            "rows": result.rows,
            "rejected": result.rejected,
            "rejects_object": folder.rejects_object,
            "note": note,
        }
