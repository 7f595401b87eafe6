"""The activation tables and the call ledger behind them: what was sent, and who may not be contacted.

The ledger is written first, call by call; these tables are a fold over it and may lag behind until ``load`` ran.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from google.api_core.exceptions import PreconditionFailed
from google.cloud import bigquery, storage

from include.activation.ghl import read_contact_body
from include.activation.results import results
from include.activation.send import GHL, INSTANTLY, Send
from include.contacts.email_address import normalized_email
from include.events.inbox import InboxEvent, object_name, to_object
from include.lake.call_ledger import CallLedger, Entry
from include.warehouse.run import run
from include.warehouse.tables import table

OPERATIONS = {
    INSTANTLY: ("add_leads", "patch_lead", "delete_lead"),
    # An earlier version called its creates upsert_contact: one that was answered and not loaded, or is outcome unknown, counts.
    GHL: ("create_contact", "update_contact", "upsert_contact"),
}
GATED = ("enriched.contact", "segmented.lead", "predictions.lead_score")  # what a message and its order are made of
MAXIMUM_BYTES_BILLED = 50 * 1024**3
ROWS_PER_QUERY = 200  # BigQuery takes 1 MB of query with its parameters, and a row with its content is about 2 KB


@dataclass(frozen=True)
class SendStore:
    """One destination's side of the activation tables. labels: put on every BigQuery job."""

    client: bigquery.Client
    bucket: storage.Bucket
    destination: str
    labels: Mapping[str, str]

    def ledger(self, operation: str) -> CallLedger:
        return CallLedger(self.bucket, self.destination, operation)

    def newest_as_of(self) -> str | None:
        """The newest point in time that anything was sent for, to any destination, ISO 8601 UTC."""
        newest = self.query(table("activation.send").sql("loaded"), destination=self.destination)[0]["newest_as_of"]
        return newest.astimezone(UTC).isoformat(timespec="seconds") if newest else None

    def unloaded(self) -> list[Entry]:
        """Calls that the ledger has and the tables do not, those outcome unknown among them."""
        known = self.query(table("activation.send").sql("loaded"), destination=self.destination)[0]["batch_keys"]
        keys = set(known or ())
        return [e for operation in OPERATIONS[self.destination] for e in self.ledger(operation).entries(skip=keys)]

    def load(self, entries: Sequence[Entry]) -> dict[str, int]:
        """Bring the tables to what these calls did; return counts of rows and of calls still outcome unknown."""
        calls = [results(entry) for entry in entries]
        for part in whole_calls(calls, ROWS_PER_QUERY):
            self._store(part)
        rows = [row for call in calls for row in call]
        return {
            "sent": sum(row["status"] == "sent" for row in rows),
            "rejected": sum(row["status"] == "rejected" for row in rows),
            "calls_outcome_unknown": sum(entry.status == "outcome_unknown" for entry in entries),
        }

    def refused(self) -> dict[tuple[str, str], int]:
        """How often each (person_id, payload_hash) was refused."""
        rows = self.query(table("activation.rejection").sql("known"), destination=self.destination)
        return {(row["person_id"], row["payload_hash"]): row["times"] for row in rows}

    def suppressed(self, sends: Sequence[Send]) -> set[str]:
        """The persons of these sends who may not be contacted, or not at the send's address, as of this very moment."""
        planned = [{"person_id": send.person_id, "email": send.payload.get("email")} for send in sends]
        rows = self.query(
            table("activation.send").sql("suppressed"),
            person_ids=[send.person_id for send in sends],
            planned=json.dumps(planned, ensure_ascii=False),
        )
        return {row["person_id"] for row in rows}

    def keep_opt_out(self, contact: Mapping[str, Any], channels: Collection[str], person_id: str | None) -> None:
        """Keep that a contact which we read in the CRM must be left alone: as an event in the inbox, then as a suppression.

        The event is what clean.suppression is made of again; without the row an opt-out would wait for the next day's load.
        """
        body = read_contact_body(contact, person_id)
        now = datetime.now(UTC)
        event = InboxEvent(GHL, f"read-{hashlib.sha256(body).hexdigest()}", now, {"user-agent": "activate_ghl"}, body)
        with suppress(PreconditionFailed):  # read before today
            self.bucket.blob(object_name(event)).upload_from_string(
                to_object(event), content_type="application/json", if_generation_match=0
            )
        email = normalized_email(str(contact.get("email") or ""))
        known = [("person", person_id), ("email", email and hashlib.sha256(email.encode()).hexdigest())]
        rows = [
            {"identifier_type": kind, "identifier_hash": value, "channel": channel, "since": now.isoformat()}
            for kind, value in known
            for channel in sorted(channels)
            if value
        ]
        self.query(table("clean.suppression").sql("read_contact"), rows=json.dumps(rows))

    def failed_gates(self) -> list[str]:
        """The tables that a message is made of whose last gate failed: they were written before it judged them."""
        rows = self.query(table("ops.table_profile").sql("failed"), table_names=list(GATED))
        return [f"{row['table_name']} (as of {row['as_of']:%Y-%m-%d %H:%M})" for row in rows]

    def new_in_week(self, monday: date, sunday: date) -> int:
        """New leads that the destination accepted in runs of these days."""
        sql = table("activation.send").sql("new_in_week")
        return int(self.query(sql, destination=self.destination, monday=monday, sunday=sunday)[0]["sent"])

    def query(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Run one statement and return its rows."""
        rows = run(self.client, sql, self.labels, MAXIMUM_BYTES_BILLED, **values)
        return [dict(row) for row in rows]

    def _store(self, rows: list[dict[str, Any]]) -> None:
        days = sorted(datetime.fromisoformat(row["as_of"]).date() for row in rows)
        values: dict[str, Any] = {"rows": json.dumps(rows, ensure_ascii=False)}
        self.query(table("activation.sync_state").sql(), **values)
        # activation.send comes last: what is in it is never read from the ledger again.
        for name in ("activation.rejection", "activation.send"):
            self.query(table(name).sql(), **values, first_date=days[0], last_date=days[-1])


def whole_calls(calls: Iterable[list[dict[str, Any]]], size: int) -> list[list[dict[str, Any]]]:
    """The rows of the calls in parts of at most ``size`` rows, each call whole.

    A call counts as loaded when one of its rows is, so a crash between two parts must not leave half of one behind.
    """
    parts: list[list[dict[str, Any]]] = []
    for call in calls:
        if parts and len(parts[-1]) + len(call) <= size:
            parts[-1] = parts[-1] + call
        elif call:
            parts.append(call)
    return parts


def forecast(calls: int, requests_per_second: float) -> dict[str, float]:
    """Calls and the seconds that the vendor's own limit makes them take."""
    return {"calls": calls, "seconds": round(calls / requests_per_second, 1)}
