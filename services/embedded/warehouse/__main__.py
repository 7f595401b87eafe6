"""Runs local-bigquery, made quick; takes local-bigquery's own arguments."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path
from types import FunctionType
from typing import Any

import duckdb
from local_bigquery import cli
from local_bigquery.catalog import tables
from local_bigquery.jobs import load as loading
from local_bigquery.jobs import query
from local_bigquery.sql import native
from local_bigquery.sql.rules import partitions

from services.embedded.warehouse import catalog, faults, jobs, results, translations
from services.embedded.warehouse import partitions as decorators

# Temporary tables are a connection's own, and only a session's statements share one: other jobs begin without any.
SLOW_TEMPORARY = "SELECT table_name FROM duckdb_tables() WHERE temporary"
QUICK_TEMPORARY = "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'temp'"
NO_TEMPORARY = "SELECT '' AS table_name WHERE false"

# DuckDB looks for it twice with the parameters of each statement, and where it is not installed, in every folder of the path.
sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]

asked_write, asked_paths, registered = tables.write, loading.paths, native.register
making_key = threading.Lock()


class Planned:
    """A cursor that plans the same query once, however often its columns are asked for."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._last: tuple[str, Any] = ("", None)

    def sql(self, text: str, params: dict[str, Any] | None = None) -> Any:
        if self._last[0] != text:
            self._last = (text, self._cursor.sql(text, params=params))
        return self._last[1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def write(cursor: duckdb.DuckDBPyConnection, query: str, *rest: Any, **options: Any) -> bool:
    """Store what a query gives, as local-bigquery's own `write` does."""
    return bool(asked_write(Planned(cursor), query, *rest, **options))


def paths(cursor: duckdb.DuckDBPyConnection, uri: str) -> list[str]:
    """Return where to load from, as local-bigquery does: one load at a time makes its key to the lake, or two first ones fail."""
    with making_key:
        return list(asked_paths(cursor, uri))


def main() -> None:
    """Serve until stopped. Raises RuntimeError when this is another local-bigquery than the one that was measured."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data-dir", type=Path, default=Path())
    folder = parser.parse_known_args()[0].data_dir
    if any(folder.glob("*.ducklake")):
        sys.exit(
            f"{folder} was written by an earlier version and cannot be read: `docker compose down --volumes` removes it; "
            "then start again and run apply_tables."
        )
    constants = query.execute.__code__.co_consts
    asked = (*constants, *tables.columns.__code__.co_consts, *partitions._hidden.__code__.co_consts)
    if not {SLOW_TEMPORARY, *catalog.QUICK_COLUMNS} <= set(asked):
        raise RuntimeError("local-bigquery has changed: compare its questions with services/embedded/warehouse.")
    in_session, alone = (_asking(query.execute, question) for question in (QUICK_TEMPORARY, NO_TEMPORARY))

    def execute(*given: Any, session: Any = None, **options: Any) -> Any:
        statistics, children, destination = (in_session if session else alone)(*given, session=session, **options)
        return statistics, children, jobs.destination_of(statistics, destination)

    query.execute = execute
    tables.write, loading.paths, native.register = write, paths, register
    for part in (catalog, translations, jobs, decorators, results, faults):
        part.install()
    cli.main()


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a connection ready, as local-bigquery does, with as many threads as GTM_WAREHOUSE_THREADS says."""
    registered(connection)
    if threads := os.environ.get("GTM_WAREHOUSE_THREADS"):
        connection.execute(f"SET threads = {int(threads)}")


def _asking(execute: FunctionType, question: str) -> FunctionType:
    """Return local-bigquery's `execute` with another question about temporary tables."""
    code = execute.__code__
    constants = tuple(question if constant == SLOW_TEMPORARY else constant for constant in code.co_consts)
    return FunctionType(code.replace(co_consts=constants), execute.__globals__, "execute", execute.__defaults__)


if __name__ == "__main__":
    main()
