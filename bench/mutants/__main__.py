"""Try mutants of the guards and list those that no test sees: ``make mutants`` (SAMPLE=n SEED=n for a sample, ROOM=name for a room).

A mutant is killed when a test of its file fails or does not end; one that passes them all survives, unless ``equivalent.yaml`` says
why nobody could see it. Writes build/bench/mutants.json. Exits with 1 where fewer than ``--floor`` of all are killed; a sample must show so
with its 95 % interval.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from bench.enrich_policies import wilson
from bench.mutants.mutant import Mutant
from bench.mutants.rooms import Guard, equivalents, guards
from services.embedded.process import ROOT, python

RESULT = ROOT / "build" / "bench" / "mutants.json"
WORKERS = 2
# A changed loop may never end; an honest run is not this much slower than the one before it.
SLOWER, GRACE_SECONDS = 4, 60


@dataclass(frozen=True)
class Tried:
    guard: Guard
    mutant: Mutant
    outcome: str

    @property
    def survived(self) -> bool:
        return self.outcome == "passed"


def main() -> int:
    arguments = _arguments()
    chosen = [guard for guard in guards() if arguments.room in (None, guard.room, guard.path)]
    if not chosen:
        print(
            f"mutants: no room and no file is called {arguments.room!r}; see bench/mutants/rooms.yaml", file=sys.stderr
        )
        return 2
    known = equivalents()
    every = [(guard, mutant) for guard in chosen for mutant in guard.mutants()]
    if arguments.room is None:
        for key in known.keys() - {mutant.key for _, mutant in every}:
            print(f"equivalent.yaml: no mutant is {' | '.join(key)}: remove or correct the entry", file=sys.stderr)
    order = random.Random(arguments.seed).sample(every, len(every))
    tried, equivalent = _try_out(order, known, arguments.sample or len(order))
    survivors = [t for t in tried if t.survived]
    result = {
        "possible": len(every),
        "tried": len(tried),
        "killed": len(tried) - len(survivors),
        "equivalent": equivalent,
        "kill_rate": 1 - len(survivors) / max(1, len(tried)),
        "kill_rate_interval_95": wilson(len(tried) - len(survivors), len(tried)),
        "rooms": {
            room: _counts([t for t in tried if t.guard.room == room]) for room in sorted({t.guard.room for t in tried})
        },
        "survivors": sorted(str(t.mutant) for t in survivors),
        "sample": arguments.sample,
        "seed": arguments.seed,
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    # A sample is refused where its interval lies below the floor: less would be chance.
    shown = result["kill_rate_interval_95"][1] if arguments.sample else result["kill_rate"]
    return int(shown < arguments.floor)


def _try_out(
    order: list[tuple[Guard, Mutant]], known: dict[tuple[str, str, str], str], wanted: int
) -> tuple[list[Tried], int]:
    """Try mutants in the order given until ``wanted`` were tried; return them and how many of those met are equivalent."""
    todo: dict[str, Queue[tuple[Guard, Mutant, str]]] = {"airflow": Queue(), "services": Queue()}
    equivalent = taken = 0
    for guard, mutant in order:
        if taken == wanted:
            break
        if mutant.key in known:
            equivalent += 1
        elif (text := mutant.text()) is not None:
            todo[guard.environment].put((guard, mutant, text))
            taken += 1
    tried: list[Tried] = []
    broken: list[str] = []
    lock = threading.Lock()
    honest = _Honest()

    def work(number: int) -> None:
        for environment, queue in todo.items():
            if queue.empty():
                continue
            with _Worker(environment, number, honest) as worker:
                for guard, mutant, text in _taken(queue):
                    outcome = worker.outcome(guard, mutant, text)
                    with lock:
                        (
                            broken.append(str(mutant))
                            if outcome == "broken"
                            else tried.append(Tried(guard, mutant, outcome))
                        )
                        print(f"{len(tried)}/{taken} {outcome}: {mutant}", file=sys.stderr)

    threads = [threading.Thread(target=_noting(work, broken), args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise SystemExit("mutants: could not be tried:\n" + "\n".join(broken))
    return tried, equivalent


def _noting(work: Any, broken: list[str]) -> Any:
    """Return ``work`` with what stops it noted: a thread that dies would take its mutants with it in silence."""

    def noted(number: int) -> None:
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - reported by the caller, which then fails
            broken.append(f"worker {number}: {error}")

    return noted


class _Honest:
    """What the workers know of the tests of each file as it stands: how they ended, how slow they are, and which run which line."""

    def __init__(self) -> None:
        self.runs: dict[Guard, dict[str, Any]] = {}
        self._locks: defaultdict[Guard, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def lock(self, guard: Guard) -> threading.Lock:
        with self._lock:
            return self._locks[guard]


class _Worker:
    """A process that tries mutants in a copy of the tree."""

    def __init__(self, environment: str, number: int, honest: _Honest) -> None:
        self._environment = environment
        self._honest = honest
        self._tree = ROOT / "build" / "mutants" / f"{environment}-{number}"

    def __enter__(self) -> _Worker:
        _copied(self._tree)
        self._log = (self._tree.with_suffix(".log")).open("wb")
        self._popen = subprocess.Popen(
            [python(self._environment), "-m", "bench.mutants.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=self._tree,
            env={**os.environ, "PYTHONPATH": f"{self._tree}:{self._tree / 'plugins'}"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.terminate()
        self._popen.wait(timeout=60)
        self._log.close()

    def outcome(self, guard: Guard, mutant: Mutant, text: str) -> str:
        with self._honest.lock(guard):
            if guard not in self._honest.runs:
                self._honest.runs[guard] = self._asked(guard.path, None, guard.tests, 1200)
        honest = self._honest.runs[guard]
        if honest["outcome"] != "passed":
            raise RuntimeError(
                f"{' '.join(guard.tests)} without any change: {honest['outcome']}. Log: {self._log.name}"
            )
        within = SLOWER * honest["seconds"] + GRACE_SECONDS
        # Those that run the changed line see the most, and the fastest see it soonest. Only all of them together say that none sees it.
        nearest = honest.get("seen", {}).get(str(mutant.line))
        if nearest and (outcome := self._asked(guard.path, text, nearest, within)["outcome"]) in (
            "failed",
            "timed out",
        ):
            return str(outcome)
        return str(self._asked(guard.path, text, guard.tests, within)["outcome"])

    def _asked(self, path: str, text: str | None, tests: Sequence[str], timeout_seconds: float) -> dict[str, Any]:
        assert self._popen.stdin and self._popen.stdout
        question = {"path": path, "text": text, "tests": tests, "timeout_seconds": timeout_seconds}
        print(json.dumps(question), file=self._popen.stdin, flush=True)
        answer = self._popen.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker ended while it tried {path}. Log: {self._log.name}")
        return dict(json.loads(answer))


def _taken(queue: Queue[Any]) -> Iterator[Any]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


def _copied(tree: Path) -> None:
    """Make a copy of the working tree, without what Git ignores; the environments are shared."""
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    (tree / ".venvs").symlink_to((ROOT / ".venvs").resolve())


def _counts(tried: list[Tried]) -> dict[str, int]:
    return {"tried": len(tried), "killed": sum(not t.survived for t in tried)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("--sample", type=int, help="how many mutants, chosen by the seed (default: all)")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--room", help="a room of rooms.yaml or the path of one file (default: all)")
    parser.add_argument("--floor", type=float, default=0.95, help="the least share that must be killed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
