"""Tries mutants one after the other in a copy of the tree: ``python -m bench.mutants.worker``, started in that copy.

Standard input has one JSON object a line: path, text (None: the file as it is), tests, timeout_seconds. Each is answered on standard
output with outcome (passed, failed, timed out, broken) and seconds; of a Python file as it is also with seen, the tests that run each of
its lines, fastest first. The emulators start once and every try is a fork of
this process, so that a mutant costs its tests and not the start of what they stand on. It runs in the environment of the tests, so it
imports what both environments have.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import services.embedded.cloud
import services.embedded.sandbox
from services.embedded.cloud import Cloud, running_cloud
from services.embedded.process import ROOT, python
from services.embedded.sandbox import running_sandbox

# Imported once, before the forks; where an environment lacks one, its tests do not need it.
_HEAVY = ("airflow.sdk", "airflow.providers.google.cloud.hooks.bigquery", "airflow.providers.google.cloud.hooks.gcs",
          "pandas", "pyarrow.parquet", "google.cloud.bigquery", "google.cloud.storage", "httpx")  # fmt: skip
# A warehouse lists its jobs at the start of each try, and lists ever more of them.
_TRIES_PER_CLOUD = 40


def main() -> None:
    # A worker that is told to end unwinds, so that the emulators and the sandbox end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    root = Path.cwd()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what tests and programs print is no answer
    for name in _HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.ExitStack() as stack:
        started: contextlib.ExitStack | None = None
        for number, line in enumerate(sys.stdin):
            if number % _TRIES_PER_CLOUD == 0:
                if started:
                    started.close()
                started = stack.enter_context(contextlib.ExitStack())
                _serve_once(started, root / "build" / f"worker-{number}")
            print(json.dumps(_tried(root, **json.loads(line))), file=answers, flush=True)


def _serve_once(stack: contextlib.ExitStack, state: Path) -> None:
    """Start the emulators and give them to every test session instead of new ones, and the sample registry to its sandbox.

    The sandbox itself is new in each session: it remembers whom it was asked about.
    """
    cloud = stack.enter_context(running_cloud(state / "cloud"))
    nppes_dir = state / "nppes"
    subprocess.run([python("services"), "-m", "services.nppes_sample", "--out", nppes_dir], check=True, cwd=ROOT)

    @contextlib.contextmanager
    def same_cloud(*_: Any, **__: Any) -> Iterator[Cloud]:
        yield cloud

    services.embedded.cloud.running_cloud = same_cloud
    services.embedded.sandbox.running_sandbox = partial(running_sandbox, nppes_dir=nppes_dir)


def _tried(root: Path, path: str, text: str | None, tests: list[str], timeout_seconds: float) -> dict[str, Any]:
    file = root / path
    before = file.read_text()
    try:
        if text is not None:
            file.write_text(text)
        watched = root / "build" / "seen.json" if text is None and path.endswith(".py") else None
        began = time.monotonic()
        outcome = _outcome(tests, timeout_seconds, Watch(file, watched) if watched else None)
        answer = {"outcome": outcome, "seconds": round(time.monotonic() - began, 1)}
        return answer | ({"seen": json.loads(watched.read_text())} if watched and outcome == "passed" else {})
    finally:
        file.write_text(before)


def _outcome(tests: list[str], timeout_seconds: float, watch: Watch | None) -> str:
    child = os.fork()
    if child == 0:
        os.setsid()
        _forget_our_modules()
        code = 99
        try:
            code = int(pytest.main(["-x", "-q", "--no-header", *tests], plugins=[watch] if watch else []))
        finally:
            os._exit(code)
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _end_group(child)
            code = os.waitstatus_to_exitcode(status)
            # 2 is an error at collection: the mutant cannot even be imported. 4 and 5 are tests that are not there.
            return {0: "passed", 1: "failed", 2: "failed", 4: "broken", 5: "broken"}.get(code, "failed")
        time.sleep(0.05)
    _end_group(child)
    os.waitpid(child, 0)
    return "timed out"


def _end_group(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


class Watch:
    """A plugin of pytest that notes which tests run each line of one file; at the end it writes {line: tests, fastest first}.

    What a module's import runs, or another process, is nobody's.
    """

    def __init__(self, file: Path, result: Path) -> None:
        self._name, self._result = str(file), result
        self._test: str | None = None
        self._seconds: dict[str, float] = {}
        self._lines: defaultdict[int, set[str]] = defaultdict(set)

    def pytest_sessionstart(self) -> None:
        monitoring = sys.monitoring
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "mutants")
        monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, self._saw)
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test, began = item.nodeid, time.monotonic()
        sys.monitoring.restart_events()
        try:
            return (yield)
        finally:
            self._test, self._seconds[item.nodeid] = None, time.monotonic() - began

    def pytest_sessionfinish(self) -> None:
        sys.monitoring.free_tool_id(sys.monitoring.COVERAGE_ID)
        seen = {line: sorted(tests, key=lambda test: self._seconds[test]) for line, tests in self._lines.items()}
        self._result.write_text(json.dumps(seen))

    def _saw(self, code: CodeType, line: int) -> object:
        if self._test and code.co_filename == self._name:
            self._lines[line].add(self._test)
        return sys.monitoring.DISABLE  # each line once a test


def _forget_our_modules() -> None:
    """Let the fork import the project's modules anew, and with them the one that was changed."""
    kept = (
        "services",
        "services.embedded",
        "services.embedded.cloud",
        "services.embedded.sandbox",
        "services.embedded.process",
    )
    ours = ("bench", "expectations", "hooks", "include", "ml", "operators", "services", "tests", "triggers", "conftest")
    for name in [n for n in sys.modules if n.split(".")[0] in ours and n not in kept]:
        del sys.modules[name]


if __name__ == "__main__":
    main()
