"""What the answer to a call means: one row for activation.send, sync_state and rejection (include/sql/activation)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from include.activation.send import SKIP, Send, json_text, sends_of
from include.lake.call_ledger import Entry

# Counters of Instantly's answer that stand for a lead that it did not take.
REFUSALS = {
    "in_blocklist": "the address or its domain is on the workspace's block list",
    "invalid_email_count": "Instantly holds the address for invalid",
    "incomplete_count": "the lead is incomplete",
    "duplicate_email_count": "the address stands twice in one request",
    "skipped_count": "skipped, and no lead with this address was found",
    "duplicated_leads": "a duplicate, and no lead with this address was found",
}


def results(entry: Entry) -> list[dict[str, Any]]:
    """Rows of one answered call for activation.send, sync_state and rejection; no row for a call with an unknown outcome."""
    if entry.status == "outcome_unknown":
        return []
    body = json.loads(entry.body or "{}")
    sends = sends_of(entry)
    if entry.status == "failed":
        return [_row(entry, send, "rejected", None, body["code"], body["reason"]) for send in sends]
    if "answer" in body:
        return _added(entry, sends, body)
    if body.get("reconciled"):  # what of it was done is not known: this hash makes the next plan bring it up to date
        sends = [replace(send, payload_hash="", audience_id=None) for send in sends]
    return [_row(entry, send, "sent", body.get("remote_id") or send.remote_id) for send in sends]


def rejection_body(code: str, reason: str) -> str:
    """What the ledger keeps of a refusal: no word of the vendor's, which may quote a person."""
    return json_text({"code": code, "reason": reason})


def _added(entry: Entry, sends: list[Send], body: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer, found = body["answer"], body["found"]
    created = {lead["index"]: lead["id"] for lead in answer["created_leads"]}
    rows = []
    for index, send in enumerate(sends):
        email = send.payload["email"]
        if index in created:
            rows.append(_row(entry, send, "sent", created[index]))
        elif email in found:
            rows.append(_row(entry, replace(send, operation=SKIP), "sent", found[email]))
        elif not body.get("reconciled"):  # a reconciled call left it out: it was not sent, and is planned again
            rows.append(_row(entry, send, "rejected", None, *_refusal(answer)))
    return rows


def _refusal(answer: Mapping[str, Any]) -> tuple[str, str]:
    """Instantly counts refusals and names nobody: one counter up is the reason, several leave it open."""
    up = [name for name in REFUSALS if answer.get(name)]
    if not up:
        return "not_created", "Instantly created no lead and gave no reason"
    return "|".join(up), "; or ".join(REFUSALS[name] for name in up)


def _row(
    entry: Entry, send: Send, status: str, remote_id: str | None, code: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    return {
        "send_id": send.send_id,
        "destination": send.destination,
        "person_id": send.person_id,
        "payload_hash": send.payload_hash,
        "operation": send.operation,
        "status": status,
        "remote_id": remote_id,
        "campaign_id": send.campaign_id,
        "audience_id": send.audience_id,
        "content_block_id": send.content_block_id,
        "as_of": send.as_of,
        "sent_at": entry.requested_at.isoformat(),
        "batch_key": entry.request_key,
        "payload": json_text(send.payload),
        "code": code,
        "reason": reason,
    }
