"""What we tell a destination about a person, whether it differs from what it knows, and what its answer means.

Pure: no clock, no network. A payload is the JSON object that a vendor gets; a `Send` is one payload for one person; a
result is one row for activation.send, sync_state and rejection (include/sql/activation), read back from the ledger.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from include.call_ledger import Entry
from include.content_blocks import ContentBlock

INSTANTLY = "instantly"
GHL = "ghl"
CREATE, UPDATE, SUPPRESS, SKIP = "create", "update", "suppress", "skip"
SOURCE_TAG = "dental-gtm"
SENDER = Path(__file__).with_name("sender.yaml")
GATE_FAILED = (
    "Only opt-outs were sent to {vendor}: messages are made of {tables}, and its last gate failed. Mend it "
    "(docs/gates.md), then run the DAG again."
)
OPT_OUTS_REFUSED = (
    "{vendor} refused {count} opt-outs. These persons may still get e-mail: look up their "
    "remote_id in activation.rejection (operation suppress), stop them at {vendor} by hand, then run this DAG again. "
    "It fails until {vendor} accepts them or no longer has them."
)
REJECTED_SHARE, REJECTED_LEAST = 0.05, 3  # more refusals than this in one run is a fault of ours, not of the rows
GRADES = (("A", 0.9), ("B", 0.7), ("C", 0.4))  # by rank among all scored leads
ICP_GRADES = (("A", 85.0), ("B", 75.0), ("C", 60.0))  # by ICP score while there is no prediction
CONTENT = ("content_block_id", "subject", "body")
# Counters of Instantly's answer that stand for a lead that it did not take.
REFUSALS = {
    "in_blocklist": "the address or its domain is on the workspace's block list",
    "invalid_email_count": "Instantly holds the address for invalid",
    "incomplete_count": "the lead is incomplete",
    "duplicate_email_count": "the address stands twice in one request",
    "skipped_count": "skipped, and no lead with this address was found",
    "duplicated_leads": "a duplicate, and no lead with this address was found",
}
LOWER_CASE_WORDS = {
    "Llc": "LLC",
    "Pllc": "PLLC",
    "Pc": "PC",
    "Pa": "PA",
    "Dds": "DDS",
    "Dmd": "DMD",
    "Ii": "II",
    "Iii": "III",
}


@dataclass(frozen=True)
class Send:
    """One thing to tell one destination about one person. `payload` of a suppression holds nothing about the person."""

    send_id: str
    destination: str
    person_id: str
    operation: str
    payload_hash: str
    payload: dict[str, Any]
    as_of: str
    remote_id: str | None = None
    campaign_id: str | None = None
    audience_id: str | None = None
    content_block_id: str | None = None
    # What goes over the wire where that is not the payload: the changed fields of an update, or tags gained and lost.
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Everything that one run would do, and how many rows it leaves alone for which reason."""

    sends: list[Send]
    unchanged: int = 0
    rejected_before: int = 0
    held_back: int = 0
    campaigns: dict[str, str] = field(default_factory=dict)  # audience_id -> campaign name, of new leads

    def of(self, operation: str) -> list[Send]:
        return [send for send in self.sends if send.operation == operation]

    def opt_outs(self) -> Plan:
        """What of the plan may be done at any time, also for a point in time that is long past."""
        return Plan(self.of(SUPPRESS))


def payload_hash(payload: Mapping[str, Any]) -> str:
    """SHA-256 of a payload, the same for the same content in any order."""
    return hashlib.sha256(_json(payload).encode()).hexdigest()


def new_send(
    destination: str,
    person_id: str,
    operation: str,
    payload: Mapping[str, Any],
    as_of: str,
    attempt: int = 0,
    held_since: datetime | None = None,
    **more: Any,
) -> Send:
    """Return a send; its id is the same whenever the run plans it again.

    :param attempt: earlier refusals of the payload.
    :param held_since: when the destination was told what it holds of the person; None: it holds nothing.
    """
    digest = payload_hash(payload)
    moment = datetime.fromisoformat(as_of).astimezone(UTC).isoformat(timespec="seconds")
    parts = [destination, person_id, operation, digest, moment, str(attempt)]
    if held_since is not None:
        # A value may return to an earlier one at the same as_of. What the destination holds tells the two sends apart, by
        # its moment, for by its hash the fourth of A, B, A, B would be the second. A rerun still finds its own sends: the
        # moment is the ledger's, the same however often it is loaded, and it moves only when an answered call is loaded;
        # from then on the payload is what is held, and is not planned.
        parts.append(held_since.astimezone(UTC).isoformat())
    send_id = hashlib.sha256("|".join(parts).encode()).hexdigest()
    return Send(f"s{send_id[:31]}", destination, person_id, operation, digest, dict(payload), moment, **more)


def batch_key(sends: Sequence[Send]) -> str:
    """The ledger key of one call that carries these sends; one send's key is its own id."""
    if len(sends) == 1:
        return sends[0].send_id
    return "b" + hashlib.sha256("|".join(sorted(send.send_id for send in sends)).encode()).hexdigest()[:31]


def request_of(sends: Sequence[Send]) -> dict[str, Any]:
    """What the call ledger keeps of a call: all that is needed to make rows of it later."""
    return {"sends": [asdict(send) for send in sends]}


def sends_of(entry: Entry) -> list[Send]:
    """The sends of a call in the ledger."""
    return [Send(**item) for item in json.loads(entry.request)["sends"]]


def worked_as_of(as_of: str, newest: str | None, is_given: bool) -> str:
    """The point in time that a run works at: the newest one known, unless a person gave one (is_given)."""
    if is_given or newest is None:
        return as_of
    return max(as_of, newest, key=moment)


def moment(as_of: str) -> datetime:
    """An ISO 8601 point in time as an aware datetime."""
    parsed = datetime.fromisoformat(as_of)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def iso_week(as_of: str) -> tuple[date, date]:
    """Monday and Sunday of the ISO week that a point in time is in (UTC)."""
    day = datetime.fromisoformat(as_of).astimezone(UTC).date()
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def remaining(max_new_leads: int, sent: int) -> int:
    """How many new leads the week still takes."""
    return max(0, max_new_leads - sent)


def grade(rank_pct: float | None, icp_score: float | None) -> str:
    """A, B, C or D: by rank among the scored leads, and by ICP score while nothing is predicted."""
    scale, value = (GRADES, rank_pct) if rank_pct is not None else (ICP_GRADES, icp_score or 0.0)
    return next((letter for letter, least in scale if value >= least), "D")


def coarse_score(score: float | None, icp_score: float | None) -> int:
    """The score as it is sent: to the nearest 10, so that noise is not a change."""
    value = score if score is not None else icp_score or 0.0
    return int(10 * round(value / 10))


def instantly_payload(row: Mapping[str, Any], block: ContentBlock) -> dict[str, Any]:
    """Return the lead of a row of instantly_new.sql or instantly_known.sql; ValueError where the content has a gap."""
    subject, body = block.rendered(_merge_values(row))
    lead = {
        "email": row["email"],
        "first_name": _name(row["first_name"]),
        "last_name": _name(row["last_name"]),
        "company_name": _name(row["company_name"]),
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


def ghl_payload(row: Mapping[str, Any], field_ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the contact of a row of ghl_contacts.sql; what we do not know is left out, so it overwrites nothing.

    :param field_ids: our field name -> GHL's custom field id, where they differ.
    """
    custom = {
        "gtm_person_id": row["person_id"],
        "gtm_npi": row["npi"],
        "gtm_lead_score": str(coarse_score(row["score"], row["icp_score"])),
        "gtm_grade": grade(row["rank_pct"], row["icp_score"]),
        "gtm_segment": row["segment"],
        "gtm_specialty": row["specialty"],
        "gtm_audience": row["audience_id"],
        "gtm_content_block": row["content_block_id"],
        "gtm_practice_phone": row["practice_phone"],
    }
    first, last = _name(row["first_name"]), _name(row["last_name"])
    contact = {
        "firstName": first,
        "lastName": last,
        "name": " ".join(part for part in (first, last) if part) or None,
        "email": row["email"],
        "phone": row["phone"],
        "companyName": _name(row["company_name"]),
        "address1": _name(row["address_line_1"]),
        "city": _name(row["city"]),
        "state": row["state"],
        "postalCode": row["zip5"],
        "country": "US",
        "source": SOURCE_TAG,
        "customFields": [
            {"id": field_ids.get(name, name), "fieldValue": value}
            for name, value in custom.items()
            if value is not None
        ],
    }
    return {name: value for name, value in contact.items() if value is not None}


def ghl_tags(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the tags of ours that a contact gains, `tags`, and loses, `former_tags`; what people set is never among them.

    A contact of another audience than the last send said gains all of ours and loses every other audience of ours: a call
    whose answer was lost may have left a tag that no send tells of. One of the same audience gains and loses none.
    """
    if row["is_held"] and row["held_audience"] == row["audience_id"]:
        return {"tags": [], "former_tags": []}
    wanted = {SOURCE_TAG, row["audience_id"]}
    others = {row["held_audience"], *(row["our_audiences"] or ())} - wanted
    return {"tags": sorted(filter(None, wanted)), "former_tags": sorted(filter(None, others))}


def is_theirs(send: Send, contact: Mapping[str, Any]) -> bool:
    """Whether a contact that GHL has is that of a create's person: by our id on it, else by its e-mail.

    A phone alone tells nothing: a number goes from one dentist to another, and a front desk has one too.
    """
    if carries(contact, send.person_id):
        return True
    field_id = next(item["id"] for item in send.payload["customFields"] if item["fieldValue"] == send.person_id)
    is_anothers = any(item.get("id") == field_id and item.get("value") for item in contact.get("customFields") or ())
    email = send.payload.get("email")
    return email is not None and not is_anothers and str(contact.get("email") or "").strip().lower() == email


def carries(contact: Mapping[str, Any], person_id: str) -> bool:
    """Whether a contact that GHL has carries our id of this person."""
    return any(item.get("value") == person_id for item in contact.get("customFields") or ())


def ghl_stop(by_person: bool) -> dict[str, Any]:
    """Do-not-disturb for a person who opted out, and for e-mail alone where only an address failed. Names nobody."""
    return {"dnd": True} if by_person else {"dndSettings": {"email": {"status": "active"}}}


def plan_ghl(
    rows: Iterable[Mapping[str, Any]],
    as_of: str,
    field_ids: Mapping[str, str],
    refused: Mapping[tuple[str, str], int],
    retry_rejected: bool,
) -> Plan:
    """Return what GHL must be told. rows: ghl_contacts.sql; refused: (person_id, payload_hash) -> times."""
    sends: list[Send] = []
    unchanged = rejected_before = 0
    for row in rows:
        person_id, held = row["person_id"], {"remote_id": row["remote_id"], "held_since": row["held_since"]}
        if row["suppressed"]:
            # One whose address failed first may opt out later: the stop that GHL holds decides, not that it holds one.
            operation, payload, changes = SUPPRESS, ghl_stop(row["by_person"]), {}
        elif row["held_status"] == "suppressed" or row["npi"] is None:
            unchanged += 1
            continue
        else:
            payload = ghl_payload(row, field_ids)
            operation = UPDATE if row["is_held"] else CREATE
            changes = ghl_tags(row)
        send = new_send(GHL, person_id, operation, payload, as_of, changes=changes, **held)
        if send.payload_hash == row["held_hash"]:
            unchanged += 1
            continue
        times = refused.get((person_id, send.payload_hash), 0)
        if times and operation != SUPPRESS and not retry_rejected:
            rejected_before += 1
            continue
        more = {"audience_id": row["audience_id"], "content_block_id": row["content_block_id"]}
        sends.append(new_send(GHL, person_id, operation, payload, as_of, times, changes=changes, **held, **more))
    return Plan(sends, unchanged, rejected_before)


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


def joined(*plans: Plan) -> Plan:
    """Several plans as one."""
    return Plan(
        [send for plan in plans for send in plan.sends],
        sum(plan.unchanged for plan in plans),
        sum(plan.rejected_before for plan in plans),
        sum(plan.held_back for plan in plans),
        {audience: name for plan in plans for audience, name in plan.campaigns.items()},
    )


def added_body(answer: Mapping[str, Any], found: Mapping[str, str]) -> str:
    """What the ledger keeps of add_leads: the answer, and the ids, by address, of leads that were there already."""
    return _json({"answer": answer, "found": found})


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
    return _json({"answer": {"created_leads": created}, "found": {}, "reconciled": True})


def results(entry: Entry) -> list[dict[str, Any]]:
    """Rows of one answered call for activation.send, sync_state and rejection; no row for a call in doubt."""
    if entry.status == "in_doubt":
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


def found_body(remote_id: str) -> str:
    """What the ledger keeps of a create in GHL whose answer was lost and whose contact was found."""
    return _json({"remote_id": remote_id, "reconciled": True})


def rejection_body(code: str, reason: str) -> str:
    """What the ledger keeps of a refusal: no word of the vendor's, which may quote a person."""
    return _json({"code": code, "reason": reason})


def is_too_many(rejected: int, attempted: int) -> bool:
    """Whether so many sends were refused that the run must fail: over 5 %, and not just one or two."""
    return rejected >= REJECTED_LEAST and rejected > REJECTED_SHARE * attempted


def batches(sends: Sequence[Send], size: int) -> list[list[Send]]:
    """The sends in order, at most ``size`` to a batch."""
    return [list(sends[start : start + size]) for start in range(0, len(sends), size)]


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
        "first_name": _name(row["first_name"]) or "",
        "last_name": _name(row["last_name"]) or "",
        "company_name": _name(row["company_name"]) or "your practice",
        "city": _name(row["city"]) or "your area",
        "state": row["state"] or "your state",
        "specialty": (row["specialty"] or "dental").replace("_", " "),
        "sender_name": known["sender_name"],
        "postal_address": known["postal_address"],
        "unsubscribe_url": known["unsubscribe_url"].format(person_id=row["person_id"]),
    }


def _name(published: str | None) -> str | None:
    """A name that the registry has in capitals, as a person writes it."""
    if not published:
        return None
    words = [LOWER_CASE_WORDS.get(word, word) for word in published.title().replace("'S ", "'s ").split()]
    return " ".join(words)


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
        "payload": _json(send.payload),
        "code": code,
        "reason": reason,
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
