"""Answers in the archive: written once, and not again when only the envelope differs; and what a load gets."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest

from include.lake.answers import DamagedAnswer, archived_answer, documents, staged_answer
from include.lake.archive import ArchivedFile
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import storage

NAME = "raw/acme/2025-11-09/report.json"


def records(content: bytes) -> Any:
    return [document["rows"] for document in documents(content, "a.json")]


def keep(bucket: storage.Bucket, content: bytes) -> ArchivedFile:
    return archived_answer(bucket, NAME, content, content_type="application/json", records=records)


def test_documents_when_bodies_stand_one_after_another_then_each_is_read() -> None:
    assert documents(b'{"a": 1}\n[\n 2\n]\n"x" ', "a") == [{"a": 1}, [2], "x"]
    assert documents(b" \n", "a") == []


def test_documents_when_one_is_cut_then_its_number_is_named() -> None:
    with pytest.raises(DamagedAnswer, match=r"a\.json: answer 2 is not JSON at character 1\d of 1\d"):
        documents(b'{"a": 1}\n{"b": ', "a.json")


def test_archived_answer_when_only_the_envelope_differs_then_the_first_object_stands(lake: storage.Bucket) -> None:
    first = keep(lake, b'{"request": "r1", "rows": [1]}')
    assert first.object == NAME
    assert keep(lake, b'{"request": "r2", "rows": [1]}') == first
    assert [blob.name for blob in lake.list_blobs()] == [NAME]


def test_archived_answer_when_the_numbers_are_restated_then_a_version_beside_it_and_then_that_one(
    lake: storage.Bucket,
) -> None:
    first = keep(lake, b'{"request": "r1", "rows": [1]}')
    restated = keep(lake, b'{"request": "r2", "rows": [2]}')
    assert restated.object == f"raw/acme/2025-11-09/report.{restated.sha256[:8]}.json" != first.object
    assert keep(lake, b'{"request": "r3", "rows": [2]}') == restated
    assert lake.blob(first.object).download_as_bytes() == b'{"request": "r1", "rows": [1]}'


def test_archived_answer_when_it_cannot_be_read_then_it_is_kept_all_the_same(lake: storage.Bucket) -> None:
    first = keep(lake, b"<html>busy</html>")
    assert keep(lake, b"<html>busy</html>") == first
    assert keep(lake, b"<html>other</html>").object != first.object


def stage(lake: storage.Bucket, table_name: str, *rows: dict[str, Any]) -> dict[str, Any]:
    kept = ArchivedFile("raw/x/2025-11-09/a.json", 7, "a.json", 12, "00ff")
    return staged_answer(lake, table(table_name), date(2025, 11, 9), "x", kept, rows, "nobody came")


def test_staged_answer_when_the_folder_holds_an_older_part_then_only_the_new_one_is_left(lake: storage.Bucket) -> None:
    row: dict[str, Any] = dict.fromkeys(column.name for column in table("raw.company_visit").columns)
    row |= {"day": date(2025, 11, 9), "source": "leadfeeder", "visit_id": "v1", "visit": "{}", "source_object": "x"}
    row["started_at"] = datetime(2025, 11, 9, 12, tzinfo=UTC)
    folder = "staged/company_visit/2025-11-09/x/"
    lake.blob(f"{folder}part-00001.parquet").upload_from_string(b"old")
    staged = stage(lake, "raw.company_visit", row)
    assert (staged["rows"], staged["rows_in"], staged["rejected"], staged["note"]) == (1, 1, 0, "")
    assert staged["source_object"] == f"gs://{lake.name}/raw/x/2025-11-09/a.json"
    (blob,) = lake.list_blobs(prefix=folder)
    with blob.open("rb") as part:
        assert parquet.read_table(part).to_pylist() == [row]
    empty = stage(lake, "raw.company_visit")
    assert (empty["rows"], empty["note"]) == (0, "nobody came")


def test_staged_answer_when_a_required_value_is_missing_then_refused(lake: storage.Bucket) -> None:
    row: dict[str, Any] = dict.fromkeys(column.name for column in table("raw.ad_performance").columns)
    with pytest.raises(ValueError, match="day"):
        stage(lake, "raw.ad_performance", {**row, "spend": Decimal("1.5"), "payload": json.dumps({})})
