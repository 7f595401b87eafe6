"""A load owns its partition: a rerun replaces it, and no other partition changes."""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as parquet

from include.nppes.parquet import LAYOUTS
from include.warehouse.tables import table
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

WEEK_1, WEEK_2 = "2025-11-09", "2025-11-16"


def load(lake: storage.Bucket, day: str, *parts: list[str], slice_by: dict[str, str] | None = None) -> int:
    """Stage one Parquet file for each list of NPIs, and load them."""
    for number, npis in enumerate(parts):
        rows = [
            {
                "file_date": date.fromisoformat(day),
                "source": "nppes_weekly",
                "source_object": "gs://a/b.zip#c",
                "line": line,
                "npi": npi,
            }
            for line, npi in enumerate(npis, start=2)
        ]
        sink = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows, LAYOUTS["npidata"].schema), sink)
        lake.blob(f"staged/{day}/part-{number:05d}.parquet").upload_from_string(sink.getvalue())
    return ParquetToBigQueryPartitionOperator(
        task_id="load",
        table_name="raw.nppes_npi",
        partition=day,
        source_uri=f"gs://{lake.name}/staged/{day}/part-*.parquet",
        slice_by=slice_by,
    ).execute(context())


def npis(client: bigquery.Client) -> list[tuple[str, str, int]]:
    rows = client.query_and_wait("SELECT file_date, npi, line FROM raw.nppes_npi ORDER BY file_date, npi, line")
    return [(str(row["file_date"]), row["npi"], row["line"]) for row in rows]


def test_load_when_a_partition_is_loaded_again_then_only_it_is_replaced(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    assert load(lake, WEEK_1, ["A", "B"], ["C"]) == 3
    assert load(lake, WEEK_2, ["A"]) == 1
    assert load(lake, WEEK_1, ["B"], []) == 1

    assert npis(bigquery_client) == [(WEEK_1, "B", 2), (WEEK_2, "A", 2)]
    assert [t.table_id for t in bigquery_client.list_tables("raw") if "_load_" in t.table_id] == []


def test_load_when_run_twice_then_the_same_rows_with_their_duplicates(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    load(lake, WEEK_1, ["A", "A"])
    before = npis(bigquery_client)
    load(lake, WEEK_1, ["A", "A"])
    assert npis(bigquery_client) == before == [(WEEK_1, "A", 2), (WEEK_1, "A", 3)]


def test_load_when_the_week_is_empty_then_its_partition_is_emptied(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    load(lake, WEEK_1, ["A"])
    load(lake, WEEK_2, ["B"])
    assert load(lake, WEEK_1, []) == 0
    assert npis(bigquery_client) == [(WEEK_2, "B", 2)]


def test_load_when_sources_share_a_partition_then_only_the_slice_is_replaced(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    load(lake, WEEK_1, ["A", "B"])
    bigquery_client.query_and_wait("UPDATE raw.nppes_npi SET entity_type_code = IF(npi = 'A', '1', '2') WHERE TRUE")

    assert load(lake, WEEK_1, [], slice_by={"entity_type_code": "2"}) == 0

    assert npis(bigquery_client) == [(WEEK_1, "A", 2)]


def test_load_when_the_table_got_a_column_later_then_values_go_by_name_not_by_position(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    from google.cloud import bigquery

    definition = table("raw.nppes_npi").resource(bigquery_client.project)
    fields = definition["schema"]["fields"]
    later = definition | {
        "schema": {"fields": [f for f in fields if f["name"] != "npi"] + [f for f in fields if f["name"] == "npi"]}
    }
    try:
        bigquery_client.delete_table("raw.nppes_npi")
        bigquery_client.create_table(bigquery.Table.from_api_repr(later))
        load(lake, WEEK_1, ["A"])
        assert npis(bigquery_client) == [(WEEK_1, "A", 2)]
    finally:
        bigquery_client.delete_table("raw.nppes_npi")
        bigquery_client.create_table(bigquery.Table.from_api_repr(definition))
