"""Mutants of a Python file: the operators of cosmic-ray that change a guard, and four of our own.

cosmic-ray's other operators are left out: `==` to `is` or `|` to `&` change annotations and interned values, which no test
can or should see. Numbers grow by one and do not shrink too: the two are seen by the same tests.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

from bench.mutants.mutant import Mutant, numbered

_COMPARISONS = ("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Is_IsNot", "IsNot_Is")
_ARITHMETIC = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul")
_OF_COSMIC_RAY = (
    *(f"ReplaceComparisonOperator_{pair}" for pair in _COMPARISONS),
    *(f"ReplaceBinaryOperator_{pair}" for pair in _ARITHMETIC),
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ExceptionReplacer",
    "ZeroIterationForLoop",
)
# What no behavior hangs on: annotations, what only type checkers import, how a dataclass is made, what is written to a log.
_NO_GUARD = re.compile(r"TYPE_CHECKING|^\s*@dataclass|\blog(ger)?\.(debug|info|warning|error|exception)\(|^\s*__all__")
# How much at once, how fast and how long: one more of it is no other rule. Turned into a product or left out it still counts.
_PACE = re.compile(
    r"^_?[A-Z_]*(BYTES|BILLED|SECONDS|READERS|SENDERS|WRITERS|BATCH|TOGETHER|PER_CALL|PER_QUERY|TIMEOUT|LIMITS|RETRIES|WAITING|PAUSE|AFTER)\b.* = "
)
_NO_GUARD_NAMES = re.compile(r"\blog\.|\blog_|\bwarnings\.")


def python_mutants(path: str, text: str) -> list[Mutant]:
    """Return every mutant of a Python file. Columns in a change count from the first character of the line's code."""
    return numbered(_mutants(path, text))


def _mutants(path: str, text: str) -> Iterator[Mutant]:
    lines = text.splitlines()
    nodes = list(ast_nodes(get_ast(text)))
    annotations = _annotated_positions(text)
    for name, operator in _operators():
        positions = [at for node in nodes for at in operator.mutation_positions(node)]
        for occurrence, ((line, column), _) in enumerate(positions):
            if _NO_GUARD.search(lines[line - 1]) or any(begin <= (line, column) < end for begin, end in annotations):
                continue
            if name == "GrowNumber" and _PACE.search(lines[line - 1]):
                continue
            place = f"{name} at {column - len(lines[line - 1]) + len(lines[line - 1].lstrip())}"
            yield Mutant(path, line, lines[line - 1].strip(), place, partial(_mutated, text, operator, occurrence))


def _mutated(text: str, operator: Operator, occurrence: int) -> str | None:
    changed = mutate_code(text, operator, occurrence)
    return None if changed is None or changed == text or not _compiles(changed) else str(changed)


class _Drop(Operator):
    """What our own operators share with cosmic-ray's: nothing but the interface that a visitor asks for."""

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class DropCondition(_Drop):
    """One side of an `and` or an `or` is gone."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type in ("and_test", "or_test"):
            for condition in node.children[::2]:
                yield condition.start_pos, condition.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        kept = [child for place, child in enumerate(node.children) if place not in (2 * index, 2 * index + 1)]
        if len(kept) % 2 == 0:  # the last condition went, with the word behind it: the word before it goes too
            kept.pop()
        return parso.parse(" (" + "".join(child.get_code() for child in kept) + ")")


class DropStatement(_Drop):
    """A call whose value nobody takes, a raise or an assertion does not happen."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if _NO_GUARD_NAMES.search(node.get_code(include_prefix=False)[:120]):
            return
        is_call = node.type in ("atom_expr", "await_expr") and node.parent.type == "simple_stmt"
        if is_call or node.type == "raise_stmt":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return parso.parse(_prefix(node) + "pass")


class DropCall(_Drop):
    """A builtin of one argument is gone: what it was given is taken as it is."""

    _NAMES = ("abs", "sorted", "set", "int", "float", "bool", "any", "all")

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if self._argument(node) is not None:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return parso.parse(f"{_prefix(node)}({self._argument(node)})")

    def _argument(self, node: Any) -> str | None:
        if node.type not in ("atom_expr", "power") or len(node.children) != 2:
            return None
        name, call = node.children
        if (
            name.type != "name"
            or name.value not in self._NAMES
            or call.type != "trailer"
            or call.children[0].value != "("
        ):
            return None
        given = call.children[1:-1]
        return given[0].get_code() if len(given) == 1 and given[0].type != "arglist" else None


class SwapMembership(_Drop):
    """`in` for `not in`, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        for place in self._places(node):
            yield node.children[place].start_pos, node.children[place].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        place = next(itertools.islice(self._places(node), index, None))
        was = node.children[place].get_code().split()
        node.children[place] = parso.parse(" in" if was == ["not", "in"] else " not in")
        return node

    def _places(self, node: Any) -> Iterator[int]:
        if node.type == "comparison":
            for place in range(1, len(node.children), 2):
                if node.children[place].get_code().split() in (["in"], ["not", "in"]):
                    yield place


class GrowNumber(_Drop):
    """A number is one more than it was."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "number" and not node.value.lower().endswith("j"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return parso.python.tree.Number(str(ast.literal_eval(node.value) + 1), node.start_pos, prefix=_prefix(node))


def _operators() -> list[tuple[str, Operator]]:
    theirs = [(name, get_operator(f"core/{name}")()) for name in _OF_COSMIC_RAY]
    ours: list[Operator] = [DropCondition(), DropStatement(), DropCall(), SwapMembership(), GrowNumber()]
    return [*theirs, *((type(operator).__name__, operator) for operator in ours)]


def _annotated_positions(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations stand, as ((line, column), (line, column)) with lines from 1 and columns from 0."""
    places = []
    for node in ast.walk(ast.parse(text)):
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(annotation, ast.expr):
                end = (annotation.end_lineno or 0, annotation.end_col_offset or 0)
                places.append(((annotation.lineno, annotation.col_offset), end))
    return places


def _prefix(node: Any) -> str:
    return str(node.get_first_leaf().prefix)


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True
