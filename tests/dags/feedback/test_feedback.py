"""load_events and clean_events through Airflow: which day is loaded, what is announced, and who is suppressed after it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from include.events.inbox import InboxEvent, object_name, to_object
from tests.dags.airflow_process import Airflow, announced, run, run_of

if TYPE_CHECKING:
    from google.cloud import bigquery, storage


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
    airflow_env: Airflow, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    receive(lake, "2026-11-02T23:59:59.999999+00:00", "last of the day")
    receive(lake, "2026-11-03T00:00:00+00:00", "first of the next")
    run_of(airflow_env, "load_events", "2026-11-03")
    assert [row["dedup_key"] for row in bigquery_client.list_rows("raw.event")] == ["last of the day"]

    chosen = {"received_date": "2026-11-03", "as_of": "2026-11-16T23:00:00+00:00"}
    run_of(airflow_env, "load_events", "2026-11-04", **chosen)
    assert announced(airflow_env) == [
        {"as_of": "2026-11-03T00:00:00+00:00", "partition": "2026-11-02", "rows": 1},
        {"as_of": "2026-11-16T23:00:00+00:00", "partition": "2026-11-03", "rows": 1},
    ]

    assert run(airflow_env, "clean_events", as_of="2026-11-16T23:00:00+00:00")["run"] == "success"
    assert announced(airflow_env)[-1] == {"as_of": "2026-11-16T23:00:00+00:00"}
    assert len(list(bigquery_client.list_rows("clean.event"))) == 2
    reasons = [row["reason"] for row in bigquery_client.list_rows("clean.suppression")]
    assert reasons == ["unsubscribed", "unsubscribed"]


@pytest.mark.timeout(900)
def test_load_events_when_the_day_is_still_on_then_announces_now_and_the_chain_works_there(
    airflow_env: Airflow, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    started = datetime.now(UTC).replace(microsecond=0)
    receive(lake, started.isoformat(), "opted out today")
    # As `make dag` does for today: a run of the interval that ends at midnight to come.
    midnight = (started + timedelta(days=1)).date().isoformat()
    run_of(airflow_env, "load_events", midnight)
    (event,) = announced(airflow_env)
    assert (event["partition"], event["rows"]) == (started.date().isoformat(), 1)
    assert started <= datetime.fromisoformat(event["as_of"]) <= datetime.now(UTC)

    assert run(airflow_env, "clean_events", as_of=event["as_of"])["run"] == "success"
    assert len(list(bigquery_client.list_rows("clean.suppression"))) == 1
    # Later on the same day no run is held up by what this one left.
    assert run(airflow_env, "score_leads", as_of=datetime.now(UTC).isoformat())["run"] == "success"


@pytest.mark.timeout(900)
def test_dags_when_as_of_is_in_the_future_then_nothing_is_announced_and_the_log_says_why(
    airflow_env: Airflow, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    receive(lake, "2026-11-05T09:00:00+00:00", "any")
    loaded = run(airflow_env, "load_events", received_date="2026-11-05", as_of=tomorrow)
    cleaned = run(airflow_env, "clean_events", as_of=tomorrow)
    for found in (loaded, cleaned):
        assert found["run"] == "failed"
        assert f"as_of {tomorrow} is in the future: it is" in found["log"]
    assert announced(airflow_env) == []
    states = {task["task_id"]: task["state"] for task in cleaned["tasks"]}
    assert (states["resolve_as_of"], states["promote_event"]) == ("failed", "upstream_failed")
    assert len(list(bigquery_client.list_rows("raw.event"))) == 1
