"""Statements that local-bigquery has parsed and translated, kept for the next time that their text comes."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import sqlglot
from local_bigquery.catalog import row_access
from local_bigquery.jobs import merge, query
from local_bigquery.sql import script
from local_bigquery.sql import translate as translating
from local_bigquery.sql.translate import Context
from sqlglot import exp

from services.embedded.warehouse.catalog import columns_of

KEPT_TEXTS = 2_000
KEPT_STATEMENTS = (
    exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Transaction, exp.Commit, exp.Rollback
)  # fmt: skip
# Words whose translation is another one next time, or depends on more than columns.
OF_THE_MOMENT = re.compile(r"@@|\*`|SYSTEM_TIME|INFORMATION_SCHEMA|EXTERNAL_QUERY|_USER\b", re.IGNORECASE)

A_VARIABLE = f"'{uuid.uuid4().hex} "  # in no text that anybody writes

asked_parse, asked_translate = translating.parse, translating.translate
parsed: dict[str, list[exp.Expression]] = {}
parts: dict[str, Any] = {}
translations: dict[tuple[object, ...], Translated] = {}


def parse(text: str) -> list[exp.Expression]:
    """Return the statements of a text, as local-bigquery does; those that nobody changes are kept for the next time it comes."""
    trees = parsed.get(text)
    if trees is None:
        trees = list(asked_parse(text))
        if not all(isinstance(tree, KEPT_STATEMENTS) or _is_of_the_job(tree) for tree in trees):
            return trees
        for number, tree in enumerate(trees):
            # Threads share the tree from now on: nobody may add to its meta, as the interpreter does with table_function.
            tree.meta.update(kept_as=(text, number), table_function=False)
        _room(parsed)[text] = trees
    return trees


def _is_of_the_job(tree: exp.Expression) -> bool:
    """Whether a statement makes a temporary table of a query, or a temporary function."""
    if not isinstance(tree, exp.Create) or tree.find(exp.TemporaryProperty) is None:
        return False
    if tree.args.get("kind") == "FUNCTION":
        return True
    # local-bigquery makes two statements of one that names the columns, too.
    return (
        tree.args.get("kind") == "TABLE" and isinstance(tree.expression, exp.Query) and isinstance(tree.this, exp.Table)
    )


def parse_one(text: str, dialect: type[sqlglot.Dialect]) -> Any:
    """Return the one statement that local-bigquery makes of a part of a MERGE."""
    tree = parts.get(text)
    if tree is None:
        tree = sqlglot.parse_one(text, dialect=dialect)
        tree.meta["kept_as"] = (text, 0)
        _room(parts)[text] = tree
    return tree


@dataclass
class Translated:
    """A statement in DuckDB's words, and what local-bigquery wrote into the job's context on the way.

    sql: each variable of the script stands in it as A_VARIABLE and its own name; local-bigquery keeps its value in a table of a new name.
    """

    sql: str
    used: set[str]
    referenced: set[tuple[str, str, str]]
    temporary: set[str]
    columns: list[Any]


def translate(tree: exp.Expression, context: Context) -> tuple[str, dict[str, Any]]:
    """Return what local-bigquery's own `translate` does, which takes longer than DuckDB takes to answer.

    A translation holds as long as the tables that it names have the same columns, for parameters of the same types, after the same
    statements of the same job, which may have made temporary tables and functions: local-bigquery does not ask what those hold.
    """
    kept_as = tree.meta.get("kept_as")
    before: tuple[object, ...] | None = getattr(context, "translated", ())
    own_words = context.functions or context.settings or row_access.secured()
    if kept_as is None or before is None or own_words or OF_THE_MOMENT.search(kept_as[0]):
        # What a script asks for itself, such as a variable's value, changes nothing for the statements after it.
        if kept_as is not None or not isinstance(tree, exp.Query):
            context.translated = None
        sql, values = asked_translate(tree, context)
        return sql, values
    places = (context.project_id, context.dataset_id, *sorted(context.parameters.items()), *sorted(context.temporary))
    key = (kept_as, before, places, *sorted(context.variables))
    known = translations.get(key)
    depends_on_more = False
    if known is None or known.columns != [columns_of(table) for table in sorted(known.referenced)]:
        position = context.position
        known = _translated(tree, context)
        depends_on_more = context.functions or context.position != position
        if not depends_on_more:
            _room(translations)[key] = known
    context.translated = None if depends_on_more else (*before, kept_as)
    context.used.clear()
    context.used |= known.used
    context.referenced |= known.referenced
    context.temporary |= known.temporary
    sql = known.sql
    for variable, stored in context.variables.items():
        sql = sql.replace(f"{A_VARIABLE}{variable}'", stored)
    return sql, {name: context.values[name] for name in known.used}


def _translated(tree: exp.Expression, context: Context) -> Translated:
    """Let local-bigquery translate, and tell apart what this statement wrote into the context."""
    referenced, temporary = set(context.referenced), set(context.temporary)
    context.referenced.clear()
    try:
        sql, _ = asked_translate(tree, context)
        for variable, stored in context.variables.items():
            sql = sql.replace(stored, f"{A_VARIABLE}{variable}'")
        mine = set(context.referenced)
    finally:
        context.referenced |= referenced
    columns = [columns_of(table) for table in sorted(mine)]
    return Translated(sql, set(context.used), mine, context.temporary - temporary, columns)


def _room(kept: dict[Any, Any]) -> dict[Any, Any]:
    """Forget everything rather than grow without end: tests write values into their texts."""
    if len(kept) >= KEPT_TEXTS:
        kept.clear()
    return kept


def install() -> None:
    """Let local-bigquery parse and translate here."""
    script.parse = parse
    script.translate = query.translate = merge.translate = translate
    merge.sqlglot = SimpleNamespace(parse_one=parse_one)
