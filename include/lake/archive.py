"""The lake's archive: what came from outside, kept byte for byte and written once.

An object lies at `raw/<source>/<file_date>/<name>`. The same bytes again change nothing; other bytes under the same
name are kept beside it as `<stem>.<first 8 of SHA-256><suffix>`, so that nothing is ever overwritten.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from google.cloud import storage

PIECE_BYTES = 1 << 20


class ArchiveConflict(RuntimeError):
    """The archive holds other bytes than it should; a person must look before anything is loaded."""


@dataclass(frozen=True)
class ArchivedFile:
    """A claim check for an archived file. `generation` pins its exact bytes; `sha256` is hexadecimal.

    :param object: its name in the lake, without the bucket.
    :param file_name: the name under which its source published it.
    """

    object: str
    generation: int
    file_name: str
    bytes: int
    sha256: str


def archived(
    bucket: storage.Bucket,
    object_name: str,
    content: IO[bytes],
    *,
    file_name: str,
    content_type: str,
    notes: Mapping[str, str] | None = None,
) -> ArchivedFile:
    """Create the object, or find the same bytes there already.

    :param content: seekable, read from its start.
    :param notes: what to remember in the object's metadata, such as the source's validators; an object that is there
        already keeps its own.

    Raises ArchiveConflict when what is stored is not what was given.
    """
    from google.api_core.exceptions import PreconditionFailed

    sha256, size = _digest(content)
    for name in (object_name, versioned(object_name, sha256)):
        blob = bucket.blob(name)
        blob.metadata = {**(notes or {}), "sha256": sha256, "file_name": file_name}
        content.seek(0)
        try:
            blob.upload_from_file(
                content, size=size, content_type=content_type, if_generation_match=0, checksum="crc32c"
            )
        except PreconditionFailed:
            blob = bucket.get_blob(name)
        if blob is not None and _sha256_of(blob) == sha256:
            _check_stored(blob, content, size)
            return ArchivedFile(name, int(blob.generation), file_name, size, sha256)
    raise ArchiveConflict(
        f"gs://{bucket.name}/{versioned(object_name, sha256)} holds other bytes than its name says. "
        "Somebody wrote into the archive: find out who, and restore the object from its noncurrent versions."
    )


def newest_archived(bucket: storage.Bucket, prefix: str) -> ArchivedFile | None:
    """Return the newest object below a prefix, or None: of the latest day's folder, the version that was archived last.

    The day decides first: an old day that is filled in today is no newer edition.
    """
    blobs = [
        (blob.name.rpartition("/")[0], blob.time_created, blob.name, blob) for blob in bucket.list_blobs(prefix=prefix)
    ]
    if not blobs:
        return None
    *_, blob = max(blobs, key=lambda item: item[:3])
    file_name = (blob.metadata or {}).get("file_name") or PurePosixPath(blob.name).name
    return ArchivedFile(blob.name, int(blob.generation), file_name, int(blob.size), _sha256_of(blob))


def versioned(object_name: str, sha256: str) -> str:
    """Return the name under which other bytes than the first ones of an object are kept."""
    path = PurePosixPath(object_name)
    return str(path.with_name(f"{path.stem}.{sha256[:8]}{path.suffix}"))


def _digest(content: IO[bytes]) -> tuple[str, int]:
    content.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := content.read(PIECE_BYTES):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _check_stored(blob: storage.Blob, content: IO[bytes], size: int) -> None:
    blob.reload()
    crc32c = _crc32c(content)
    if (blob.size, blob.crc32c) != (size, crc32c):
        raise ArchiveConflict(
            f"gs://{blob.bucket.name}/{blob.name} holds {blob.size} bytes with CRC32C {blob.crc32c}; {size} bytes with "
            f"{crc32c} were received. Do not load it: compare the object with what its source publishes."
        )


def _sha256_of(blob: storage.Blob) -> str:
    """The SHA-256 of an object: noted when we wrote it, else read from its bytes."""
    noted = (blob.metadata or {}).get("sha256")
    if noted:
        return str(noted)
    with blob.open("rb") as content:
        digest = hashlib.sha256()
        while piece := content.read(PIECE_BYTES):
            digest.update(piece)
        return digest.hexdigest()


def _crc32c(content: IO[bytes]) -> str:
    """Return the CRC32C of a stream as GCS writes it: base64 of four bytes, most significant first."""
    import google_crc32c

    content.seek(0)
    value = 0
    while piece := content.read(PIECE_BYTES):
        value = google_crc32c.extend(value, piece)
    return base64.b64encode(value.to_bytes(4, "big")).decode("ascii")
