"""Made-up rows of clean.event for tests of what is learned from them."""

from __future__ import annotations

from typing import Any

from tests.sql.segmented.registry import person_id


def event(npi: str, canonical_type: str, occurred_at: str, **fields: Any) -> dict[str, Any]:
    """Return a row of clean.event; an e-mail belongs to step 1 of campaign c1 unless ``fields`` say otherwise."""
    identity = f"{npi}-{canonical_type}-{occurred_at}-{fields.get('campaign_id', '')}"
    return {
        "event_id": identity,
        "canonical_type": canonical_type,
        "sender": "instantly",
        "vendor_event": canonical_type,
        "occurred_at": occurred_at,
        "received_date": occurred_at[:10],
        "dedup_key": identity,
        "person_id": person_id(npi),
        "campaign_id": "c1",
        "step": 1 if canonical_type.startswith("email_") else None,
        "attributes": {},
        **fields,
    }
