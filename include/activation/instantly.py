"""What Instantly is told: leads and the campaign of an audience, and what may still change of a lead that it has."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from include.activation.content_blocks import ContentBlock
from include.activation.person import coarse_score, grade, readable_name
from include.activation.send import CREATE, INSTANTLY, SUPPRESS, UPDATE, Plan, Send, json_text, new_send, payload_hash

SENDER = Path(__file__).with_name("sender.yaml")
CONTENT = ("content_block_id", "subject", "body")


def iso_week(as_of: str) -> tuple[date, date]:
    """Monday and Sunday of the ISO week that a point in time is in (UTC)."""
    day = datetime.fromisoformat(as_of).astimezone(UTC).date()
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def remaining(max_new_leads: int, sent: int) -> int:
    """How many new leads the week still takes."""
    return max(0, max_new_leads - sent)


def instantly_payload(row: Mapping[str, Any], block: ContentBlock) -> dict[str, Any]:
    """Return the lead of a row of instantly_new.sql or instantly_known.sql; ValueError where the content has a gap."""
    subject, body = block.rendered(_merge_values(row))
    lead = {
        "email": row["email"],
        "first_name": readable_name(row["first_name"]),
        "last_name": readable_name(row["last_name"]),
        "company_name": readable_name(row["company_name"]),
        "phone": row["phone"],
        "custom_variables": {
            "person_id": row["person_id"],
            "audience_id": row["audience_id"],
            "lead_score": coarse_score(row["score"], row["icp_score"]),
            "grade": grade(row["rank_pct"], row["icp_score"]),
            "content_block_id": block.id,
            "subject": subject,
            # Instantly sends HTML and wants its line breaks so.
            "body": html.escape(body, quote=False).replace("\n", "<br/>"),
        },
    }
    return {name: value for name, value in lead.items() if value is not None}


def lead_changes(held: Mapping[str, Any], wanted: Mapping[str, Any], contacted: bool) -> dict[str, Any]:
    """Return what to PATCH so that a lead becomes ``wanted``; custom variables that stay are left out.

    The address is the lead's identity and never changes. After the first e-mail the content stays too: webhooks report
    a lead's present variables, so a later block would be credited with what an earlier one did.
    """
    frozen = CONTENT if contacted else ()
    before = held.get("custom_variables", {})
    variables = {
        name: value
        for name, value in wanted["custom_variables"].items()
        if name not in frozen and before.get(name) != value
    }
    plain = {
        name: value
        for name, value in wanted.items()
        if name not in ("email", "custom_variables") and held.get(name) != value
    }
    return plain | ({"custom_variables": variables} if variables else {})


def merged(held: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The payload that a destination holds after a PATCH."""
    variables = {**held.get("custom_variables", {}), **changes.get("custom_variables", {})}
    return {**held, **changes, "custom_variables": variables}


def plan_new_leads(
    rows: Sequence[Mapping[str, Any]],
    blocks: Mapping[str, ContentBlock],
    as_of: str,
    capacity: int,
    refused: Mapping[tuple[str, str], int],
    retry_rejected: bool,
) -> Plan:
    """Return the week's new leads, best first. rows: instantly_new.sql in its order; a campaign is chosen later."""
    sends: list[Send] = []
    rejected_before = 0
    for row in rows:
        payload = instantly_payload(row, blocks[row["content_block_id"]])
        times = refused.get((row["person_id"], payload_hash(payload)), 0)
        if times and not retry_rejected:
            rejected_before += 1
        elif len(sends) < capacity:
            more = {"audience_id": row["audience_id"], "content_block_id": row["content_block_id"]}
            sends.append(new_send(INSTANTLY, row["person_id"], CREATE, payload, as_of, times, **more))
    candidates = rows[0]["candidates"] if rows else 0
    campaigns = {row["audience_id"]: row["audience_name"] for row in rows}
    return Plan(sends, 0, rejected_before, candidates - len(sends) - rejected_before, campaigns)


def plan_known_leads(
    rows: Iterable[Mapping[str, Any]],
    blocks: Mapping[str, ContentBlock],
    as_of: str,
    contacted: frozenset[str],
    refused: Mapping[tuple[str, str], int],
    retry_rejected: bool,
) -> Plan:
    """Return the leads to delete because they are suppressed, and to change. rows: instantly_known.sql.

    :param contacted: persons whom Instantly has e-mailed already, as it says itself.
    """
    sends: list[Send] = []
    unchanged = rejected_before = 0
    for row in rows:
        held = json.loads(row["held_payload"])
        more: dict[str, Any] = {name: row[name] for name in ("remote_id", "campaign_id", "held_since")}
        changes: dict[str, Any] = {}
        payload: dict[str, Any] = {"deleted": True}
        if row["suppressed"]:
            operation = SUPPRESS
        else:
            changes = (
                lead_changes(held, wanted_lead(row, blocks), row["person_id"] in contacted) if has_facts(row) else {}
            )
            operation, payload = UPDATE, merged(held, changes)
            block_id = payload["custom_variables"].get("content_block_id")
            more |= {"audience_id": row["audience_id"], "content_block_id": block_id, "changes": changes}
        if operation == UPDATE and not changes:
            unchanged += 1
            continue
        times = refused.get((row["person_id"], payload_hash(payload)), 0)
        if times and operation != SUPPRESS and not retry_rejected:
            rejected_before += 1
            continue
        sends.append(new_send(INSTANTLY, row["person_id"], operation, payload, as_of, times, **more))
    return Plan(sends, unchanged, rejected_before)


def has_facts(row: Mapping[str, Any]) -> bool:
    """Whether a lead that Instantly holds is still a member, so that its payload can be made anew."""
    return bool(row["audience_id"] and row["content_block_id"] and row["first_name"] and row["last_name"])


def wanted_lead(row: Mapping[str, Any], blocks: Mapping[str, ContentBlock]) -> dict[str, Any]:
    """The payload that a lead which Instantly holds should have."""
    return instantly_payload(row, blocks[row["content_block_id"]])


def content_differs(row: Mapping[str, Any], blocks: Mapping[str, ContentBlock]) -> bool:
    """Whether the answer to "was this lead e-mailed already" decides what may change."""
    if row["suppressed"] or not has_facts(row):
        return False
    held, wanted = json.loads(row["held_payload"]), wanted_lead(row, blocks)
    return lead_changes(held, wanted, contacted=False) != lead_changes(held, wanted, contacted=True)


def added_body(answer: Mapping[str, Any], found: Mapping[str, str]) -> str:
    """What the ledger keeps of add_leads: the answer, and the ids, by address, of leads that were there already."""
    return json_text({"answer": answer, "found": found})


def absent(sends: Sequence[Send], answer: Mapping[str, Any]) -> list[Send]:
    """The sends that Instantly did not create a lead for."""
    created = {lead["index"] for lead in answer["created_leads"]}
    return [send for index, send in enumerate(sends) if index not in created]


def reconciled_body(sends: Sequence[Send], found: Mapping[str, str]) -> str:
    """The answer that a lost answer of add_leads must have been, from what Instantly holds now."""
    created = [
        {"index": index, "id": found[send.payload["email"]]}
        for index, send in enumerate(sends)
        if send.payload["email"] in found
    ]
    return json_text({"answer": {"created_leads": created}, "found": {}, "reconciled": True})


def with_campaign(sends: Iterable[Send], campaign_id: str) -> list[Send]:
    return [replace(send, campaign_id=campaign_id) for send in sends]


def campaign_of(name: str) -> dict[str, Any]:
    """The campaign of one audience: two e-mails four days apart, on working days; each lead brings its text along."""
    step = {"type": "email", "variants": [{"subject": "{{subject}}", "body": "{{body}}"}]}
    return {
        "name": name,
        "campaign_schedule": {
            "schedules": [
                {
                    "name": "Working days",
                    "timing": {"from": "08:00", "to": "17:00"},
                    "days": {"0": False, "1": True, "2": True, "3": True, "4": True, "5": True, "6": False},
                    "timezone": "America/Chicago",
                }
            ]
        },
        "sequences": [{"steps": [{**step, "delay": 4}, {**step, "delay": 0}]}],
        "stop_on_reply": True,
        "open_tracking": True,
        "link_tracking": True,
        "insert_unsubscribe_header": True,
    }


@cache
def sender() -> dict[str, str]:
    """Sender name, postal address and unsubscribe link of our e-mail (include/sender.yaml)."""
    known: dict[str, str] = yaml.safe_load(SENDER.read_text(encoding="utf-8"))
    missing = sorted(
        {"sender_name", "postal_address", "unsubscribe_url"} - {name for name, value in known.items() if value}
    )
    if missing:
        raise ValueError(f"{SENDER.name}: {', '.join(missing)} is missing: no e-mail may go out without it.")
    return known


def _merge_values(row: Mapping[str, Any]) -> dict[str, str]:
    known = sender()
    return {
        "first_name": readable_name(row["first_name"]) or "",
        "last_name": readable_name(row["last_name"]) or "",
        "company_name": readable_name(row["company_name"]) or "your practice",
        "city": readable_name(row["city"]) or "your area",
        "state": row["state"] or "your state",
        "specialty": (row["specialty"] or "dental").replace("_", " "),
        "sender_name": known["sender_name"],
        "postal_address": known["postal_address"],
        "unsubscribe_url": known["unsubscribe_url"].format(person_id=row["person_id"]),
    }
