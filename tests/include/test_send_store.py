"""The activation tables as a fold over the call ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from google.api_core.exceptions import ServiceUnavailable

from include.activation.results import rejection_body
from include.activation.send import CREATE, GHL, SUPPRESS, UPDATE, Send, batch_key, new_send, request_of
from include.call_ledger import CallLedger
from include.send_store import SendStore
from tests.operators.activation import suppress
from tests.sql.segmented.registry import contact, insert, npis, person_id, rows

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

AS_OF = "2025-11-10T06:00:00+00:00"
STATE = "SELECT person_id, status, payload, remote_id FROM activation.sync_state"


@pytest.fixture
def store(bigquery_client: bigquery.Client, lake: storage.Bucket) -> SendStore:
    return SendStore(bigquery_client, lake, GHL, {"dag": "test"})


def record(lake: storage.Bucket, send: Send, minute: int, body: str | None = "{}", failed: bool = False) -> None:
    """Write one call of ``send`` into the ledger, made ``minute`` minutes after six."""
    at = datetime(2025, 11, 10, 6, tzinfo=UTC) + timedelta(minutes=minute)
    ledger = CallLedger(lake, GHL, "create_contact", clock=lambda: at)
    ledger.claim(send.send_id, request_of([send]))
    if body is not None:
        ledger.record_response(send.send_id, body, status="failed" if failed else "responded")


def test_load_when_a_person_was_sent_twice_then_the_newest_call_is_the_state(
    store: SendStore, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    record(lake, new_send(GHL, "p1", UPDATE, {"v": 2}, AS_OF, remote_id="c1"), 2)
    record(lake, new_send(GHL, "p1", CREATE, {"v": 1}, AS_OF), 1, '{"remote_id": "c1"}')
    assert store.load(store.unloaded()) == {"sent": 2, "rejected": 0, "calls_in_doubt": 0}
    expected = [{"person_id": "p1", "status": "active", "payload": {"v": 2}, "remote_id": "c1"}]
    assert rows(bigquery_client, STATE) == expected
    assert store.unloaded() == []
    record(lake, new_send(GHL, "p1", SUPPRESS, {"dnd": True}, AS_OF, remote_id="c1"), 3)
    store.load(store.unloaded())
    assert rows(bigquery_client, STATE) == [{**expected[0], "status": "suppressed", "payload": None}]


def test_load_when_tables_were_left_half_written_then_loading_again_completes_them(
    store: SendStore, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    record(lake, new_send(GHL, "p1", CREATE, {"v": 1}, AS_OF), 1, '{"remote_id": "c1"}')
    record(lake, new_send(GHL, "p2", CREATE, {"v": 1}, AS_OF), 1, rejection_body("422", "no"), failed=True)
    record(lake, new_send(GHL, "p3", CREATE, {"v": 1}, AS_OF), 1, body=None)
    entries = store.unloaded()
    assert store.load(entries) == {"sent": 1, "rejected": 1, "calls_in_doubt": 1}
    tables = ("sync_state", "rejection", "send")
    before = [rows(bigquery_client, f"SELECT * FROM activation.{name} ORDER BY 1, 3") for name in tables]  # noqa: S608
    assert [len(found) for found in before] == [1, 1, 2]
    # A worker that died before the last MERGE.
    bigquery_client.query_and_wait("TRUNCATE TABLE activation.send")
    store.load(store.unloaded())
    assert [rows(bigquery_client, f"SELECT * FROM activation.{name} ORDER BY 1, 3") for name in tables] == before  # noqa: S608
    assert (store.newest_as_of(), store.new_in_week(date(2025, 11, 10), date(2025, 11, 16))) == (AS_OF, 1)
    assert store.new_in_week(date(2025, 11, 3), date(2025, 11, 9)) == 0
    assert list(store.refused().values()) == [1]


def test_suppressed_when_person_known_address_or_held_address_is_listed_then_found(
    store: SendStore, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    by_person, by_address, by_held, by_phone, free = (person_id(npi) for npi in npis(5))
    insert(bigquery_client, "enriched.contact", [contact(npi, email=f" {npi}@X.example") for npi in npis(5)])
    record(lake, new_send(GHL, by_held, CREATE, {"email": "former@x.example"}, AS_OF), 1, '{"remote_id": "c1"}')
    store.load(store.unloaded())
    suppress(bigquery_client, "person", by_person, channel="all")
    suppress(bigquery_client, "email", f"{npis(5)[1]}@x.example")
    suppress(bigquery_client, "email", "former@x.example")
    suppress(bigquery_client, "person", by_phone, channel="sms")
    people = (by_person, by_address, by_held, by_phone, free)
    sends = [new_send(GHL, person, UPDATE, {"phone": "+15125550100"}, AS_OF) for person in people]
    assert store.suppressed(sends) == {by_person, by_address, by_held}
    assert store.suppressed([]) == set()


def test_suppressed_when_the_address_about_to_go_out_is_listed_then_found_though_it_was_replaced(
    store: SendStore, bigquery_client: bigquery.Client
) -> None:
    bounced, free = (person_id(npi) for npi in npis(2))
    insert(bigquery_client, "enriched.contact", [contact(npi, email=f"new.{npi}@x.example") for npi in npis(2)])
    suppress(bigquery_client, "email", "old@x.example")
    sends = [
        new_send(GHL, bounced, CREATE, {"email": " Old@X.example"}, AS_OF),
        new_send(GHL, free, CREATE, {"email": "other@x.example"}, AS_OF),
    ]
    assert store.suppressed(sends) == {bounced}


def test_load_when_the_warehouse_fails_between_two_parts_then_no_call_is_left_half_loaded(
    store: SendStore, bigquery_client: bigquery.Client, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = CallLedger(lake, GHL, "create_contact")
    for size in (100, 57, 100):
        sends = [new_send(GHL, f"p{size}-{uuid4().hex}", CREATE, {"v": 1}, AS_OF) for _ in range(size)]
        ledger.claim(batch_key(sends), request_of(sends))
        ledger.record_response(batch_key(sends), '{"remote_id": "c"}')
    writes: list[str] = []
    whole = SendStore.query

    def broken(self: SendStore, sql: str, **values: Any) -> list[dict[str, Any]]:
        if "rows" in values:
            writes.append(sql)
        if len(writes) == 4:  # three tables of the first part are written
            raise ServiceUnavailable("the warehouse went away")  # type: ignore[no-untyped-call]
        return whole(self, sql, **values)

    with monkeypatch.context() as patch:
        patch.setattr(SendStore, "query", broken)
        with pytest.raises(ServiceUnavailable):
            store.load(store.unloaded())
    loaded = rows(bigquery_client, "SELECT batch_key, COUNT(*) AS n FROM activation.send GROUP BY batch_key")
    assert loaded and {row["n"] for row in loaded} <= {100, 57}
    store.load(store.unloaded())
    assert rows(bigquery_client, "SELECT COUNT(DISTINCT send_id) AS n FROM activation.send") == [{"n": 257}]
    assert rows(bigquery_client, "SELECT COUNT(*) AS n FROM activation.sync_state") == [{"n": 257}]
