"""local-bigquery, with quick answers to what it asks its own catalog for every statement.

Runs in the emulators environment and takes local-bigquery's own arguments. local-bigquery 0.3.2 finds a table by
listing all tables and all columns with DuckDB's `duckdb_tables()` and `duckdb_columns()`, and asks DuckDB for the columns
of each table of a statement several times. Here the same questions go to DuckLake's metadata, and an answer is kept for as
long as DuckLake's schema version stays: it grows with every table that is made, changed or dropped. A job is written to the
store when it is done, and not also when it is taken and when it begins. The answers are the same;
docs/adr/0003-emulators-not-mocks.md has the measurement.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

import duckdb
from local_bigquery import cli
from local_bigquery.catalog import tables
from local_bigquery.engine import database
from local_bigquery.jobs import load as loading
from local_bigquery.jobs import query, store
from local_bigquery.sql import native
from local_bigquery.sql.rules import partitions

KEPT_JOBS = 10_000
RESULTS = "emulator"  # the plain DuckDB database that holds the results of queries

TABLES_AND_VIEWS = """
SELECT table_name, 'TABLE', table_id
FROM {meta}.ducklake_table AS entry
JOIN {meta}.ducklake_schema AS home USING (schema_id)
WHERE entry.end_snapshot IS NULL AND home.end_snapshot IS NULL AND schema_name = $1
  AND table_name = coalesce($2, table_name)
UNION ALL
SELECT view_name, 'VIEW', NULL
FROM {meta}.ducklake_view AS entry
JOIN {meta}.ducklake_schema AS home USING (schema_id)
WHERE entry.end_snapshot IS NULL AND home.end_snapshot IS NULL AND schema_name = $1
  AND view_name = coalesce($2, view_name)
ORDER BY 1
"""
SCHEMA_VERSION = "SELECT max(schema_version) FROM {meta}.ducklake_snapshot"
ROWS = "SELECT table_id, record_count FROM {meta}.ducklake_table_stats WHERE table_id IN ({ids})"

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

# Temporary tables are a connection's own, and only a session's statements share one: other jobs begin without any.
SLOW_TEMPORARY = "SELECT table_name FROM duckdb_tables() WHERE temporary"
QUICK_TEMPORARY = "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'temp'"
NO_TEMPORARY = "SELECT '' AS table_name WHERE false"

every_object, fetched, asked_columns, asked_write = database.objects, database.fetch, tables.columns, tables.write
registered, asked_paths = native.register, loading.paths
making_key = threading.Lock()


class Kept:
    """Answers of the catalog, kept until the schema of their project changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: dict[str, int] = {}
        self._answers: dict[str, dict[tuple[object, ...], Any]] = {}

    def answer(self, project_id: str, question: tuple[object, ...], ask: Callable[[], Any]) -> Any:
        """Return the kept answer, or that of ``ask`` from now on. What ``ask`` raises is not kept."""
        version = fetched(SCHEMA_VERSION.format(meta=_meta(project_id)))[0][0]
        with self._lock:
            if self._version.get(project_id) != version:
                self._version[project_id], self._answers[project_id] = version, {}
            answers = self._answers[project_id]
        if question not in answers:
            answers[question] = ask()
        return answers[question]


kept = Kept()
jobs: dict[tuple[str, str], Any] = {}


def _meta(project_id: str) -> str:
    return str(database.quote(f"__ducklake_metadata_{project_id}"))


def objects(project_id: str, dataset_id: str, table_id: str | None = None) -> list[tuple[str, str, int]]:
    """Return name, kind and rows of a dataset's tables and views, or of the one that is asked for."""
    if project_id != RESULTS:
        meta = _meta(project_id)
        found: list[tuple[str, str, int | None]] = kept.answer(
            project_id,
            ("objects", dataset_id, table_id),
            lambda: fetched(TABLES_AND_VIEWS.format(meta=meta), [dataset_id, table_id]),
        )
        ids = ", ".join(str(number) for *_, number in found if number is not None)
        rows = dict(fetched(ROWS.format(meta=meta, ids=ids))) if ids else {}
        return [(name, kind, rows.get(number, 0)) for name, kind, number in found]
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
    answer: list[tuple[object, ...]] = kept.answer(
        project_id, (sql, *names), lambda: fetched(quick.format(meta=_meta(project_id)), names)
    )
    return answer


def columns(project_id: str, dataset_id: str, table_id: str) -> list[Any]:
    """Return the columns of a table, as local-bigquery's own `columns` does."""
    if dataset_id == tables.RESULTS:
        return list(asked_columns(project_id, dataset_id, table_id))
    return list(
        kept.answer(
            project_id, ("columns", dataset_id, table_id), lambda: asked_columns(project_id, dataset_id, table_id)
        )
    )


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


def save(job: Any) -> Any:
    """Keep a job; of more than KEPT_JOBS the oldest is forgotten."""
    key = (job.jobReference.projectId, job.jobReference.jobId)
    jobs[key] = job
    while len(jobs) > KEPT_JOBS:
        jobs.pop(next(iter(jobs)))
    return job


def load(project_id: str, job_id: str) -> Any | None:
    """Return a job by its id."""
    return jobs.get((project_id, job_id))


def list_(
    project_id: str,
    states: list[str] | None = None,
    parent_job_id: str | None = None,
    min_creation_time: int | None = None,
    max_creation_time: int | None = None,
) -> list[Any]:
    """Return the jobs that fit, newest first."""
    fitting = [
        (-made, job_id, job)
        for (of, job_id), job in list(jobs.items())
        if of == project_id
        and job.statistics.parentJobId == parent_job_id
        and (not states or job.status.state in states)
        for made in [int(job.statistics.creationTime)]
        if (min_creation_time or made) <= made <= (max_creation_time or made)
    ]
    return [job for *_, job in sorted(fitting, key=lambda entry: entry[:2])]


def delete(project_id: str, job_id: str) -> None:
    """Forget a job and its children."""
    for key, job in list(jobs.items()):
        if key[0] == project_id and job_id in (key[1], job.statistics.parentJobId):
            jobs.pop(key, None)


def main() -> None:
    """Serve until stopped. Raises RuntimeError when this is another local-bigquery than the one that was measured."""
    constants = query.execute.__code__.co_consts
    asked = (*constants, *tables.columns.__code__.co_consts, *partitions._hidden.__code__.co_consts)
    if not {SLOW_TEMPORARY, *QUICK_COLUMNS} <= set(asked):
        raise RuntimeError("local-bigquery has changed: compare its questions with services/embedded/warehouse.py.")
    in_session, alone = (_asking(query.execute, question) for question in (QUICK_TEMPORARY, NO_TEMPORARY))

    def execute(*given: Any, session: Any = None, **options: Any) -> Any:
        return (in_session if session else alone)(*given, session=session, **options)

    query.execute = execute
    database.objects, database.fetch = objects, fetch
    tables.columns, tables.write = columns, write
    store.save, store.load, store.list_, store.delete = save, load, list_, delete
    native.register, loading.paths = register, paths
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
