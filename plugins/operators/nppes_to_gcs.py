"""Archive one weekly NPPES zip in the lake, byte for byte and written once."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import IO, TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.nppes import FileNotPublished, NppesHook
from include.nppes import FileKind, NotAnNppesFile, NppesFile, archive_object, parse_file_name
from include.settings import lake_bucket

if TYPE_CHECKING:
    from google.cloud import storage


class ArchiveConflict(RuntimeError):
    """The archive holds other bytes than it should; a person must look before anything is loaded."""


@dataclass(frozen=True)
class ArchivedFile:
    """A claim check for an archived zip. `generation` pins its exact bytes; `sha256` is hexadecimal."""

    object: str
    generation: int
    file_name: str
    bytes: int
    sha256: str


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
            archived = _from_archive(bucket, first, last)
            if archived is None:
                raise
            self.log.warning("%s The archived %s is used.", missing, archived.object)
            return asdict(archived)
        with tempfile.TemporaryFile() as copy:
            digest = hashlib.sha256()
            for piece in hook.download(file.name):
                digest.update(piece)
                copy.write(piece)
            archived = _archive(bucket, file, copy, digest.hexdigest())
        self.log.info("Archived %s: %d bytes, SHA-256 %s", archived.object, archived.bytes, archived.sha256)
        return asdict(archived)


def _week(first_day: str, last_day: str) -> tuple[date, date]:
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    if first.weekday() != 0 or (last - first).days != 6:
        raise ValueError(
            f"{first} to {last} is not a week from Monday to Sunday. A run by hand needs a data interval from one "
            "Monday 00:00 UTC to the next: start it with such an interval, or use a backfill."
        )
    return first, last


def _archive(bucket: storage.Bucket, file: NppesFile, copy: IO[bytes], sha256: str) -> ArchivedFile:
    """Create the object, or find the same bytes there already; never write over an object."""
    from google.api_core.exceptions import PreconditionFailed

    size = copy.tell()
    for version in ("", sha256[:8]):
        blob = bucket.blob(archive_object(file, version))
        blob.metadata = {"sha256": sha256}
        copy.seek(0)
        try:
            blob.upload_from_file(
                copy, size=size, content_type="application/zip", if_generation_match=0, checksum="crc32c"
            )
        except PreconditionFailed:
            blob = bucket.get_blob(blob.name)
        if blob is not None and _sha256_of(blob) == sha256:
            _check_stored(blob, copy, size)
            return ArchivedFile(blob.name, int(blob.generation), file.name, size, sha256)
    raise ArchiveConflict(
        f"gs://{bucket.name}/{archive_object(file, sha256[:8])} holds other bytes than its name says. "
        "Somebody wrote into the archive: find out who, and restore the object from its noncurrent versions."
    )


def _check_stored(blob: storage.Blob, copy: IO[bytes], size: int) -> None:
    blob.reload()
    copy.seek(0)
    crc32c = _crc32c(copy)
    if (blob.size, blob.crc32c) != (size, crc32c):
        raise ArchiveConflict(
            f"gs://{blob.bucket.name}/{blob.name} holds {blob.size} bytes with CRC32C {blob.crc32c}; {size} bytes with "
            f"{crc32c} were downloaded. Do not load it: compare the object with the file at CMS."
        )


def _from_archive(bucket: storage.Bucket, first: date, last: date) -> ArchivedFile | None:
    """Return the newest archived version of a week's file, or None."""
    weekly = []
    for blob in bucket.list_blobs(prefix=f"raw/nppes/{last}/"):
        file = _file_in_archive(blob.name)
        if file and file.kind is FileKind.WEEKLY and file.first_day == first:
            weekly.append((blob.time_created, blob.name, blob, file))
    if not weekly:
        return None
    _, _, blob, file = max(weekly, key=lambda item: item[:2])
    return ArchivedFile(blob.name, int(blob.generation), file.name, int(blob.size), _sha256_of(blob))


def _file_in_archive(name: str) -> NppesFile | None:
    """Return the published file behind an archived object, whose name may carry eight characters of a SHA-256."""
    published = name.rsplit("/", 1)[-1].split(".")[0] + ".zip"
    try:
        return parse_file_name(published)
    except NotAnNppesFile:
        return None


def _sha256_of(blob: storage.Blob) -> str:
    """The SHA-256 of an object: noted when we wrote it, else read from its bytes."""
    noted = (blob.metadata or {}).get("sha256")
    if noted:
        return str(noted)
    digest = hashlib.sha256()
    with blob.open("rb") as content:
        while piece := content.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _crc32c(content: IO[bytes]) -> str:
    """Return the CRC32C of a stream as GCS writes it: base64 of four bytes, most significant first."""
    import google_crc32c

    value = 0
    while piece := content.read(1 << 20):
        value = google_crc32c.extend(value, piece)
    return base64.b64encode(value.to_bytes(4, "big")).decode("ascii")
