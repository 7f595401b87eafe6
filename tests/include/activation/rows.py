"""A made-up row of the activation queries, sends and calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from include.activation.send import (
    CREATE,
    INSTANTLY,
    Send,
    new_send,
    request_of,
)
from include.lake.call_ledger import Entry

AS_OF = "2025-11-10T06:00:00+00:00"
ROW: dict[str, Any] = {
    "person_id": "p1",
    "npi": "2000000002",
    "audience_id": "general-independent",
    "email": "dana@x.example",
    "first_name": "DANA",
    "last_name": "O'BRIEN",
    "company_name": "SMITH'S DENTAL PLLC",
    "phone": None,
    "practice_phone": "+15125550100",
    "address_line_1": "1 MAIN ST",
    "city": "AUSTIN",
    "state": "TX",
    "zip5": "78701",
    "segment": "TX-787",
    "specialty": "oral_surgery",
    "icp_score": 71.0,
    "score": 42.4,
    "rank_pct": 0.95,
    "content_block_id": "growth-benchmark-report",
    "remote_id": None,
    "held_status": None,
    "held_hash": None,
    "held_since": None,
    "held_audience": None,
    "our_audiences": ["dso-groups", "general-independent", "specialists"],
    "is_held": False,
    "suppressed": False,
    "by_person": False,
    "closed_all": False,
    "closed_sms": False,
    "closed_call": False,
}


def added(index: int, email: str) -> Send:
    return new_send(INSTANTLY, f"p{index}", CREATE, {"email": email}, AS_OF)


def answered(sends: list[Send], body: str | None, status: Any = "responded") -> Entry:
    request = json.dumps(request_of(sends))
    at = datetime(2025, 11, 10, 6, 1, tzinfo=UTC)
    return Entry(INSTANTLY, "add_leads", "b1", None, status, 200, None, request, body, 0.0, 0.0, at, at)
