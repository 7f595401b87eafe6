"""Archive one NPPES zip in the lake, byte for byte and written once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import IO, TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from hooks.nppes import VENDOR, FileNotPublished, NppesHook
from include.airflow.google import GCSHook
from include.lake.archive import ArchivedFile, archived, newest_archived
from include.lake.zip_member import open_member
from include.nppes.publication import (
    ARCHIVE_PREFIX,
    FileKind,
    archive_object,
    archive_prefix,
    archived_files,
    data_member,
    file_of_interval,
    monthly_file_date,
)
from include.settings import lake_bucket

if TYPE_CHECKING:
    from google.cloud import storage


READ_AHEAD_BYTES = 1024**2  # a zip's directory is small, even of a file of 10 GB


class NppesToGcsOperator(BaseOperator):
    """Download the zip of a kind that belongs to a data interval, and keep it at `raw/nppes/<day>/<name>.zip`.

    The object is created only if it does not exist. The same bytes again change nothing; other bytes under the same
    name are kept beside it as `<name>.<first 8 of SHA-256>.zip`. A file that CMS no longer lists is taken from the
    archive, so that an old interval can be loaded again.

    Returns ArchivedFile as a dict, and `file_date`: the last day that the file covers, ISO, which is its partition. Of
    a monthly file only the members' names tell it, so that one is opened: DamagedFile, WrongMembers or WrongDates are
    raised when it cannot be what its name says. Nothing is loaded then; the bytes stay in the archive.

    :param kind: weekly, monthly or deactivation.
    :param first_day: the interval's first day, ISO date; of a weekly file its Monday.
    :param last_day: the interval's last day, ISO date; of a weekly file its Sunday.
    """

    template_fields: Sequence[str] = ("first_day", "last_day")
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        kind: str,
        first_day: str,
        last_day: str,
        nppes_conn_id: str = NppesHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = FileKind(kind)
        self.first_day = first_day
        self.last_day = last_day
        self.nppes_conn_id = nppes_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        first, last = _interval(self.kind, self.first_day, self.last_day)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        hook = NppesHook(self.nppes_conn_id)
        try:
            file = hook.published_file(self.kind, first, last)
        except FileNotPublished as missing:
            kept = _from_archive(bucket, self.kind, first, last)
            if kept is None:
                raise
            self.log.warning("%s The archived %s is used.", missing, kept.object)
        else:
            with tempfile.TemporaryFile() as copy:
                for piece in hook.download(file.name):
                    copy.write(piece)
                _refuse_page(file.name, copy)
                kept = archived(bucket, archive_object(file), copy, file_name=file.name, content_type="application/zip")
            self.log.info("Archived %s: %d bytes, SHA-256 %s", kept.object, kept.bytes, kept.sha256)
        return asdict(kept) | {"file_date": _file_date(bucket, kept).isoformat()}


def _refuse_page(name: str, content: IO[bytes]) -> None:
    """Raise FileNotPublished when something else came than a zip. Archived, it would be the newest version of the file."""
    content.seek(0)
    head = content.read(40)
    if not head.startswith(b"PK"):
        advice = (
            f"{name} is no zip: it begins with {head!r}. A page or a message came in its place, and nothing was kept. The task "
            "looks again in hours; look at what CMS's server answers."
        )
        raise FileNotPublished(VENDOR, "download", 200, advice)


def _interval(kind: FileKind, first_day: str, last_day: str) -> tuple[date, date]:
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    if kind is FileKind.WEEKLY and (first.weekday() != 0 or (last - first).days != 6):
        raise ValueError(
            f"{first} to {last} is not a week from Monday to Sunday. A run by hand needs a data interval from one "
            "Monday 00:00 UTC to the next: start it with such an interval, or use a backfill."
        )
    return first, last


def _from_archive(bucket: storage.Bucket, kind: FileKind, first: date, last: date) -> ArchivedFile | None:
    """Return the newest archived version of the interval's file, or None."""
    names = [blob.name for blob in bucket.list_blobs(prefix=ARCHIVE_PREFIX)]
    file = file_of_interval(archived_files(names), kind, first, last)
    return newest_archived(bucket, archive_prefix(file)) if file else None


def _file_date(bucket: storage.Bucket, kept: ArchivedFile) -> date:
    """Return the last day that an archived file covers."""
    (file,) = archived_files([kept.object])
    if file.kind is not FileKind.MONTHLY:
        return file.day
    where = f"gs://{bucket.name}/{kept.object}"
    zipped = bucket.blob(kept.object, generation=kept.generation).open("rb", chunk_size=READ_AHEAD_BYTES)
    with zipped, open_member(zipped, where, lambda names: data_member(names, where=where).name) as member:
        return monthly_file_date(file, data_member([member.name]), where)
