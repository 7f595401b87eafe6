"""The activation tables as a fold over the call ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from google.api_core.exceptions import ServiceUnavailable

from include.activation.results import rejection_body
from include.activation.send import CREATE, GHL, SUPPRESS, UPDATE, Send, batch_key, new_send, request_of
from include.activation.send_store import SendStore
from include.lake.call_ledger import CallLedger
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
    assert store.load(store.unloaded()) == {"sent": 2, "rejected": 0, "calls_outcome_unknown": 0}
    expected = [{"person_id": "p1", "status": "active", "payload": {"v": 2}, "remote_id": "c1"}]
    assert rows(bigquery_client, STATE) == expected
    assert store.unloaded() == []
    record(lake, new_send(GHL, "p1", SUPPRESS, {"dnd": True}, AS_OF, remote_id="c1"), 3)
    store.load(store.unloaded())
    assert rows(bigquery_client, STATE) == [{**expected[0], "status": "suppressed", "payload": None}]


@pytest.mark.parametrize("crash", [1, 2, 3])
def test_load_when_a_worker_dies_between_two_tables_then_loading_again_completes_them(
    store: SendStore,
    bigquery_client: bigquery.Client,
    lake: storage.Bucket,
    monkeypatch: pytest.MonkeyPatch,
    crash: int,
) -> None:
    record(lake, new_send(GHL, "p1", CREATE, {"v": 1}, AS_OF), 1, '{"remote_id": "c1"}')
    record(lake, new_send(GHL, "p2", CREATE, {"v": 1}, AS_OF), 1, rejection_body("422", "no"), failed=True)
    record(lake, new_send(GHL, "p3", CREATE, {"v": 1}, AS_OF), 1, body=None)
    whole, writes = SendStore.query, 0

    def dying(self: SendStore, sql: str, **values: Any) -> list[dict[str, Any]]:
        nonlocal writes
        writes += "rows" in values
        if writes == crash:
            raise ServiceUnavailable("the worker died")  # type: ignore[no-untyped-call]
        return whole(self, sql, **values)

    with monkeypatch.context() as patch:
        patch.setattr(SendStore, "query", dying)
        with pytest.raises(ServiceUnavailable):
            store.load(store.unloaded())
    assert store.load(store.unloaded()) == {"sent": 1, "rejected": 1, "calls_outcome_unknown": 1}
    expected = {"sync_state": ["p1"], "rejection": ["p2"], "send": ["p1", "p2"]}
    for name, people in expected.items():
        found = rows(bigquery_client, f"SELECT person_id FROM activation.{name} ORDER BY person_id")  # noqa: S608
        assert [row["person_id"] for row in found] == people
    assert (store.newest_as_of(), store.new_in_week(date(2025, 11, 10), date(2025, 11, 16))) == (AS_OF, 1)
    assert store.new_in_week(date(2025, 11, 3), date(2025, 11, 9)) == 0
    assert list(store.refused().values()) == [1]
    assert store.load(store.unloaded()) == {"sent": 0, "rejected": 0, "calls_outcome_unknown": 1}, (
        "nothing is loaded twice"
    )


def test_suppressed_when_a_person_is_listed_for_one_reason_alone_then_found(
    store: SendStore, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    """Each person is on the list in one way only, so that no other one hides that it is not looked at."""
    names = (
        "person, all", "person, e-mail", "address, e-mail", "address, all", "held address", "shared inbox", "sms", "call", "free",
    )  # fmt: skip
    npi_of = dict(zip(names, npis(len(names)), strict=True))
    known = ("address, e-mail", "address, all", "sms", "free")
    insert(
        bigquery_client,
        "enriched.contact",
        [contact(npi_of[name], email=f" {npi_of[name]}@X.example") for name in known],
    )
    # Who opted out shares an inbox with somebody who did not.
    insert(
        bigquery_client,
        "enriched.contact",
        [contact(npi, email="front.desk@x.example") for npi in (npi_of["shared inbox"], "2199999999")],
    )
    held = person_id(npi_of["held address"])
    record(lake, new_send(GHL, held, CREATE, {"email": "former@x.example"}, AS_OF), 1, '{"remote_id": "c1"}')
    store.load(store.unloaded())
    suppress(bigquery_client, "person", person_id(npi_of["person, all"]), channel="all")
    suppress(bigquery_client, "person", person_id(npi_of["person, e-mail"]), channel="email")
    suppress(bigquery_client, "email", f"{npi_of['address, e-mail']}@x.example", channel="email")
    suppress(bigquery_client, "email", f"{npi_of['address, all']}@x.example", channel="all")
    suppress(bigquery_client, "email", "former@x.example")
    suppress(bigquery_client, "person", person_id("2199999999"), channel="all")
    suppress(bigquery_client, "person", person_id(npi_of["sms"]), channel="sms")
    suppress(bigquery_client, "person", person_id(npi_of["call"]), channel="call")
    sends = {
        name: new_send(GHL, person_id(npi), UPDATE, {"phone": "+15125550100"}, AS_OF) for name, npi in npi_of.items()
    }
    found = store.suppressed(list(sends.values()))
    assert {name for name, send in sends.items() if send.person_id in found} == set(names) - {"sms", "call", "free"}
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
