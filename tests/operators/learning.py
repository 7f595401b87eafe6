"""Leads, first e-mails and answers with known truth, as rows of the tables that learning reads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from google.cloud import bigquery

from ml.lead_score import FEATURES
from tests.ml.leads import leads
from tests.sql.segmented.registry import insert

SNAPSHOT = "2025-11-10T06:00:00+00:00"
AS_OF = "2025-11-16T23:00:00+00:00"
NEXT = "2025-11-23T23:00:00+00:00"


def insert_history(
    client: bigquery.Client,
    seed: int,
    n: int = 700,
    signal: float = 1.5,
    start: str = "2025-11-10T14:00Z",
    name: str = "a",
) -> None:
    """Insert n leads' features at SNAPSHOT, their first e-mails from `start` on, a minute apart, and the answers."""
    frame, answers, _ = leads(n, seed, signal)
    frame["person_id"] = [f"{name}{i:05d}" for i in range(n)]
    sent = pd.Timestamp(start) + pd.to_timedelta(np.arange(n), unit="min")
    insert(client, "features.lead", feature_rows(frame))
    events = [_event(p, "email_sent", at) for p, at in zip(frame["person_id"], sent, strict=True)]
    replies = zip(frame["person_id"][answers], sent[answers], strict=True)
    events += [_event(p, "meeting_booked", at + pd.Timedelta(hours=5)) for p, at in replies]
    insert(client, "clean.event", events)


def feature_rows(frame: pd.DataFrame, as_of: str = SNAPSHOT) -> list[dict[str, Any]]:
    """Rows of features.lead at `as_of`."""
    columns = ["person_id", *(f.name for f in FEATURES)]
    records: list[dict[str, Any]] = json.loads(frame[columns].to_json(orient="records"))
    return [{**record, "as_of": as_of} for record in records]


def _event(person_id: str, canonical_type: str, at: pd.Timestamp) -> dict[str, Any]:
    identity = f"{person_id}-{canonical_type}"
    return {
        "event_id": identity,
        "canonical_type": canonical_type,
        "sender": "instantly",
        "vendor_event": canonical_type,
        "occurred_at": at.isoformat(),
        "received_date": at.date().isoformat(),
        "dedup_key": identity,
        "person_id": person_id,
        "campaign_id": "c1",
        "step": 1 if canonical_type == "email_sent" else None,
        "attributes": {},
    }
