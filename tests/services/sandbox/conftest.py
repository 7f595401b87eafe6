"""The sandbox's fixtures: a small registry, a plan without waits, a client in this process, a receiver."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from registry_files import MEMBER_1, WEEK_1, dentists, write_zip
from sandbox_runs import Receiver, TestClient, in_process, running_receiver

from services.sandbox.plan import Plan


@pytest.fixture(scope="session")
def nppes_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nppes")
    write_zip(folder, WEEK_1, MEMBER_1, dentists(400))
    return folder


@pytest.fixture
def plan(nppes_dir: Path) -> Plan:
    return Plan(nppes_dir=nppes_dir, async_seconds=0.0, ghl_burst=10_000, wiza_requests_per_second=10_000)


@pytest.fixture
def client(plan: Plan) -> TestClient:
    return in_process(plan)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running
