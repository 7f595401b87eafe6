"""Which suppressed addresses a destination's block list lacks, and what it showed of those that it was told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from include.activation.send_store import SendStore
from include.warehouse.tables import table


def unblocked(store: SendStore) -> list[str]:
    """Return the suppressed addresses that do not stand on the destination's block list, as far as it showed us."""
    sql = table("activation.block_list")
    (since,) = store.query(sql.sql("first_day"), destination=store.destination)
    first_day = since["first_day"] or date.max
    rows = store.query(sql.sql("unblocked"), destination=store.destination, first_day=first_day)
    return [row["email"] for row in rows]


def keep_blocked(store: SendStore, addresses: Sequence[str], held: Mapping[str, str]) -> None:
    """Record what the destination's block list showed of each address. held: address -> id of its entry."""
    rows = [
        {
            "email_hash": hashlib.sha256(address.encode()).hexdigest(),
            "status": "blocked" if address in held else "refused",
            "remote_id": held.get(address),
        }
        for address in addresses
    ]
    read_at, sql = datetime.now(UTC), table("activation.block_list").sql()
    store.query(sql, destination=store.destination, read_at=read_at, rows=json.dumps(rows))
