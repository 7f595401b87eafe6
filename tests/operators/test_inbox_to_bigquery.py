from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery, storage

from include.events.inbox import InboxEvent, object_name, to_object
from operators import inbox_to_bigquery
from operators.inbox_to_bigquery import BATCH, InboxToBigQueryOperator
from tests.operators.context import context

DAY = "2026-11-02"


def store(lake: storage.Bucket, *events: InboxEvent) -> None:
    """Put events into the inbox as the receiver does."""
    for event in events:
        lake.blob(object_name(event)).upload_from_string(to_object(event), if_generation_match=0)


def event(key: str, sender: str = "ghl", received: str = f"{DAY}T12:00:00+00:00", body: bytes = b"{}") -> InboxEvent:
    return InboxEvent(sender, key, datetime.fromisoformat(received), {"user-agent": "x"}, body)


def load(day: str = DAY) -> int:
    return InboxToBigQueryOperator(task_id="load", received_date=day).execute(context())


def raw(client: bigquery.Client) -> list[dict[str, Any]]:
    """Return raw.event in its stored order."""
    return [dict(row) for row in client.list_rows("raw.event")]


def test_execute_when_day_has_events_then_its_partition_holds_them_as_received(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    body = '{ "a": "Zoë\\u00e9",\n"b": 1.10 }'.encode()
    store(lake, event("wh-1", body=body), event("of the day before", received="2026-11-01T23:59:59.999999+00:00"))
    assert load() == 1
    [row] = raw(bigquery_client)
    assert row["body"].encode() == body
    assert (row["received_date"].isoformat(), row["sender"], row["dedup_key"], row["verified"]) == (
        DAY,
        "ghl",
        "wh-1",
        True,
    )
    assert row["received_at"] == datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert row["headers"] == {"user-agent": "x"}


def test_execute_when_run_twice_then_the_same_rows_in_the_same_order(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    keys = ["b", "a", "c"]
    store(lake, *(event(key, sender) for key in keys for sender in ("instantly", "ghl")))
    load()
    once = raw(bigquery_client)
    assert [(row["sender"], row["dedup_key"]) for row in once] == [(s, k) for s in ("ghl", "instantly") for k in "abc"]
    load()
    assert raw(bigquery_client) == once


def test_execute_when_more_came_meanwhile_then_the_partition_is_replaced_and_no_other_is_touched(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    store(lake, event("a"), event("other day", received="2026-11-03T00:00:00+00:00"))
    load("2026-11-03")
    load()
    store(lake, event("b"))
    load()
    assert sorted(row["dedup_key"] for row in raw(bigquery_client)) == ["a", "b", "other day"]


def test_execute_when_day_is_empty_then_it_succeeds_and_empties_exactly_its_partition(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    store(lake, event("a"), event("other day", received="2026-11-03T00:00:00+00:00"))
    load()
    load("2026-11-03")
    lake.blob(object_name(event("a"))).delete()
    assert load() == 0
    assert [row["dedup_key"] for row in raw(bigquery_client)] == ["other day"]


def test_execute_when_more_than_a_batch_then_every_event_once(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    store(lake, *(event(f"wh-{number}") for number in range(BATCH + 3)))
    assert load() == BATCH + 3
    assert len({row["dedup_key"] for row in raw(bigquery_client)}) == BATCH + 3


@pytest.mark.parametrize("content", [b"please unsubscribe dana \xff", json.dumps({"sender": "ghl"}).encode()])
def test_execute_when_an_object_is_not_the_receivers_then_the_others_are_loaded_and_it_counts_for_nothing(
    bigquery_client: bigquery.Client, lake: storage.Bucket, content: bytes
) -> None:
    store(lake, event("a"), event("z"))
    lake.blob(f"inbox/{DAY}/ghl/strange.json").upload_from_string(content)
    lake.blob(f"inbox/{DAY}/nowhere").upload_from_string(content)
    assert load() == 4
    found = {row["dedup_key"][:7]: (row["sender"], row["verified"]) for row in raw(bigquery_client) if row["verified"]}
    assert found == {"a": ("ghl", True), "z": ("ghl", True)}
    foreign = [row for row in raw(bigquery_client) if not row["verified"]]
    assert {(row["sender"], row["headers"]["object"]) for row in foreign} == {
        ("ghl", "strange.json"),
        ("unknown", "nowhere"),
    }
    assert {row["body"] for row in foreign} == {content.decode("utf-8", errors="replace")}
    assert all("not an inbox object" in row["headers"]["refused"] for row in foreign)


def test_execute_when_it_ends_then_no_staging_table_is_left(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    store(lake, event("a"))
    load()
    names: Sequence[str] = [item.table_id for item in bigquery_client.list_tables("raw")]
    assert [name for name in names if "staging_event" in name] == []


def test_execute_when_the_day_has_just_ended_then_it_waits_for_what_the_receiver_still_stores(
    bigquery_client: bigquery.Client, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = (midnight - timedelta(days=1)).date().isoformat()
    # As if midnight were three seconds ago at the start, however late in the day the test runs.
    monkeypatch.setattr(inbox_to_bigquery, "SETTLED_AFTER", now - midnight + timedelta(seconds=3))
    late = event("late", received=f"{yesterday}T23:59:59+00:00")
    arrival = threading.Timer(1.0, store, [lake, late])
    arrival.start()
    assert load(yesterday) == 1
    arrival.join()
    monkeypatch.setattr(inbox_to_bigquery, "SETTLED_AFTER", timedelta(days=2))
    started = time.monotonic()
    load(now.date().isoformat())  # a day that still runs is not waited for
    load(DAY)  # nor one that is long over
    assert time.monotonic() - started < 60


def test_execute_when_a_day_is_in_then_the_manifest_says_so_also_of_a_day_without_events(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    store(lake, event("a"), event("b"))
    for day in (DAY, DAY, "2026-11-03"):
        load(day)
    rows = bigquery_client.query_and_wait("SELECT * FROM ops.load_manifest ORDER BY `partition`")
    found = [(str(r["partition"]), r["source"], r["rows"], r["source_object"], r["note"]) for r in rows]
    assert found == [
        (DAY, "events", 2, f"gs://{lake.name}/inbox/{DAY}/", None),
        ("2026-11-03", "events", 0, f"gs://{lake.name}/inbox/2026-11-03/", "no events"),
    ]
