"""Which DAG runs which statement: from the DAGs as Airflow parses them, and from what their operators import."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.sql.statements import ROOT, Statement

ROOMS = ("operators", "include", "hooks")
CHANGE = re.compile(r"\b(?:INSERT\s+INTO|MERGE(?:\s+INTO)?|UPDATE|DELETE\s+FROM|TRUNCATE\s+TABLE)\s+`?([a-z]+\.\w+)")


def changed_tables(text: str) -> set[str]:
    """Return the tables whose rows a text changes, read from its words: without the analyzer, which needs half a minute."""
    return set(CHANGE.findall(re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)))


def dag_ids_of(statement: Statement, dags: dict[str, Any]) -> set[str]:
    """Return the DAGs with a task that runs the statement.

    A task's own SQL is compared as text. An operator runs what its module, or one that this imports, makes or reads from
    include/sql; a statement about one table, where the task or its module names that table.
    """
    return {dag_id for dag_id, dag in dags.items() if any(_runs(task, statement) for task in dag.tasks)}


def _runs(task: Any, statement: Statement) -> bool:
    given = _arguments(task)
    configuration = given.get("configuration")
    if configuration:
        return bool(configuration["query"]["query"] == statement.text)
    if given.get("sql") == statement.text:
        return True
    module = _class_of(task).__module__
    if not module.startswith("operators."):
        return False
    paths = _reached(module)
    if statement.where.startswith("include/sql/"):
        _, _, dataset, name, file = Path(statement.where).parts
        is_read = any((f"{dataset}.{name}", Path(file).stem) in _read(path) for path in paths)
        return is_read and (statement.about is None or statement.about in _texts(given))
    about = statement.about
    return statement.made_by in paths and (about is None or about in _texts(given) | _names(paths[0]))


def _arguments(task: Any) -> dict[str, Any]:
    if getattr(task, "is_mapped", False):
        return dict(task.partial_kwargs)
    return {
        name: getattr(task, name) for name in ("configuration", "sql", "table_name", "loads") if hasattr(task, name)
    }


def _class_of(task: Any) -> type:
    return task.operator_class if getattr(task, "is_mapped", False) else type(task)


def _texts(given: Any) -> set[str]:
    if isinstance(given, dict):
        return {text for key, value in given.items() for text in _texts(key) | _texts(value)}
    return {given} if isinstance(given, str) else set()


@cache
def _reached(module: str) -> tuple[str, ...]:
    """Return the files of a module and of all of ours that it imports, wherever in it."""
    seen: list[str] = []
    todo = [module]
    while todo:
        name = todo.pop()
        path = _file(name)
        if path is None or path in seen:
            continue
        seen.append(path)
        todo += _imports(path)
    return tuple(seen)


@cache
def _names(path: str) -> frozenset[str]:
    """Return every text that stands in a module."""
    return frozenset(_strings(ast.parse((ROOT / path).read_text())))


@cache
def _read(path: str) -> frozenset[tuple[str, str]]:
    """Return (table, statement) of what a module may read from include/sql with ``….sql("name")``.

    The table is one that the same function names, for ``….sql()``, or the module.
    """
    tree = ast.parse((ROOT / path).read_text())
    constants = {
        target.id: node.value
        for node in tree.body if isinstance(node, ast.Assign)
        for target in node.targets if isinstance(target, ast.Name)
    }  # fmt: skip
    found: set[tuple[str, str]] = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        used = {one.id for one in ast.walk(function) if isinstance(one, ast.Name)}
        near = [function, *(value for name, value in constants.items() if name in used)]
        for call in (one for one in ast.walk(function) if isinstance(one, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "sql":
                name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
                tables = _strings(call.func.value)  # table("ops.alert").sql("raise"), else what is near
                tables = tables or (_names(path) if name else {text for part in near for text in _strings(part)})
                found |= {(table, str(name or "query")) for table in tables}
    return frozenset(found)


def _strings(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def _imports(path: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _file(module: str) -> str | None:
    for root in (ROOT / "plugins", ROOT):
        for path in (root / f"{module.replace('.', '/')}.py", root / module.replace(".", "/") / "__init__.py"):
            if path.exists():
                return path.relative_to(ROOT).as_posix()
    return None
