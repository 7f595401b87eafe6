"""load_events and clean_events through Airflow: which day is loaded, what is announced, and who is suppressed after it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from include.event_inbox import InboxEvent, object_name, to_object

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def airflow_home(tmp_path: Path) -> Path:
    """An Airflow with a database of its own; its pool holds one slot."""
    airflow(tmp_path, "db", "migrate")
    airflow(tmp_path, "pools", "set", "bigquery", "1", "for the test")
    return tmp_path


def airflow(home: Path, *arguments: str) -> None:
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags" / "feedback"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
    }
    env.pop("GTM_SCHEDULES", None)
    command = [sys.executable, "-m", "airflow", *arguments]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def announced(home: Path) -> list[dict[str, object]]:
    """Return the extras of the asset events, oldest first."""
    with sqlite3.connect(home / "airflow.db") as database:
        return [json.loads(extra) for (extra,) in database.execute("SELECT extra FROM asset_event ORDER BY id")]


def receive(lake: storage.Bucket, received_at: str, key: str) -> None:
    """Put an opt-out into the inbox, as the receiver does."""
    body = {
        "event_type": "lead_unsubscribed",
        "timestamp": "2026-11-02T09:00:00Z",
        "lead_email": f"{key}@example.example",
    }
    event = InboxEvent("instantly", key, datetime.fromisoformat(received_at), {}, json.dumps(body).encode())
    lake.blob(object_name(event)).upload_from_string(to_object(event), if_generation_match=0)


@pytest.mark.timeout(600)
def test_dags_when_run_by_the_clock_and_for_a_chosen_day_then_those_days_are_loaded_announced_and_suppressed(
    airflow_home: Path, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    receive(lake, "2026-11-02T23:59:59.999999+00:00", "last of the day")
    receive(lake, "2026-11-03T00:00:00+00:00", "first of the next")
    airflow(airflow_home, "dags", "test", "load_events", "2026-11-03")
    assert [row["dedup_key"] for row in bigquery_client.list_rows("raw.event")] == ["last of the day"]

    chosen = {"received_date": "2026-11-03", "as_of": "2026-11-16T23:00:00+00:00"}
    airflow(airflow_home, "dags", "test", "load_events", "2026-11-04", "--conf", json.dumps(chosen))
    assert announced(airflow_home) == [
        {"as_of": "2026-11-03T00:00:00+00:00", "partition": "2026-11-02", "rows": 1},
        {"as_of": "2026-11-16T23:00:00+00:00", "partition": "2026-11-03", "rows": 1},
    ]

    airflow(airflow_home, "dags", "test", "clean_events", "--conf", json.dumps({"as_of": "2026-11-16T23:00:00+00:00"}))
    assert announced(airflow_home)[-1] == {"as_of": "2026-11-16T23:00:00+00:00"}
    assert len(list(bigquery_client.list_rows("clean.event"))) == 2
    reasons = [row["reason"] for row in bigquery_client.list_rows("clean.suppression")]
    assert reasons == ["unsubscribed", "unsubscribed"]
