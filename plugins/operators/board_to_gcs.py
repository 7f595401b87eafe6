"""Archive what a state board publishes, byte for byte and written once."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from hooks.board import Answer, BoardHook
from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.boards.lookup import NothingToAsk, forget_pages, write_looked_up
from include.boards.sources import CADENCES, BoardSource, LookupFetch, board_source
from include.lake.archive import ArchivedFile, archived, newest_archived
from include.settings import lake_bucket

if TYPE_CHECKING:
    from google.cloud import storage

CONTENT_TYPE = "application/octet-stream"
TRUE = ("True", "true")


class FileOfAnotherDay(RuntimeError):
    """The board's file is of a later day than the one that is asked for. Never retried: boards keep no old editions."""


class BoardToGcsOperator(WarehouseOperator):
    """Keep a board's file of a day at `raw/board_<state>/<day>/<file name>`; skip when the board has nothing new.

    In this order: a file that a person put at `delivered/board_<state>/<day>/`, whatever else the day has; what is archived for
    the day already; the board's site, asked only whether something has changed since the newest that we have. A board with a one-by-one
    look-up is asked for the next numbers of its budget. Returns ArchivedFile as a dict, with `state`, `source` and
    `is_whole` (1 when it lists all licensees, else 0).

    Raises FileOfAnotherDay when a later day is archived already, or the site's file is of a later time, and what
    hooks.board raises.

    :param state: two letters.
    :param file_date: the day that the file is read for, ISO date.
    :param ask_site: "True" unless only the archive may be read, as in a backfill: a board publishes today's file only.
    :param refetch: "True" to ask the site although the day is archived; other bytes are kept beside the old ones.
    """

    template_fields: Sequence[str] = ("state", "file_date", "ask_site", "refetch")
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        state: Any,
        file_date: str,
        ask_site: str = "True",
        refetch: str = "False",
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.state = state
        self.file_date = file_date
        self.ask_site = ask_site
        self.refetch = refetch
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        source, day = board_source(self.state), date.fromisoformat(self.file_date)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        kept = _delivered(bucket, source, day)
        if kept is None and self.refetch not in TRUE:
            kept = newest_archived(bucket, f"raw/{source.name}/{day}/")
        if kept is None:
            if self.ask_site not in TRUE:
                raise AirflowSkipException(
                    f"{source.name}: nothing is archived for {day}, and a backfill does not ask the board: it publishes "
                    f"today's file only. A file of that day may be put at delivered/{source.name}/{day}/."
                )
            kept = self._asked(bucket, source, day)
        self.log.info("%s: %s, %d bytes, SHA-256 %s", source.name, kept.object, kept.bytes, kept.sha256)
        return {**asdict(kept), "state": source.state, "source": source.name, "is_whole": int(source.is_whole)}

    def _asked(self, bucket: storage.Bucket, source: BoardSource, day: date) -> ArchivedFile:
        """Archive what the site answers now; skip when that is the newest that we have."""
        _check_newest(bucket, source, day)
        hook = BoardHook(source)
        with tempfile.TemporaryFile() as copy:
            if isinstance(source.fetch, LookupFetch):
                client = warehouse(self.gcp_conn_id)
                try:
                    write_looked_up(copy, hook.look_up, source, source.fetch, bucket, client, day)
                except NothingToAsk as nothing:
                    raise AirflowSkipException(str(nothing)) from nothing
                kept = _archived(bucket, source, day, copy, source.file_name, {})
                forget_pages(bucket, source, day)
                return kept
            newest = None if self.refetch in TRUE else newest_archived(bucket, f"raw/{source.name}/")
            answer = hook.fetch(copy, _noted(bucket, newest))
            if answer is None or (newest and _sha256(copy) == newest.sha256):
                raise AirflowSkipException(f"{source.name}: nothing new since {newest.object if newest else 'ever'}.")
            _check_day(answer, source, day)
            return _archived(bucket, source, day, copy, source.file_name, answer.validators())


def _archived(
    bucket: storage.Bucket, source: BoardSource, day: date, content: IO[bytes], name: str, notes: Mapping[str, str]
) -> ArchivedFile:
    target = f"raw/{source.name}/{day}/{source.file_name}"
    return archived(bucket, target, content, file_name=name, content_type=CONTENT_TYPE, notes=notes)


def _delivered(bucket: storage.Bucket, source: BoardSource, day: date) -> ArchivedFile | None:
    """Archive the file that a person put into the lake for this day, if there is one."""
    prefix = f"delivered/{source.name}/{day}/"
    # A folder that was made in the console is an empty object, too.
    blobs = [blob for blob in bucket.list_blobs(prefix=prefix) if not blob.name.endswith("/")]
    if len(blobs) > 1:
        raise ValueError(f"gs://{bucket.name}/{prefix} holds {[b.name for b in blobs]}: leave exactly one file there.")
    if not blobs:
        return None
    name = PurePosixPath(blobs[0].name).name
    with tempfile.TemporaryFile() as copy:
        blobs[0].download_to_file(copy)
        return _archived(bucket, source, day, copy, name, {})


def _noted(bucket: storage.Bucket, newest: ArchivedFile | None) -> dict[str, str]:
    """What the site said about the newest file that we have, for a conditional request."""
    blob = bucket.get_blob(newest.object) if newest else None
    metadata = (blob.metadata if blob else None) or {}
    return {name: metadata[name] for name in ("etag", "last_modified") if name in metadata}


def _check_newest(bucket: storage.Bucket, source: BoardSource, day: date) -> None:
    """Many sites do not say of when their file is. Once a later day was read, what they send now is not of this one."""
    days = {blob.name.split("/")[2] for blob in bucket.list_blobs(prefix=f"raw/{source.name}/")}
    newest = max(days, default="")
    if newest > day.isoformat():
        raise FileOfAnotherDay(
            f"{source.name}: {newest} is archived already, so what the site sends now is not of {day}. Start a new run for "
            f"today instead; for {day}, put a file of that day at delivered/{source.name}/{day}/."
        )


def _check_day(answer: Answer, source: BoardSource, day: date) -> None:
    modified = answer.modified_at()
    if modified and (modified.astimezone(UTC).date() - day).days > CADENCES[source.cadence] + 1:
        raise FileOfAnotherDay(
            f"{source.name}: the file is of {modified:%Y-%m-%d}, and {day} is asked for. Start a new run for today instead; "
            f"for {day}, put a file of that day at delivered/{source.name}/{day}/."
        )


def _sha256(content: IO[bytes]) -> str:
    content.seek(0)
    return hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]  # a file that can be read
