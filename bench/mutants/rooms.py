"""Which files are tried, and with which tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import yaml

from bench.mutants.mutant import Mutant
from bench.mutants.python_mutants import python_mutants
from bench.mutants.sql_mutants import sql_mutants
from services.embedded.process import ROOT

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Guard:
    """A file that guards something, its room, the environment of its tests and their paths from the root."""

    room: str
    path: str
    environment: str
    tests: tuple[str, ...]

    def mutants(self) -> list[Mutant]:
        text = (ROOT / self.path).read_text()
        return (sql_mutants if self.path.endswith(".sql") else python_mutants)(self.path, text)


def guards() -> list[Guard]:
    """Return every file of ``rooms.yaml``. A pattern without a file, and a file that no test belongs to, raise ValueError with its name."""
    found = []
    for room in yaml.safe_load((_HERE / "rooms.yaml").read_text()):
        for pattern in _spelled_out(room["files"]):
            files = sorted(ROOT.glob(pattern))
            if not files:
                raise ValueError(
                    f"rooms.yaml: room {room['room']}: no file is {pattern}: it has moved, or there is none."
                )
            for file in files:
                path = file.relative_to(ROOT).as_posix()
                if file.name == "__init__.py":
                    continue
                tests = tuple(
                    room.get("tests") or _tests_of(path, room["environment"]) + room.get("also", {}).get(path, [])
                )
                if not tests:
                    raise ValueError(
                        f"{path}: no mirror test and no test that imports it: write one, tests mirror the code."
                    )
                found.append(Guard(room["room"], path, room["environment"], tests))
    return found


def equivalents() -> dict[tuple[str, str, str], str]:
    """Return the mutants that no test can see, by (path, source, change), with the reason of each."""
    entries = yaml.safe_load((_HERE / "equivalent.yaml").read_text())
    return {(entry["path"], entry["source"], entry["change"]): entry["reason"] for entry in entries}


def _tests_of(path: str, environment: str) -> list[str]:
    """Return the mirror test of a Python file, then the tests of the environment that import it."""
    inner = PurePosixPath(path.removeprefix("plugins/"))
    mirror = (PurePosixPath("tests") / inner).with_name(f"test_{inner.name.replace('__main__', 'main')}")
    module = re.escape(inner.with_suffix("").as_posix().replace("/", "."))
    imports = re.compile(rf"^\s*(from {module} import|import {module}\b)", re.MULTILINE)
    importing = [test for test, text in _test_files() if imports.search(text) and test != mirror.as_posix()]
    found = [mirror.as_posix()] * (ROOT / mirror).exists() + importing
    return [test for test in found if test.startswith("tests/services/") == (environment == "services")]


@cache
def _test_files() -> list[tuple[str, str]]:
    """Return (path, text) of every test file but those of whole DAGs, which start an Airflow of their own."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    texts = [(file.relative_to(ROOT).as_posix(), file.read_text()) for file in files]
    return [(path, text) for path, text in texts if not path.startswith("tests/dags/")]


def _spelled_out(pattern: str) -> list[str]:
    """Return ``a/{b,c}.py`` as ``a/b.py`` and ``a/c.py``."""
    alternatives = re.search(r"\{(.+?)\}", pattern)
    if not alternatives:
        return [pattern]
    return [pattern.replace(alternatives[0], name) for name in alternatives[1].split(",")]
