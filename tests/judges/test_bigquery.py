"""Google's own client against the warehouse: what a job says it wrote to, partitions by name, and functions that last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from services.embedded.cloud import PROJECT, Cloud

SCHEMA = [bigquery.SchemaField("day", "DATE"), bigquery.SchemaField("id", "INTEGER")]
FIRST, SECOND = "2025-11-03", "2025-11-04"


@pytest.fixture
def client(cloud: Cloud) -> Iterator[bigquery.Client]:
    """A client, with a data set `bench` that holds a table by day with a row of each of two days."""
    made = bigquery.Client(project=PROJECT, credentials=AnonymousCredentials())
    made.create_dataset("bench")
    table = bigquery.Table(f"{PROJECT}.bench.visit", SCHEMA)
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    made.create_table(table)
    made.query_and_wait(f"INSERT INTO bench.visit (day, id) VALUES ('{FIRST}', 1), ('{SECOND}', 2)")
    yield made
    made.delete_dataset("bench", delete_contents=True)


def visits(client: bigquery.Client) -> list[tuple[date, int]]:
    return [
        (row["day"], row["id"]) for row in client.query_and_wait("SELECT day, id FROM bench.visit ORDER BY day, id")
    ]


def tables(client: bigquery.Client) -> set[str]:
    return {table.table_id for table in client.list_tables("bench")}


def load(
    client: bigquery.Client, partition: str, rows: list[dict[str, Any]], disposition: str = "WRITE_TRUNCATE"
) -> int:
    config = bigquery.LoadJobConfig(schema=SCHEMA, write_disposition=disposition)
    job = client.load_table_from_json(rows, f"{PROJECT}.bench.visit${partition}", job_config=config)
    job.result()
    return int(job.output_rows)


def test_create_table_as_when_done_then_the_job_names_the_table_and_has_no_rows(client: bigquery.Client) -> None:
    job = client.query("CREATE TABLE bench.made AS SELECT 1 AS id UNION ALL SELECT 2")
    assert list(job.result()) == []
    assert job.statement_type == "CREATE_TABLE_AS_SELECT"
    assert client.get_table(job.destination).num_rows == 2
    assert job.destination.table_id == "made"


def test_load_when_it_names_a_partition_then_that_one_alone_is_replaced(client: bigquery.Client) -> None:
    assert load(client, "20251103", [{"day": FIRST, "id": 8}, {"day": FIRST, "id": 9}]) == 2
    assert visits(client) == [(date(2025, 11, 3), 8), (date(2025, 11, 3), 9), (date(2025, 11, 4), 2)]
    assert load(client, "20251104", [{"day": SECOND, "id": 3}], "WRITE_APPEND") == 1
    assert visits(client)[2:] == [(date(2025, 11, 4), 2), (date(2025, 11, 4), 3)]
    assert tables(client) == {"visit"}


def test_load_when_a_row_belongs_to_another_partition_then_refused_and_nothing_changes(client: bigquery.Client) -> None:
    before = visits(client)
    with pytest.raises(BadRequest, match="Some rows belong to different partitions"):
        load(client, "20251103", [{"day": FIRST, "id": 8}, {"day": SECOND, "id": 9}])
    assert visits(client) == before


def test_load_when_the_partition_must_be_empty_and_is_not_then_refused(client: bigquery.Client) -> None:
    with pytest.raises(Conflict):
        load(client, "20251103", [{"day": FIRST, "id": 8}], "WRITE_EMPTY")
    assert load(client, "20251105", [{"day": "2025-11-05", "id": 8}], "WRITE_EMPTY") == 1


def test_load_when_the_table_has_no_partitions_or_is_not_there_then_refused(client: bigquery.Client) -> None:
    client.query_and_wait("CREATE TABLE bench.plain (day DATE, id INT64)")
    config = bigquery.LoadJobConfig(schema=SCHEMA)
    for name, error, said in (("plain", BadRequest, "is not partitioned"), ("nowhere", NotFound, "bench.nowhere")):
        with pytest.raises(error, match=said):
            client.load_table_from_json(
                [{"day": FIRST, "id": 1}], f"{PROJECT}.bench.{name}$20251103", job_config=config
            ).result()
    assert tables(client) == {"plain", "visit"}


def test_query_when_its_destination_is_a_partition_then_that_one_is_replaced(client: bigquery.Client) -> None:
    target = f"{PROJECT}.bench.visit$20251104"
    config = bigquery.QueryJobConfig(destination=target, write_disposition="WRITE_TRUNCATE")
    rows = list(client.query(f"SELECT DATE '{SECOND}' AS day, 7 AS id", job_config=config).result())
    assert [tuple(row) for row in rows] == [(date(2025, 11, 4), 7)]
    assert visits(client) == [(date(2025, 11, 3), 1), (date(2025, 11, 4), 7)]


def test_partition_when_read_copied_or_deleted_then_that_one_alone(client: bigquery.Client) -> None:
    first = f"{PROJECT}.bench.visit$20251103"
    assert client.get_table(first).num_rows == 1
    assert [row["id"] for row in client.list_rows(first)] == [1]
    client.copy_table(first, f"{PROJECT}.bench.copy").result()
    assert client.get_table("bench.copy").num_rows == 1
    client.delete_table(first)
    assert visits(client) == [(date(2025, 11, 4), 2)]


def test_function_when_made_then_later_jobs_have_it_until_it_is_dropped(client: bigquery.Client) -> None:
    client.query_and_wait("CREATE OR REPLACE FUNCTION bench.twice(x INT64) RETURNS INT64 AS (2 * x)")
    assert [row["v"] for row in client.query_and_wait("SELECT bench.twice(id) AS v FROM bench.visit ORDER BY id")] == [
        2,
        4,
    ]
    (routine,) = client.list_routines("bench")
    assert (routine.routine_id, client.get_routine(routine.reference).type_) == ("twice", "SCALAR_FUNCTION")
    client.query_and_wait("CREATE OR REPLACE FUNCTION bench.twice(x INT64) RETURNS INT64 AS (x + x + 1)")
    assert [row["v"] for row in client.query_and_wait("SELECT bench.twice(3) AS v")] == [7]
    assert tables(client) == {"visit"}
    client.query_and_wait("DROP FUNCTION bench.twice")
    with pytest.raises(BadRequest, match="twice"):
        client.query_and_wait("SELECT bench.twice(3) AS v")
