"""The books of a file's loads: closed for all its tables when every count agrees, and for none when one does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.record_loads import RecordLoadsOperator, RowsMissing
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

WEEK, SOURCE = "2025-11-09", "nppes_weekly"
NPI, OTHER_NAME = "raw.nppes_npi", "raw.nppes_other_name"
ARCHIVED = {"file_name": "week.zip", "bytes": 12, "sha256": "00ff"}
REJECTED = {
    "row_key": "2",
    "rule": "npi_check_digit",
    "value": "2",
    "reason": "r",
    "line": 4,
    "column": "npi",
    "record": "2",
}


def fill(client: bigquery.Client) -> None:
    """One row of our slice in each table, and rows of another source and another week that are none of our business."""
    client.query_and_wait(
        "INSERT INTO raw.nppes_npi (file_date, source, source_object, line, npi) VALUES "
        "(DATE '2025-11-09', 'nppes_weekly', 'a', 2, '1'), (DATE '2025-11-09', 'nppes_monthly', 'b', 2, '1'), "
        "(DATE '2025-11-16', 'nppes_weekly', 'c', 2, '1'); "
        "INSERT INTO raw.nppes_other_name (file_date, source, source_object, line, npi) VALUES "
        "(DATE '2025-11-09', 'nppes_weekly', 'a', 2, '1')"
    )


def loaded(lake: storage.Bucket, table: str, *rejected: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a conversion of one row and these rejected ones returned."""
    rejects_object = f"staged/{table}/rejected.jsonl"
    lake.blob(rejects_object).upload_from_string("".join(json.dumps(row) + "\n" for row in rejected))
    return {
        "source_object": "gs://l/week.zip",
        "member_object": f"gs://l/week.zip#{table}",
        "rows_in": 1 + len(rejected),
        "rows": 1,
        "rejected": len(rejected),
        "rejects_object": rejects_object,
        "note": "",
    } | more


def record(loads: dict[str, dict[str, Any]]) -> dict[str, int]:
    operator = RecordLoadsOperator(
        task_id="record_loads", archived=ARCHIVED, loads=loads, partition=WEEK, source=SOURCE
    )
    return operator.execute(context())


def books(client: bigquery.Client) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    manifest = "SELECT dataset_table, source, source_rows, `rows`, rejected_rows FROM ops.load_manifest ORDER BY 1"
    rejects = "SELECT table_name, source, source_object, row_key, rule, line FROM clean.rejected_row"
    return [tuple(r) for r in client.query_and_wait(manifest)], [tuple(r) for r in client.query_and_wait(rejects)]


def test_record_when_counts_agree_then_a_manifest_row_a_table_and_the_refused_rows_and_again_the_same(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    fill(bigquery_client)
    loads = {NPI: loaded(lake, NPI, REJECTED), OTHER_NAME: loaded(lake, OTHER_NAME)}
    assert record(loads) == {NPI: 1, OTHER_NAME: 1}
    first = books(bigquery_client)
    record(loads)

    assert books(bigquery_client) == first
    assert first == (
        [(NPI, SOURCE, 2, 1, 1), (OTHER_NAME, SOURCE, 1, 1, 0)],
        [(NPI, SOURCE, f"gs://l/week.zip#{NPI}", "2", "npi_check_digit", 4)],
    )


def test_record_when_more_rows_were_refused_than_a_query_can_hold_then_all_are_stored_and_a_rerun_without_them_empties_the_slice(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    fill(bigquery_client)
    others = {"row_key": "2", "rule": "r", "reason": "r", "source_object": "s"}
    slices = [(WEEK, "raw.other", SOURCE), ("2025-11-16", NPI, SOURCE), (WEEK, NPI, "nppes_monthly")]
    rows = [others | {"run_date": day, "table_name": name, "source": source} for day, name, source in slices]
    bigquery_client.load_table_from_json(rows, "clean.rejected_row", job_config=_append()).result()
    reason = 'It\'s "quite" wrong. ' * 12
    record({NPI: loaded(lake, NPI, *({**REJECTED, "line": line, "reason": reason} for line in range(50_000)))})
    found = "SELECT COUNT(*) AS n, COUNT(DISTINCT line) AS lines, ANY_VALUE(reason) AS reason FROM clean.rejected_row WHERE line IS NOT NULL"
    (kept,) = bigquery_client.query_and_wait(found)
    assert (kept["n"], kept["lines"], kept["reason"]) == (50_000, 50_000, reason)
    assert len(reason) * 50_000 > 10_000_000

    record({NPI: loaded(lake, NPI)})
    left = bigquery_client.query_and_wait("SELECT run_date, table_name, source FROM clean.rejected_row")
    assert sorted((str(r["run_date"]), r["table_name"], r["source"]) for r in left) == sorted(slices)
    assert [t.table_id for t in bigquery_client.list_tables("clean") if "_load_" in t.table_id] == []


def _append() -> Any:
    from google.cloud import bigquery

    return bigquery.LoadJobConfig(write_disposition="WRITE_APPEND")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": 2, "rows_in": 2}, "raw.nppes_other_name holds 1 rows of nppes_weekly.* but 2 were converted.*clear"),
        (
            {"rows_in": 3},
            "raw.nppes_other_name: 3 records in gs://l/week.zip#raw.nppes_other_name are not 1 rows and 0",
        ),
    ],
)
def test_record_when_one_table_is_wrong_then_nothing_is_recorded_and_the_error_says_what_to_do(
    bigquery_client: bigquery.Client, lake: storage.Bucket, wrong: dict[str, int], message: str
) -> None:
    fill(bigquery_client)
    with pytest.raises(RowsMissing, match=message):
        record({NPI: loaded(lake, NPI, REJECTED), OTHER_NAME: loaded(lake, OTHER_NAME, **wrong)})
    assert books(bigquery_client) == ([], [])
    assert issubclass(RowsMissing, AirflowFailException)  # a retry counts the same
