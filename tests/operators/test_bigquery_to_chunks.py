"""Rows become chunk objects; XCom gets paths and counts only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from operators.bigquery_to_chunks import BigQueryToChunksOperator

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

SQL = (
    "-- @people INT64\n"
    "SELECT CAST(n AS STRING) AS npi, 'Ada Molar' AS full_name FROM UNNEST(GENERATE_ARRAY(1, @people)) AS n ORDER BY n"
)


def _operator(people: int, **changes: Any) -> BigQueryToChunksOperator:
    with DAG(dag_id="enrich_test", schedule=None):
        return BigQueryToChunksOperator(
            task_id="plan",
            **{
                "sql": SQL,
                "query_params": {"people": str(people)},
                "folder": "reveals",
                "chunk_rows": 2,
                "max_chunks": 3,
                **changes,
            },
        )


def test_execute_when_rows_fill_chunks_then_returns_where_they_are_and_no_row(
    warehouse: bigquery.Client, lake: storage.Bucket
) -> None:
    written = _operator(5).execute({"run_id": "manual__2025-11-10T06:00:00+00:00"})
    folder = "work/enrich_test/manual__2025-11-10T06-00-00-00-00/reveals"
    assert written == [
        {"object": f"{folder}/0001.json", "rows": 2, "label": "0001 of 0003 (2)"},
        {"object": f"{folder}/0002.json", "rows": 2, "label": "0002 of 0003 (2)"},
        {"object": f"{folder}/0003.json", "rows": 1, "label": "0003 of 0003 (1)"},
    ]
    stored = [row for chunk in written for row in json.loads(lake.blob(chunk["object"]).download_as_bytes())]
    assert [row["npi"] for row in stored] == ["1", "2", "3", "4", "5"]


def test_execute_when_there_are_no_rows_then_there_is_no_chunk(
    warehouse: bigquery.Client, lake: storage.Bucket
) -> None:
    assert _operator(0).execute({"run_id": "r"}) == []


def test_execute_when_there_are_too_many_rows_then_refuses_before_it_writes(
    warehouse: bigquery.Client, lake: storage.Bucket
) -> None:
    with pytest.raises(ValueError, match="7 rows make 4 chunks of 2, and 3 is the most"):
        _operator(7).execute({"run_id": "r"})
    assert list(lake.list_blobs(prefix="work/")) == []
