"""Ends the processes of a parent that was killed: it reads a pipe that closes with the parent, however that ends.

``python -m services.embedded.guardian`` reads lines from its standard input: ``+<pid>`` begins the care for a session, ``-<pid>`` ends it.
Linux could do this by PR_SET_PDEATHSIG, but for one process and not for what came of it, and macOS has no such thing.
"""

from __future__ import annotations

import signal
import sys

from services.embedded import sessions

GRACE_SECONDS = 5


def main() -> None:
    """Read until the parent's end of the pipe is closed, then end every session that is still in care."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    leaders: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            leaders.add(pid)
        else:
            leaders.discard(pid)
    if leaders:
        sessions.end(leaders, GRACE_SECONDS)


if __name__ == "__main__":
    main()
