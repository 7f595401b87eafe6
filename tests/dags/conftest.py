from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dags.airflow_process import Airflow, AirflowProcess


@pytest.fixture(scope="session")
def airflow_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowProcess]:
    """An Airflow with a database of its own, for the whole session."""
    process = AirflowProcess(tmp_path_factory.mktemp("airflow-process"))
    yield process
    process.stop()


@pytest.fixture
def airflow_env(airflow_process: AirflowProcess) -> Airflow:
    """The session's Airflow, as if nothing had run in it."""
    return Airflow(airflow_process)
