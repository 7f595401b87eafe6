"""From archived file to staged Parquet: the row as published, rejects beside it, and the folder is scratch space."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest

from include.boards.rows import BoardHeaderError
from include.lake.zip_member import DamagedFile
from operators.board_file_to_parquet import BoardFileToParquetOperator
from tests.operators.board_files import ADA, BEN, tx_file, tx_line
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import storage

DAY = "2025-11-10"
OBJECT = f"raw/board_tx/{DAY}/Dentist.csv"
STAGED = f"staged/board_license/{DAY}/board_tx/"


def convert(lake: storage.Bucket, content: bytes) -> dict[str, Any]:
    blob = lake.blob(OBJECT)
    blob.upload_from_string(content)
    archived = {"object": OBJECT, "generation": blob.generation, "state": "TX", "bytes": len(content)}
    return BoardFileToParquetOperator(task_id="convert", archived=archived, file_date=DAY).execute(context())


def staged(lake: storage.Bucket) -> dict[str, bytes]:
    return {blob.name.removeprefix(STAGED): blob.download_as_bytes() for blob in lake.list_blobs(prefix=STAGED)}


def test_convert_when_sound_then_rows_rejects_and_counts(lake: storage.Bucket) -> None:
    shifted = tx_line(ADA).replace('"4711"', '"4711","extra"')
    result = convert(lake, tx_file(ADA) + shifted.encode() + tx_line({**BEN, "LIC_STA_DESC": "On Leave"}).encode())
    files = staged(lake)

    assert result == {
        "source_object": f"gs://{lake.name}/{OBJECT}",
        "member_object": f"gs://{lake.name}/{OBJECT}",
        "rows_in": 3,
        "rows": 2,
        "rejected": 1,
        "rejects_object": f"{STAGED}rejected.jsonl",
        "source_uri": f"gs://{lake.name}/{STAGED}part-*.parquet",
        "note": "statuses that are not declared: 'On Leave' (1)",
    }
    assert set(files) == {"part-00000.parquet", "rejected.jsonl"}
    ada, ben = parquet.read_table(io.BytesIO(files["part-00000.parquet"])).to_pylist()
    assert (ada["line"], ada["license_number"], ada["status_class"], ada["issued_on"]) == (
        2,
        "4711",
        "active",
        date(2001, 2, 28),
    )
    assert json.loads(ada["payload"]) == {name: ADA.get(name, "") for name in json.loads(ada["payload"])}
    assert (ben["line"], ben["status"], ben["status_class"], ben["status_known"]) == (4, "On Leave", "unknown", False)
    rejected = json.loads(files["rejected.jsonl"])
    assert (rejected["line"], rejected["rule"], rejected["value"]) == (3, "field_count", "35")


def test_convert_when_run_again_then_the_same_bytes_and_nothing_stale(lake: storage.Bucket) -> None:
    lake.blob(f"{STAGED}part-00007.parquet").upload_from_string(b"left by an older run")
    convert(lake, tx_file(ADA, BEN))
    before = staged(lake)
    convert(lake, tx_file(ADA, BEN))

    assert staged(lake) == before
    assert set(before) == {"part-00000.parquet", "rejected.jsonl"}


def test_convert_when_too_many_rows_are_bad_then_damaged_but_they_can_be_looked_at(lake: storage.Bucket) -> None:
    bad = [{**ADA, "LIC_ORIG_DTE": "2001-02-28"}] * 12
    with pytest.raises(DamagedFile, match=f"gs://{lake.name}/{OBJECT}: 12 of 12 records are refused .*'bad_date': 12"):
        convert(lake, tx_file(*bad))
    assert len(staged(lake)["rejected.jsonl"].splitlines()) == 12


def test_convert_when_a_column_was_renamed_then_the_difference_is_named(lake: storage.Bucket) -> None:
    with pytest.raises(
        BoardHeaderError, match=r"Dentist.csv: missing columns \['LIC_NBR'\], .* not declared \['LICENSE'\]"
    ):
        convert(lake, tx_file(ADA).replace(b"LIC_NBR", b"LICENSE"))
