"""Delivery: retries, lost and duplicate webhooks, the history, the signing key."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sandbox_runs import GHL, INSTANTLY, LOCATION, Receiver, TestClient, in_process, new_campaign

from services.sandbox.plan import Plan
from services.sandbox.webhooks import public_key, signing_key

API = "/instantly/api/v2"


def contact_created(plan: Plan, receiver: Receiver) -> TestClient:
    """A sandbox in which one ContactCreate waits to be delivered."""
    client = in_process(replace(plan, webhook_url=receiver.url))
    client.post("/ghl/contacts/", headers=GHL, json={"locationId": LOCATION, "email": "ada@practice.example"})
    return client


def deliver(client: TestClient) -> dict[str, Any]:
    now = client.get("/__sandbox__/clock").json()["now"]
    moved: dict[str, Any] = client.post("/__sandbox__/clock", json={"now": now}).json()
    return moved


def test_delivery_when_receiver_fails_once_then_same_bytes_are_sent_again(plan: Plan, receiver: Receiver) -> None:
    receiver.answers = [429]
    moved = deliver(contact_created(plan, receiver))
    assert (moved["delivered"], moved["failed"]) == ({"ghl": 1}, 0)
    assert receiver.got[0][2] == receiver.got[1][2]
    assert receiver.got[0][1]["x-ghl-signature"] == receiver.got[1][1]["x-ghl-signature"]


def test_delivery_when_receiver_always_fails_then_three_tries_and_one_failed(plan: Plan, receiver: Receiver) -> None:
    receiver.answers = [503] * 3
    moved = deliver(contact_created(plan, receiver))
    assert (moved["delivered"], moved["failed"], len(receiver.got)) == ({}, 1, 3)


def test_delivery_when_nobody_listens_then_failed_and_the_clock_still_answers(plan: Plan) -> None:
    client = in_process(replace(plan, webhook_url="http://127.0.0.1:9"))
    client.post("/ghl/contacts/", headers=GHL, json={"locationId": LOCATION, "email": "ada@practice.example"})
    assert deliver(client)["failed"] == 1


def test_duplicate_fault_when_ordered_then_one_event_comes_twice(plan: Plan, receiver: Receiver) -> None:
    client = contact_created(plan, receiver)
    fault = {"vendor": "ghl", "operation": "ContactCreate", "kind": "duplicate_webhook"}
    client.post("/__sandbox__/faults", json=fault)
    assert deliver(client)["delivered"] == {"ghl": 2}
    first, second = (json.loads(body) for _, _, body in receiver.got)
    assert first == second


def test_lost_fault_when_ordered_then_not_sent_but_in_instantlys_history(plan: Plan, receiver: Receiver) -> None:
    client = in_process(plan)
    client.post(
        f"{API}/webhooks", headers=INSTANTLY, json={"target_hook_url": receiver.url, "event_type": "email_sent"}
    )
    body = {"campaign_id": new_campaign(client), "leads": [{"email": "ada@practice.example"}]}
    client.post(f"{API}/leads/add", headers=INSTANTLY, json=body)
    client.post("/__sandbox__/faults", json={"vendor": "instantly", "kind": "lost_webhook", "times": 9})
    moved = client.post("/__sandbox__/clock", json={"now": "2025-11-16T23:00:00Z"}).json()
    assert moved["failed"] >= 1
    assert receiver.got == []
    query = f"{API}/webhook-events?success=false&from=2025-11-10&to=2025-11-16"
    history = client.get(query, headers=INSTANTLY).json()["items"]
    assert history[0]["payload"]["event_type"] == "email_sent"
    assert (history[0]["success"], history[0]["will_retry"], history[0]["status_code"]) == (False, False, None)
    assert client.get(f"{API}/webhook-events?success=true", headers=INSTANTLY).json()["items"] == []


def test_signing_key_when_made_from_seed_then_stable_and_another_seed_differs() -> None:
    assert public_key(signing_key(7, None)) == public_key(signing_key(7, None))
    assert public_key(signing_key(7, None)) != public_key(signing_key(8, None))


def test_signing_key_when_file_is_given_then_that_key(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert public_key(signing_key(7, file)) == public_key(key)


def test_signing_key_when_file_holds_another_kind_then_refused(tmp_path: Path) -> None:
    file = tmp_path / "rsa.pem"
    rsa = generate_private_key(65537, 2048)
    file.write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match="needs an Ed25519 private key"):
        signing_key(7, file)
