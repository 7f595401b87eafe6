"""Mutants of a SQL file, made in its syntax tree.

The changed statement is written anew by sqlglot, the others stay as they are. Whether sqlglot's own writing of a statement means
the same is not taken on trust: `unchanged` gives a file with every statement written anew and nothing changed, and it must pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import sqlglot
from sqlglot import exp

from bench.mutants.mutant import Mutant, numbered

_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.LTE,
    exp.LTE: exp.LT,
    exp.GT: exp.GTE,
    exp.GTE: exp.GT,
    exp.Min: exp.Max,
    exp.Max: exp.Min,
    exp.NullSafeNEQ: exp.NullSafeEQ,
    exp.NullSafeEQ: exp.NullSafeNEQ,
}
_OTHER_UNIT = {"DAY": "MONTH", "MONTH": "DAY", "HOUR": "DAY", "MINUTE": "HOUR", "SECOND": "MINUTE", "WEEK": "DAY"}
# sqlglot does not know BigQuery's IF statement: what stands around a statement is kept as it is.
_IF = re.compile(r"^IF (?P<condition>.+) THEN$|^END IF;$", re.MULTILINE)


_Mutation = Callable[[exp.Expr, exp.Expr], exp.Expr]


@dataclass(frozen=True)
class _Statement:
    """A statement of a file, by its place in the text; ``line`` counts from 1."""

    text: str
    begin: int
    end: int
    line: int


def sql_mutants(path: str, text: str) -> list[Mutant]:
    """Return every mutant of a SQL file."""
    return numbered(_mutants(path, text))


def _mutants(path: str, text: str) -> Iterator[Mutant]:
    for statement in _statements(text):
        tree = sqlglot.parse_one(statement.text, dialect="bigquery")
        for number, node in enumerate(list(tree.walk())):
            # A literal alone says little: what it is compared with stands beside it.
            shown = node.parent if isinstance(node, exp.Literal | exp.Boolean | exp.Var) and node.parent else node
            source = " ".join(shown.sql(dialect="bigquery", unsupported_level=sqlglot.ErrorLevel.IGNORE).split())[:100]
            line = statement.line + _line_of(node)
            for change, mutate in _changes(node):
                yield Mutant(path, line, source, change, partial(_mutated, text, statement, tree, number, mutate))


def _mutated(text: str, statement: _Statement, tree: exp.Expr, number: int, mutate: _Mutation) -> str | None:
    copy = tree.copy()
    changed = _written(mutate(copy, list(copy.walk())[number]))
    return None if changed == _written(tree) else text[: statement.begin] + changed + text[statement.end :]


def unchanged(text: str) -> str:
    """Return the file with every statement as sqlglot writes it."""
    for statement in reversed(_statements(text)):
        written = _written(sqlglot.parse_one(statement.text, dialect="bigquery"))
        text = text[: statement.begin] + written + text[statement.end :]
    return text


def _written(tree: exp.Expr) -> str:
    # What sqlglot thinks that BigQuery lacks, it writes all the same.
    return "\n" + tree.sql(dialect="bigquery", pretty=True, unsupported_level=sqlglot.ErrorLevel.IGNORE)


def _statements(text: str) -> list[_Statement]:
    """Return what can be changed: every query and every statement that writes, without transactions and declarations."""
    found = []
    edges = [0, *(at for match in _IF.finditer(text) for at in match.span()), len(text)]
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        part = text[begin:end]
        at = 0
        tokens = sqlglot.tokenize(part, read="bigquery")
        ends = [t.start for t in tokens if t.text == ";"] + [len(part)]
        for stop in ends:
            piece = part[at:stop]
            first = next((t for t in tokens if at <= t.start < stop), None)
            if first and first.text.upper() in ("SELECT", "WITH", "MERGE", "INSERT", "DELETE", "UPDATE", "CREATE"):
                tree = sqlglot.parse_one(piece, dialect="bigquery")
                if not isinstance(tree, exp.Command):
                    start = begin + at
                    found.append(_Statement(piece, start, begin + stop, text.count("\n", 0, start) + 1))
            at = stop + 1
    return found


def _changes(node: exp.Expr) -> Iterator[tuple[str, _Mutation]]:
    """Return what can be changed of one node: each change in words, and what makes it in a copy of the tree."""
    if isinstance(node, exp.And | exp.Or):
        word = type(node).__name__.upper()
        yield f"{word}: the right side dropped", lambda tree, at: _put(tree, at, at.this)
        if not isinstance(node.this, type(node)):  # else the left side's own parts are dropped one by one
            yield f"{word}: the left side dropped", lambda tree, at: _put(tree, at, at.expression)
    if type(node) in _FLIPPED:
        other = _FLIPPED[type(node)]
        yield (
            f"{type(node).__name__} for {other.__name__}",
            partial(_replaced, other),
        )
    if isinstance(node, exp.Not):
        yield "NOT dropped", lambda tree, at: _put(tree, at, at.this)
    if isinstance(node, exp.Is | exp.In | exp.Exists | exp.Like | exp.RegexpLike) and not isinstance(
        node.parent, exp.Not
    ):
        yield f"NOT before {type(node).__name__}", lambda tree, at: _put(tree, at, exp.Not(this=exp.paren(at.copy())))
    if isinstance(node, exp.SetOperation):
        yield "the first branch dropped", lambda tree, at: _branch(tree, at, at.expression)
        yield "the last branch dropped", lambda tree, at: _branch(tree, at, at.this)
    if isinstance(node, exp.Ordered):
        yield "order turned round", _turned
        if node.parent is not None and len(node.parent.expressions) > 1:
            yield "tie-break dropped", lambda tree, at: _dropped(tree, at)
    if isinstance(node, exp.Coalesce):
        for place in range(len(node.expressions)):
            yield f"COALESCE: argument {place + 2} dropped", partial(_without_argument, place)
    if isinstance(node, exp.Join) and node.args.get("on") is not None:
        side = "INNER for LEFT" if node.side == "LEFT" else "LEFT for INNER" if not node.side else None
        if side:
            yield side, lambda tree, at: _joined(tree, at)
    if isinstance(node, exp.Distinct) and node.args.get("on") is None:
        yield "DISTINCT dropped", _without_distinct
    if isinstance(node, exp.Boolean):
        yield "TRUE and FALSE swapped", lambda tree, at: _put(tree, at, exp.Boolean(this=not at.this))
    if isinstance(node, exp.Where | exp.Having) and not isinstance(node.this, exp.And | exp.Boolean):
        yield f"{type(node).__name__.upper()} dropped", lambda tree, at: _dropped(tree, at)
    if isinstance(node, exp.Literal) and not _is_no_value(node):
        yield "another literal", lambda tree, at: _put(tree, at, _other_literal(at))
    if isinstance(node, exp.Var) and node.name.upper() in _OTHER_UNIT:
        yield "another unit of time", lambda tree, at: _put(tree, at, exp.var(_OTHER_UNIT[at.name.upper()]))


def _put(tree: exp.Expr, at: exp.Expr, new: exp.Expr) -> exp.Expr:
    if at is tree:
        return new
    at.replace(new.copy())
    return tree


def _replaced(other: type[exp.Expr], tree: exp.Expr, at: exp.Expr) -> exp.Expr:
    return _put(tree, at, other(this=at.this, expression=at.args.get("expression")))


def _without_argument(place: int, tree: exp.Expr, at: exp.Expr) -> exp.Expr:
    return _dropped(tree, at.expressions[place])


def _branch(tree: exp.Expr, at: exp.Expr, kept: exp.Expr) -> exp.Expr:
    """One branch of a UNION alone; common table expressions stand on the whole, so they move to what is kept."""
    kept = kept.copy()
    named = at.args.get("with_")
    if named is not None and kept.args.get("with_") is None:
        kept.set("with_", named.copy())
    return _put(tree, at, kept)


def _dropped(tree: exp.Expr, at: exp.Expr) -> exp.Expr:
    at.pop()
    return tree


def _joined(tree: exp.Expr, at: exp.Expr) -> exp.Expr:
    at.set("side", None if at.args.get("side") == "LEFT" else "LEFT")
    at.set("kind", None)
    return tree


def _turned(tree: exp.Expr, at: exp.Expr) -> exp.Expr:
    down = not at.args.get("desc")
    # Where NULLs stand by BigQuery's own rule: first when ascending, last when descending.
    return _put(tree, at, exp.Ordered(this=at.this, desc=down, nulls_first=not down))


def _without_distinct(tree: exp.Expr, at: exp.Expr) -> exp.Expr:
    parent = at.parent
    if isinstance(parent, exp.Select):
        parent.set("distinct", None)
    elif parent is not None and at.expressions:
        at.replace(at.expressions[0].copy())
    return tree


def _other_literal(at: exp.Expr) -> exp.Expr:
    if at.is_string:
        return exp.Literal.string(f"{at.this}x")
    return exp.Literal.number(str(float(at.this) + 1) if "." in at.this else str(int(at.this) + 1))


def _is_no_value(node: exp.Literal) -> bool:
    """Say whether a literal decides nothing: prose for a person to read, or the emptiness that COALESCE compares with."""
    return isinstance(node.parent, exp.Interval) or (node.is_string and (node.this == "" or node.this.count(" ") > 3))


def _line_of(node: exp.Expr) -> int:
    """Return the line of a node within its statement, from 0; nodes do not know it, but the names in them do."""
    lines = [int(part.meta["line"]) for part in node.walk() if "line" in part.meta]
    return min(lines, default=1) - 1
