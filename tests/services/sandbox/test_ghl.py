"""Go High Level contacts: duplicates, tags, search, limits, refusals, and the events that changes send."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sandbox_runs import GHL, LOCATION, Receiver, TestClient, in_process

from services.sandbox.contract import contract
from services.sandbox.plan import Plan

CREATE = "/ghl/contacts/"
ADA = {"locationId": LOCATION, "email": "ada@practice.example", "phone": "+15125550123", "firstName": "Ada"}


def create(client: TestClient, **fields: Any) -> str:
    """Make a contact; return its id."""
    reply = client.post(CREATE, headers=GHL, json={"locationId": LOCATION, **fields})
    assert reply.status_code == 201, reply.text
    contact_id: str = reply.json()["contact"]["id"]
    return contact_id


def test_create_when_email_or_phone_is_taken_then_400_names_the_contact_and_leaves_it_alone(client: TestClient) -> None:
    ada = create(client, email="ada@practice.example", phone="(512) 555-0123", firstName="Ada", tags=["Called by Ann"])
    ben = create(client, email="ben@practice.example")
    path = f"/ghl/contacts/{ada}"
    before = client.get(path, headers=GHL).json()["contact"]
    assert (before["phone"], before["tags"]) == ("+15125550123", ["called by ann"])
    for email, phone, owner, field in [
        ("ADA@practice.example", None, ada, "email"),
        ("other@practice.example", "+15125550123", ada, "phone"),
        ("ben@practice.example", "+15125550123", ben, "email"),  # two contacts: the e-mail decides
    ]:
        given = {"locationId": LOCATION, "email": email, "tags": ["ours"], **({"phone": phone} if phone else {})}
        reply = client.post(CREATE, headers=GHL, json=given)
        body = reply.json()
        assert (reply.status_code, body["message"]) == (400, "This location does not allow duplicated contacts.")
        assert (body["meta"]["contactId"], body["meta"]["matchingField"]) == (owner, field)
        assert not list(contract("ghl-contacts.json").operation("create-contact").replies[400].iter_errors(body))
    assert client.get(path, headers=GHL).json()["contact"] == before


def test_update_when_it_has_custom_fields_then_others_stay_and_tags_are_replaced(client: TestClient) -> None:
    npi = [{"id": "npi", "fieldValue": "2000000000"}]
    path = f"/ghl/contacts/{create(client, email='ada@practice.example', customFields=npi, tags=['a', 'b'])}"
    client.put(path, headers=GHL, json={"customFields": [{"id": "score", "fieldValue": "87"}], "city": "Waco"})
    contact = client.get(path, headers=GHL).json()["contact"]
    assert contact["customFields"] == [{"id": "npi", "value": "2000000000"}, {"id": "score", "value": "87"}]
    assert (contact["city"], contact["tags"]) == ("Waco", ["a", "b"])
    replaced = client.put(path, headers=GHL, json={"tags": ["c"]}).json()["contact"]
    assert replaced["tags"] == ["c"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"email": "no-at-sign"}, "email must be an email"),
        ({"phone": "12"}, "phone must be a valid phone number"),
    ],
)
def test_create_when_address_is_bad_then_422_lists_the_reason(
    client: TestClient, fields: dict[str, str], reason: str
) -> None:
    reply = client.post(CREATE, headers=GHL, json={"locationId": LOCATION, **fields})
    assert (reply.status_code, reply.json()) == (
        422,
        {"statusCode": 422, "message": [reason], "error": "Unprocessable Entity"},
    )


def test_create_when_contract_refuses_the_body_then_422_names_the_field(client: TestClient) -> None:
    reply = client.post(CREATE, headers=GHL, json={**ADA, "customFields": [{"id": "score", "fieldValue": 87}]})
    assert reply.status_code == 422
    assert reply.json()["message"][0].startswith("customFields/0")


@pytest.mark.parametrize("version", [None, "2021-04-15"])
def test_create_when_version_header_is_missing_or_not_served_then_400(client: TestClient, version: str | None) -> None:
    headers = {"Authorization": GHL["Authorization"], **({"Version": version} if version else {})}
    reply = client.post(CREATE, headers=headers, json=ADA)
    assert reply.status_code == 400
    assert "Version" in reply.json()["message"]


@pytest.mark.parametrize("version", ["2021-07-28", "2023-02-21"])
def test_contact_when_version_is_older_then_its_channels_have_that_versions_names(
    client: TestClient, version: str
) -> None:
    older = {**GHL, "Version": version}
    opted_out = {"status": "active"}
    made = client.post(CREATE, headers=older, json={**ADA, "dndSettings": {"Email": opted_out}}).json()["contact"]
    assert made["dndSettings"] == {"Email": opted_out}
    path = f"{CREATE}{made['id']}"
    assert client.get(path, headers=GHL).json()["contact"]["dndSettings"] == {"email": opted_out}
    for headers, wrong in ((older, "email"), (GHL, "Email")):
        refused = client.put(path, headers=headers, json={"dndSettings": {wrong: opted_out}})
        assert refused.status_code == 422
        assert refused.json()["message"] == [f"dndSettings.property {wrong} should not exist"]


def test_create_when_token_is_wrong_then_401(client: TestClient) -> None:
    reply = client.post(CREATE, headers={**GHL, "Authorization": "Bearer wrong"}, json=ADA)
    expected = {"statusCode": 401, "message": "Invalid token: access token is invalid", "error": "Unauthorized"}
    assert (reply.status_code, reply.json()) == (401, expected)


def test_create_when_location_is_another_then_403(client: TestClient) -> None:
    reply = client.post(CREATE, headers=GHL, json={**ADA, "locationId": "another"})
    assert (reply.status_code, reply.json()["error"]) == (403, "Forbidden")
    assert client.get("/ghl/locations/another", headers=GHL).status_code == 403


def test_calls_when_over_the_burst_limit_then_429_with_rate_headers(plan: Plan) -> None:
    client = in_process(replace(plan, ghl_burst=3))
    replies = [client.post(CREATE, headers=GHL, json=ADA) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [201, 400, 400, 429]
    assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]
    last = replies[3]
    assert last.json() == {"statusCode": 429, "message": "Too Many Requests", "error": "Too Many Requests"}
    assert last.headers["X-RateLimit-Interval-Milliseconds"] == "10000"
    assert last.headers["X-RateLimit-Max"] == "3"
    assert last.headers["X-RateLimit-Limit-Daily"] == "200000"
    assert last.headers["X-RateLimit-Daily-Remaining"] == "199997"


def test_delete_when_done_then_contact_is_gone_and_address_is_free_again(client: TestClient) -> None:
    contact_id = create(client, email="ada@practice.example")
    assert client.delete(f"/ghl/contacts/{contact_id}", headers=GHL).json()["succeeded"] is True
    assert client.get(f"/ghl/contacts/{contact_id}", headers=GHL).status_code == 400
    create(client, email="ada@practice.example")


def test_update_when_email_or_phone_belongs_to_another_contact_then_400(client: TestClient) -> None:
    create(client, email="ada@practice.example", phone="+15125550123")
    ben = create(client, email="ben@practice.example")
    for taken in ({"email": "ada@practice.example"}, {"email": "ben@practice.example", "phone": "+15125550123"}):
        reply = client.put(f"/ghl/contacts/{ben}", headers=GHL, json=taken)
        assert (reply.status_code, reply.json()["message"]) == (
            400,
            "This location does not allow duplicated contacts.",
        )


def test_update_when_email_changes_then_the_old_address_finds_nobody(client: TestClient) -> None:
    ada = create(client, email="ada@practice.example")
    assert client.put(f"/ghl/contacts/{ada}", headers=GHL, json={"email": "ada2@practice.example"}).status_code == 200
    create(client, email="ada@practice.example")


def test_tags_when_added_and_removed_then_the_tags_that_are_left_are_told(client: TestClient) -> None:
    path = f"/ghl/contacts/{create(client, email='ada@practice.example', tags=['Dentist'])}/tags"
    added = client.post(path, headers=GHL, json={"tags": ["Q4", "dentist"]})
    assert (added.status_code, added.json()["tags"]) == (201, ["dentist", "q4"])
    assert client.request("DELETE", path, headers=GHL, json={"tags": ["q4"]}).json() == {"tags": ["dentist"]}


def test_search_when_paged_by_cursor_then_every_contact_comes_once(client: TestClient) -> None:
    for number in range(5):
        create(client, email=f"a{number}@practice.example", customFields=[{"id": "npi", "fieldValue": str(number)}])
    body: dict[str, Any] = {"locationId": LOCATION, "pageLimit": 2}
    seen: list[str] = []
    while True:
        page = client.post("/ghl/contacts/search", headers=GHL, json=body).json()
        if not page["contacts"]:
            break
        seen += [contact["email"] for contact in page["contacts"]]
        body["searchAfter"] = page["contacts"][-1]["searchAfter"]
    assert sorted(seen) == [f"a{number}@practice.example" for number in range(5)]
    wanted = {"filters": [{"field": "customFields.npi", "operator": "eq", "value": "3"}]}
    reply = client.post("/ghl/contacts/search", headers=GHL, json={"locationId": LOCATION, "pageLimit": 2, **wanted})
    assert [contact["email"] for contact in reply.json()["contacts"]] == ["a3@practice.example"]


def test_changes_when_clock_is_touched_then_app_events_are_sent(plan: Plan, receiver: Receiver) -> None:
    client = in_process(replace(plan, webhook_url=receiver.url))
    contact_id = create(client, email="ada@practice.example", firstName="Zoë")
    client.put(f"/ghl/contacts/{contact_id}", headers=GHL, json={"city": "Waco"})
    client.delete(f"/ghl/contacts/{contact_id}", headers=GHL)
    moved = client.post("/__sandbox__/clock", json={"now": plan.start}).json()
    assert moved["delivered"] == {"ghl": 3}
    events = [json.loads(body) for _, _, body in receiver.got]
    assert sorted(event["type"] for event in events) == ["ContactCreate", "ContactDelete", "ContactUpdate"]
    assert len({event["webhookId"] for event in events}) == 3
    assert "Zoë".encode() in receiver.got[0][2] + receiver.got[1][2] + receiver.got[2][2]
