"""What local-bigquery asks its catalog, asked of the one table that it is about.

local-bigquery finds a table, and its columns, by listing all tables and all columns of all projects.
"""

from __future__ import annotations

from typing import Any

import duckdb
from local_bigquery.catalog import ddl
from local_bigquery.engine import database
from local_bigquery.settings import settings

# What local-bigquery asks of columns -> the same of one table alone.
QUICK_COLUMNS = {
    "SELECT column_name FROM duckdb_columns() WHERE database_name = ? "
    "AND schema_name = ? AND table_name = ? AND NOT is_nullable": 'SELECT name FROM pragma_table_info(?) WHERE "notnull"',
    "SELECT 1 FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? "
    "AND table_name = ? AND column_name = ?": "SELECT 1 FROM pragma_table_info(?) WHERE name = ?",
}

# Without it DuckDB writes files that its 1.0 can read, and refuses every persistent CREATE FUNCTION whose parameters have types.
STORAGE_VERSION = "v1.4.0"

IS_VIEW = "EXISTS (SELECT 1 FROM duckdb_views() WHERE database_name = $1 AND schema_name = $2 AND view_name = $3)"

every_object, fetched, applied = database.objects, database.fetch, ddl.apply


def attach(con: duckdb.DuckDBPyConnection, project_id: str) -> None:
    """Attach a project as a plain DuckDB file, of the version that keeps the types of a function's parameters."""
    path = settings.data_dir / f"{project_id}.duckdb"
    con.execute(f"ATTACH IF NOT EXISTS '{path}' AS {database.quote(project_id)} (STORAGE_VERSION '{STORAGE_VERSION}')")
    database._attached.add(project_id)


def projects() -> list[str]:
    """Return the projects that were attached."""
    return sorted(database._attached)


def objects(project_id: str, dataset_id: str | None, table_id: str | None = None) -> list[tuple[str, str, int]]:
    """Return name, kind and rows of a dataset's tables and views, or of the one that is asked for."""
    if dataset_id is None:
        return []  # a temporary table has none
    if table_id is None:
        return list(every_object(project_id, dataset_id))
    try:
        found = fetched(
            f"SELECT count(*), {IS_VIEW} FROM {database.quote(project_id, dataset_id, table_id)}",  # noqa: S608
            [project_id, dataset_id, table_id],
        )
    except duckdb.CatalogException:
        return []
    ((rows, is_view),) = found
    return [(table_id, "VIEW" if is_view else "TABLE", 0 if is_view else rows)]


def fetch(sql: str, params: list[str] | None = None) -> list[tuple[object, ...]]:
    """Return what local-bigquery's own `fetch` does; the two questions about columns go to their table."""
    quick = QUICK_COLUMNS.get(sql)
    if quick is None or params is None:
        return list(fetched(sql, params))
    table, column = params[:3], params[3:]
    try:
        return list(fetched(quick, [database.quote(*table), *column]))
    except duckdb.CatalogException:
        return []


def columns_of(table: tuple[str, str, str]) -> list[tuple[object, ...]]:
    """Return name, type and whether NULL is refused of a table's columns; none where there is no such table."""
    try:
        return list(fetched('SELECT name, type, "notnull" FROM pragma_table_info(?)', [database.quote(*table)]))
    except duckdb.CatalogException:
        return []


def apply(tree: Any, *rest: Any) -> None:
    """Keep what a DDL statement says of a table, as local-bigquery does; it keeps a function as a table, too."""
    if tree.args.get("kind") != "FUNCTION":
        applied(tree, *rest)


def install() -> None:
    """Let local-bigquery ask here, and keep its projects in plain DuckDB files."""
    database.objects, database.fetch, database.projects, database._attach = objects, fetch, projects, attach
    ddl.apply = apply
