"""A process that dies is started again, unless it dies again and again; a DAG that a person paused stays paused."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.embedded.process import Service, free_port, start
from services.embedded.supervisor import MAX_RESTARTS, Restarts, revive, unpause_new
from tests.services.embedded.stand_in import StandIn


@dataclass
class Few:
    services: list[Service]

    def begin_again(self, service: Service) -> None:
        service.begin_again()


def begun(folder: Path, name: str, program: str) -> Service:
    command = [sys.executable, "-c", program]
    return start(name, command, port=free_port(), log=folder / "log", env={"WORD": name}, healthy=lambda _: True)


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Few]:
    said = "import os, time; print('began as', os.environ['WORD'], flush=True); time.sleep(60)"
    few = Few([begun(tmp_path, "lake", said), begun(tmp_path, "warehouse", said)])
    yield few
    for service in few.services:
        service.stop(grace_seconds=1)


def says(service: Service, times: int) -> bool:
    """Whether the process wrote its word so often, once it had the time to."""
    deadline = time.monotonic() + 30
    while service.log.read_text().count(f"began as {service.name}") < times and time.monotonic() < deadline:
        time.sleep(0.05)
    return service.log.read_text().count(f"began as {service.name}") == times


def test_revive_when_a_process_was_killed_then_it_runs_again_with_its_environment(few: Few) -> None:
    lake, warehouse = few.services
    pids = lake.popen.pid, warehouse.popen.pid
    said: list[str] = []
    assert says(lake, 1)
    assert not revive(few, Restarts(), said.append)
    lake.popen.kill()
    lake.popen.wait()

    assert revive(few, Restarts(), said.append)
    assert lake.popen.pid != pids[0] and warehouse.popen.pid == pids[1]
    assert said == [f"lake ended with code -9: started again. Its log: {lake.log}"]
    assert says(lake, 2)


def test_revive_when_a_process_dies_again_and_again_then_it_is_given_up_and_named(tmp_path: Path) -> None:
    few = Few([begun(tmp_path, "lake", "pass")])
    restarts = Restarts()
    said: list[str] = []
    for _ in range(MAX_RESTARTS + 1):
        few.services[0].popen.wait()
        assert revive(few, restarts, said.append)
    assert restarts.given_up == ["lake"]
    assert "given up" in said[-1] and len(said) == MAX_RESTARTS + 1
    assert not revive(few, restarts, said.append)


def test_restarts_when_the_deaths_are_far_apart_then_there_is_no_end_to_them() -> None:
    restarts = Restarts()
    assert all(restarts.allows("lake", now=200.0 * number) for number in range(50))


def test_unpause_new_when_a_person_paused_one_since_then_it_stays_so_and_is_named(tmp_path: Path) -> None:
    airflow = StandIn(a_b={"is_paused": True}, c_d={"is_paused": True})
    assert unpause_new(airflow.api(), tmp_path) == []
    assert airflow.paused == [("a_b", False), ("c_d", False)]

    again = StandIn(a_b={"is_paused": True}, c_d={}, e_f={"is_paused": True})
    assert unpause_new(again.api(), tmp_path) == ["a_b"]
    assert again.paused == [("e_f", False)]
