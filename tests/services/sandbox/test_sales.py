"""From a booked meeting to an order in the CRM, signed, only for contacts that the CRM has."""

import base64
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jsonschema import Draft202012Validator
from sandbox_runs import GHL, INSTANTLY, LOCATION, Receiver, in_process, new_campaign

from services.sandbox.contract import CONTRACTS
from services.sandbox.plan import Plan
from services.sandbox.world import World


def run_quarter(plan: Plan, receiver: Receiver, with_contacts: bool) -> str:
    """Two months of a campaign to everybody; the GHL public key. Contacts are in the CRM before the first e-mail."""
    client = in_process(replace(plan, webhook_url=receiver.url))
    people = list(World(plan.nppes_dir, plan.seed, plan.start).people().values())
    if with_contacts:
        for person in people:
            contact = {"locationId": LOCATION, "email": person.email, "companyName": person.practice_name}
            client.post("/ghl/contacts/", headers=GHL, json=contact)
    leads = [{"email": person.email, "custom_variables": {"npi": person.npi}} for person in people]
    body = {"campaign_id": new_campaign(client), "leads": leads}
    client.post("/instantly/api/v2/leads/add", headers=INSTANTLY, json=body)
    client.post("/__sandbox__/clock", json={"now": "2026-01-10T00:00:00Z"})
    key: str = client.get("/__sandbox__/keys").json()["ghl_webhook_public_key"]
    return key


def ghl_events(receiver: Receiver) -> list[tuple[dict[str, str], bytes, dict[str, Any]]]:
    return [(headers, body, json.loads(body)) for path, headers, body in receiver.got if path == "/webhooks/ghl"]


def test_events_when_contacts_are_in_the_crm_then_valid_signed_and_a_full_funnel(
    plan: Plan, receiver: Receiver
) -> None:
    key = load_der_public_key(base64.b64decode(run_quarter(plan, receiver, with_contacts=True)))
    assert isinstance(key, Ed25519PublicKey)
    schema = json.loads((CONTRACTS / "webhooks" / "gohighlevel.schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema)
    found = ghl_events(receiver)
    for headers, body, event in found:
        assert list(validator.iter_errors(event)) == []
        key.verify(base64.b64decode(headers["x-ghl-signature"]), body)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(found[0][0]["x-ghl-signature"]), found[0][1] + b" ")
    kinds = Counter(event["type"] for _, _, event in found)
    won = sum(event["type"] == "OpportunityStatusUpdate" and event["status"] == "won" for _, _, event in found)
    assert kinds["ContactCreate"] > kinds["AppointmentCreate"] > won > 0
    assert kinds["AppointmentCreate"] == kinds["OpportunityCreate"] == kinds["OpportunityStatusUpdate"]
    assert kinds["OrderCreate"] == won
    assert len({event["webhookId"] for _, _, event in found}) == len(found)
    prices = {item["price"]["type"] for _, _, event in found for item in event.get("items", [])}
    assert prices == {"one_time", "recurring"}


def test_events_when_a_deal_is_followed_then_steps_come_in_order(plan: Plan, receiver: Receiver) -> None:
    run_quarter(plan, receiver, with_contacts=True)
    stories: dict[str, list[str]] = {}
    for _, _, event in sorted(ghl_events(receiver), key=lambda item: item[2]["timestamp"]):
        contact = event.get("contactId") or event.get("appointment", {}).get("contactId")
        if contact:
            stories.setdefault(contact, []).append(event["type"])
    usual = ["AppointmentCreate", "OpportunityCreate", "AppointmentUpdate", "OpportunityStatusUpdate", "OrderCreate"]
    assert stories
    assert all(story == usual[: len(story)] for story in stories.values())


def test_events_when_the_crm_knows_nobody_then_none(plan: Plan, receiver: Receiver) -> None:
    run_quarter(plan, receiver, with_contacts=False)
    assert ghl_events(receiver) == []
