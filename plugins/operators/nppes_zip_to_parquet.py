"""Turn an archived NPPES zip into Parquet in the lake, as a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow.sdk import BaseOperator

from include.airflow.google import GCSHook
from include.nppes.layout import MEMBERS
from include.settings import lake_bucket
from include.warehouse.tables import table

READ_AHEAD_BYTES = 8 * 1024**2


class NppesZipToParquetOperator(BaseOperator):
    """Write `staged/<table>/<day>/<source>/part-*.parquet` and `rejected.jsonl` beside them from an archived zip.

    The zip is read in pieces by seeking in the object, in exactly the generation that was archived. The folder is
    emptied first: it is scratch space of this file. A file with only a header gives one part without rows and a note.

    Returns ``{"source_object", "member_object", "source_uri", "rows_in", "rows", "rejected", "rejects_object",
    "note"}``; source_uri names the parts. Raises DamagedFile, HeaderContractError or WrongMembers when nothing of the
    file may be loaded.

    :param archived: what NppesToGcsOperator returned, or its XCom.
    :param day: the last day that the file covers, ISO date.
    :param member: npidata, othername, pl or endpoint.
    :param source: nppes_weekly or nppes_monthly; goes into each row.
    """

    template_fields: Sequence[str] = ("archived", "day", "member", "source")
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        archived: Any,
        day: str,
        member: str = "npidata",
        source: str = "nppes_weekly",
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.archived = archived
        self.day = day
        self.member = member
        self.source = source
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from include.csv.parquet import convert
        from include.lake.staging import emptied_staging
        from include.nppes.parquet import LAYOUTS, member_of_day

        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        day = date.fromisoformat(self.day)
        folder = emptied_staging(bucket, table(MEMBERS[self.member].table), day, self.source)
        zipped = bucket.blob(self.archived["object"], generation=self.archived["generation"])
        source_object = f"gs://{bucket.name}/{zipped.name}"
        with zipped.open("rb", chunk_size=READ_AHEAD_BYTES) as source, folder.rejects() as rejects:
            result = convert(
                source,
                source_name=self.source,
                source_object=source_object,
                file_date=day,
                member=member_of_day(self.member, day, source_object),
                layout=LAYOUTS[self.member],
                open_part=folder.part,
                rejects=rejects,
                progress=lambda progress: self.log.info("%s: %s", self.member, progress),
            )
        note = result.note if result.rows_in else "empty file: it has a header and no row"
        if note:
            self.log.warning("%s: %s", source_object, note)
        self.log.info(
            "%s: %d records, %d rows in %d parts, rejected %s",
            result.member,
            result.rows_in,
            result.rows,
            len(result.parts),
            dict(result.rejected_by_rule),
        )
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
