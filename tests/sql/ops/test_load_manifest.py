"""The manifest of loads: one row a table, partition and source, the same after a rerun."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from google.cloud import bigquery

from include.warehouse.tables import table

WEEK_1, WEEK_2 = date(2025, 11, 9), date(2025, 11, 16)


def record(client: bigquery.Client, day: date, rows: int, note: str = "", source: str = "nppes_weekly") -> None:
    values: dict[str, tuple[str, str | int | date]] = {
        "partition": ("DATE", day),
        "dataset_table": ("STRING", "raw.nppes_npi"),
        "source": ("STRING", source),
        "source_object": ("STRING", "gs://a/b.zip"),
        "file_name": ("STRING", "b.zip"),
        "source_bytes": ("INT64", 10),
        "sha256": ("STRING", "ab"),
        "source_rows": ("INT64", rows + 1),
        "rows": ("INT64", rows),
        "rejected_rows": ("INT64", 1),
        "note": ("STRING", note),
    }
    parameters = [bigquery.ScalarQueryParameter(name, *of) for name, of in values.items()]
    sql = table("ops.load_manifest").sql("replace")
    client.query_and_wait(sql, job_config=bigquery.QueryJobConfig(query_parameters=parameters))


def test_replace_when_run_again_then_one_row_a_partition_and_source(bigquery_client: bigquery.Client) -> None:
    record(bigquery_client, WEEK_1, 5)
    record(bigquery_client, WEEK_2, 0, note="empty week")
    record(bigquery_client, WEEK_2, 3, source="nppes_monthly")
    record(bigquery_client, WEEK_1, 6)

    rows = bigquery_client.query_and_wait("SELECT * FROM ops.load_manifest ORDER BY `partition`, source")
    assert [(r["partition"], r["source"], r["source_rows"], r["rows"], r["note"]) for r in rows] == [
        (WEEK_1, "nppes_weekly", 7, 6, None),
        (WEEK_2, "nppes_monthly", 4, 3, None),
        (WEEK_2, "nppes_weekly", 1, 0, "empty week"),
    ]


def test_replace_when_many_loads_end_at_once_then_all_are_recorded(bigquery_client: bigquery.Client) -> None:
    days = [date(2025, 11, day) for day in range(1, 13)]
    with ThreadPoolExecutor(6) as several:
        list(several.map(lambda day: record(bigquery_client, day, 5), days))

    rows = bigquery_client.query_and_wait("SELECT `partition` FROM ops.load_manifest ORDER BY `partition`")
    assert [r["partition"] for r in rows] == days
