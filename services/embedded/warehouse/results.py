"""What a query gave, known from when it was stored: nobody changes it, so its catalog needs no question.

local-bigquery looks for the table of a query's rows, which it just made, ten times before it answers.
"""

from __future__ import annotations

from typing import Any

from local_bigquery.catalog import tabledata, tables

KEPT_RESULTS = 10_000
columns_of_results: dict[str, list[Any]] = {}

asked_exists, asked_load, asked_columns = tables.exists, tabledata.load, tabledata.columns


def exists(project_id: str, dataset_id: str, table_id: str) -> bool:
    """Return whether there is a table. A query's rows get a name that was never used."""
    return dataset_id != tables.RESULTS and bool(asked_exists(project_id, dataset_id, table_id))


def load(project_id: str, dataset_id: str, table_id: str) -> Any:
    """Return a table before its rows are read; a result that was read before is there."""
    known = dataset_id == tables.RESULTS and table_id in columns_of_results
    return None if known else asked_load(project_id, dataset_id, table_id)


def columns(project_id: str, dataset_id: str, table_id: str) -> list[Any]:
    """Return the columns of a table; a result's are kept."""
    if dataset_id != tables.RESULTS:
        return list(asked_columns(project_id, dataset_id, table_id))
    if table_id not in columns_of_results:
        while len(columns_of_results) >= KEPT_RESULTS:
            columns_of_results.pop(next(iter(columns_of_results)))
        columns_of_results[table_id] = list(asked_columns(project_id, dataset_id, table_id))
    return columns_of_results[table_id]


def install() -> None:
    """Let local-bigquery ask here for the rows of queries. After partitions, which ask for decorated names."""
    global asked_load, asked_columns
    asked_load, asked_columns = tabledata.load, tabledata.columns
    tables.exists, tabledata.load, tabledata.columns = exists, load, columns
