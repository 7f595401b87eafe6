from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.dags.airflow_process import environment, python


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated Airflow database with our pools, made once: a migration takes longer than most tests."""
    home = tmp_path_factory.mktemp("airflow-migrated")
    env = environment(home)
    python(env, "-m", "airflow", "db", "migrate")
    pools = home / "pools.json"
    python(env, "-c", f"import pathlib, include.pools as p; pathlib.Path({str(pools)!r}).write_text(p.pools_json())")
    python(env, "-m", "airflow", "pools", "import", str(pools))
    return home / "airflow.db"


@pytest.fixture
def airflow_env(migrated_database: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of an Airflow with a database of its own."""
    home = tmp_path / "airflow"
    home.mkdir()
    shutil.copy(migrated_database, home)
    return environment(home)
