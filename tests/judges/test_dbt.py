"""dbt's own adapter for BigQuery against the warehouse: a table, a view, and a model that is merged into what it made before."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copytree

import pytest
from dbt.cli.main import dbtRunner
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from services.embedded.cloud import PROJECT, Cloud


@pytest.fixture
def dbt(cloud: Cloud, tmp_path: Path) -> Callable[..., None]:
    project = copytree(Path(__file__).with_name("dbt"), tmp_path / "dbt")

    def run(*arguments: str) -> None:
        done = dbtRunner().invoke(["run", "--project-dir", str(project), "--profiles-dir", str(project), *arguments])
        failed = [
            f"{one.node.name}: {one.message}" for one in getattr(done.result, "results", []) if one.status != "success"
        ]
        assert done.success, failed or done.exception

    assert os.environ["BIGQUERY_EMULATOR_HOST"]
    return run


def test_models_when_run_twice_then_made_and_then_merged(dbt: Callable[..., None]) -> None:
    client = bigquery.Client(project=PROJECT, credentials=AnonymousCredentials())

    def kept() -> dict[int, date]:
        return {row["id"]: row["day"] for row in client.query_and_wait("SELECT id, day FROM judge.kept_visit")}

    dbt()
    assert kept() == {1: date(2025, 11, 3), 2: date(2025, 11, 3)}
    client.query_and_wait("INSERT INTO judge.kept_visit (id, day) VALUES (3, '2025-11-01')")
    dbt("--vars", "{day: 2025-11-04}")
    assert kept() == {1: date(2025, 11, 3), 2: date(2025, 11, 4), 3: date(2025, 11, 1)}
    days = client.query_and_wait("SELECT visits FROM judge.visit_by_day ORDER BY day")
    assert [row["visits"] for row in days] == [1, 1, 1]
