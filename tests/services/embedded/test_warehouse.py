"""The quick warehouse gives the answers of the slow one: tables, views, what was dropped, temporary tables, the same text again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.api_core.exceptions import NotFound

from services.embedded.cloud import PROJECT, Cloud, start_warehouse
from services.embedded.process import StartError

if TYPE_CHECKING:
    from google.cloud import bigquery

# The emulator words this one differently for BYTES and for JSON.
TEXT_OF = "SELECT TO_JSON_STRING(v) AS text FROM shelf.value"


@pytest.fixture
def shelf(warehouse: bigquery.Client) -> Iterator[bigquery.Client]:
    """A client, with a dataset `shelf` that holds a table of two rows and a view of it."""
    warehouse.create_dataset("shelf", exists_ok=True)
    warehouse.query_and_wait("CREATE OR REPLACE TABLE shelf.book AS SELECT 1 AS id UNION ALL SELECT 2")
    warehouse.query_and_wait("CREATE OR REPLACE VIEW shelf.first_book AS SELECT id FROM shelf.book WHERE id = 1")
    yield warehouse
    warehouse.delete_dataset("shelf", delete_contents=True)


def kinds(client: bigquery.Client) -> list[tuple[str, str]]:
    return [(item.table_id, item.table_type) for item in client.list_tables("shelf")]


def test_catalog_when_tables_come_and_go_then_it_lists_what_is_there(shelf: bigquery.Client) -> None:
    assert kinds(shelf) == [("book", "TABLE"), ("first_book", "VIEW")]
    assert shelf.get_table("shelf.book").num_rows == 2
    assert [row["id"] for row in shelf.query_and_wait("SELECT id FROM shelf.first_book")] == [1]

    shelf.query_and_wait("DROP VIEW shelf.first_book; DROP TABLE shelf.book")

    assert kinds(shelf) == []
    with pytest.raises(NotFound, match="shelf.book was not found"):
        shelf.query_and_wait("SELECT id FROM shelf.book")


def test_catalog_when_a_script_makes_a_temporary_table_then_its_statements_see_it(shelf: bigquery.Client) -> None:
    script = "CREATE TEMP TABLE picked AS SELECT id FROM shelf.book WHERE id = 2; SELECT id FROM picked;"
    assert [row["id"] for row in shelf.query_and_wait(script)] == [2]
    assert kinds(shelf) == [("book", "TABLE"), ("first_book", "VIEW")]


def test_catalog_when_a_column_is_required_or_dropped_then_the_schema_says_so(shelf: bigquery.Client) -> None:
    shelf.query_and_wait("CREATE OR REPLACE TABLE shelf.page (id INT64 NOT NULL, text STRING, part STRUCT<id INT64>)")
    shelf.query_and_wait("ALTER TABLE shelf.page DROP COLUMN text")
    assert [(field.name, field.mode) for field in shelf.get_table("shelf.page").schema] == [
        ("id", "REQUIRED"),
        ("part", "NULLABLE"),
    ]


def texts(client: bigquery.Client, sql: str) -> list[str]:
    return [row["text"] for row in client.query_and_wait(sql)]


def test_query_when_a_column_has_another_type_since_then_the_same_text_is_translated_anew(
    shelf: bigquery.Client,
) -> None:
    for number, value in enumerate(("2.5", "b'xyz'", "DATE '2025-11-10'", "TRUE")):
        shelf.query_and_wait(f"CREATE OR REPLACE TABLE shelf.value AS SELECT {value} AS v")
        never_seen = texts(shelf, f"{TEXT_OF} WHERE {number} = {number}")
        assert texts(shelf, TEXT_OF) == never_seen


def test_query_when_a_table_is_gone_then_the_same_text_says_so(shelf: bigquery.Client) -> None:
    sql = "SELECT id FROM shelf.book ORDER BY id"
    assert [row["id"] for row in shelf.query_and_wait(sql)] == [1, 2]
    shelf.query_and_wait("DROP TABLE shelf.book")
    with pytest.raises(NotFound, match="shelf.book was not found"):
        shelf.query_and_wait(sql)


def test_query_when_a_parameter_has_another_type_or_value_then_the_answer_is_its_own(shelf: bigquery.Client) -> None:
    from google.cloud import bigquery

    for kind, value, expected in (
        ("INT64", 1, "1"),
        ("INT64", 2, "2"),
        ("STRING", "one", "one"),
        ("BYTES", b"xyz", "xyz"),
    ):
        config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("v", kind, value)])
        (row,) = shelf.query_and_wait("SELECT CAST(@v AS STRING) AS text", job_config=config)
        assert row["text"] == expected


def test_script_when_a_variable_or_a_column_under_its_temporary_table_changes_then_the_same_text_follows(
    shelf: bigquery.Client,
) -> None:
    script = """
        DECLARE chosen ARRAY<STRING>;
        CREATE TEMP FUNCTION loud(word STRING) AS (CONCAT(word, '!'));
        CREATE TEMP TABLE held AS SELECT v, CAST(v AS STRING) AS text FROM shelf.value;
        SET chosen = (SELECT ARRAY_AGG(DISTINCT text) FROM held);
        BEGIN TRANSACTION;
        TRUNCATE TABLE shelf.told;
        INSERT INTO shelf.told (text) SELECT loud(text) FROM held WHERE text IN UNNEST(chosen);
        COMMIT TRANSACTION;
        SELECT CONCAT(text, CAST(v AS STRING)) AS text FROM held WHERE text IN UNNEST(chosen);
    """
    shelf.query_and_wait("CREATE OR REPLACE TABLE shelf.told (text STRING)")
    for number, value in enumerate(("2.5", "b'xyz'", "b'abc'", "TRUE", "2.5")):
        shelf.query_and_wait(f"CREATE OR REPLACE TABLE shelf.value AS SELECT {value} AS v")
        never_seen = texts(shelf, script.replace("chosen", f"chosen_{number}"))
        told = texts(shelf, "SELECT text FROM shelf.told")
        assert texts(shelf, script) == never_seen and len(never_seen) == 1
        assert texts(shelf, "SELECT text FROM shelf.told") == told == [f"{never_seen[0][: len(never_seen[0]) // 2]}!"]


def test_merge_when_its_source_changes_then_the_same_text_takes_in_what_is_there_now(shelf: bigquery.Client) -> None:
    merge = """
        MERGE shelf.kept AS k USING (SELECT v FROM shelf.value) AS s ON k.text = CAST(s.v AS STRING)
        WHEN NOT MATCHED THEN INSERT (text) VALUES (CAST(s.v AS STRING))
    """
    shelf.query_and_wait("CREATE OR REPLACE TABLE shelf.kept (text STRING)")
    for value in ("2.5", "b'xyz'", "TRUE", "2.5"):
        shelf.query_and_wait(f"CREATE OR REPLACE TABLE shelf.value AS SELECT {value} AS v")
        shelf.query_and_wait(merge)
    assert texts(shelf, "SELECT text FROM shelf.kept ORDER BY text") == ["2.5", "true", "xyz"]


def test_warehouse_when_its_data_is_of_an_earlier_version_then_it_says_what_to_do(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / f"{PROJECT}.ducklake").touch()
    with pytest.raises(StartError, match="written by an earlier version and cannot be read"):
        start_warehouse(tmp_path, cloud.lake)
