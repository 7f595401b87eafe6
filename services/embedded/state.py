"""A stack's folder, ``build/<name>``: its files, its lock, and the ports that its processes keep."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from services.embedded.process import StartError, free_port, is_free


def read_json(path: Path) -> dict[str, Any] | None:
    """Return what a file of the stack's folder holds, None where there is none. Raises StartError for a damaged one."""
    try:
        body: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StartError(damaged(path.parent, path, error)) from error
    return body


def write_json(path: Path, body: object, mode: int = 0o600) -> None:
    """Write a file in one piece: who reads it meanwhile sees the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.touch(mode)
    partial.write_text(json.dumps(body, indent=1))
    partial.replace(path)


def damaged(state: Path, path: Path, why: object) -> str:
    """Return what to say about data that cannot be read."""
    return (
        f"{path} cannot be read: {why}\n"
        f"Put back a copy of {state}, or start from nothing: FRESH=1 empties it (warehouse, lake, call ledger, history)."
    )


@contextmanager
def held(state: Path, patience_seconds: float = 0) -> Iterator[None]:
    """Hold a stack's folder: one stack, or demo, works in it at a time. Raises StartError where somebody else does.

    :param patience_seconds: how long to ask again; `is_held` of another process holds it for a moment
    """
    path = _lock_file(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience_seconds
    with path.open("a") as lock:
        while not _is_locked(lock):
            if time.monotonic() >= deadline:
                raise StartError(
                    f"{state} is in use by another stack or demo: `make down DATA={state.name}` stops a stack."
                )
            time.sleep(0.1)
        yield


def _is_locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_held(state: Path) -> bool:
    """Whether a living process holds the folder."""
    try:
        with held(state):
            return False
    except StartError:
        return True


def kept_port(state: Path, name: str) -> int:
    """Return the port that ``name`` had when it last ran on this folder if it is free, else a new one, which is kept."""
    path = state / "ports.json"
    ports = read_json(path) or {}
    if name not in ports or not is_free(ports[name]):
        ports[name] = free_port()
        write_json(path, ports)
    return int(ports[name])


def _lock_file(state: Path) -> Path:
    # Beside the folder: to empty the folder is to rename it.
    return state.with_name(f"{state.name}.lock")
