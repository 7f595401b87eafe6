"""What GHL is told: contacts, tags and do-not-disturb, and which of its contacts is whose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from include.activation.person import coarse_score, grade, readable_name
from include.activation.send import CREATE, GHL, SUPPRESS, UPDATE, Plan, Send, json_text, new_send

SOURCE_TAG = "dental-gtm"
STOP_OF_ADDRESS = "STOP_OF_ADDRESS"
CHANNELS = frozenset({"email", "sms", "call"})


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
    first, last = readable_name(row["first_name"]), readable_name(row["last_name"])
    contact = {
        "firstName": first,
        "lastName": last,
        "name": " ".join(part for part in (first, last) if part) or None,
        "email": row["email"],
        "phone": row["phone"],
        "companyName": readable_name(row["company_name"]),
        "address1": readable_name(row["address_line_1"]),
        "city": readable_name(row["city"]),
        "state": row["state"],
        "postalCode": row["zip5"],
        "country": "US",
        "source": SOURCE_TAG,
        "customFields": [
            {"id": field_ids.get(name, name), "fieldValue": value}
            for name, value in custom.items()
            if value is not None
        ],
        # Who said STOP by SMS may still get e-mail, and the CRM must know both.
        "dndSettings": {channel: {"status": "active"} for channel in ("sms", "call") if row[f"closed_{channel}"]}
        or None,
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


def belongs_to(send: Send, contact: Mapping[str, Any]) -> bool:
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


def ghl_stop(channels: Collection[str], by_person: bool) -> dict[str, Any]:
    """Do-not-disturb for the channels that are closed (email, sms, call; or all). Names nobody.

    An opt-out of one channel closes no other one. by_person False: only an address failed. The code says so, for GHL tells
    our webhook of our own change, and it must not come back as an opt-out of the person (include/sql/clean/event/query.sql).
    """
    if "all" in channels:
        return {"dnd": True}
    code = {} if by_person else {"code": STOP_OF_ADDRESS}
    marks = {"email": code}
    return {"dndSettings": {channel: {"status": "active", **marks.get(channel, {})} for channel in sorted(channels)}}


def closed_channels(contact: Mapping[str, Any]) -> set[str]:
    """The channels on which a contact of GHL's must be left alone: email, sms, call; or all. A stop of ours is not one: we never write `permanent`."""
    closed = {"all"} if contact.get("dnd") in (True, "true") else set()
    settings = contact.get("dndSettings")
    for name, setting in settings.items() if isinstance(settings, Mapping) else ():
        is_closed = isinstance(setting, Mapping) and setting.get("status") in ("active", "permanent")
        is_ours = is_closed and setting.get("status") == "active" and setting.get("code") == STOP_OF_ADDRESS
        if is_closed and not is_ours and name.lower() in CHANNELS:
            closed.add(name.lower())
    return closed


def is_stopped(contact: Mapping[str, Any], stop: Mapping[str, Any]) -> bool:
    """Whether a contact of GHL's has every channel closed that ``stop`` (of ghl_stop) closes."""
    if contact.get("dnd") is True:
        return True
    settings = contact.get("dndSettings") or {}
    wanted = stop.get("dndSettings") or {}
    return bool(wanted) and all(
        (settings.get(channel) or {}).get("status") in ("active", "permanent") for channel in wanted
    )


def stopped_channels(row: Mapping[str, Any]) -> set[str]:
    """The channels that a suppressed person's contact must have closed: those of the person, and e-mail at least."""
    if row["closed_all"]:
        return {"all"}
    return {"email", *(channel for channel in ("sms", "call") if row[f"closed_{channel}"])}


def read_contact_body(contact: Mapping[str, Any], person_id: str | None) -> bytes:
    """What we read of a contact that must be left alone, as an event of GHL's: no more than its opt-out and its address."""
    kept = {name: contact[name] for name in ("id", "email", "dnd", "dndSettings") if contact.get(name) is not None}
    return json_text({"type": "ContactRead", "provenance": "read at sync", "person_id": person_id, **kept}).encode()


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
            operation, payload, changes = SUPPRESS, ghl_stop(stopped_channels(row), row["by_person"]), {}
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


def found_body(remote_id: str) -> str:
    """What the ledger keeps of a create in GHL whose answer was lost and whose contact was found."""
    return json_text({"remote_id": remote_id, "reconciled": True})
