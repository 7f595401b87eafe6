"""A session is ended whole: also what has a process group of its own, and also when its leader is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from services.embedded import sessions

# A child in a process group of its own, as Airflow's tasks are.
PROGRAM = """
import os, pathlib, signal, subprocess, sys, time
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(60)
"""


def begun(folder: Path, temper: str = "mild") -> tuple[subprocess.Popen[bytes], int]:
    """Start a session and return its leader and the leader's child."""
    pid_file = folder / "child"
    leader = subprocess.Popen([sys.executable, "-c", PROGRAM, pid_file, temper], start_new_session=True)
    deadline = time.monotonic() + 20
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return leader, int(pid_file.read_text())


def test_members_when_the_leader_was_killed_then_its_child_is_still_one(tmp_path: Path) -> None:
    leader, child = begun(tmp_path)
    assert sorted(sessions.members([leader.pid])) == sorted([leader.pid, child])
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait()
    assert sessions.members([leader.pid]) == [child]
    sessions.end([leader.pid], grace_seconds=5)
    assert sessions.members([leader.pid]) == []


def test_end_when_the_leader_ends_at_sigterm_then_its_child_ends_too(tmp_path: Path) -> None:
    leader, _ = begun(tmp_path)
    began = time.monotonic()
    sessions.end([leader.pid], grace_seconds=30)
    assert sessions.members([leader.pid]) == []
    assert leader.wait() == -signal.SIGTERM
    assert time.monotonic() - began < 20


def test_end_when_the_leader_ignores_sigterm_then_all_are_killed_after_the_grace_time(tmp_path: Path) -> None:
    leader, _ = begun(tmp_path, "stubborn")
    sessions.end([leader.pid], grace_seconds=0.3)
    assert leader.wait() == -signal.SIGKILL
    assert sessions.members([leader.pid]) == []
