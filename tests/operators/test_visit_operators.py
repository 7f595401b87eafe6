"""A day of visits from the sandbox, and an export of RB2B, into their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.lake.answers import DamagedAnswer
from operators.leadfeeder_to_parquet import LeadfeederToParquetOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.rb2b_export_to_parquet import Rb2bExportToParquetOperator
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

DAY = "2025-11-06"


def load(table_name: str, source: str, staged: dict[str, Any]) -> int:
    return ParquetToBigQueryPartitionOperator(
        task_id="load",
        table_name=table_name,
        partition=staged["day"],
        source_uri=staged["source_uri"],
        slice_by={"source": source},
    ).execute(context())


def test_leadfeeder_when_read_and_loaded_twice_then_the_same_objects_and_rows(
    sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    sandbox.admin.delete("faults")
    query = "SELECT * FROM raw.company_visit ORDER BY visit_id"
    first = LeadfeederToParquetOperator(task_id="pull", day=DAY).execute(context())
    assert load("raw.company_visit", "leadfeeder", first) == first["rows"] > 10
    before = [dict(row) for row in bigquery_client.query_and_wait(query)]
    assert LeadfeederToParquetOperator(task_id="pull", day=DAY).execute(context()) == first
    load("raw.company_visit", "leadfeeder", first)
    assert [dict(row) for row in bigquery_client.query_and_wait(query)] == before
    assert all(row["company_name"] and row["started_at"].date().isoformat() >= DAY for row in before)
    names = [blob.name for blob in lake.list_blobs(prefix="raw/")]
    assert names == [f"raw/leadfeeder/{DAY}/leads.json", f"raw/leadfeeder/{DAY}/visits.json"]


def test_rb2b_when_exports_were_dropped_then_each_is_archived_and_loaded_once_whatever_its_names(
    sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    export = sandbox.admin.get("rb2b_export", params={"day": DAY}).content
    header, *records = export.splitlines(keepends=True)
    # The second name begins like the first, which makes it no version of it; the third file is the first under another name.
    files = {"export (1).csv": export, "export.csv": header + records[0], "export (2).csv": export}
    for name, content in files.items():
        lake.blob(f"drop/rb2b/{DAY}/{name}").upload_from_string(content)
    staged = Rb2bExportToParquetOperator(task_id="read", day=DAY).execute(context())
    assert load("raw.visitor_profile", "rb2b", staged) == staged["rows"] == len(records) + 1 > 3
    assert (staged["file_name"], staged["source_object"]) == ("2 files", f"gs://{lake.name}/raw/rb2b/{DAY}/")
    query = "SELECT source_object, COUNT(DISTINCT linkedin_url) AS n FROM raw.visitor_profile GROUP BY source_object"
    found = {row["source_object"]: row["n"] for row in bigquery_client.query_and_wait(query)}
    kept = [f"raw/rb2b/{DAY}/export (1).csv", f"raw/rb2b/{DAY}/export.csv"]
    assert set(found) == {f"gs://{lake.name}/{name}" for name in kept}
    assert sorted(blob.name for blob in lake.list_blobs(prefix="raw/")) == kept
    assert lake.blob(kept[0]).download_as_bytes() == export
    assert Rb2bExportToParquetOperator(task_id="read", day=DAY).execute(context()) == staged


def test_rb2b_when_nothing_was_dropped_then_skipped(lake: storage.Bucket) -> None:
    lake.blob(f"drop/rb2b/{DAY}/notes.txt").upload_from_string("not an export")
    with pytest.raises(AirflowSkipException, match=f"drop/rb2b/{DAY}/ holds no CSV"):
        Rb2bExportToParquetOperator(task_id="read", day=DAY).execute(context())


def test_rb2b_when_the_file_is_another_then_archived_and_refused(lake: storage.Bucket) -> None:
    lake.blob(f"drop/rb2b/{DAY}/a.csv").upload_from_string("Name,Mail\nx,y\n")
    with pytest.raises(DamagedAnswer, match=r"raw/rb2b/2025-11-06/a\.csv: line 1: missing columns"):
        Rb2bExportToParquetOperator(task_id="read", day=DAY).execute(context())
    assert lake.blob(f"raw/rb2b/{DAY}/a.csv").exists()
