"""local-bigquery, with quick answers to what it asks its own catalog for every statement.

Runs in the emulators environment and takes local-bigquery's own arguments. local-bigquery 0.3.2 finds a table by
listing all tables and all columns with DuckDB's `duckdb_tables()` and `duckdb_columns()`; the first reads the statistics
of every DuckLake table: about 1 ms for each table of the warehouse, several times a statement. Here the same questions go to DuckLake's metadata, which is
indexed by name. The answers are the same; docs/adr/0003-emulators-not-mocks.md has the measurement.
"""

from __future__ import annotations

import duckdb
from local_bigquery import cli
from local_bigquery.catalog import tables
from local_bigquery.engine import database
from local_bigquery.jobs import query
from local_bigquery.sql.rules import partitions

RESULTS = "emulator"  # the plain DuckDB database that holds the results of queries

TABLES_AND_VIEWS = """
SELECT table_name, 'TABLE', coalesce(record_count, 0)
FROM {meta}.ducklake_table AS entry
JOIN {meta}.ducklake_schema AS home USING (schema_id)
LEFT JOIN {meta}.ducklake_table_stats USING (table_id)
WHERE entry.end_snapshot IS NULL AND home.end_snapshot IS NULL AND schema_name = $1
  AND table_name = coalesce($2, table_name)
UNION ALL
SELECT view_name, 'VIEW', 0
FROM {meta}.ducklake_view AS entry
JOIN {meta}.ducklake_schema AS home USING (schema_id)
WHERE entry.end_snapshot IS NULL AND home.end_snapshot IS NULL AND schema_name = $1
  AND view_name = coalesce($2, view_name)
ORDER BY 1
"""

COLUMNS = """
FROM {meta}.ducklake_column AS entry
JOIN {meta}.ducklake_table AS owner USING (table_id)
JOIN {meta}.ducklake_schema AS home USING (schema_id)
WHERE entry.end_snapshot IS NULL AND owner.end_snapshot IS NULL AND home.end_snapshot IS NULL
  AND parent_column IS NULL AND schema_name = ? AND table_name = ?
"""
# What local-bigquery asks of columns -> the same of DuckLake's metadata.
QUICK_COLUMNS = {
    "SELECT column_name FROM duckdb_columns() WHERE database_name = ? "
    "AND schema_name = ? AND table_name = ? AND NOT is_nullable": f"SELECT column_name {COLUMNS} AND NOT nulls_allowed",
    "SELECT 1 FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? "
    "AND table_name = ? AND column_name = ?": f"SELECT 1 {COLUMNS} AND column_name = ?",
}

SLOW_TEMPORARY = "SELECT table_name FROM duckdb_tables() WHERE temporary"
QUICK_TEMPORARY = "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'temp'"

every_object, fetched = database.objects, database.fetch


def objects(project_id: str, dataset_id: str, table_id: str | None = None) -> list[tuple[str, str, int]]:
    """Return name, kind and rows of a dataset's tables and views, or of the one that is asked for."""
    if project_id != RESULTS:
        meta = database.quote(f"__ducklake_metadata_{project_id}")
        found: list[tuple[str, str, int]] = fetched(TABLES_AND_VIEWS.format(meta=meta), [dataset_id, table_id])
        return found
    if table_id is None:
        return list(every_object(project_id, dataset_id))
    try:
        fetched(f"FROM {database.quote(project_id, dataset_id, table_id)} LIMIT 0")
    except duckdb.CatalogException:
        return []
    return [(table_id, "TABLE", 0)]


def fetch(sql: str, params: list[str] | None = None) -> list[tuple[object, ...]]:
    """Return what local-bigquery's own `fetch` does; the two questions about columns go to the metadata."""
    quick = QUICK_COLUMNS.get(sql)
    if quick is None or params is None:
        return list(fetched(sql, params))
    project_id, *names = params
    if project_id == RESULTS:
        return []  # a result has no REQUIRED column and no partition
    return list(fetched(quick.format(meta=database.quote(f"__ducklake_metadata_{project_id}")), names))


def main() -> None:
    """Serve until stopped. Raises RuntimeError when this is another local-bigquery than the one that was measured."""
    constants = query.execute.__code__.co_consts
    asked = (*constants, *tables.columns.__code__.co_consts, *partitions._hidden.__code__.co_consts)
    if not {SLOW_TEMPORARY, *QUICK_COLUMNS} <= set(asked):
        raise RuntimeError("local-bigquery has changed: compare its questions with services/embedded/warehouse.py.")
    quick = tuple(QUICK_TEMPORARY if constant == SLOW_TEMPORARY else constant for constant in constants)
    query.execute.__code__ = query.execute.__code__.replace(co_consts=quick)
    database.objects, database.fetch = objects, fetch
    cli.main()


if __name__ == "__main__":
    main()
