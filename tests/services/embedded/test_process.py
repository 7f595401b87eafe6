from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from services.embedded.process import StartError, free_port, start

SERVER = "import http.server,sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()"


def listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) == 0


def test_start_when_port_is_taken_then_error_names_service_port_and_remedy(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StartError, match=f"lake: port {port} on 127.0.0.1 is taken: stop what listens there"):
            start("lake", [sys.executable], port=port, log=tmp_path / "log", env={}, healthy=listens)


def test_start_when_program_is_missing_then_error_names_it_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"lake: program .*/nowhere is missing: run `make env`"):
        start("lake", [tmp_path / "nowhere"], port=free_port(), log=tmp_path / "log", env={}, healthy=listens)


def test_start_when_process_ends_early_then_error_shows_code_and_log(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"(?s)lake ended with code 3 .*no such disk"):
        command = [sys.executable, "-c", "import sys; print('no such disk'); sys.exit(3)"]
        start("lake", command, port=free_port(), log=tmp_path / "log", env={}, healthy=listens)


def test_start_when_never_healthy_then_process_is_stopped(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = f"import os,time,pathlib; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(60)"
    with pytest.raises(StartError, match="was not healthy after"):
        start(
            "lake", [sys.executable, "-c", program], port=free_port(), log=tmp_path / "log", env={},
            healthy=lambda _: False, timeout_seconds=1.5,
        )  # fmt: skip
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_stop_when_the_process_has_children_then_they_end_too(tmp_path: Path) -> None:
    port = free_port()
    pid_file = tmp_path / "child"
    program = (
        "import subprocess,sys,pathlib; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid)); {SERVER}"
    )
    service = start(
        "lake", [sys.executable, "-c", program, str(port)], port=port, log=tmp_path / "log", env={}, healthy=listens
    )
    service.stop(grace_seconds=2)
    assert not listens(service.url)
    child = Path(f"/proc/{pid_file.read_text()}/stat")
    deadline = time.monotonic() + 5
    while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.exists() or child.read_text().split()[2] == "Z"
