"""The archive: written once, byte for byte; other bytes are kept beside; an old week comes from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hooks.nppes import FileNotPublished
from include.lake.zip_member import DamagedFile
from include.nppes.publication import WrongDates, WrongMembers
from operators.nppes_to_gcs import NppesToGcsOperator
from tests.operators.context import context
from tests.operators.nppes_zips import ANA, CLINIC, MONDAY, NAME, SUNDAY, publish, serving, week_zip

if TYPE_CHECKING:
    from google.cloud import storage

STEM = NAME.removesuffix(".zip")
OBJECT = f"raw/nppes/{SUNDAY}/{NAME}"
MONTHLY, MONTH = "NPPES_Data_Dissemination_November_2025_V2", ("2025-10-15", "2025-11-14")
NEXT_WEEK = "NPPES_Data_Dissemination_111025_111625_Weekly_V2"


@pytest.fixture
def cms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that CMS's site serves."""
    publish(tmp_path, **{STEM: week_zip(ANA)})
    with serving(tmp_path) as url:
        monkeypatch.setenv("AIRFLOW_CONN_NPPES_DEFAULT", json.dumps({"conn_type": "http", "host": url}))
        yield tmp_path


def archive(first_day: str = MONDAY, last_day: str = SUNDAY, kind: str = "weekly") -> dict[str, Any]:
    return NppesToGcsOperator(task_id="archive_zip", kind=kind, first_day=first_day, last_day=last_day).execute(
        context()
    )


def objects(lake: storage.Bucket) -> dict[str, bytes]:
    return {blob.name: blob.download_as_bytes() for blob in lake.list_blobs()}


def test_archive_when_new_then_the_bytes_and_their_digest_are_kept(cms: Path, lake: storage.Bucket) -> None:
    content = (cms / NAME).read_bytes()
    archived = archive()

    assert objects(lake) == {OBJECT: content}
    assert archived == {
        "object": OBJECT,
        "generation": lake.get_blob(OBJECT).generation,
        "file_name": NAME,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "file_date": SUNDAY,
    }


def test_archive_when_the_same_bytes_come_again_then_nothing_is_written(cms: Path, lake: storage.Bucket) -> None:
    assert archive() == archive()
    assert list(objects(lake)) == [OBJECT]


def test_archive_when_other_bytes_come_under_the_name_then_kept_beside(cms: Path, lake: storage.Bucket) -> None:
    before, first = (cms / NAME).read_bytes(), archive()
    after = week_zip(ANA, CLINIC)
    publish(cms, **{STEM: after})
    second = archive()

    version = hashlib.sha256(after).hexdigest()[:8]
    assert second["object"] == f"raw/nppes/{SUNDAY}/{STEM}.{version}.zip"
    assert second["file_name"] == NAME
    assert objects(lake) == {OBJECT: before, second["object"]: after}
    assert lake.get_blob(OBJECT).generation == first["generation"]
    assert archive() == second


def test_archive_when_cms_no_longer_lists_the_week_then_the_newest_archived_version_is_used(
    cms: Path, lake: storage.Bucket
) -> None:
    archive()
    publish(cms, **{STEM: week_zip(ANA, CLINIC)})
    newest = archive()
    (cms / NAME).unlink()
    publish(cms, **{NEXT_WEEK: week_zip(ANA)})

    assert archive() == newest


def test_archive_when_a_page_comes_under_the_name_then_asked_for_again_later_and_the_sound_file_stays_the_newest(
    cms: Path, lake: storage.Bucket
) -> None:
    sound = archive()
    publish(cms, **{STEM: b"<html>Service Unavailable</html>"})
    with pytest.raises(FileNotPublished, match=f"{NAME} is no zip: it begins with b'<html>Service.*looks again"):
        archive()
    assert list(objects(lake)) == [OBJECT]
    (cms / NAME).unlink()
    publish(cms, **{NEXT_WEEK: week_zip(ANA)})
    assert archive() == sound


def test_archive_when_neither_cms_nor_the_archive_has_the_week_then_not_published(
    cms: Path, lake: storage.Bucket
) -> None:
    monthly = "NPPES_Data_Dissemination_November_2025_V2.zip"
    lake.blob(f"raw/nppes/2025-11-16/{monthly}").upload_from_string(b"monthly")
    with pytest.raises(FileNotPublished, match=f"2025-11-10 to 2025-11-16.*{NAME}"):
        archive("2025-11-10", "2025-11-16")


def test_archive_when_the_interval_is_not_a_week_then_error_says_what_to_give(cms: Path, lake: storage.Bucket) -> None:
    with pytest.raises(ValueError, match="not a week from Monday to Sunday"):
        archive("2025-11-04", "2025-11-10")
    with pytest.raises(ValueError, match="not a week from Monday to Sunday"):
        archive("2025-11-03", "2025-11-03")


def test_archive_when_monthly_then_its_partition_is_the_last_day_that_its_members_cover(
    cms: Path, lake: storage.Bucket
) -> None:
    publish(cms, **{MONTHLY: week_zip(ANA, member="npidata_pfile_20050523-20251109.csv")})
    archived = archive(*MONTH, kind="monthly")

    assert (archived["object"], archived["file_date"]) == (f"raw/nppes/2025-11-01/{MONTHLY}.zip", "2025-11-09")
    (cms / f"{MONTHLY}.zip").unlink()
    publish(cms)
    assert archive(*MONTH, kind="monthly") == archived


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (
            week_zip(ANA, member="npidata_pfile_20050523-20351109.csv"),
            WrongDates,
            "covers until 2035-11-09, but the file of November 2025",
        ),
        (week_zip(ANA, member="pl_pfile_20050523-20251109.csv"), WrongMembers, "no member named npidata"),
        (week_zip(ANA)[:-100], DamagedFile, "the zip is truncated or damaged"),
    ],
    ids=["future", "wrong-member", "truncated"],
)
def test_archive_when_monthly_is_not_what_its_name_says_then_refused_and_kept_for_a_look(
    cms: Path, lake: storage.Bucket, content: bytes, error: type[Exception], message: str
) -> None:
    publish(cms, **{MONTHLY: content})
    with pytest.raises(error, match=f"gs://{lake.name}/raw/nppes/2025-11-01/{MONTHLY}.zip.*{message}"):
        archive(*MONTH, kind="monthly")
    assert list(objects(lake).values()) == [content]


def test_archive_when_a_deactivation_report_is_in_the_interval_then_its_day_is_its_partition(
    cms: Path, lake: storage.Bucket
) -> None:
    future = "NPPES_Deactivated_NPI_Report_121525_V2"
    publish(cms, NPPES_Deactivated_NPI_Report_111025_V2=b"PK november", **{future: b"PK not yet"})
    archived = archive(*MONTH, kind="deactivation")

    assert (archived["file_name"], archived["file_date"]) == (
        "NPPES_Deactivated_NPI_Report_111025_V2.zip",
        "2025-11-10",
    )
    with pytest.raises(FileNotPublished, match=f"No deactivation V2 file for 2025-11-15 to 2025-12-14.*{future}"):
        archive("2025-11-15", "2025-12-14", kind="deactivation")
