"""Archive one weekly NPPES zip in the lake, byte for byte and written once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.nppes import FileNotPublished, NppesHook
from include.archive import archived, newest_archived
from include.nppes import archive_object, archived_week
from include.settings import lake_bucket


class NppesToGcsOperator(BaseOperator):
    """Download the weekly zip of a week and keep it at `raw/nppes/<last day>/<name>.zip`.

    The object is created only if it does not exist. The same bytes again change nothing; other bytes under the same
    name are kept beside it as `<name>.<first 8 of SHA-256>.zip`. A week that CMS no longer lists is taken from the
    archive, so that an old week can be loaded again. Returns ArchivedFile as a dict.

    :param first_day: the week's Monday, ISO date.
    :param last_day: the week's Sunday, ISO date.
    """

    template_fields: Sequence[str] = ("first_day", "last_day")
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        first_day: str,
        last_day: str,
        nppes_conn_id: str = NppesHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.first_day = first_day
        self.last_day = last_day
        self.nppes_conn_id = nppes_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        first, last = _week(self.first_day, self.last_day)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        hook = NppesHook(self.nppes_conn_id)
        try:
            file = hook.weekly_file(first, last)
        except FileNotPublished as missing:
            kept = newest_archived(bucket, archived_week(first, last))
            if kept is None:
                raise
            self.log.warning("%s The archived %s is used.", missing, kept.object)
            return asdict(kept)
        with tempfile.TemporaryFile() as copy:
            for piece in hook.download(file.name):
                copy.write(piece)
            kept = archived(bucket, archive_object(file), copy, file_name=file.name, content_type="application/zip")
        self.log.info("Archived %s: %d bytes, SHA-256 %s", kept.object, kept.bytes, kept.sha256)
        return asdict(kept)


def _week(first_day: str, last_day: str) -> tuple[date, date]:
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    if first.weekday() != 0 or (last - first).days != 6:
        raise ValueError(
            f"{first} to {last} is not a week from Monday to Sunday. A run by hand needs a data interval from one "
            "Monday 00:00 UTC to the next: start it with such an interval, or use a backfill."
        )
    return first, last
