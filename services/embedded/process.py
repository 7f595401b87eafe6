"""A child process with a log file, a health check and a certain end."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

# Loopback speaks no TLS; a client that reads the certificates all the same takes 30 ms to make.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ROOT = Path(__file__).resolve().parents[2]


class StartError(RuntimeError):
    """A process of the stack did not come up; the message says which one, why, and what to do."""


@dataclass
class Service:
    """A running process of the stack. ``url`` is its base address on loopback."""

    name: str
    url: str
    log: Path
    popen: subprocess.Popen[bytes]

    def stop(self, grace_seconds: float = 10) -> None:
        """End the process and everything that it started: SIGTERM to its group, SIGKILL after the grace time."""
        stop_all([self], grace_seconds)


def stop_all(services: Sequence[Service], grace_seconds: float = 10) -> None:
    """End several processes and all that they started at once: SIGTERM to their groups, SIGKILL after the grace time."""
    for service in services:
        _signal_group(service.popen, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    for service in services:
        with suppress(subprocess.TimeoutExpired):
            service.popen.wait(max(0, deadline - time.monotonic()))
    for service in services:
        _signal_group(service.popen, signal.SIGKILL)
        service.popen.wait()


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
    timeout_seconds: float = 60,
) -> Service:
    """Start ``command`` in a process group of its own and wait until ``healthy(url)``; raise StartError if it never is."""
    if not _is_free(port):
        raise StartError(f"{name}: port {port} on 127.0.0.1 is taken: stop what listens there or choose another port.")
    if not Path(command[0]).exists():
        raise StartError(f"{name}: program {command[0]} is missing: run `make env`.")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **env},
            cwd=ROOT,
            start_new_session=True,
        )
    service = Service(name, f"http://127.0.0.1:{port}", log, popen)
    deadline = time.monotonic() + timeout_seconds
    try:
        while not healthy(service.url):
            if popen.poll() is not None:
                raise StartError(
                    f"{name} ended with code {popen.returncode} while starting. Its log: {log}\n{_tail(log)}"
                )
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


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _signal_group(popen: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(popen.pid, number)


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
