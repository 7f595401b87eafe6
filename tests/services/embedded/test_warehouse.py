"""The warehouse's quick catalog gives the answers of the slow one: tables, views, what was dropped, temporary tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from google.api_core.exceptions import NotFound

if TYPE_CHECKING:
    from google.cloud import bigquery


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
