"""What a parent started ends with the parent, also when that is killed with no chance to clean up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.embedded import sessions
from services.embedded.process import ROOT

pytestmark = pytest.mark.slow

PARENT = """
import json, pathlib, sys, time
from services.embedded import process
sleeper = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(60)"]
log = pathlib.Path(sys.argv[1]) / "log"
started = [process.start(n, sleeper, port=process.free_port(), log=log, env={}, healthy=lambda _: True) for n in "abc"]
started[0].stop()
def note():
    partial = pathlib.Path(sys.argv[1]) / "partial"
    partial.write_text(json.dumps([process._GUARDIAN._popen.pid, *(s.popen.pid for s in started)]))
    partial.rename(pathlib.Path(sys.argv[1]) / "pids")
note()
if sys.argv[2] == "ends":
    sys.exit()
while True:
    time.sleep(0.1)
    process.revive_guardian()
    note()
"""


def begun(folder: Path, what: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start a parent of three, of which it stopped the first; return it, the guardian and the three."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, folder, what], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    wait_until(lambda: (folder / "pids").exists())
    return parent, json.loads((folder / "pids").read_text())


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert holds()


def test_children_when_their_parent_is_killed_then_they_end_and_so_does_the_guardian(tmp_path: Path) -> None:
    parent, (guardian, *children) = begun(tmp_path, "stays")
    assert sorted(sessions.members(children)) == sorted(children[1:])
    parent.kill()
    parent.wait()
    wait_until(lambda: sessions.members([guardian, *children]) == [])


def test_children_when_their_parent_just_ends_then_they_end(tmp_path: Path) -> None:
    parent, (guardian, *children) = begun(tmp_path, "ends")
    parent.wait()
    wait_until(lambda: sessions.members([guardian, *children]) == [])


def test_children_when_guardian_and_then_parent_are_killed_then_another_guardian_ends_them(tmp_path: Path) -> None:
    parent, (guardian, *children) = begun(tmp_path, "stays")
    os.kill(guardian, signal.SIGKILL)
    wait_until(lambda: json.loads((tmp_path / "pids").read_text())[0] != guardian)
    assert sorted(sessions.members(children)) == sorted(children[1:])
    parent.kill()
    parent.wait()
    wait_until(lambda: sessions.members(children) == [])
