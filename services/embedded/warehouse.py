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
import re
import threading
from dataclasses import dataclass
from types import FunctionType, SimpleNamespace
from typing import Any

import duckdb
import sqlglot
from local_bigquery import cli
from local_bigquery.catalog import tables
from local_bigquery.engine import database
from local_bigquery.jobs import load as loading
from local_bigquery.jobs import merge, query, store
from local_bigquery.settings import settings
from local_bigquery.sql import native, script
from local_bigquery.sql import translate as translating
from local_bigquery.sql.rules import partitions
from local_bigquery.sql.translate import Context
from sqlglot import exp

KEPT_JOBS = 10_000

# What local-bigquery asks of columns -> the same of one table alone.
QUICK_COLUMNS = {
    "SELECT column_name FROM duckdb_columns() WHERE database_name = ? "
    "AND schema_name = ? AND table_name = ? AND NOT is_nullable": 'SELECT name FROM pragma_table_info(?) WHERE "notnull"',
    "SELECT 1 FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? "
    "AND table_name = ? AND column_name = ?": "SELECT 1 FROM pragma_table_info(?) WHERE name = ?",
}

# Temporary tables are a connection's own, and only a session's statements share one: other jobs begin without any.
SLOW_TEMPORARY = "SELECT table_name FROM duckdb_tables() WHERE temporary"
QUICK_TEMPORARY = "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'temp'"
NO_TEMPORARY = "SELECT '' AS table_name WHERE false"

every_object, fetched, asked_write = database.objects, database.fetch, tables.write
registered, asked_paths = native.register, loading.paths
asked_parse, asked_translate = translating.parse, translating.translate
making_key = threading.Lock()

KEPT_STATEMENTS = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)
# Words whose translation is another one next time, or depends on more than columns.
OF_THE_MOMENT = re.compile(r"@@|\*`|SYSTEM_TIME|INFORMATION_SCHEMA|EXTERNAL_QUERY|_USER\b", re.IGNORECASE)
parsed: dict[str, list[exp.Expression]] = {}
parts: dict[str, exp.Expression] = {}
translations: dict[tuple[object, ...], Translated] = {}
jobs: dict[tuple[str, str], Any] = {}


def attach(con: duckdb.DuckDBPyConnection, project_id: str) -> None:
    """Attach a project as a plain DuckDB file."""
    path = settings.data_dir / f"{project_id}.duckdb"
    con.execute(f"ATTACH IF NOT EXISTS '{path}' AS {database.quote(project_id)}")
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
            f"SELECT count(*), EXISTS (SELECT 1 FROM duckdb_views() WHERE database_name = $1 AND schema_name = $2 AND view_name = $3) "
            f"FROM {database.quote(project_id, dataset_id, table_id)}",
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


def parse(text: str) -> list[exp.Expression]:
    """Return the statements of a text, as local-bigquery does; those that nobody changes are kept for the next time it comes."""
    if text not in parsed:
        trees = asked_parse(text)
        if not all(isinstance(tree, KEPT_STATEMENTS) for tree in trees):
            return trees
        for number, tree in enumerate(trees):
            tree.meta["kept_as"] = (text, number)
        parsed[text] = trees
    return parsed[text]


def parse_one(text: str, dialect: object = None) -> exp.Expression:
    """Return the one statement that local-bigquery makes of a part of a MERGE."""
    if text not in parts:
        parts[text] = sqlglot.parse_one(text, dialect=dialect)
        parts[text].meta["kept_as"] = (text, 0)
    return parts[text]


@dataclass
class Translated:
    """A statement in DuckDB's words, and what local-bigquery wrote into the job's context on the way."""

    sql: str
    used: set[str]
    referenced: set[tuple[str, str, str]]
    temporary: set[str]
    columns: list[Any]


def translate(tree: exp.Expression, context: Context) -> tuple[str, dict[str, Any]]:
    """Return what local-bigquery's own `translate` does, which takes longer than DuckDB takes to answer.

    A translation holds as long as the tables that it names have the same columns, for parameters of the same types, after the same
    statements of the same job, which may have made temporary tables.
    """
    kept_as = tree.meta.get("kept_as")
    before: tuple[object, ...] | None = getattr(context, "translated", ())
    if kept_as is None or before is None or context.variables or context.functions or context.settings or OF_THE_MOMENT.search(kept_as[0]):
        context.translated = None
        return asked_translate(tree, context)
    places = (context.project_id, context.dataset_id, *sorted(context.parameters.items()), *sorted(context.temporary))
    key = (kept_as, before, places)
    context.translated = (*before, kept_as)
    known = translations.get(key)
    if known is None or known.columns != [_columns(table) for table in sorted(known.referenced)]:
        referenced, temporary, position = set(context.referenced), set(context.temporary), context.position
        context.referenced.clear()
        sql, _ = asked_translate(tree, context)
        mine = set(context.referenced)
        context.referenced |= referenced
        known = Translated(sql, set(context.used), mine, context.temporary - temporary, [_columns(table) for table in sorted(mine)])
        if context.functions or context.position != position:
            context.translated = None
        else:
            translations[key] = known
    context.used.clear()
    context.used |= known.used
    context.referenced |= known.referenced
    context.temporary |= known.temporary
    return known.sql, {name: context.values[name] for name in known.used}


def _columns(table: tuple[str, str, str]) -> list[tuple[object, ...]]:
    try:
        return list(fetched('SELECT name, type, "notnull" FROM pragma_table_info(?)', [database.quote(*table)]))
    except duckdb.CatalogException:
        return []


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
    database.objects, database.fetch, database.projects, database._attach = objects, fetch, projects, attach
    tables.write = write
    script.parse = query.parse = parse
    script.translate = query.translate = merge.translate = translate
    merge.sqlglot = SimpleNamespace(parse_one=parse_one)
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
