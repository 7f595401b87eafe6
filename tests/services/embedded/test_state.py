"""A stack's folder: one holder at a time, ports that stay, and files that are whole or named as damaged."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.embedded.process import ROOT, StartError
from services.embedded.state import held, is_held, kept_port, read_json, write_json

HOLDER = "import sys, time, pathlib; from services.embedded.state import held\nwith held(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_held_when_another_process_holds_the_folder_then_it_is_refused_until_that_one_is_killed(tmp_path: Path) -> None:
    state = tmp_path / "up"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, state], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    assert is_held(state)
    with pytest.raises(StartError, match="in use by another stack or demo: `make down DATA=up`"), held(state):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not is_held(state)


def test_kept_port_when_it_is_free_stays_and_when_it_is_taken_is_another(tmp_path: Path) -> None:
    port = kept_port(tmp_path, "lake")
    assert kept_port(tmp_path, "lake") == port
    assert kept_port(tmp_path, "warehouse") != port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        moved = kept_port(tmp_path, "lake")
    assert moved != port
    assert kept_port(tmp_path, "lake") == moved


def test_read_json_when_the_file_is_damaged_then_the_error_names_it_and_fresh(tmp_path: Path) -> None:
    write_json(tmp_path / "ports.json", {"lake": 1})
    assert read_json(tmp_path / "ports.json") == {"lake": 1}
    assert read_json(tmp_path / "nothing.json") is None
    (tmp_path / "ports.json").write_text('{"lake": ')
    with pytest.raises(StartError, match=r"(?s)ports\.json cannot be read.*FRESH=1"):
        read_json(tmp_path / "ports.json")


def test_write_json_keeps_secrets_from_others(tmp_path: Path) -> None:
    write_json(tmp_path / "secrets.json", {"password": "p"})
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
