"""Wiza: what a reveal finds and costs, and how Wiza says no."""

import time
from dataclasses import replace

import httpx
import pytest
from sandbox_runs import WIZA, Receiver, TestClient, in_process

from services.sandbox.plan import Plan
from services.sandbox.world import Person, World

REVEALS = "/wiza/api/individual_reveals"


def people(plan: Plan) -> list[Person]:
    return sorted(World(plan.nppes_dir, plan.seed, plan.start).people().values(), key=lambda person: person.npi)


def with_outcome(plan: Plan, outcome: str, mailbox: str) -> Person:
    """A person whom Wiza knows in this way."""
    world = World(plan.nppes_dir, plan.seed, plan.start)
    views = ((person, world.wiza_view(person)) for person in people(plan))
    return next(person for person, view in views if (view.outcome, view.mailbox) == (outcome, mailbox))


def asked(person: Person, level: str = "partial") -> dict[str, object]:
    name = f"{person.first_name} {person.last_name}"
    return {"individual_reveal": {"full_name": name, "company": person.practice_name}, "enrichment_level": level}


def revealed(client: TestClient, body: dict[str, object]) -> dict[str, object]:
    """The data of a reveal that takes no time."""
    number = client.post(REVEALS, headers=WIZA, json=body).json()["data"]["id"]
    data: dict[str, object] = client.get(f"{REVEALS}/{number}", headers=WIZA).json()["data"]
    return data


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "sandbox-wiza-key"}])
def test_any_call_when_key_is_missing_or_wrong_then_401_with_the_same_body(
    client: TestClient, headers: dict[str, str]
) -> None:
    reply = client.get("/wiza/api/meta/credits", headers=headers)
    assert (reply.status_code, reply.json()) == (401, {"status": {"code": 401, "message": "Invalid API key."}})


def test_reveal_when_wiza_has_the_true_email_then_two_credits_are_taken(client: TestClient, plan: Plan) -> None:
    person = with_outcome(plan, "email", "true")
    data = revealed(client, asked(person))
    assert (data["status"], data["is_complete"], data["email"], data["email_status"]) == (
        "finished",
        True,
        person.email,
        "valid",
    )
    assert data["linkedin_profile_url"] == f"https://www.linkedin.com/in/{person.linkedin_slug}"
    assert data["credits"] == {"api_credits": {"total": 2, "email_credits": 2, "phone_credits": 0, "scrape_credits": 0}}
    assert client.get("/wiza/api/meta/credits", headers=WIZA).json()["credits"]["api_credits"] == 19_998


def test_reveal_when_nothing_is_known_then_it_is_free(client: TestClient, plan: Plan) -> None:
    data = revealed(client, asked(with_outcome(plan, "nothing", "none")))
    assert (data["email_status"], data["emails"]) == ("unfound", [])
    assert data["credits"]["api_credits"]["total"] == 0  # type: ignore[index]
    assert client.get("/__sandbox__/ledger").json()["balances"]["wiza"] == 20_000


def test_reveal_when_name_is_unknown_then_nothing_is_found_and_it_is_free(client: TestClient) -> None:
    body = {"individual_reveal": {"full_name": "Nobody Atall", "company": "None"}, "enrichment_level": "partial"}
    assert revealed(client, body)["email_status"] == "unfound"


def test_reveal_when_level_is_none_and_profile_matches_then_one_credit(client: TestClient, plan: Plan) -> None:
    data = revealed(client, asked(with_outcome(plan, "profile", "none"), "none"))
    assert data["credits"]["api_credits"]["total"] == 1  # type: ignore[index]


def test_reveal_when_only_a_risky_address_is_known_then_it_is_shown_and_free(client: TestClient, plan: Plan) -> None:
    data = revealed(client, asked(with_outcome(plan, "email", "catch_all")))
    assert data["email_status"] == "risky"
    assert data["credits"]["api_credits"]["total"] == 0  # type: ignore[index]


@pytest.mark.parametrize("style", ["profile", "domain", "email"])
def test_reveal_when_asked_in_another_style_then_the_same_person_is_found(
    client: TestClient, plan: Plan, style: str
) -> None:
    person = with_outcome(plan, "email", "true")
    name = f"Dr. {person.first_name.title()} {person.last_name.title()}, DDS"
    styles = {
        "profile": {"profile_url": f"https://www.linkedin.com/in/{person.linkedin_slug}/"},
        "domain": {"full_name": name, "domain": person.domain},
        "email": {"email": person.email},
    }
    assert (
        revealed(client, {"individual_reveal": styles[style], "enrichment_level": "partial"})["email"] == person.email
    )


def test_reveal_when_credits_are_out_then_200_with_failed_billing_issue(client: TestClient, plan: Plan) -> None:
    client.put("/__sandbox__/credits/wiza", json={"credits": 1})
    reply = client.post(REVEALS, headers=WIZA, json=asked(with_outcome(plan, "email", "true")))
    assert reply.status_code == 200
    expected = {"id": 1, "status": "failed", "is_complete": True, "fail_error": "billing_issue"}
    assert reply.json()["data"] == expected
    assert client.get(f"{REVEALS}/1", headers=WIZA).json()["data"] == expected


def test_reveal_when_it_takes_time_then_it_is_incomplete_first(plan: Plan) -> None:
    client = in_process(replace(plan, async_seconds=0.2))
    person = with_outcome(plan, "email", "true")
    data = client.post(REVEALS, headers=WIZA, json=asked(person)).json()["data"]
    assert data["status"] in ("queued", "resolving")
    assert not data["is_complete"]
    assert "email" not in data
    deadline = time.monotonic() + 3
    while not data["is_complete"] and time.monotonic() < deadline:
        data = client.get(f"{REVEALS}/{data['id']}", headers=WIZA).json()["data"]
    assert data["email"] == person.email


def test_reveal_when_it_takes_time_then_it_is_charged_when_it_is_done_and_promised_until_then(plan: Plan) -> None:
    client = in_process(replace(plan, async_seconds=10.0))  # for this person 1.4 s
    client.put("/__sandbox__/credits/wiza", json={"credits": 3})
    body = asked(with_outcome(plan, "email", "true"))
    number = client.post(REVEALS, headers=WIZA, json=body).json()["data"]["id"]
    # The balance shows nothing of it, but what it will take is not free for another reveal.
    assert client.get("/wiza/api/meta/credits", headers=WIZA).json()["credits"]["api_credits"] == 3
    assert client.get("/__sandbox__/ledger").json()["vendors"]["wiza"]["credits"] == 0
    assert client.post(REVEALS, headers=WIZA, json=body).json()["data"]["fail_error"] == "billing_issue"
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if client.get(f"{REVEALS}/{number}", headers=WIZA).json()["data"]["is_complete"]:
            break
    assert client.get("/wiza/api/meta/credits", headers=WIZA).json()["credits"]["api_credits"] == 1
    assert client.get("/__sandbox__/ledger").json()["vendors"]["wiza"]["credits"] == 2


def test_reveal_when_queue_is_full_then_429(plan: Plan) -> None:
    client = in_process(replace(plan, async_seconds=60.0, wiza_concurrency=0))
    reply = client.post(REVEALS, headers=WIZA, json=asked(people(plan)[0]))
    assert (reply.status_code, reply.json()["status"]["code"]) == (429, 429)


def test_calls_when_faster_than_the_plan_then_429(plan: Plan) -> None:
    client = in_process(replace(plan, wiza_requests_per_second=3))
    statuses = [client.get("/wiza/api/meta/credits", headers=WIZA).status_code for _ in range(5)]
    assert statuses[:3] == [200, 200, 200]
    assert 429 in statuses


def test_get_when_reveal_is_unknown_then_404_in_wizas_shape(client: TestClient) -> None:
    reply = client.get(f"{REVEALS}/999", headers=WIZA)
    assert (reply.status_code, reply.json()) == (404, {"status": {"code": 404, "message": "Not found"}})


def test_reveal_when_contract_refuses_then_400_names_the_place(client: TestClient) -> None:
    body = {"individual_reveal": {"full_name": "Only A Name"}, "enrichment_level": "partial"}
    reply = client.post(REVEALS, headers=WIZA, json=body)
    assert reply.status_code == 400
    assert "body/individual_reveal" in reply.json()["status"]["message"]
    assert client.get("/__sandbox__/ledger").json()["vendors"]["wiza"]["credits"] == 0


def test_reveal_when_callback_url_is_given_then_the_finished_reveal_is_posted(plan: Plan, receiver: Receiver) -> None:
    person = with_outcome(plan, "email", "true")
    with in_process(plan) as client:
        client.post(REVEALS, headers=WIZA, json={**asked(person), "callback_url": receiver.url + "/done"})
        deadline = time.monotonic() + 3
        while not receiver.got and time.monotonic() < deadline:
            time.sleep(0.02)
    path, headers, body = receiver.got[0]
    assert path == "/done"
    assert len(headers["x-auth-key"]) == 64
    assert httpx.Response(200, content=body).json()["data"]["email"] == person.email
