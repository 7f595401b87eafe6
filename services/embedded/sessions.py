"""The processes of a session: what was started with ``start_new_session`` and all that came of it. Standard library only.

Airflow puts each task into a process group of its own, so a group is not all that came of a process; its session is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def members(leaders: Collection[int]) -> list[int]:
    """Return the living processes of the sessions that ``leaders`` began, whether or not the leaders still live."""
    found = []
    for pid in _pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in leaders and not _is_zombie(pid):
                found.append(pid)
    return found


def end(leaders: Collection[int], grace_seconds: float) -> None:
    """End sessions: SIGTERM to the groups of their leaders, SIGKILL to whoever is left when those ended or the grace time is over."""
    for leader in leaders:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while (left := members(leaders)) and not set(leaders).isdisjoint(left) and time.monotonic() < deadline:
        time.sleep(0.05)
    # A process may have begun another one since they were listed.
    while left:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
        left = members(leaders)


def _pids() -> list[int]:
    if PROC.is_dir():
        return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], check=True, capture_output=True, text=True)
    return [int(pid) for pid in listed.stdout.split()]


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and only waits for its parent to notice."""
    if PROC.is_dir():
        with suppress(OSError):
            return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return True
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return not state.stdout.strip() or state.stdout.strip().startswith("Z")
