"""A week of a campaign on the world's clock: the events, their payloads, and what each lead shows afterwards."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from sandbox_runs import INSTANTLY, Receiver, TestClient, in_process, new_campaign

from services.sandbox.contract import CONTRACTS
from services.sandbox.plan import Plan
from services.sandbox.world import World

API = "/instantly/api/v2"
SECRET = {"X-Webhook-Secret": "secret-1"}
SEQUENCE = [
    {
        "steps": [
            {
                "type": "email",
                "delay": 3,
                "variants": [{"subject": "Hi {{firstName}}", "body": "For {{company_name}}"}],
            },
            {"type": "email", "delay": 1, "variants": [{"subject": "Again", "body": "Block {{content_block_id}}"}]},
        ]
    }
]


def leads_of(plan: Plan) -> list[dict[str, Any]]:
    """A lead for everybody whose e-mail Wiza has."""
    world = World(plan.nppes_dir, plan.seed, plan.start)
    return [
        {
            "email": world.wiza_view(person).email,
            "first_name": person.first_name.title(),
            "company_name": person.practice_name,
            "custom_variables": {"npi": npi, "content_block_id": "growth_new_patients", "lead_score": 71},
        }
        for npi, person in sorted(world.people().items())
        if world.wiza_view(person).email
    ]


def run_week(
    plan: Plan, receiver: Receiver, until: str = "2025-11-23T23:00:00Z", blocked: list[str] | None = None
) -> tuple[TestClient, str]:
    client = in_process(plan)
    hook = {"target_hook_url": receiver.url + "/webhooks/instantly", "event_type": "all_events", "headers": SECRET}
    client.post(f"{API}/webhooks", headers=INSTANTLY, json=hook)
    campaign = new_campaign(client, sequences=SEQUENCE, email_list=["sam@growth.example", "kim@growth.example"])
    body = {"campaign_id": campaign, "leads": leads_of(plan)}
    assert client.post(f"{API}/leads/add", headers=INSTANTLY, json=body).status_code == 200
    if blocked:
        client.post(f"{API}/block-lists-entries/bulk-create", headers=INSTANTLY, json={"bl_values": blocked})
    client.post("/__sandbox__/clock", json={"now": until})
    return client, campaign


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in receiver.got]


def test_week_when_over_then_every_payload_is_valid_and_brings_our_variables_back(
    plan: Plan, receiver: Receiver
) -> None:
    run_week(plan, receiver)
    schema = json.loads((CONTRACTS / "webhooks" / "instantly.schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    found = events(receiver)
    assert len(found) > 500
    for event in found:
        assert list(validator.iter_errors(event)) == []
        assert event["event_type"] in schema["x-known-types"]
        assert (event["content_block_id"], event["lead_score"]) == ("growth_new_patients", 71)
        assert event["npi"].startswith("2")
    assert {headers["x-webhook-secret"] for _, headers, _ in receiver.got} == {"secret-1"}
    sent = next(event for event in found if event["event_type"] == "email_sent" and event["step"] == 1)
    assert sent["email_subject"].startswith("Hi ")
    assert sent["email_subject"] != "Hi "
    assert sent["email_text"] != "For "


def test_week_when_over_then_each_lead_has_its_events_in_time_order(plan: Plan, receiver: Receiver) -> None:
    run_week(plan, receiver)
    by_lead: dict[str, list[dict[str, Any]]] = {}
    for event in events(receiver):
        by_lead.setdefault(event["lead_email"], []).append(event)
    for found in by_lead.values():
        assert found[0]["event_type"] == "email_sent"
        assert [event["timestamp"] for event in found] == sorted(event["timestamp"] for event in found)


def test_lead_when_it_replied_bounced_or_left_then_no_second_email(plan: Plan, receiver: Receiver) -> None:
    run_week(plan, receiver)
    ended: set[str] = set()
    steps: Counter[int] = Counter()
    for event in events(receiver):
        if event["event_type"] == "email_sent":
            assert event["lead_email"] not in ended
            steps[event["step"]] += 1
        if event["event_type"] in ("reply_received", "email_bounced", "lead_unsubscribed"):
            ended.add(event["lead_email"])
    assert ended
    assert 0.5 * steps[1] < steps[2] < steps[1]


def test_lead_when_its_address_or_domain_is_blocked_then_no_email(plan: Plan, receiver: Receiver) -> None:
    address, other, *_ = (lead["email"] for lead in leads_of(plan))
    domain = other.partition("@")[2]
    run_week(plan, receiver, blocked=[address, domain])
    mailed = {event["lead_email"] for event in events(receiver)}
    assert len(mailed) > 100
    assert address not in mailed and not any(one.endswith(f"@{domain}") for one in mailed)


def test_leads_when_listed_after_the_week_then_counts_equal_the_events(plan: Plan, receiver: Receiver) -> None:
    client, campaign = run_week(plan, receiver)
    counts = Counter((event["lead_email"], event["event_type"]) for event in events(receiver))
    statuses: Counter[int] = Counter()
    body: dict[str, Any] = {"campaign": campaign, "limit": 100}
    while True:
        page = client.post(f"{API}/leads/list", headers=INSTANTLY, json=body).json()
        for lead in page["items"]:
            statuses[lead["status"]] += 1
            assert lead["email_open_count"] == counts[lead["email"], "email_opened"]
            assert lead["email_reply_count"] == counts[lead["email"], "reply_received"]
            assert lead["email_click_count"] == counts[lead["email"], "email_link_clicked"]
        if "next_starting_after" not in page:
            break
        body["starting_after"] = page["next_starting_after"]
    assert statuses[-1] == sum(kind == "email_bounced" for _, kind in counts)
    assert statuses[3] > 0


@pytest.mark.parametrize(
    ("option", "kind"), [("open_tracking", "email_opened"), ("link_tracking", "email_link_clicked")]
)
def test_campaign_when_tracking_is_off_then_no_such_events(
    plan: Plan, receiver: Receiver, option: str, kind: str
) -> None:
    client = in_process(plan)
    client.post(
        f"{API}/webhooks", headers=INSTANTLY, json={"target_hook_url": receiver.url, "event_type": "all_events"}
    )
    body = {"campaign_id": new_campaign(client, **{option: False}), "leads": leads_of(plan)}
    client.post(f"{API}/leads/add", headers=INSTANTLY, json=body)
    client.post("/__sandbox__/clock", json={"now": "2025-11-16T23:00:00Z"})
    kinds = Counter(event["event_type"] for event in events(receiver))
    assert kinds[kind] == 0
    assert kinds["email_sent"] > 100


def test_webhook_when_subscribed_to_one_kind_then_only_that_is_sent(plan: Plan, receiver: Receiver) -> None:
    client = in_process(plan)
    hook = {"target_hook_url": receiver.url, "event_type": "reply_received"}
    client.post(f"{API}/webhooks", headers=INSTANTLY, json=hook)
    body = {"campaign_id": new_campaign(client), "leads": leads_of(plan)}
    client.post(f"{API}/leads/add", headers=INSTANTLY, json=body)
    client.post("/__sandbox__/clock", json={"now": "2025-11-16T23:00:00Z"})
    assert {event["event_type"] for event in events(receiver)} == {"reply_received"}


def test_creative_when_it_matches_everybodys_taste_then_more_are_interested(plan: Plan, nppes_dir: Path) -> None:
    client = in_process(replace(plan, nppes_dir=nppes_dir))
    people = World(nppes_dir, plan.seed, plan.start).people()
    match = miss = 0.0
    for npi in people:
        truth = client.get(f"/__sandbox__/truth/{npi}").json()
        chances = truth["positive_chance"]
        match += chances[truth["traits"]["taste"]]
        miss += min(chances.values())
    assert match / miss == pytest.approx(1.67, abs=0.1)
