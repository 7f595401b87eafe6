"""Go High Level's own Python client (version v3) against the sandbox, and its check of a webhook's signature."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from highlevel import HighLevel
from highlevel.error import GHLError

from services.embedded.sandbox import KEYS, LOCATION_ID, Sandbox
from tests.judges.conftest import Inbox, moved_on

Ask = Callable[[Callable[[HighLevel], Awaitable[Any]]], Any]
CONTACT = {"locationId": LOCATION_ID, "firstName": "Ada", "lastName": "Judge", "email": "ada@judges.example"}
OPTED_OUT = {"status": "active"}


@pytest.fixture
def ask(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    monkeypatch.setattr(HighLevel, "BASE_URL", f"{sandbox.url}/ghl")

    def asked(question: Callable[[HighLevel], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            client = HighLevel(private_integration_token=KEYS["ghl"])
            try:
                return await question(client)
            finally:
                await client.http_client.aclose()

        return asyncio.run(run())

    yield asked


def search(ask: Ask, email: str) -> list[dict[str, Any]]:
    filters = [{"field": "email", "operator": "eq", "value": email}]
    body = {"locationId": LOCATION_ID, "pageLimit": 20, "filters": filters}
    return list(ask(lambda client: client.contacts.search_contacts_advanced(body))["contacts"])


def test_contact_when_made_changed_found_and_deleted_then_each_is_so(ask: Ask) -> None:
    contact_id = ask(lambda client: client.contacts.create_contact(CONTACT))["contact"]["id"]
    changes = {"lastName": "Bench", "dndSettings": {"email": OPTED_OUT}}
    ask(lambda client: client.contacts.update_contact(contact_id, changes))
    ask(lambda client: client.contacts.add_tags(contact_id, {"tags": ["Judged"]}))
    held = ask(lambda client: client.contacts.get_contact(contact_id))["contact"]
    assert (held["lastName"], held["dndSettings"], held["tags"]) == ("Bench", {"email": OPTED_OUT}, ["judged"])
    assert [found["id"] for found in search(ask, CONTACT["email"])] == [contact_id]
    ask(lambda client: client.contacts.delete_contact(contact_id))
    assert search(ask, CONTACT["email"]) == []


def test_contact_when_its_address_is_anothers_then_the_client_shows_the_refusal(ask: Ask) -> None:
    other = {**CONTACT, "email": "ben@judges.example"}
    contact_id = ask(lambda client: client.contacts.create_contact(other))["contact"]["id"]
    with pytest.raises(GHLError) as refusal:
        ask(lambda client: client.contacts.create_contact(other))
    assert refusal.value.status_code == 400
    assert refusal.value.response["meta"] == {
        "contactId": contact_id,
        "matchingField": "email",
        "contactName": "Ada Judge",
    }


@pytest.mark.parametrize(
    ("field", "status", "said"),
    [
        ({"gender": "female"}, 501, "not modeled by the sandbox: body/gender of create-contact"),
        ({"nobodys": 1}, 422, "nobodys: property nobodys should not exist"),
        ({"dndSettings": {"Email": OPTED_OUT}}, 422, "dndSettings.property Email should not exist"),
    ],
)
def test_contact_when_a_field_is_not_modeled_or_nobodys_then_refused_for_that(
    ask: Ask, field: dict[str, object], status: int, said: str
) -> None:
    contact = {**CONTACT, "email": "cy@judges.example", **field}
    with pytest.raises(GHLError) as refusal:
        ask(lambda client: client.contacts.create_contact(contact))
    assert refusal.value.status_code == status
    assert said in str(refusal.value.response)
    assert search(ask, "cy@judges.example") == []


def test_webhook_when_it_arrives_then_the_client_takes_its_signature(ask: Ask, sandbox: Sandbox, inbox: Inbox) -> None:
    ask(lambda client: client.contacts.create_contact({**CONTACT, "email": "dee@judges.example"}))
    headers, body = moved_on(sandbox, inbox, b"dee@judges.example")
    key = sandbox.admin.get("keys").json()["ghl_webhook_public_key"]

    async def verified(client: HighLevel) -> tuple[bool, bool]:
        pem = f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"
        signature = headers["x-ghl-signature"]
        check = client.webhooks.verify_ed25519_signature
        return check(body.decode(), signature, pem), check(body.decode() + " ", signature, pem)

    assert ask(verified) == (True, False)
