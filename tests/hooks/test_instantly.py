"""Every Instantly operation against the sandbox, which checks each request against Instantly's contract."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from hooks.http.errors import AuthFailed, NotFound, OutOfCredits, ResponseLost, VendorDown
from hooks.instantly import InstantlyHook
from tests.hooks.scripted_server import Answer, scripted

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

SCHEDULE: dict[str, Any] = {
    "schedules": [
        {
            "name": "Weekdays",
            "timing": {"from": "09:00", "to": "17:00"},
            "days": {"1": True, "2": True, "3": True, "4": True, "5": True},
            "timezone": "America/Chicago",
        }
    ]
}


@pytest.fixture
def campaign(vendor: Sandbox) -> dict[str, Any]:
    return InstantlyHook().create_campaign({"name": f"hook-{uuid.uuid4().hex[:8]}", "campaign_schedule": SCHEDULE})


def _leads(tag: str, count: int) -> list[dict[str, Any]]:
    return [{"email": f"{tag}{n}@hook-test.example", "first_name": "Ada"} for n in range(count)]


def test_campaign_when_created_then_is_found_read_and_activated(campaign: dict[str, Any]) -> None:
    hook = InstantlyHook()
    assert hook.get_campaign(campaign["id"])["name"] == campaign["name"]
    assert [found["id"] for found in hook.iter_campaigns(campaign["name"])] == [campaign["id"]]
    assert hook.activate_campaign(campaign["id"])["status"] == 1


def test_get_campaign_when_unknown_then_raises_not_found(vendor: Sandbox) -> None:
    with pytest.raises(NotFound):
        InstantlyHook().get_campaign(str(uuid.uuid4()))


def test_leads_when_more_than_a_page_then_are_each_listed_once(campaign: dict[str, Any]) -> None:
    hook = InstantlyHook()
    tag = uuid.uuid4().hex[:6]
    answer = hook.add_leads(campaign["id"], _leads(tag, 205))
    assert answer["leads_uploaded"] == 205
    assert [lead["index"] for lead in answer["created_leads"]] == list(range(205))
    listed = [lead["id"] for lead in hook.iter_leads(campaign=campaign["id"])]
    assert sorted(listed) == sorted(lead["id"] for lead in answer["created_leads"])
    repeated = hook.add_leads(campaign["id"], _leads(tag, 205))
    assert (repeated["leads_uploaded"], repeated["created_leads"]) == (0, [])


def test_lead_when_patched_and_deleted_then_follows(campaign: dict[str, Any]) -> None:
    hook = InstantlyHook()
    added = hook.add_leads(campaign["id"], _leads(uuid.uuid4().hex[:6], 1))
    lead_id = added["created_leads"][0]["id"]
    assert hook.patch_lead(lead_id, {"first_name": "Adah"})["first_name"] == "Adah"
    hook.delete_lead(lead_id)
    with pytest.raises(NotFound):
        hook.delete_lead(lead_id)


def test_add_leads_when_the_answer_is_cut_then_is_outcome_unknown_and_can_be_looked_up(
    vendor: Sandbox, campaign: dict[str, Any]
) -> None:
    hook = InstantlyHook()
    leads = _leads(uuid.uuid4().hex[:6], 2)
    fault = {"vendor": "instantly", "kind": "drop_response", "operation": "bulkAddLeads"}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(ResponseLost):
        hook.add_leads(campaign["id"], leads)
    emails = [lead["email"] for lead in leads]
    assert sorted(lead["email"] for lead in hook.iter_leads(contacts=emails)) == emails


@pytest.mark.parametrize("count", [0, 1001])
def test_add_leads_when_the_batch_has_a_wrong_size_then_refuses_before_the_call(count: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 1000 leads, not {count}"):
        InstantlyHook().add_leads("any", _leads("x", count))


def test_blocked_address_when_added_then_is_not_uploaded(campaign: dict[str, Any]) -> None:
    hook = InstantlyHook()
    lead = _leads(uuid.uuid4().hex[:6], 1)
    hook.block(lead[0]["email"])
    answer = hook.add_leads(campaign["id"], lead)
    assert (answer["in_blocklist"], answer["leads_uploaded"]) == (1, 0)


def test_ensure_blocked_when_some_stand_there_and_one_is_no_address_then_all_others_are_blocked_once(
    vendor: Sandbox,
) -> None:
    hook, tag = InstantlyHook(), uuid.uuid4().hex[:6]
    first, second, third = (f"{name}{tag}@hook-test.example" for name in ("ada", "ben", "cy"))
    hook.block(first)
    held = hook.ensure_blocked([first, second, "no address", third])
    assert set(held) == {first, second, third}
    assert hook.ensure_blocked([second, first]) == {first: held[first], second: held[second]}
    assert hook.ensure_blocked([]) == {}


def test_ensure_blocked_when_a_batch_is_refused_then_it_is_halved_and_read_back(vendor: Sandbox) -> None:
    addresses = [f"{number}{uuid.uuid4().hex[:6]}@hook-test.example" for number in range(4)]
    fault = {"vendor": "instantly", "operation": "createblukBlockListEntry", "status": 400}
    # The whole, its first half, and the first of that: three others are taken.
    vendor.admin.post("faults", json=fault | {"times": 3}).raise_for_status()
    assert list(InstantlyHook().ensure_blocked(addresses)) == addresses[1:]
    # Refused and done: only what the list shows counts.
    vendor.admin.post(
        "faults", json={"vendor": "instantly", "operation": "createblukBlockListEntry", "kind": "drop_response"}
    )
    assert list(InstantlyHook().ensure_blocked(addresses)) == [*addresses[1:], addresses[0]]


def test_webhook_when_created_then_is_listed_until_it_is_deleted(vendor: Sandbox) -> None:
    hook = InstantlyHook()
    url = f"http://127.0.0.1:9/webhooks/instantly/{uuid.uuid4().hex}"
    made = hook.create_webhook(url, name="events", headers={"X-Webhook-Secret": "s"})

    def listed() -> list[str]:
        return [found["id"] for found in hook.iter_webhooks() if found["target_hook_url"] == url]

    assert listed() == [made["id"]]
    hook.delete_webhook(made["id"])
    assert listed() == []


def test_any_call_when_the_workspace_has_no_paid_plan_then_raises_out_of_credits(vendor: Sandbox) -> None:
    vendor.admin.post("faults", json={"vendor": "instantly", "status": 402}).raise_for_status()
    with pytest.raises(OutOfCredits):
        next(InstantlyHook().iter_campaigns(), None)


def test_test_connection_when_the_key_is_good_or_refused_then_says_which(vendor: Sandbox) -> None:
    assert InstantlyHook().test_connection() == (True, "Instantly answers")
    vendor.admin.post("faults", json={"vendor": "instantly", "status": 401}).raise_for_status()
    worked, message = InstantlyHook().test_connection()
    assert worked is False
    assert "instantly list_campaigns: HTTP 401" in message
    vendor.admin.post("faults", json={"vendor": "instantly", "status": 401}).raise_for_status()
    with pytest.raises(AuthFailed):
        InstantlyHook().block("x@hook-test.example")


def test_lists_when_a_page_names_itself_as_the_next_one_then_end_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = json.dumps({"items": [{"id": "a"}], "next_starting_after": "a"})
    with scripted(Answer(200, page)) as vendor:
        connection = {"conn_type": "http", "host": vendor.url, "password": "key"}
        monkeypatch.setenv("AIRFLOW_CONN_INSTANTLY_DEFAULT", json.dumps(connection))
        for rows in (InstantlyHook().iter_leads(), InstantlyHook().iter_campaigns()):
            with pytest.raises(VendorDown, match="A page names itself as the next one"):
                list(rows)
    assert len(vendor.seen) == 4
