"""Alerts through the warehouse: sent once, repeated, ended; never lost by a crash or a pager that is down."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from hooks.http.errors import BadRequest, VendorDown
from hooks.pager import PagerHook
from include.quality.mutes import Mute
from include.warehouse.run import run
from include.warehouse.tables import table
from operators import deliver_alerts
from operators.deliver_alerts import DeliverAlertsOperator
from tests.hooks.scripted_server import Answer, scripted
from tests.operators.context import context


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "pages.jsonl"
    monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps({"conn_type": "fs", "extra": {"path": str(path)}}))
    return path


def alert(client: bigquery.Client, source: str = "ga4", severity: str = "error", day: str = "2025-11-10") -> None:
    values = {
        "raised_on": date.fromisoformat(day), "source": source, "check_name": "probe", "subject": source,
        "severity": severity, "message": f"{source} is odd since {day}.",
    }  # fmt: skip
    run(client, table("ops.alert").sql("raise"), {}, **values)


def deliver(as_of: str) -> dict[str, int]:
    return DeliverAlertsOperator(task_id="send", as_of=f"{as_of}:00+00:00").execute(context())


def titles(pages: Path) -> list[str]:
    lines = map(json.loads, pages.read_text().splitlines() if pages.exists() else [])
    return [f"{'RESOLVED ' * page['is_resolved']}{page['title']}" for page in lines]


def noted(client: bigquery.Client) -> list[tuple[Any, ...]]:
    rows = client.query_and_wait("SELECT * FROM ops.alert_delivery ORDER BY delivered_at, source")
    return [(f"{row['delivered_at']:%d %H:%M}", row["source"], row["event"]) for row in rows]


def test_alert_when_it_stands_for_three_days_then_one_message_a_day_and_one_when_it_is_gone(
    bigquery_client: bigquery.Client, pages: Path
) -> None:
    alert(bigquery_client)
    assert deliver("2025-11-10T09:00") == {"raised": 1}
    assert deliver("2025-11-10T09:00") == {}  # the run is cleared: nothing again
    assert deliver("2025-11-10T09:15") == {}
    alert(bigquery_client, day="2025-11-11")  # the check's next day raises it, too: it is the same alert
    assert deliver("2025-11-11T08:45") == {}
    assert deliver("2025-11-11T09:00") == {"repeated": 1}
    assert deliver("2025-11-12T09:15") == {"repeated": 1}
    bigquery_client.query_and_wait("DELETE FROM ops.alert WHERE TRUE")
    assert deliver("2025-11-12T10:00") == {"resolved": 1}
    assert deliver("2025-11-12T10:15") == {}
    assert titles(pages) == [
        "probe: ga4", "probe: ga4 still stands", "probe: ga4 still stands", "RESOLVED probe: ga4",
    ]  # fmt: skip
    assert noted(bigquery_client) == [
        ("10 09:00", "ga4", "raised"), ("11 09:00", "ga4", "repeated"), ("12 09:15", "ga4", "repeated"),
        ("12 10:00", "ga4", "resolved"),
    ]  # fmt: skip
    alert(bigquery_client)  # again after its end: a new one
    assert deliver("2025-11-12T10:30") == {"raised": 1}


def test_alert_when_the_run_dies_between_send_and_note_then_the_next_one_sends_it_again(
    bigquery_client: bigquery.Client, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert(bigquery_client)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DeliverAlertsOperator, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver("2025-11-10T09:00")
    assert deliver("2025-11-10T09:15") == {"raised": 1}
    assert titles(pages) == ["probe: ga4", "probe: ga4"]


def test_pager_when_it_takes_one_and_not_another_then_the_one_is_noted_and_the_task_fails_and_goes_on(
    bigquery_client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in ("ga4", "ttd", "wiza"):
        alert(bigquery_client, source)
    with scripted(Answer(200), Answer(400), Answer(200)) as server:
        connection = {"conn_type": "http", "host": server.url}
        monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps(connection))
        with pytest.raises(BadRequest, match="pager send_json"):
            deliver("2025-11-10T09:00")
        assert [source for _, source, _ in noted(bigquery_client)] == ["ga4", "wiza"]
        assert deliver("2025-11-10T09:15") == {"raised": 1}
    assert json.loads(server.bodies[-1])["title"] == "probe: ttd"


def test_pager_when_it_is_down_then_nothing_is_noted_and_all_is_sent_when_it_is_back(
    bigquery_client: bigquery.Client, pages: Path
) -> None:
    alert(bigquery_client)
    pages.mkdir()  # a folder in the place of the file
    with pytest.raises(VendorDown):
        deliver("2025-11-10T09:00")
    assert noted(bigquery_client) == []
    pages.rmdir()
    assert deliver("2025-11-11T09:00") == {"raised": 1}


def test_mute_when_it_is_on_and_past_its_end_then_silence_and_then_two_messages(
    bigquery_client: bigquery.Client, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = Mute("probe", "ga4", "*", "The property moves.", "Ann Lee", date(2025, 11, 10), date(2025, 11, 12))
    monkeypatch.setattr(deliver_alerts, "mutes", lambda: (mute,))
    alert(bigquery_client)
    assert deliver("2025-11-12T23:45") == {}
    assert deliver("2025-11-13T00:00") == {"raised": 2}
    assert titles(pages) == ["expired_mute: ga4, probe/*", "probe: ga4"]
    monkeypatch.setattr(deliver_alerts, "mutes", tuple)
    assert deliver("2025-11-13T00:15") == {"resolved": 1}


def test_warnings_when_there_are_many_then_one_message_and_a_note_for_each(
    bigquery_client: bigquery.Client, pages: Path
) -> None:
    for source in ("a", "b", "c"):
        alert(bigquery_client, source, "warning")
    assert deliver("2025-11-10T09:00") == {"raised": 3}
    assert titles(pages) == ["3 warnings in ops.alert"]
    assert len(noted(bigquery_client)) == 3
    assert deliver("2025-11-16T09:00") == {}
    assert deliver("2025-11-17T09:00") == {"repeated": 3}


def test_run_when_its_time_has_not_come_then_nothing_is_sent(bigquery_client: bigquery.Client, pages: Path) -> None:
    from include.as_of import FutureAsOf

    alert(bigquery_client)
    with pytest.raises(FutureAsOf):
        deliver("2199-01-01T00:00")
    assert titles(pages) == []


def test_operator_when_it_is_made_then_it_asks_for_no_connection() -> None:
    assert DeliverAlertsOperator(task_id="send", as_of="x").pager_conn_id == PagerHook.default_conn_name
