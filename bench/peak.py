"""The most memory that this process has had at a time."""

from __future__ import annotations

from pathlib import Path


def peak_bytes() -> int:
    """Return the peak resident memory since the program began, from Linux's account of it.

    getrusage would not do: there a program that was started by a larger one begins with the larger one's peak.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
