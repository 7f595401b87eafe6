"""The emulators and the sandbox that every test shares, started once and emptied between tests."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.embedded.cloud import BUCKET, PROJECT, Cloud, running_cloud
from services.embedded.sandbox import Sandbox, running_sandbox

if TYPE_CHECKING:
    from google.cloud import bigquery, storage


def _interrupt(*_: object) -> None:
    # Not SystemExit: pytest would take that for the failure of one test and go on.
    raise KeyboardInterrupt


def pytest_configure() -> None:
    # A runner that is told to end (CI's time limit, `timeout`) unwinds its fixtures, so that the emulators end with it.
    signal.signal(signal.SIGTERM, _interrupt)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what uses the embedded cloud or the vendors' sandbox. Tests that start processes of their own say so themselves (``make test-fast`` has the limit)."""
    for item in items:
        if {"cloud", "sandbox"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Run the embedded cloud for the whole session and point Google's clients at it."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        os.environ.update(running.env())
        yield running


@pytest.fixture(scope="session")
def warehouse(cloud: Cloud) -> bigquery.Client:
    """A client of the embedded warehouse with every dataset and table of ``include/sql`` created."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    from include.warehouse.tables import tables

    client = bigquery.Client(project=PROJECT, credentials=AnonymousCredentials())
    for dataset in sorted({t.dataset for t in tables()}):
        client.create_dataset(dataset, exists_ok=True)
    for table in tables():
        client.create_table(bigquery.Table.from_api_repr(table.resource(PROJECT)), exists_ok=True)
    return client


@pytest.fixture(scope="session")
def emptied_warehouse(warehouse: bigquery.Client) -> Callable[[], bigquery.Client]:
    """What empties every table and returns the client; for fixtures that serve more than one test."""
    at: datetime | None = None

    def emptied() -> bigquery.Client:
        nonlocal at
        named = _tables_named_since(warehouse, at)
        at = datetime.now(UTC)
        if named:
            warehouse.query_and_wait("; ".join(f"TRUNCATE TABLE {name}" for name in named))
        return warehouse

    return emptied


@pytest.fixture
def bigquery_client(emptied_warehouse: Callable[[], bigquery.Client]) -> bigquery.Client:
    """The warehouse client, with every table empty."""
    return emptied_warehouse()


def _tables_named_since(client: bigquery.Client, moment: datetime | None) -> list[str]:
    """Return the tables that a job since then may have written to. Asking each of them for its rows takes ten times as long."""
    from include.warehouse.tables import tables

    named: set[str] = set()
    for job in client.list_jobs(min_creation_time=moment):
        for kind in job.to_api_repr()["configuration"].values():
            if isinstance(kind, dict):
                target = kind.get("destinationTable", {})
                named.add(f"{target.get('datasetId')}.{target.get('tableId')}")
                named.update(re.findall(r"\b[a-z]+\.[a-z0-9_]+", kind.get("query", "").replace("`", "")))
    return sorted(named & {t.name for t in tables()})


@pytest.fixture
def lake(cloud: Cloud) -> storage.Bucket:
    """The lake bucket, empty."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    bucket = storage.Client(project=PROJECT, credentials=AnonymousCredentials()).bucket(BUCKET)
    for blob in bucket.list_blobs():
        blob.delete()
    return bucket


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run the vendor sandbox on the sample registry, with the vendors' Airflow connections pointing at it."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        for conn_id, connection in running.connections().items():
            os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(connection)
        yield running


@pytest.fixture(scope="session", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep Airflow's own files out of the developer's home; GTM_* defaults let DAG files parse without a cloud."""
    home = tmp_path_factory.mktemp("airflow")
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ.setdefault("GTM_PROJECT", PROJECT)
    os.environ.setdefault("GTM_LAKE_BUCKET", BUCKET)
    # Without it, each task that a test lets fail would also say that there is no pager.
    os.environ["AIRFLOW_CONN_PAGER_DEFAULT"] = json.dumps(
        {"conn_type": "fs", "extra": {"path": str(home / "pages.jsonl")}}
    )
    return home
