"""The archive: written once, byte for byte; other bytes are kept beside; a stranger's bytes stop everything."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import pytest

from include.lake.archive import ArchiveConflict, ArchivedFile, archived, newest_archived, versioned

if TYPE_CHECKING:
    from google.cloud import storage

NAME = "raw/board_tx/2026-08-03/dentist.csv"
FIRST, SECOND = b"LIC_NBR,STATUS\n1,20\n", b"LIC_NBR,STATUS\n1,45\n"


def keep(lake: storage.Bucket, content: bytes) -> ArchivedFile:
    return archived(lake, NAME, io.BytesIO(content), file_name="Dentist.csv", content_type="text/csv")


def objects(lake: storage.Bucket) -> dict[str, bytes]:
    return {blob.name: blob.download_as_bytes() for blob in lake.list_blobs()}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_archived_when_the_same_bytes_come_again_then_the_same_generation(lake: storage.Bucket) -> None:
    first = keep(lake, FIRST)
    assert first == ArchivedFile(NAME, lake.get_blob(NAME).generation, "Dentist.csv", len(FIRST), digest(FIRST))
    assert keep(lake, FIRST) == first
    assert objects(lake) == {NAME: FIRST}


def test_archived_when_other_bytes_come_then_they_are_kept_beside_and_are_the_newest(lake: storage.Bucket) -> None:
    first, second = keep(lake, FIRST), keep(lake, SECOND)
    assert (
        second.object == f"raw/board_tx/2026-08-03/dentist.{digest(SECOND)[:8]}.csv" == versioned(NAME, digest(SECOND))
    )
    assert objects(lake) == {NAME: FIRST, second.object: SECOND}
    assert keep(lake, FIRST) == first
    assert newest_archived(lake, "raw/board_tx/2026-08-03/") == second
    assert newest_archived(lake, "raw/board_nj/") is None


def test_newest_when_an_older_day_is_archived_later_then_the_later_day(lake: storage.Bucket) -> None:
    newest = keep(lake, FIRST)
    old = NAME.replace("08-03", "07-27")
    archived(lake, old, io.BytesIO(SECOND), file_name="Dentist.csv", content_type="text/csv")
    assert newest_archived(lake, "raw/board_tx/") == newest


def test_archived_when_an_object_has_no_noted_digest_then_its_bytes_decide(lake: storage.Bucket) -> None:
    lake.blob(NAME).upload_from_string(FIRST)
    assert keep(lake, FIRST).object == NAME
    assert list(objects(lake)) == [NAME]


def test_archived_when_a_stranger_wrote_both_names_then_conflict(lake: storage.Bucket) -> None:
    for name in (NAME, versioned(NAME, digest(FIRST))):
        lake.blob(name).upload_from_string(b"something else")
    with pytest.raises(ArchiveConflict, match=rf"dentist.{digest(FIRST)[:8]}.csv holds other bytes"):
        keep(lake, FIRST)


def test_archived_when_notes_are_given_then_they_stay_with_the_first_object(lake: storage.Bucket) -> None:
    for etag in ('"v1"', '"v2"'):
        archived(
            lake,
            "raw/a/2025-11-10/f.csv",
            io.BytesIO(b"x"),
            file_name="f.csv",
            content_type="text/csv",
            notes={"etag": etag},
        )
    assert lake.get_blob("raw/a/2025-11-10/f.csv").metadata["etag"] == '"v1"'
