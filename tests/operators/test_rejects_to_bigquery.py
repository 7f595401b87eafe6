"""Refused rows: one slice of clean.rejected_row, replaced by a rerun, without the whole record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from operators.rejects_to_bigquery import RejectsToBigQueryOperator
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

REJECTED = {
    "line": 7,
    "rule": "npi_check_digit",
    "row_key": "2551230991",
    "value": "2551230991",
    "reason": 'It\'s wrong; "quite" so.',
    "record": '"2551230991","1"',
}
WEEK, OBJECT, SOURCE = "2025-11-09", "staged/nppes_npi/2025-11-09/rejected.jsonl", "gs://a/b.zip#c.csv"


def record(
    lake: storage.Bucket,
    *rows: dict[str, object],
    table_name: str = "raw.nppes_npi",
    day: str = WEEK,
    source: str = "nppes_weekly",
) -> int:
    lake.blob(OBJECT).upload_from_string("".join(json.dumps(row) + "\n" for row in rows))
    return RejectsToBigQueryOperator(
        task_id="record",
        table_name=table_name,
        partition=day,
        source=source,
        rejects_object=OBJECT,
        source_object=SOURCE,
    ).execute(context())


def stored(client: bigquery.Client) -> list[tuple[object, ...]]:
    rows = client.query_and_wait("SELECT * FROM clean.rejected_row ORDER BY table_name, run_date, line")
    return [
        (
            str(r["run_date"]),
            r["table_name"],
            r["source"],
            r["row_key"],
            r["rule"],
            r["reason"],
            r["source_object"],
            r["line"],
        )
        for r in rows
    ]


def test_record_when_rows_were_refused_then_each_is_stored_with_origin(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    assert record(lake, REJECTED, {**REJECTED, "line": 9, "rule": "field_count"}) == 2
    reason = REJECTED["reason"]
    assert stored(bigquery_client) == [
        (WEEK, "raw.nppes_npi", "nppes_weekly", "2551230991", "npi_check_digit", reason, SOURCE, 7),
        (WEEK, "raw.nppes_npi", "nppes_weekly", "2551230991", "field_count", reason, SOURCE, 9),
    ]


def test_record_when_run_again_then_only_its_own_slice_is_replaced(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    record(lake, REJECTED, table_name="raw.other")
    record(lake, REJECTED, day="2025-11-16")
    record(lake, REJECTED, source="nppes_monthly")
    record(lake, REJECTED, {**REJECTED, "line": 9})
    assert record(lake) == 0

    assert [(row[0], row[1], row[2]) for row in stored(bigquery_client)] == [
        (WEEK, "raw.nppes_npi", "nppes_monthly"),
        ("2025-11-16", "raw.nppes_npi", "nppes_weekly"),
        (WEEK, "raw.other", "nppes_weekly"),
    ]
