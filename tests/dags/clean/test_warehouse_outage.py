"""The warehouse goes down in the middle of clean_providers: what was served stays served, and a rerun heals."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from requests.exceptions import ConnectionError as Refused

from include.nppes.provider_fold import mapping_version
from include.warehouse.google_waits import ServiceAway, log_waits
from include.warehouse.tables import table
from services.embedded.cloud import PROJECT, Cloud, start_lake, start_warehouse
from services.embedded.process import Service
from tests.sql.clean.raw_rows import converge, dentist, load_week

pytestmark = pytest.mark.slow

TABLES = (
    "raw.nppes_npi", "raw.nppes_other_name", "raw.nppes_practice_location", "raw.nppes_deactivation", "clean.provider_version",
    "clean.provider_pending", "clean.provider_candidate", "clean.provider_history_candidate", "clean.provider", "clean.provider_history",
    "clean.provider_location", "clean.address",
    "clean.address_standard", "clean.phone", "clean.phone_standard", "clean.license_match", "clean.rejected_row",
    "ops.load_manifest", "ops.mapped_slice", "ops.balance",
)  # fmt: skip
NPIS = ("2000000002", "2000000010", "2000000028")


class Outage:
    """A warehouse of its own that can be killed and comes back at the same address."""

    def __init__(self, state: Path, lake: Service) -> None:
        self._state = state
        self._lake = lake
        self.service = start_warehouse(state, lake)

    def kill(self) -> None:
        self.service.stop(grace_seconds=0)

    def come_back(self) -> None:
        self.service = start_warehouse(self._state, self._lake, port=int(self.service.url.rsplit(":", 1)[1]))

    def client(self) -> bigquery.Client:
        return bigquery.Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.service.url},
        )


@pytest.fixture
def outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    lake = start_lake(tmp_path)
    outage = Outage(tmp_path, lake)
    for name, value in Cloud(outage.service, lake).env().items():
        monkeypatch.setenv(name, value)
    client = outage.client()
    for dataset in ("raw", "clean", "ops"):
        client.create_dataset(dataset)
    for name in TABLES:
        client.create_table(bigquery.Table.from_api_repr(table(name).resource(PROJECT)))
    yield outage
    outage.kill()
    lake.stop(grace_seconds=1)


def served(client: bigquery.Client) -> list[tuple[str, str]]:
    rows = client.query_and_wait("SELECT npi, row_hash FROM clean.provider ORDER BY npi")
    return [(row["npi"], row["row_hash"]) for row in rows]


def test_clean_providers_when_warehouse_is_killed_in_mid_run_then_served_rows_stay_and_rerun_heals(
    outage: Outage,
) -> None:
    load_week(outage.client(), "2025-11-09", [dentist(NPIS[0]), dentist(NPIS[1])])
    converge(outage.client())
    before = served(outage.client())
    load_week(outage.client(), "2025-11-16", [dentist(NPIS[1], provider_first_name="NEW"), dentist(NPIS[2])])

    doomed = threading.Thread(target=_attempt, args=(outage.client(),))
    doomed.start()
    time.sleep(0.7)
    outage.kill()
    doomed.join(60)
    outage.come_back()
    after_crash = served(outage.client())
    converge(outage.client())
    rows = served(outage.client())
    assert after_crash in (before, rows), "half a promotion was served"
    assert [npi for npi, _ in rows] == list(NPIS)
    assert rows[0] == before[0] and rows[1] != before[1]
    counts = {
        row["kind"]: row["n"]
        for row in outage.client().query_and_wait(
            "SELECT kind, SUM(row_count) AS n FROM ops.balance WHERE table_name = 'clean.provider' GROUP BY kind"
        )
    }
    assert counts["in"] == counts["out"] + counts["filtered"] == 4


def test_query_when_warehouse_is_away_for_seconds_then_the_client_waits_and_succeeds(outage: Outage) -> None:
    client = outage.client()
    outage.kill()
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(client.query_and_wait("SELECT 7 AS n").total_rows))
    waiting.start()
    time.sleep(1)
    assert not found
    outage.come_back()
    waiting.join(60)
    assert found == [1]


@pytest.mark.timeout(120)
def test_query_when_warehouse_stays_away_then_a_tasks_client_says_so_and_ends(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    client = outage.client()
    log_waits(client._http, "BigQuery", patience=timedelta(seconds=3))
    assert client.query_and_wait("SELECT 7 AS n").total_rows == 1
    outage.kill()
    with pytest.raises(ServiceAway, match="BigQuery at 127.0.0.1"):
        client.query_and_wait("SELECT 7 AS n")
    assert any("it is asked again until" in line for line in caplog.messages)


@pytest.mark.timeout(120)
def test_query_when_warehouse_hangs_then_a_tasks_client_says_so_and_goes_on_when_it_wakes(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="include.warehouse.google_waits")
    client = outage.client()
    log_waits(client._http, "BigQuery", every=timedelta(seconds=1))
    os.killpg(outage.service.popen.pid, signal.SIGSTOP)
    waking = threading.Timer(3.5, os.killpg, (outage.service.popen.pid, signal.SIGCONT))
    waking.start()
    assert client.query_and_wait("SELECT 7 AS n").total_rows == 1
    waking.join(10)
    assert [line for line in caplog.messages if line.startswith("Waiting for BigQuery at 127.0.0.1")]


def _attempt(client: bigquery.Client) -> None:
    # Without the client's own patience, so that the thread ends with the warehouse. The address and the number are known already.
    mapping = bigquery.ScalarQueryParameter("mapping", "STRING", mapping_version())
    with pytest.raises((GoogleAPICallError, RetryError, Refused)):
        for name in ("clean.provider_version", "clean.provider_candidate", "clean.provider"):
            given = bigquery.QueryJobConfig(query_parameters=[mapping] if name == "clean.provider_version" else [])
            client.query(table(name).sql(), given, retry=None, job_retry=None, timeout=20).result(
                retry=None, timeout=20
            )
        raise Refused("done before the kill: nothing to heal")
