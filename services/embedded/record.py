"""What a stack leaves in its folder for other commands: who holds it, its processes, its addresses, and how far its start has come."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil

from services.embedded import sessions
from services.embedded.airflow_api import COMPONENTS
from services.embedded.process import Service, StartError
from services.embedded.state import damaged, read_json, write_json

# The system's clock may have been set since; a process id does not come back within this time.
START_TOLERANCE_SECONDS = 5


@dataclass(frozen=True)
class Process:
    """A process as it was started: an id alone may be another's by now."""

    name: str
    pid: int
    started: float
    port: int | None = None
    log: str = ""

    @classmethod
    def of(cls, service: Service) -> Process:
        pid = service.popen.pid
        port = None if service.name in COMPONENTS.values() else service.port
        return cls(service.name, pid, _started(pid) or 0, port, str(service.log))

    @classmethod
    def own(cls, name: str, log: Path) -> Process:
        return cls(name, os.getpid(), _started(os.getpid()) or 0, None, str(log))

    def is_alive(self) -> bool:
        started = _started(self.pid)
        return started is not None and abs(started - self.started) < START_TOLERANCE_SECONDS

    def has_left_something(self) -> bool:
        """Whether it, or what came of it, still runs. While its session has members, nobody else gets its id."""
        return self.is_alive() or (_started(self.pid) is None and bool(sessions.members([self.pid])))


@dataclass(frozen=True)
class Record:
    """``build/<name>/stack.json``. ``ready`` once the stack is what `make up` promises, but for the ``faults`` of making it so."""

    supervisor: Process
    processes: list[Process] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    airflow: str = ""
    password: str = ""
    ready: bool = False
    restarts: dict[str, int] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def alive(self) -> list[Process]:
        """Return the recorded processes that still run, the supervisor's among them."""
        return [process for process in (self.supervisor, *self.processes) if process.has_left_something()]

    def end_all(self, grace_seconds: float = 10) -> list[Process]:
        """End every recorded process that still runs, and all that came of it; return which those were."""
        left = self.alive()
        sessions.end([process.pid for process in left], grace_seconds)
        return left

    def write(self, state: Path) -> Record:
        """Write it in one piece and return it."""
        write_json(state / "stack.json", asdict(self))
        return self


def read_record(state: Path) -> Record | None:
    """Return what the last stack of this folder left, or None where there was none. Raises StartError for a damaged file."""
    body = read_json(state / "stack.json")
    if body is None:
        return None
    try:
        processes = [Process(**process) for process in body.pop("processes")]
        return Record(supervisor=Process(**body.pop("supervisor")), processes=processes, **body)
    except (KeyError, TypeError) as error:
        raise StartError(damaged(state, state / "stack.json", error)) from error


def with_processes(record: Record, services: list[Service]) -> Record:
    """Return the record with the processes as they are now."""
    return replace(record, processes=[Process.of(service) for service in services])


def _started(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
