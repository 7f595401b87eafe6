"""Scratch space of one table, day and source: emptied before, refused records kept whatever happens."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from include.lake.staging import emptied_staging
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import storage

DAY = date(2025, 11, 9)
FOLDER = "staged/nppes_npi/2025-11-09/nppes_weekly/"


def names(lake: storage.Bucket) -> set[str]:
    return {blob.name for blob in lake.list_blobs()}


def test_emptied_staging_when_an_older_run_left_parts_then_they_are_gone_and_no_others(lake: storage.Bucket) -> None:
    other = "staged/nppes_npi/2025-11-09/nppes_monthly/part-00000.parquet"
    for name in (f"{FOLDER}part-00007.parquet", f"{FOLDER}rejected.jsonl", other):
        lake.blob(name).upload_from_string(b"old")
    folder = emptied_staging(lake, table("raw.nppes_npi"), DAY, "nppes_weekly")
    assert names(lake) == {other}
    assert folder.parts_uri == f"gs://{lake.name}/{FOLDER}part-*.parquet"


def test_rejects_when_the_conversion_fails_then_they_are_kept_and_the_open_part_is_not(lake: storage.Bucket) -> None:
    folder = emptied_staging(lake, table("raw.nppes_npi"), DAY, "nppes_weekly")
    with (
        pytest.raises(ValueError, match="too many"),
        folder.rejects() as rejects,
        folder.part("part-00000.parquet") as part,
    ):
        part.write(b"half")
        rejects.write(b'{"line": 2}\n')
        raise ValueError("too many")
    assert names(lake) == {folder.rejects_object}
    assert lake.blob(folder.rejects_object).download_as_bytes() == b'{"line": 2}\n'
