"""A text of one or many statements, analyzed one after the other as BigQuery would run them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zetasql.core.exceptions import ZetaSQLError

from include.warehouse.parameters import declared
from tests.sql.googlesql.catalog import Columns, add_function, add_table, project_catalog, type_of
from tests.sql.googlesql.client import GoogleSql
from tests.sql.googlesql.tree import Tree, concrete, name_of, walk


@dataclass(frozen=True)
class Fault:
    """What is wrong with a text: line (of the text, from 1) and words."""

    line: int
    message: str


@dataclass(frozen=True)
class Analyzed:
    """One statement of a text. is_in_transaction: between BEGIN TRANSACTION and its end."""

    line: int
    tree: Tree
    is_in_transaction: bool


class Analyzer:
    """Analyzes texts with the tables of include/sql; one for all of them."""

    def __init__(self) -> None:
        self.client = GoogleSql()
        self._language = self.client.options.language_options
        self.project = self.client.registered(project_catalog(self._language, {}, None))

    def analyze(self, text: str, staged: Mapping[str, Columns] | None = None) -> tuple[list[Analyzed], list[Fault]]:
        """Return the statements of a text that are right, and the faults of those that are not.

        :param staged: tables as dataset.table that Python makes for this text.
        """
        return _Run(self, text, staged or {}).result()

    def new_catalog(self, text: str, staged: Mapping[str, Columns]) -> Any:
        """Return a catalog for one text, of what it names: it is read anew after each temporary table."""
        return project_catalog(self._language, staged, text)


class _Run:
    """One text: its variables, temporary tables and functions are known to the statements after them."""

    def __init__(self, analyzer: Analyzer, text: str, staged: Mapping[str, Columns]) -> None:
        self.client, self.bytes = analyzer.client, text.encode()
        self.statements: list[Analyzed] = []
        self.faults: list[Fault] = []
        self._text, self._in_transaction = text, False
        self._own = analyzer.new_catalog(text, staged) if staged else None
        self._new = lambda: analyzer.new_catalog(text, staged)
        self._id: int | None = None if staged else analyzer.project

    def result(self) -> tuple[list[Analyzed], list[Fault]]:
        try:
            self._parameters = {name: type_of(kind) for name, kind in declared(self._text).items()}
            script = self.client.parsed(self._text)
        except ValueError as error:
            return [], [Fault(1, str(error))]
        except ZetaSQLError as error:
            return [], [self._fault(error, 0)]
        for statement in script.statement_list_node.statement_list:
            self._take(concrete(statement))
        return self.statements, self.faults

    def _take(self, node: Any) -> None:
        kind, (start, end) = name_of(node), _range(node)
        if kind == "ASTVariableDeclarationProto":
            type_ = self._slice(*_range(concrete(node.type)))
            for variable in node.variable_list.identifier_list:
                self._change().constant.add(name_path=[variable.id_string], type=type_of(type_))
            if node.HasField("default_value"):
                self._expression(node.default_value, f"CAST({{}} AS {type_})")
        elif kind == "ASTSingleAssignmentProto":
            self._assignment(node)
        elif kind == "ASTBeginStatementProto":
            self._in_transaction = True
        elif kind in ("ASTCommitStatementProto", "ASTRollbackStatementProto"):
            self._in_transaction = False
        elif blocks := list(_blocks(node)):
            for condition in _conditions(node):
                self._expression(condition, "{}")
            for block in blocks:
                for statement in block.statement_list:
                    self._take(concrete(statement))
        elif (resolved := self._resolved(self._slice(start, end), start)) is not None:
            self.statements.append(Analyzed(self._line(start), Tree(resolved), self._in_transaction))
            self._keep(concrete(resolved))

    def _assignment(self, node: Any) -> None:
        variable = node.variable.id_string
        known = [one for one in self._own.constant if one.name_path[0].lower() == variable.lower()] if self._own else []
        if not known:
            self.faults.append(Fault(self._line(_range(node)[0]), f"Undeclared variable: {variable}"))
            return
        resolved = self._expression(node.expression, "{}")
        if resolved is not None:
            got = concrete(resolved).output_column_list[0].column.type
            if got.type_kind != known[0].type.type_kind:
                self.faults.append(Fault(self._line(_range(node)[0]), f"SET {variable}: the types differ"))

    def _expression(self, node: Any, form: str) -> Any:
        start, end = _range(concrete(node))
        resolved = self._resolved(f"SELECT {form.format(self._slice(start, end))}", start)
        if resolved is not None:
            self.statements.append(Analyzed(self._line(start), Tree(resolved), self._in_transaction))
        return resolved

    def _keep(self, node: Any) -> None:
        """Let the statements after this one know what it made."""
        if name_of(node) == "ResolvedCreateTableAsSelectStmtProto":
            path = node.parent.parent.name_path
            columns = [(column.name, column.column.type) for column in node.output_column_list]
            add_table(self._change(), path[-1], columns, full_name=f"temp {path[-1]}")
        if name_of(node) == "ResolvedCreateFunctionStmtProto":
            add_function(self._change(), node.parent.name_path, node.signature)

    def _change(self) -> Any:
        if self._own is None:
            self._own = self._new()
        self._id = None
        return self._own

    def _resolved(self, sql: str, start: int) -> Any:
        if self._id is None:
            self._id = self.client.registered(self._own)
        try:
            return self.client.resolved(sql, self._id, self._parameters)
        except ZetaSQLError as error:
            self.faults.append(self._fault(error, start))
            return None

    def _fault(self, error: Exception, start: int) -> Fault:
        words = " ".join(str(error).split())
        place = re.search(r" \[at (\d+):(\d+)\]", words)
        line = self._line(start) + (int(place[1]) - 1 if place else 0)
        return Fault(line, words.replace(place[0], f" [column {place[2]}]") if place else words)

    def _slice(self, start: int, end: int) -> str:
        return self.bytes[start:end].decode()

    def _line(self, start: int) -> int:
        return 1 + self.bytes.count(b"\n", 0, start)


def _range(node: Any) -> tuple[int, int]:
    place = next(one for one in walk(node) if name_of(one) == "ParseLocationRangeProto")
    return place.start, place.end


def _blocks(node: Any) -> Iterator[Any]:
    """Yield the statement lists of a block of a script, outermost only."""
    for field, value in node.ListFields():
        if field.message_type is None or field.name == "parent":
            continue
        for one in value if field.is_repeated else [value]:
            if name_of(one) == "ASTStatementListProto":
                yield one
            elif name_of(one).startswith(("ASTElseif", "ASTWhen")):
                yield from _blocks(one)


def _conditions(node: Any) -> Iterator[Any]:
    for one in walk(node):
        if name_of(one) in ("ASTIfStatementProto", "ASTElseifClauseProto", "ASTWhileStatementProto") and one.HasField(
            "condition"
        ):
            yield one.condition
