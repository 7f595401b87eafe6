"""Partition decorators: `table$20251103` is one partition of a table, to write, to read, to copy and to delete.

local-bigquery takes such a name for another table's, makes that table and says done.
"""

from __future__ import annotations

from typing import Any

import duckdb
from local_bigquery.catalog import names, tabledata, tables
from local_bigquery.engine import database
from local_bigquery.engine.database import quote
from local_bigquery.errors import BigQueryError, already_exists
from local_bigquery.jobs import copy

# A partition's id is its time in this form, in UTC.
FORMS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
NEW_ROWS = "new_rows_of_a_partition"

asked_write, asked_delete, asked_source = tables.write, tables.delete, copy._source
asked_load, asked_columns = tables.load, tables.columns


def write(cursor: duckdb.DuckDBPyConnection, query: str, params: Any, reference: Any, config: Any, *rest: Any, **options: Any) -> bool:  # fmt: skip
    """Store what a query gives, in one partition if the table's name says so: all of it or nothing."""
    base, partition = _parts(reference)
    if partition is None:
        return bool(asked_write(cursor, query, params, reference, config, *rest, **options))
    if options.get("isolated"):
        raise _not_modeled("a partition as the destination of a statement in a script or session")
    place = _place(base)
    disposition = config.writeDisposition or (rest[0] if rest else "WRITE_EMPTY")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {NEW_ROWS} AS {query}", params)
    try:
        _check_rows(cursor, base, partition, place)
        with database.writing(*base, partition):
            cursor.execute("BEGIN TRANSACTION")
            try:
                _make_room(cursor, base, partition, place, disposition)
                appended = config.replace(writeDisposition="WRITE_APPEND")
                asked_write(cursor, f"SELECT * FROM {NEW_ROWS}", None, base, appended, *rest, **options)  # noqa: S608
                cursor.execute("COMMIT")
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
    finally:
        cursor.execute(f"DROP TABLE {NEW_ROWS}")
    return False


def delete(project_id: str, dataset_id: str, table_id: str) -> None:
    """Delete a table, or one partition's rows."""
    base, partition = _parts((project_id, dataset_id, table_id))
    if partition is None:
        asked_delete(project_id, dataset_id, table_id)
        return
    database.execute(f"DELETE FROM {tables.name(*base)} WHERE {_place(base)} = ?", [partition])  # noqa: S608


def source(reference: tuple[str, str, str]) -> str:
    """Return what a copy reads: a table, or one partition's rows."""
    base, partition = _parts(reference)
    if partition is None:
        return str(asked_source(reference))
    return f"(SELECT * FROM {tables.name(*base)} WHERE {_place(base)} = '{partition}')"  # noqa: S608


def rows(project_id: str, dataset_id: str, table_id: str) -> str:
    """Return what to read pages from, in the order of its rowid: a table, or one partition's rows."""
    base, partition = _parts((project_id, dataset_id, table_id))
    if partition is None:
        return str(tables.name(*base))
    return f"(SELECT rowid, * FROM {tables.name(*base)} WHERE {_place(base)} = '{partition}')"  # noqa: S608


def load(project_id: str, dataset_id: str, table_id: str) -> Any:
    """Return a table as local-bigquery knows it; of a partition it counts that partition's rows."""
    base, partition = _parts((project_id, dataset_id, table_id))
    table = asked_load(*base)
    if partition is None:
        return table
    ((count,),) = database.fetch(f"SELECT count(*) FROM {rows(project_id, dataset_id, table_id)}")  # noqa: S608
    named = table.tableReference.replace(tableId=table_id)
    return table.replace(numRows=str(count), id=f"{table.id}${partition}", tableReference=named)


def columns(project_id: str, dataset_id: str, table_id: str) -> list[Any]:
    """Return the columns of a table, or of the table that a partition is of."""
    base, _ = _parts((project_id, dataset_id, table_id))
    return list(asked_columns(*base))


def _parts(reference: tuple[str, str, str]) -> tuple[tuple[str, str, str], str | None]:
    """Return the table and the partition's id; None where the name has none. BigQueryError for an id of no form."""
    project_id, dataset_id, table_id = reference
    name, sign, partition = table_id.partition("$")
    if sign and not partition.isdigit():
        raise _not_modeled(f"the partition ${partition}")
    return (project_id, dataset_id, name), partition if sign else None


def _place(base: tuple[str, str, str]) -> str:
    """Return the id of a row's partition, in DuckDB's words. BigQueryError where the table has no such partitions."""
    table = tables.load(*base)
    by_time, by_range = table.timePartitioning, table.rangePartitioning
    if by_time and by_time.field:
        return f"strftime(CAST({quote(by_time.field)} AS TIMESTAMP), '{FORMS[by_time.type or 'DAY']}')"
    if by_range and by_range.field:
        start, step = int(by_range.range.start), int(by_range.range.interval)
        return f"CAST({start} + ({quote(by_range.field)} - {start}) // {step} * {step} AS VARCHAR)"
    if by_time:
        raise _not_modeled("partitions by the time of loading")
    raise BigQueryError(
        "invalid", f"Table {names.label(*base)} is not partitioned: its name takes no partition decorator."
    )


def _check_rows(cursor: duckdb.DuckDBPyConnection, base: tuple[str, str, str], partition: str, place: str) -> None:
    # Read as the table's own types: a file may hold a partition's day as text.
    columns = {field.name.casefold() for field in tables.columns(*base)}
    given = [name for name in cursor.sql(f"FROM {NEW_ROWS}").columns if name.casefold() in columns]
    typed = ", ".join(map(quote, given))
    like = f"SELECT {typed} FROM {tables.name(*base)} WHERE false UNION ALL SELECT {typed} FROM {NEW_ROWS}"  # noqa: S608
    if cursor.sql(f"SELECT 1 FROM ({like}) WHERE {place} IS DISTINCT FROM '{partition}' LIMIT 1").fetchone():  # noqa: S608
        raise BigQueryError(
            "invalid",
            f"Some rows belong to different partitions rather than destination partition {names.label(*base)}${partition}",
        )


def _make_room(cursor: duckdb.DuckDBPyConnection, base: tuple[str, str, str], partition: str, place: str, disposition: str) -> None:  # fmt: skip
    there = f"FROM {tables.name(*base)} WHERE {place} = '{partition}'"
    if disposition == "WRITE_TRUNCATE":
        cursor.execute(f"DELETE {there}")
    elif disposition == "WRITE_EMPTY" and cursor.sql(f"SELECT 1 {there} LIMIT 1").fetchone():
        raise already_exists("Table", f"{names.label(*base)}${partition}")


def _not_modeled(what: str) -> BigQueryError:
    return BigQueryError("notImplemented", f"not modeled by the embedded warehouse: {what}")


def install() -> None:
    """Let local-bigquery know partitions by their names."""
    global asked_write
    asked_write = tables.write
    tables.write, tables.delete, copy._source = write, delete, source
    tables.load = tabledata.load = load
    tables.columns = tabledata.columns = columns
    tabledata.name = rows
