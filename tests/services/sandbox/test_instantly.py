"""Instantly: leads with their per-row outcomes, campaigns, webhooks, block list, limits and refusals."""

from dataclasses import replace
from typing import Any

import pytest
from sandbox_runs import INSTANTLY, SCHEDULE, Receiver, TestClient, in_process, new_campaign

from services.sandbox.plan import Plan

API = "/instantly/api/v2"


def add(client: TestClient, campaign_id: str, emails: list[str | None], **options: Any) -> dict[str, Any]:
    body = {"campaign_id": campaign_id, "leads": [{"email": email} for email in emails], **options}
    reply = client.post(f"{API}/leads/add", headers=INSTANTLY, json=body)
    assert reply.status_code == 200, reply.text
    summary: dict[str, Any] = reply.json()
    return summary


def test_add_when_rows_have_every_fault_then_each_counter_tells_and_index_names_the_good_ones(
    client: TestClient,
) -> None:
    other, campaign = new_campaign(client, "other"), new_campaign(client, "demo")
    add(client, other, ["elsewhere@practice.example"])
    add(client, campaign, ["here@practice.example"])
    for value in ("blocked@practice.example", "blocked.example"):
        client.post(f"{API}/block-lists-entries", headers=INSTANTLY, json={"bl_value": value})
    emails = ["good@practice.example", "no-at-sign", None, "GOOD@practice.example", "blocked@practice.example"]
    emails += ["any@blocked.example", "elsewhere@practice.example", "fine@practice.example"]
    summary = add(client, campaign, emails, skip_if_in_workspace=True)
    assert summary["status"] == "success"
    assert {
        name: value
        for name, value in summary.items()
        if name.endswith(("count", "leads", "blocklist", "sent", "uploaded")) and name != "created_leads"
    } == {  # fmt: skip # noqa: E501
        "total_sent": 8,
        "leads_uploaded": 2,
        "in_blocklist": 2,
        "duplicated_leads": 0,
        "skipped_count": 1,
        "invalid_email_count": 2,
        "incomplete_count": 0,
        "duplicate_email_count": 1,
    }
    assert [(lead["index"], lead["email"]) for lead in summary["created_leads"]] == [
        (0, "good@practice.example"),
        (7, "fine@practice.example"),
    ]


def test_bulk_create_when_values_are_odd_or_there_already_then_counts_them_and_keeps_one_entry(
    client: TestClient,
) -> None:
    values = ["Ada@practice.example", "other.example", "no one", "ada@practice.example"]
    made = client.post(f"{API}/block-lists-entries/bulk-create", headers=INSTANTLY, json={"bl_values": values}).json()
    assert (made["valid_count"], made["invalid_count"]) == (3, 1)
    assert [(one["bl_value"], one["is_domain"]) for one in made["items"]] == [
        ("ada@practice.example", False),
        ("other.example", True),
        ("ada@practice.example", False),
    ]
    shown = client.get(f"{API}/block-lists-entries", headers=INSTANTLY, params={"search": "ada@practice"}).json()
    assert shown["items"] == [made["items"][0]]
    odd = client.post(f"{API}/block-lists-entries", headers=INSTANTLY, json={"bl_value": "no one"})
    assert odd.status_code == 400


def test_add_when_lead_is_in_this_campaign_already_then_duplicated_and_not_sent_again(client: TestClient) -> None:
    campaign = new_campaign(client)
    add(client, campaign, ["ada@practice.example"])
    assert add(client, campaign, ["ada@practice.example"])["duplicated_leads"] == 1


def test_add_when_lead_is_elsewhere_and_no_skip_flag_is_set_then_uploaded(client: TestClient) -> None:
    add(client, new_campaign(client, "other"), ["ada@practice.example"])
    assert add(client, new_campaign(client, "demo"), ["ada@practice.example"])["leads_uploaded"] == 1


def test_add_when_campaign_is_unknown_then_404(client: TestClient) -> None:
    body = {"campaign_id": "11111111-1111-4111-8111-111111111111", "leads": [{"email": "a@b.example"}]}
    reply = client.post(f"{API}/leads/add", headers=INSTANTLY, json=body)
    expected = {"statusCode": 404, "error": "Not Found", "message": "Campaign not found"}
    assert (reply.status_code, reply.json()) == (404, expected)


def test_add_when_more_than_1000_leads_then_400(client: TestClient) -> None:
    body = {"campaign_id": new_campaign(client), "leads": [{"email": f"a{n}@b.example"} for n in range(1001)]}
    reply = client.post(f"{API}/leads/add", headers=INSTANTLY, json=body)
    assert (reply.status_code, reply.json()["error"]) == (400, "Bad Request")


def test_add_when_neither_campaign_nor_list_is_named_then_400(client: TestClient) -> None:
    reply = client.post(f"{API}/leads/add", headers=INSTANTLY, json={"leads": [{"email": "a@b.example"}]})
    assert (reply.status_code, reply.json()["statusCode"]) == (400, 400)


def test_any_call_when_key_is_wrong_then_401(client: TestClient) -> None:
    reply = client.get(f"{API}/campaigns", headers={"Authorization": "Bearer wrong"})
    expected = {"statusCode": 401, "error": "Unauthorized", "message": "Invalid API key"}
    assert (reply.status_code, reply.json()) == (401, expected)


def test_add_when_plan_is_used_up_then_402_and_nothing_is_uploaded(client: TestClient) -> None:
    campaign = new_campaign(client)
    client.put("/__sandbox__/credits/instantly", json={"credits": 1})
    body = {"campaign_id": campaign, "leads": [{"email": "a@b.example"}, {"email": "c@d.example"}]}
    reply = client.post(f"{API}/leads/add", headers=INSTANTLY, json=body)
    assert (reply.status_code, reply.json()["error"]) == (402, "Payment Required")
    assert client.post(f"{API}/leads/list", headers=INSTANTLY, json={}).json() == {"items": []}


def test_calls_when_over_the_limit_then_429(plan: Plan) -> None:
    client = in_process(replace(plan, instantly_per_second=2))
    replies = [client.get(f"{API}/campaigns", headers=INSTANTLY) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].json()["error"] == "Too Many Requests"


def test_list_leads_when_paged_then_every_lead_comes_once(client: TestClient) -> None:
    campaign = new_campaign(client)
    add(client, campaign, [f"a{number}@practice.example" for number in range(7)])
    body: dict[str, Any] = {"campaign": campaign, "limit": 3}
    seen: list[str] = []
    while True:
        page = client.post(f"{API}/leads/list", headers=INSTANTLY, json=body).json()
        seen += [lead["email"] for lead in page["items"]]
        if "next_starting_after" not in page:
            break
        body["starting_after"] = page["next_starting_after"]
    assert sorted(seen) == [f"a{number}@practice.example" for number in range(7)]
    one = client.post(f"{API}/leads/list", headers=INSTANTLY, json={"contacts": ["a4@practice.example"]}).json()
    assert [lead["email"] for lead in one["items"]] == ["a4@practice.example"]


def test_patch_lead_when_variables_change_then_payload_holds_both(client: TestClient) -> None:
    campaign = new_campaign(client)
    body = {"campaign_id": campaign, "leads": [{"email": "a@b.example", "custom_variables": {"npi": "2", "score": 5}}]}
    lead_id = client.post(f"{API}/leads/add", headers=INSTANTLY, json=body).json()["created_leads"][0]["id"]
    client.patch(f"{API}/leads/{lead_id}", headers=INSTANTLY, json={"custom_variables": {"score": 9}})
    assert client.get(f"{API}/leads/{lead_id}", headers=INSTANTLY).json()["payload"] == {"npi": "2", "score": 9}


def test_lead_when_campaign_is_a_draft_then_nothing_is_sent_until_it_is_active(plan: Plan, receiver: Receiver) -> None:
    client = in_process(plan)
    made = client.post(f"{API}/campaigns", headers=INSTANTLY, json={"name": "d", "campaign_schedule": SCHEDULE}).json()
    client.post(
        f"{API}/webhooks", headers=INSTANTLY, json={"target_hook_url": receiver.url, "event_type": "email_sent"}
    )
    add(client, made["id"], ["ada@practice.example"])
    assert client.post("/__sandbox__/clock", json={"now": "2025-11-16T23:00:00Z"}).json()["delivered"] == {}
    client.post(f"{API}/campaigns/{made['id']}/activate", headers=INSTANTLY)
    moved = client.post("/__sandbox__/clock", json={"now": "2025-11-23T23:00:00Z"}).json()
    assert moved["delivered"]["instantly"] >= 1


def test_lead_when_deleted_before_its_day_then_nothing_is_sent(plan: Plan, receiver: Receiver) -> None:
    client = in_process(plan)
    client.post(f"{API}/webhooks", headers=INSTANTLY, json={"target_hook_url": receiver.url})
    lead_id = add(client, new_campaign(client), ["ada@practice.example"])["created_leads"][0]["id"]
    client.delete(f"{API}/leads/{lead_id}", headers=INSTANTLY)
    assert client.post("/__sandbox__/clock", json={"now": "2025-11-23T23:00:00Z"}).json()["delivered"] == {}


def test_pause_when_in_mid_sequence_then_sending_goes_on_after_activation(plan: Plan, receiver: Receiver) -> None:
    client = in_process(plan)
    client.post(
        f"{API}/webhooks", headers=INSTANTLY, json={"target_hook_url": receiver.url, "event_type": "email_sent"}
    )
    campaign = new_campaign(client)
    add(client, campaign, [f"a{number}@practice.example" for number in range(20)])
    client.post(f"{API}/campaigns/{campaign}/pause", headers=INSTANTLY)
    assert client.post("/__sandbox__/clock", json={"now": "2025-11-16T23:00:00Z"}).json()["delivered"] == {}
    client.post(f"{API}/campaigns/{campaign}/activate", headers=INSTANTLY)
    moved = client.post("/__sandbox__/clock", json={"now": "2025-11-19T23:00:00Z"}).json()
    assert moved["delivered"] == {"instantly": 20}


@pytest.mark.parametrize(("query", "count"), [("", 2), ("?event_type=all_events", 1), ("?limit=1", 1)])
def test_list_webhooks_when_filtered_then_only_those(client: TestClient, query: str, count: int) -> None:
    for kind in ("all_events", "email_sent"):
        body = {"target_hook_url": "http://127.0.0.1:9/hook", "event_type": kind}
        client.post(f"{API}/webhooks", headers=INSTANTLY, json=body)
    assert len(client.get(f"{API}/webhooks{query}", headers=INSTANTLY).json()["items"]) == count
