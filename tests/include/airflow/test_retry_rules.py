"""Retry rules name classes by dotted path, and Airflow only warns of one that has moved: the rule would silently never match."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def named(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted path) of each class that a RetryRule of a module names as text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("RetryRule"):
            for given in [*node.args[:1], *(word.value for word in node.keywords if word.arg == "exception")]:
                for part in ast.walk(given):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.lineno, part.value


def moved(source: str) -> list[str]:
    """Return ``line: path`` of each class that is not where a rule says."""
    return [f"{line}: {path}" for line, path in named(source) if not _is_exception(path)]


def _is_exception(path: str) -> bool:
    module, _, name = path.rpartition(".")
    try:
        return issubclass(getattr(import_module(module), name), BaseException)
    except (ImportError, AttributeError):
        return False


def test_rules_of_the_repository_name_classes_that_are_there() -> None:
    files = [path for room in ("dags", "include", "plugins") for path in sorted((ROOT / room).rglob("*.py"))]
    found = {path.relative_to(ROOT).as_posix(): path.read_text() for path in files}
    assert {path: faults for path, source in found.items() if (faults := moved(source))} == {}
    assert sum(len(list(named(source))) for source in found.values()) >= 20


def test_rule_when_its_class_has_moved_then_line_and_path_are_named() -> None:
    source = 'X = RetryRule(\n    exception=["hooks.http.errors.AuthFailed", "hooks.mistakes.AuthFailed"], action=F)\nY = RetryRule("include.lake.archive.Gone")'
    assert moved(source) == ["2: hooks.mistakes.AuthFailed", "3: include.lake.archive.Gone"]
