"""Bring RB2B's exports of one day, which a person has put into the lake, into the archive and into Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from include.airflow.google import GCSHook
from include.lake.archive import ArchivedFile
from include.settings import lake_bucket
from include.warehouse.tables import table

TABLE = "raw.visitor_profile"
SOURCE = "rb2b"
NOTHING = "no profiles: the export has a header and no record"


class Rb2bExportToParquetOperator(BaseOperator):
    """Archive the CSV files under `drop/rb2b/<day>/` at `raw/rb2b/<day>/`, and write their records to
    `staged/visitor_profile/<day>/rb2b/`.

    RB2B has no API that lists visitors: an export from its dashboard is the only pull. Without a file for the day the
    task is skipped. The same bytes under a second name count once. Returns what staged_answer returns, of several files
    the folder, the number and a hash of their hashes. Raises DamagedAnswer where a file is no export.

    :param day: ISO date, the folder's name.
    """

    template_fields: Sequence[str] = ("day",)
    ui_color = "#e6f4ea"

    def __init__(self, *, day: str, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from include.lake.answers import archived_answer, staged_answer
        from include.marketing.site_visits import rb2b_profiles

        day = date.fromisoformat(self.day)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        drop = f"drop/{SOURCE}/{day}/"
        names = sorted(b.name for b in bucket.list_blobs(prefix=drop) if b.name.lower().endswith(".csv"))
        if not names:
            raise AirflowSkipException(f"gs://{bucket.name}/{drop} holds no CSV: nobody has put an export there.")
        kept: dict[str, ArchivedFile] = {}  # by SHA-256
        rows = []
        for name in names:
            content = bucket.blob(name).download_as_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            if sha256 in kept:
                self.log.warning("%s holds the bytes of %s and is left out.", name, kept[sha256].file_name)
                continue
            file = archived_answer(
                bucket,
                f"raw/{SOURCE}/{day}/{PurePosixPath(name).name}",
                content,
                content_type="text/csv",
                records=partial(rb2b_profiles, day=day, where=name),
            )
            source_object = f"gs://{bucket.name}/{file.object}"
            kept[sha256] = file
            rows += [
                {**asdict(row), "source_object": source_object} for row in rb2b_profiles(content, day, source_object)
            ]
        self.log.info("%s of %s: %d profiles from %d files", SOURCE, day, len(rows), len(kept))
        return staged_answer(bucket, table(TABLE), day, SOURCE, _as_one(day, [*kept.values()]), rows, NOTHING)


def _as_one(day: date, files: Sequence[ArchivedFile]) -> ArchivedFile:
    """Return the one file; of several, a claim check for their folder."""
    if len(files) == 1:
        return files[0]
    digest = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
    return ArchivedFile(f"raw/{SOURCE}/{day}/", 0, f"{len(files)} files", sum(file.bytes for file in files), digest)
