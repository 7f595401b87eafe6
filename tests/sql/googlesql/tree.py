"""What is asked of a resolved tree: which tables it reads with which predicate, and which it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COMPARISONS = ("equal", "less", "less_or_equal", "greater", "greater_or_equal", "between", "in", "in_array")
CHANGES = {
    "ResolvedInsertStmtProto": "INSERT",
    "ResolvedUpdateStmtProto": "UPDATE",
    "ResolvedDeleteStmtProto": "DELETE",
    "ResolvedTruncateStmtProto": "TRUNCATE",
    "ResolvedMergeStmtProto": "MERGE",
}
OUTER = {1: "LEFT", 2: "RIGHT", 3: "FULL"}  # ResolvedJoinScan.JoinType
BY_SOURCE = 1  # ResolvedMergeWhen.MatchType NOT_MATCHED_BY_SOURCE


@dataclass(frozen=True)
class Scan:
    """One reading of a table. columns: those of them that a constant is compared with, so that partitions fall away."""

    table: str
    columns: frozenset[str]


def name_of(message: Any) -> str:
    return str(message.DESCRIPTOR.name)


def walk(message: Any) -> Iterator[Any]:
    """Yield a message and every one below it, but for types: nothing is asked of them, and they are half of a tree."""
    waiting = [message]
    while waiting:
        one = waiting.pop()
        yield one
        below: list[Any] = []
        for field, value in one.ListFields():
            if field.message_type is not None and field.message_type.name != "TypeProto":
                below.extend(value if field.is_repeated else (value,))
        waiting.extend(reversed(below))


def concrete(message: Any) -> Any:
    """Return the node itself: ZetaSQL wraps each in one message for every class that it descends from."""
    while True:
        chosen = (message.WhichOneof(one.name) for one in message.DESCRIPTOR.oneofs)
        name = next((one for one in chosen if one), None)
        if name is None:
            return message
        message = getattr(message, name)


class Tree:
    """A resolved statement and everything below it, walked once: that is what takes time."""

    def __init__(self, resolved: Any) -> None:
        self.node = concrete(resolved)
        self.below = list(walk(resolved))


def changed(tree: Tree) -> tuple[str, str] | None:
    """Return (what is done, the table) where a statement changes one."""
    done = CHANGES.get(name_of(tree.node))
    return (done, _table(tree.node.table_scan)) if done else None


def scans(tree: Tree) -> list[Scan]:
    """Return every reading of a table, with the columns of it that are compared with constants."""
    bound = _bound_columns(tree)
    found = []
    for scan in tree.below:
        if name_of(scan) != "ResolvedTableScanProto":
            continue
        columns = {column.name for column in scan.parent.column_list if column.column_id in bound}
        found.append(Scan(_table(scan), frozenset(columns)))
    if name_of(tree.node) in ("ResolvedInsertStmtProto", "ResolvedTruncateStmtProto"):
        found.remove(Scan(_table(tree.node.table_scan), frozenset()))  # none of its rows is read
    return found


def patterns(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield (function, text) of each regular expression and JSON path that stands in a statement: no analyzer reads them."""
    for node in tree.below:
        if name_of(node) != "ResolvedFunctionCallProto":
            continue
        function = _function(node)
        if function.startswith(("regexp_", "json_value", "json_query", "json_extract")) and len(_arguments(node)) > 1:
            literal = concrete(_arguments(node)[1])
            if name_of(literal) == "ResolvedLiteralProto" and literal.value.value.HasField("string_value"):
                yield function, literal.value.value.string_value


def refused_by_planner(tree: Tree) -> Iterator[str]:
    """Yield what the analyzer accepts and BigQuery's planner does not."""
    node = tree.node
    if name_of(node) in ("ResolvedQueryStmtProto", "ResolvedCreateTableAsSelectStmtProto"):
        names = [c.name.lower() for c in node.output_column_list if not c.name.startswith("$")]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            yield f"Duplicate column names in the result are not supported: {', '.join(twice)}"
    for join in tree.below:
        if name_of(join) != "ResolvedJoinScanProto" or join.join_type not in OUTER or not join.HasField("join_expr"):
            continue
        if not any(_is_equality(one, join) for one in _conjuncts(join.join_expr)):
            yield f"{OUTER[join.join_type]} OUTER JOIN cannot be used without an equality of fields from both sides"


def inserted(tree: Tree) -> Iterator[tuple[str, set[str]]]:
    """Yield (table, columns) of each INSERT, those of a MERGE among them."""
    for one in tree.below:
        if name_of(one) in ("ResolvedInsertStmtProto", "ResolvedMergeWhenProto") and one.insert_column_list:
            yield _table(tree.node.table_scan), {column.name for column in one.insert_column_list}


def _bound_columns(tree: Tree) -> set[int]:
    """Return the ids of columns that a condition of rows compares with a constant."""
    conditions: list[Any] = []
    for one in tree.below:
        kind = name_of(one)
        if kind == "ResolvedFilterScanProto":
            conditions += _conjuncts(one.filter_expr)
        elif kind in ("ResolvedDeleteStmtProto", "ResolvedUpdateStmtProto") and one.HasField("where_expr"):
            conditions += _conjuncts(one.where_expr)
        elif kind == "ResolvedJoinScanProto" and one.HasField("join_expr"):
            conditions += [c for c in _conjuncts(one.join_expr) if _prunes(c, one)]
        elif kind == "ResolvedMergeStmtProto":
            conditions += _merge_conditions(one)
    return {column for condition in conditions if (column := _compared(condition)) is not None}


def _merge_conditions(merge: Any) -> list[Any]:
    on = concrete(merge.merge_expr)
    if not (name_of(on) == "ResolvedLiteralProto" and on.value.value.bool_value is False):
        return list(_conjuncts(merge.merge_expr))
    # ON FALSE joins nothing: what of the target is read is what the one clause over it asks for.
    by_source = [when for when in merge.when_clause_list if when.match_type == BY_SOURCE]
    return list(_conjuncts(by_source[0].match_expr)) if len(by_source) == 1 else []


def _prunes(condition: Any, join: Any) -> bool:
    """Whether a condition of a join takes rows away from the side that it is about: of an outer join it keeps one side's."""
    column = _compared(condition)
    kind = OUTER.get(join.join_type)
    return column is not None and (
        kind is None
        or (kind == "LEFT" and column in _columns(join.right_scan))
        or (kind == "RIGHT" and column in _columns(join.left_scan))
    )


def _compared(condition: Any) -> int | None:
    """Return the id of the column, bare, that a condition compares with constants alone."""
    if name_of(condition) != "ResolvedFunctionCallProto":
        return None
    if _function(condition).removeprefix("$") not in COMPARISONS:
        return None
    arguments = [concrete(argument) for argument in _arguments(condition)]
    columns = [one for one in arguments if name_of(one) == "ResolvedColumnRefProto"]
    others = [one for one in arguments if name_of(one) != "ResolvedColumnRefProto"]
    if len(columns) != 1 or columns[0].is_correlated or not all(map(_is_constant, others)):
        return None
    return int(columns[0].column.column_id)


def _is_constant(node: Any) -> bool:
    """Whether an expression has its value before anything is read. A subquery has not, and then no partition falls away."""
    kinds = {name_of(one) for one in walk(node)}
    return not kinds & {"ResolvedColumnRefProto", "ResolvedSubqueryExprProto"}


def _is_equality(condition: Any, join: Any) -> bool:
    if name_of(condition) != "ResolvedFunctionCallProto" or _function(condition) not in (
        "$equal",
        "$is_not_distinct_from",
    ):
        return False
    left, right = _columns(join.left_scan), _columns(join.right_scan)
    one, other = (_referred(argument) for argument in _arguments(condition))
    return bool(one and other) and ((one <= left and other <= right) or (one <= right and other <= left))


def _conjuncts(expression: Any) -> Iterator[Any]:
    node = concrete(expression)
    if name_of(node) == "ResolvedFunctionCallProto" and _function(node) == "$and":
        for argument in _arguments(node):
            yield from _conjuncts(argument)
    else:
        yield node


def _function(call: Any) -> str:
    return str(call.parent.function.name).removeprefix("ZetaSQL:")


def _arguments(call: Any) -> Any:
    return call.parent.argument_list


def _columns(scan: Any) -> set[int]:
    return {one.column_id for one in walk(scan) if name_of(one) == "ResolvedColumnProto"}


def _referred(expression: Any) -> set[int]:
    return {one.column.column_id for one in walk(expression) if name_of(one) == "ResolvedColumnRefProto"}


def _table(scan: Any) -> str:
    return str(scan.table.full_name or scan.table.name)
