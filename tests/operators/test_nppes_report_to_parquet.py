"""From archived deactivation report to staged Parquet: rows and refusals, and a changed layout that loads nothing."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest

from include.nppes.layout import HeaderContractError
from operators.nppes_report_to_parquet import NppesReportToParquetOperator
from services.nppes_sample.xlsx import xlsx_bytes
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import storage

DAY = "2025-11-10"
OBJECT = f"raw/nppes/{DAY}/NPPES_Deactivated_NPI_Report_111025_V2.zip"
MEMBER = "NPPES Deactivated NPI Report 20251110.xlsx"
STAGED = f"staged/nppes_deactivation/{DAY}/nppes_deactivation/"
TITLE = ["NPPES Deactivated Records as of Nov 10 2025"]
HEADER = ["NPI", "NPPES Deactivation Date"]


def convert(lake: storage.Bucket, *rows: list[str]) -> dict[str, Any]:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(MEMBER, xlsx_bytes("DeactivatedNPIs", [TITLE, *rows], ["A1:B1"], (2025, 11, 10, 6, 0, 0)))
    blob = lake.blob(OBJECT)
    blob.upload_from_string(zipped.getvalue())
    archived = {"object": OBJECT, "generation": blob.generation, "file_date": DAY}
    return NppesReportToParquetOperator(task_id="convert_report", archived=archived).execute(context())


def test_convert_when_sound_then_rows_and_refusals_are_staged_and_a_stale_part_is_gone(lake: storage.Bucket) -> None:
    lake.blob(f"{STAGED}part-00007.parquet").upload_from_string(b"left by an older run")
    result = convert(lake, HEADER, ["2551230990", "11/04/2025"], ["2551230991", "11/04/2025"])
    files = {blob.name.removeprefix(STAGED): blob.download_as_bytes() for blob in lake.list_blobs(prefix=STAGED)}

    assert result == {
        "source_object": f"gs://{lake.name}/{OBJECT}",
        "member_object": f"gs://{lake.name}/{OBJECT}#{MEMBER}",
        "source_uri": f"gs://{lake.name}/{STAGED}part-*.parquet",
        "rows_in": 2,
        "rows": 1,
        "rejected": 1,
        "rejects_object": f"{STAGED}rejected.jsonl",
        "note": "",
    }
    assert set(files) == {"part-00000.parquet", "rejected.jsonl"}
    (row,) = parquet.read_table(io.BytesIO(files["part-00000.parquet"])).to_pylist()
    assert (row["npi"], row["line"], row["source_object"]) == ("2551230990", 3, result["member_object"])
    assert json.loads(files["rejected.jsonl"])["line"] == 4


def test_convert_when_the_layout_changed_then_nothing_is_staged(lake: storage.Bucket) -> None:
    with pytest.raises(HeaderContractError, match=r"row 2 is \['NPI'\], expected"):
        convert(lake, ["NPI"], ["2551230990", "11/04/2025"])
    assert [blob.name for blob in lake.list_blobs(prefix=STAGED)] == [f"{STAGED}rejected.jsonl"]
