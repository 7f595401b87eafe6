"""Who is alive of a recorded stack: by process id and time of start, and also what a dead process left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.embedded import sessions
from services.embedded.process import Service, StartError
from services.embedded.record import Process, Record, read_record

# Leaves a child in its session and ends, as a scheduler that is killed leaves its tasks.
LEAVES_A_CHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Service]:
    popen = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield Service("lake", "http://127.0.0.1:4443", tmp_path / "log", popen)
    popen.kill()
    popen.wait()


def test_process_when_its_id_is_anothers_by_now_then_it_is_not_alive_and_not_ended(sleeper: Service) -> None:
    process = Process.of(sleeper)
    assert process.is_alive()
    before = replace(process, started=process.started - 3600)
    assert not before.is_alive()
    assert Record(before, [before]).end_all(1) == []
    assert process.is_alive()


def test_record_when_the_supervisor_is_dead_then_what_it_started_is_found_and_ended(
    sleeper: Service, tmp_path: Path
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    supervisor = Process("supervisor", gone.pid, Process.own("supervisor", tmp_path).started)
    Record(supervisor, [Process.of(sleeper)]).write(tmp_path)

    record = read_record(tmp_path)
    assert record is not None
    assert [process.name for process in record.alive()] == ["lake"]
    assert [process.name for process in record.end_all(5)] == ["lake"]
    assert sleeper.popen.wait() < 0
    assert record.alive() == []


def test_record_when_a_process_died_but_its_child_lives_then_the_child_is_ended(tmp_path: Path) -> None:
    leader = subprocess.Popen([sys.executable, "-c", LEAVES_A_CHILD], start_new_session=True)
    process = Process("scheduler", leader.pid, Process.own("supervisor", tmp_path).started)
    leader.wait()
    assert not process.is_alive()
    assert Record(process).end_all(1) == [process]
    assert sessions.members([leader.pid]) == []


def test_read_record_when_it_is_of_another_version_then_the_error_names_fresh(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(f'{{"pid": {os.getpid()}}}')
    with pytest.raises(StartError, match=r"(?s)stack\.json cannot be read.*FRESH=1"):
        read_record(tmp_path)
    assert read_record(tmp_path / "nothing") is None
