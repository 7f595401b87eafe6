"""From archived zip to staged Parquet: read by seeking, stale parts gone, bad rows and bad files told apart."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest

from include.lake.zip_member import DamagedFile
from operators.nppes_zip_to_parquet import NppesZipToParquetOperator
from tests.operators.context import context
from tests.operators.nppes_zips import ANA, CLINIC, DAMAGED, MEMBER, NAME, SUNDAY, week_zip

if TYPE_CHECKING:
    from google.cloud import storage

OBJECT = f"raw/nppes/{SUNDAY}/{NAME}"
STAGED = f"staged/nppes_npi/{SUNDAY}/nppes_weekly/"


def convert(lake: storage.Bucket, content: bytes) -> dict[str, Any]:
    blob = lake.blob(OBJECT)
    blob.upload_from_string(content)
    archived = {"object": OBJECT, "generation": blob.generation}
    return NppesZipToParquetOperator(task_id="convert", archived=archived, day=SUNDAY).execute(context())


def staged(lake: storage.Bucket) -> dict[str, bytes]:
    return {blob.name.removeprefix(STAGED): blob.download_as_bytes() for blob in lake.list_blobs(prefix=STAGED)}


def test_convert_when_the_zip_is_sound_then_rows_rejects_and_counts(lake: storage.Bucket) -> None:
    result = convert(lake, week_zip(ANA, DAMAGED, CLINIC))
    files = staged(lake)

    assert result == {
        "source_object": f"gs://{lake.name}/{OBJECT}",
        "member_object": f"gs://{lake.name}/{OBJECT}#{MEMBER}",
        "source_uri": f"gs://{lake.name}/{STAGED}part-*.parquet",
        "rows_in": 3,
        "rows": 2,
        "rejected": 1,
        "rejects_object": f"{STAGED}rejected.jsonl",
        "note": "",
    }
    assert set(files) == {"part-00000.parquet", "rejected.jsonl"}
    rows = parquet.read_table(io.BytesIO(files["part-00000.parquet"])).to_pylist()
    assert [(row["npi"], row["line"], row["source_object"]) for row in rows] == [
        (ANA["NPI"], 2, result["member_object"]),
        (CLINIC["NPI"], 4, result["member_object"]),
    ]
    rejected = json.loads(files["rejected.jsonl"])
    assert (rejected["line"], rejected["rule"], rejected["row_key"]) == (3, "npi_check_digit", DAMAGED["NPI"])


def test_convert_when_run_again_then_the_same_bytes_and_no_stale_part(lake: storage.Bucket) -> None:
    lake.blob(f"{STAGED}part-00007.parquet").upload_from_string(b"left by an older run")
    convert(lake, week_zip(ANA, CLINIC))
    before = staged(lake)
    convert(lake, week_zip(ANA, CLINIC))

    assert staged(lake) == before
    assert set(before) == {"part-00000.parquet", "rejected.jsonl"}


def test_convert_when_the_week_is_empty_then_no_rows_and_a_note(lake: storage.Bucket) -> None:
    result = convert(lake, week_zip())

    assert (result["rows_in"], result["rows"], result["rejected"]) == (0, 0, 0)
    assert result["note"].startswith("empty file")
    files = staged(lake)
    assert files["rejected.jsonl"] == b""
    assert parquet.read_table(io.BytesIO(files["part-00000.parquet"])).num_rows == 0


def test_convert_when_the_zip_is_truncated_then_damaged_and_named(lake: storage.Bucket) -> None:
    content = week_zip(ANA, CLINIC)
    with pytest.raises(DamagedFile, match=f"gs://{lake.name}/{OBJECT}: the zip is truncated"):
        convert(lake, content[: len(content) // 2])


def test_convert_when_too_many_rows_are_bad_then_damaged_but_the_rows_can_be_looked_at(lake: storage.Bucket) -> None:
    with pytest.raises(DamagedFile, match="12 of 12 records are refused"):
        convert(lake, week_zip(*[DAMAGED] * 12))
    assert len(staged(lake)["rejected.jsonl"].splitlines()) == 12
