from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from include.activation.block_list import keep_blocked, unblocked
from include.activation.send_store import SendStore
from tests.operators.activation import suppress
from tests.sql.clean.raw_events import DANA, EVAN, ghl, know_contact, replace_partitions
from tests.sql.segmented.registry import insert

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

EVENT_AT = "2025-11-10T05:00:00+00:00"  # when suppress() says that it began


def answer(npi: str, email: str) -> dict[str, Any]:
    """An answer of a vendor that has an address."""
    return {
        "vendor": "wiza", "operation": "individual_reveal", "request_key": email, "npi": npi, "status": "responded",
        "asked_at": EVENT_AT, "credits": 2.0, "cost_usd": 0.1, "email": email, "usable_email": False,
    }  # fmt: skip


def test_unblocked_when_addresses_are_known_by_hash_or_person_then_those_that_may_get_no_email(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    store = SendStore(bigquery_client, lake, "instantly", {})
    assert unblocked(store) == []
    know_contact(bigquery_client, DANA, " Dana@Bright.example ")
    know_contact(bigquery_client, EVAN, "evan@bright.example")
    insert(bigquery_client, "enriched.answer", [
        answer(" Dana@Bright.example ", "namesake@bright.example"),  # of a person who opted out, and perhaps another's
        answer("2000000001", "bounced@bright.example"),
        answer("2000000001", "no address"),
    ])  # fmt: skip
    events = [
        ghl("u", "ContactUpdate", EVENT_AT, email="Stranger <Stranger@other.example>"),
        ghl("old", "ContactUpdate", "2025-11-07T05:00:00+00:00", email="early@other.example"),
    ]
    replace_partitions(bigquery_client, events)
    suppress(bigquery_client, "person", DANA, channel="email")
    suppress(bigquery_client, "person", EVAN, channel="sms")
    for address in ("bounced@bright.example", "no address", "stranger@other.example", "early@other.example"):
        suppress(bigquery_client, "email", address)
    suppress(bigquery_client, "email", "evan@bright.example", channel="call")
    expected = ["bounced@bright.example", "dana@bright.example", "stranger@other.example"]
    assert unblocked(store) == expected

    keep_blocked(store, expected, {expected[0]: "entry-1"})
    assert unblocked(store) == expected[1:], "what was refused is offered again"
    keep_blocked(store, expected[1:], dict.fromkeys(expected, "entry-2"))
    assert unblocked(store) == []
    assert unblocked(SendStore(bigquery_client, lake, "smartlead", {})) == expected, "each sender has its own list"
    rows = bigquery_client.query_and_wait("SELECT email_hash, status, remote_id FROM activation.block_list")
    assert {(row["email_hash"], row["status"], row["remote_id"]) for row in rows} == {
        (hashlib.sha256(address.encode()).hexdigest(), "blocked", entry)
        for address, entry in zip(expected, ("entry-1", "entry-2", "entry-2"), strict=True)
    }
