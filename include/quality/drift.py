"""Drift of a gated table: its profile (row count, null shares, category shares), and how far it may move from the last good one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from include.quality.gate import DRIFT, Outcome
from include.warehouse.tables import Table

# Limit on every nullable column that has none of its own.
EVERY_COLUMN = "*"
NULL = "NULL"
# Of fewer rows a single one is more than a twentieth: whatever it does is no drift.
FEWEST_ROWS = 20


@dataclass(frozen=True)
class Limit:
    """How far a metric may move from one good run to the next; None: as far as it likes.

    falls, rises: a share of what it was for row_count (0.2 is a fifth); the difference of two shares otherwise (0.1 is ten points).
    """

    metric: str
    column: str
    falls: float | None
    rises: float | None
    severity: str
    reason: str


@dataclass(frozen=True)
class Measure:
    """One figure of a profile: rows for row_count, a share of them (0 to 1) otherwise. ``category`` is empty but for category_share."""

    metric: str
    column_name: str
    category: str
    value: float

    def as_row(self) -> dict[str, Any]:
        return asdict(self)

    def name(self) -> str:
        if self.metric == "row_count":
            return "row count"
        if self.metric == "null_share":
            return f"null share of {self.column_name}"
        return f"share of {self.column_name} {self.category}"

    def said(self, value: float) -> str:
        return f"{value:.0f}" if self.metric == "row_count" else f"{100 * value:.1f} %"


def row_count(*, meta: Mapping[str, str], falls: float | None = None, rises: float | None = None) -> Limit:
    """Return the limit on the number of rows, as shares of what it was. ``meta``: severity and reason."""
    return Limit("row_count", "", falls, rises, meta["severity"], meta["reason"])


def null_share(column: str, *, moves: float, meta: Mapping[str, str]) -> Limit:
    """Return the limit on the share of rows without a value in ``column``."""
    return Limit("null_share", column, moves, moves, meta["severity"], meta["reason"])


def null_shares(*, moves: float, meta: Mapping[str, str]) -> Limit:
    """Return the limit on the null share of every column that has no limit of its own."""
    return null_share(EVERY_COLUMN, moves=moves, meta=meta)


def category_share(column: str, *, moves: float, meta: Mapping[str, str]) -> Limit:
    """Return the limit on the share of each value of ``column``, which has few values."""
    return Limit("category_share", column, moves, moves, meta["severity"], meta["reason"])


def profile_sql(target: Table, limits: Sequence[Limit], where: str = "TRUE") -> str:
    """Return the statement that measures a table in one row, for :func:`profile`.

    :param where: which rows count, in SQL.

    Raises ValueError when a share is declared of a column that is not there, or whose values are personal.
    """
    _check(target, limits)
    nulls = [f"COUNTIF({c.name} IS NULL) AS null_{c.name}" for c in target.columns if c.mode == "NULLABLE"]
    # Named by hand: the emulator drops the names of a STRUCT inside ARRAY_AGG. One wide row, because a UNION of a
    # branch for each column takes four times as long.
    categories = [
        f"(SELECT TO_JSON_STRING(ARRAY_AGG(STRUCT(category AS category, n AS n) ORDER BY category)) FROM (SELECT "  # noqa: S608
        f"COALESCE(CAST({limit.column} AS STRING), '{NULL}') AS category, COUNT(*) AS n FROM gated GROUP BY 1)) AS each_{limit.column}"
        for limit in limits
        if limit.metric == "category_share"
    ]
    figures = ",\n  ".join(["COUNT(*) AS row_count", *nulls, *categories])
    # Names of table.yaml and of declarations, never data.
    return f"WITH gated AS (SELECT * FROM {target.name} WHERE {where})\nSELECT\n  {figures}\nFROM gated"  # noqa: S608


def profile(row: Mapping[str, Any]) -> list[Measure]:
    """Return the figures of a table from the one row of its :func:`profile_sql`; shares only where there are rows."""
    rows = row["row_count"]
    measured = [Measure("row_count", "", "", float(rows))]
    if not rows:
        return measured
    for name, value in row.items():
        kind, _, column = name.partition("_")
        if kind == "null":
            measured.append(Measure("null_share", column, "", value / rows))
        if kind == "each":
            measured += [Measure("category_share", column, v["category"], v["n"] / rows) for v in json.loads(value)]
    return measured


def drift(limits: Sequence[Limit], now: Sequence[Measure], before: Sequence[Measure]) -> list[Outcome]:
    """Return an outcome for each limit, which names all that moved too far.

    None at all when there was no good run ``before``, or one of so few rows that shares of them say nothing.
    """
    if _rows(before) < FEWEST_ROWS:
        return []
    rows = _rows(now)
    own = {limit.column for limit in limits if limit.metric == "null_share"}
    return [_outcome(limit, rows, _moves(limit, own, now, before)) for limit in limits]


def _rows(measured: Sequence[Measure]) -> int:
    return next((round(m.value) for m in measured if m.metric == "row_count"), 0)


@dataclass(frozen=True)
class _Move:
    of: Measure
    before: float

    def by(self) -> float:
        """How far it went, in the unit of its limit."""
        moved = self.of.value - self.before
        return moved / self.before if self.of.metric == "row_count" else moved

    def is_over(self, limit: Limit) -> bool:
        # Shares are quotients: 0.3 - 0.2 must not count as more than a tenth.
        by = round(self.by(), 9)
        return (limit.falls is not None and -by > limit.falls) or (limit.rises is not None and by > limit.rises)

    def sentence(self) -> str:
        return f"{self.of.name()} went from {self.of.said(self.before)} to {self.of.said(self.of.value)}"


def _moves(limit: Limit, own: set[str], now: Sequence[Measure], before: Sequence[Measure]) -> list[_Move]:
    was = {(m.column_name, m.category): m.value for m in before if m.metric == limit.metric}
    known = {column for column, _ in was}
    here = [m for m in now if m.metric == limit.metric and m.column_name in known and _is_of(limit, own, m.column_name)]
    columns = {m.column_name for m in here}
    found = {(m.column_name, m.category) for m in here}
    # A category that came or went had, or has, no share.
    gone = [Measure(limit.metric, *key, 0.0) for key in was if key not in found and key[0] in columns]
    return [_Move(m, was.get((m.column_name, m.category), 0.0)) for m in [*here, *gone]]


def _is_of(limit: Limit, own: set[str], column: str) -> bool:
    return column not in own if limit.column == EVERY_COLUMN else column == limit.column


def _outcome(limit: Limit, rows: int, moves: Sequence[_Move]) -> Outcome:
    ordered = sorted(moves, key=lambda move: (-abs(move.by()), move.of.name()))
    over = [move for move in ordered if move.is_over(limit)]
    # What moved most says how close a limit is that held.
    said = "; ".join(move.sentence() for move in over or ordered[:1]) or "nothing to compare yet"
    return Outcome(
        expectation=f"{DRIFT}{limit.metric}",
        column_name="" if limit.column == EVERY_COLUMN else limit.column,
        severity=limit.severity,
        success=not over,
        reason=limit.reason,
        unexpected_count=None,
        element_count=rows,
        observed=f"{said}, limit {_said(limit)}",
        acceptable=True,
    )


def _said(limit: Limit) -> str:
    if limit.metric != "row_count":
        return f"{100 * (limit.falls or 0):g} points"
    return " and ".join(f"{sign}{100 * by:g} %" for sign, by in (("-", limit.falls), ("+", limit.rises)) if by)


def _check(target: Table, limits: Sequence[Limit]) -> None:
    columns = {c.name: c for c in target.columns}
    for limit in limits:
        column = columns.get(limit.column)
        if limit.metric == "row_count" or limit.column == EVERY_COLUMN:
            continue
        if column is None:
            raise ValueError(f"{target.name} has no column {limit.column!r}: its drift limit names another one.")
        if limit.metric == "null_share" and column.mode != "NULLABLE":
            raise ValueError(f"{target.name}.{limit.column} is {column.mode}: it has no null share to limit.")
        if limit.metric == "category_share" and column.pii:
            raise ValueError(
                f"{target.name}.{limit.column} is personal: its values may not stand in ops.table_profile. Limit its null share."
            )
