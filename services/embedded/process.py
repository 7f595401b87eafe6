"""A child process with a log file, a health check and a certain end."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from services.embedded import sessions

# Loopback speaks no TLS; a client that reads the certificates all the same takes 30 ms to make.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ROOT = Path(__file__).resolve().parents[2]
SAY_AGAIN_SECONDS = 15


class StartError(RuntimeError):
    """A process of the stack did not come up; the message says which one, why, and what to do."""


@dataclass
class Service:
    """A running process of the stack. ``url`` is its base address on loopback."""

    name: str
    url: str
    log: Path
    popen: subprocess.Popen[bytes]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def stop(self, grace_seconds: float = 10) -> None:
        """End the process and everything that it started: SIGTERM to its group, SIGKILL after the grace time."""
        stop_all([self], grace_seconds)

    def begin_again(self) -> None:
        """Start the same program once more, after ending what a dead one left behind. Does not wait for its health."""
        self.stop(grace_seconds=0)
        self.popen = _begun(list(self.popen.args), self.log, self.env)  # type: ignore[arg-type]


def stop_all(services: Sequence[Service], grace_seconds: float = 10) -> None:
    """End several processes and all that they started at once: SIGTERM to their groups, SIGKILL after the grace time."""
    # A leader that nobody waits for stays as a zombie, which ends no sooner.
    waiting = [threading.Thread(target=service.popen.wait) for service in services]
    for thread in waiting:
        thread.start()
    leaders = [service.popen.pid for service in services]
    sessions.end(leaders, grace_seconds)
    for thread in waiting:
        thread.join()
    _GUARDIAN.forget(leaders)


class Guardian:
    """The process that ends ours should we be killed (services/embedded/guardian.py); started with the first of them."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        self._leaders: set[int] = set()
        self._lock = threading.Lock()

    def watch(self, leader: int) -> None:
        with self._lock:
            self._leaders.add(leader)
            self._tell([f"+{leader}"])

    def forget(self, leaders: Sequence[int]) -> None:
        with self._lock:
            self._leaders.difference_update(leaders)
            self._tell([f"-{leader}" for leader in leaders])

    def revive(self) -> None:
        """Start another guardian where the last one died."""
        with self._lock:
            self._tell([])

    def _tell(self, lines: list[str]) -> None:
        if self._popen is None or self._popen.poll() is not None:
            if not self._leaders:
                return
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "services.embedded.guardian"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT, start_new_session=True, bufsize=0,
            )  # fmt: skip
            lines = [f"+{leader}" for leader in self._leaders]
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):  # it died this moment: `revive` starts another
            self._popen.stdin.write("".join(f"{line}\n" for line in lines).encode())


_GUARDIAN = Guardian()


def revive_guardian() -> None:
    """Make sure that our processes end with us, also where somebody ended the one that sees to it."""
    _GUARDIAN.revive()


def python(environment: str) -> Path:
    """Return the interpreter of ``airflow``, ``services`` or ``emulators`` (made by ``make env``)."""
    path = ROOT / ".venvs" / environment / "bin" / "python"
    if not path.exists():
        raise StartError(f"{path.relative_to(ROOT)} is missing: run `make env` to make the {environment} environment.")
    return path


def emptied(folder: Path) -> Path:
    """Return ``folder``, made anew. What it held is removed in the background: a lake's many small files take a while."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}-{os.getpid()}-{time.monotonic_ns()}")
        folder.rename(old)
        subprocess.Popen(["rm", "-rf", old], start_new_session=True)
    folder.mkdir(parents=True)
    return folder


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    port: int,
    log: Path,
    env: Mapping[str, str],
    healthy: Callable[[str], bool],
    timeout_seconds: float = 120,
    say: Callable[[str], None] = lambda _: None,
) -> Service:
    """Start ``command`` in a session of its own and wait until ``healthy(url)``; raise StartError if it never is.

    :param say: told every SAY_AGAIN_SECONDS what is waited for
    """
    if not is_free(port):
        raise StartError(f"{name}: port {port} on 127.0.0.1 is taken: stop what listens there or choose another port.")
    if not Path(command[0]).exists():
        raise StartError(f"{name}: program {command[0]} is missing: run `make env`.")
    popen = _begun([str(part) for part in command], log, env)
    service = Service(name, f"http://127.0.0.1:{port}", log, popen, env)
    said_at = time.monotonic()
    deadline = said_at + timeout_seconds
    try:
        while not healthy(service.url):
            if popen.poll() is not None:
                raise StartError(
                    f"{name} ended with code {popen.returncode} while starting. Its log: {log}\n{_tail(log)}"
                )
            if time.monotonic() - said_at > SAY_AGAIN_SECONDS:
                say(f"  waiting for {name} to answer")
                said_at = time.monotonic()
            if time.monotonic() > deadline:
                raise StartError(f"{name} was not healthy after {timeout_seconds:.0f} s. Its log: {log}\n{_tail(log)}")
            time.sleep(0.1)
    except BaseException:
        service.stop(grace_seconds=2)
        raise
    return service


def loopback_client(url: str, *, timeout: float, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """Return a client of a process of the stack."""
    return httpx.Client(base_url=url, timeout=timeout, headers=headers, trust_env=False, verify=_NO_TLS)


def answers(path: str) -> Callable[[str], bool]:
    """Return a health check: GET ``path`` gives a 2xx answer."""

    def healthy(url: str) -> bool:
        try:
            with loopback_client(url, timeout=2) as client:
                return client.get(path).is_success
        except httpx.TransportError:
            return False

    return healthy


def is_free(port: int) -> bool:
    """Whether nobody listens at a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _begun(command: Sequence[str], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **env},
            cwd=ROOT,
            start_new_session=True,
        )
    _GUARDIAN.watch(popen.pid)
    return popen


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
