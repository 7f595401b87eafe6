"""Every GHL operation against the sandbox, which checks each request against GHL's contract."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from hooks.ghl import GhlHook
from hooks.http.errors import BadRequest, RateLimited, VendorDown
from tests.hooks.scripted_server import Answer, scripted

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox


def test_create_when_the_address_is_taken_then_the_contact_is_named_and_nothing_of_it_changes(vendor: Sandbox) -> None:
    hook = GhlHook()
    payload = {"email": "ada@hook-test.example", "phone": "+15125550177", "firstName": "Ada", "tags": ["Called by Ann"]}
    first = hook.create_contact(payload)
    again = hook.create_contact({"email": "ADA@hook-test.example", "firstName": "Adah", "tags": ["ours"]})
    by_phone = hook.create_contact({"email": "other@hook-test.example", "phone": "+15125550177"})
    assert (first.is_new, again.is_new, by_phone.is_new) == (True, False, False)
    assert first.contact_id == again.contact_id == by_phone.contact_id
    contact = hook.get_contact(first.contact_id)
    assert (contact["firstName"], contact["tags"]) == ("Ada", ["called by ann"])
    hook.delete_contact(first.contact_id)
    with pytest.raises(BadRequest):  # GHL answers 400 or 404 for one that is gone
        hook.get_contact(first.contact_id)


def test_create_when_the_refusal_names_no_contact_then_it_is_looked_up_by_e_mail_and_phone(vendor: Sandbox) -> None:
    hook = GhlHook()
    made = hook.create_contact({"email": "mute@hook-test.example", "phone": "+15125550178"})
    fault = {"vendor": "ghl", "operation": "create-contact", "status": 400, "times": 3}
    vendor.admin.post("faults", json=fault).raise_for_status()
    found = hook.create_contact({"email": "mute@hook-test.example"})
    by_phone = hook.create_contact({"email": "else@hook-test.example", "phone": "+15125550178"})
    assert {found.contact_id, by_phone.contact_id} == {made.contact_id}
    assert not found.is_new
    with pytest.raises(BadRequest):  # nobody has the address, so it was refused for another reason
        hook.create_contact({"email": "nobody@hook-test.example"})


def test_create_when_the_answer_is_cut_then_is_repeated_without_a_second_contact(vendor: Sandbox) -> None:
    fault = {"vendor": "ghl", "operation": "create-contact", "kind": "drop_response"}
    vendor.admin.post("faults", json=fault).raise_for_status()
    hook = GhlHook()
    cut = hook.create_contact({"email": "cut@hook-test.example"})
    filters = [{"field": "email", "operator": "eq", "value": "cut@hook-test.example"}]
    assert [contact["id"] for contact in hook.iter_contacts(filters)] == [cut.contact_id]


def test_tags_when_added_and_removed_then_those_that_are_not_named_stay(vendor: Sandbox) -> None:
    hook = GhlHook()
    contact_id = hook.create_contact({"email": "tags@hook-test.example", "tags": ["Called by Ann"]}).contact_id
    hook.add_tags(contact_id, ["dental-gtm", "north"])
    hook.remove_tags(contact_id, ["north", "never there"])
    assert hook.get_contact(contact_id)["tags"] == ["called by ann", "dental-gtm"]


def test_iter_contacts_when_there_are_several_pages_then_gives_each_contact_once(vendor: Sandbox) -> None:
    hook = GhlHook()
    made = {hook.create_contact({"email": f"page{n}@paging.example"}).contact_id for n in range(5)}
    filters = [{"field": "email", "operator": "contains", "value": "@paging.example"}]
    found = [contact["id"] for contact in hook.iter_contacts(filters, page_size=2)]
    assert len(found) == 5
    assert set(found) == made


def test_create_when_a_field_is_refused_then_the_error_names_it_and_not_the_value(vendor: Sandbox) -> None:
    with pytest.raises(BadRequest) as raised:
        GhlHook().create_contact({"email": "not-an-address"})
    assert raised.value.fields == ("email",)
    assert "not-an-address" not in str(raised.value)


def test_create_when_the_day_is_used_up_then_does_not_wait_in_the_worker(vendor: Sandbox) -> None:
    headers = {"X-RateLimit-Daily-Remaining": "0", "X-RateLimit-Interval-Milliseconds": "10000"}
    vendor.admin.post("faults", json={"vendor": "ghl", "status": 429, "headers": headers}).raise_for_status()
    with pytest.raises(RateLimited) as raised:
        GhlHook().create_contact({"email": "day@hook-test.example"})
    assert raised.value.retry_after == 3600.0


def test_hook_without_a_location_then_names_the_connection(vendor: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = json.loads(os.environ["AIRFLOW_CONN_GHL_DEFAULT"]) | {"extra": {}}
    monkeypatch.setenv("AIRFLOW_CONN_GHL_DEFAULT", json.dumps(bare))
    with pytest.raises(ValueError, match="ghl_default has no location_id"):
        GhlHook().create_contact({"email": "a@hook-test.example"})


def test_test_connection_when_the_token_is_good_or_wrong_then_says_which(
    vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GhlHook().test_connection()[0] is True
    wrong = json.loads(os.environ["AIRFLOW_CONN_GHL_DEFAULT"]) | {"password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_GHL_DEFAULT", json.dumps(wrong))
    worked, message = GhlHook().test_connection()
    assert worked is False
    assert "HTTP 401" in message


def test_test_connection_when_the_location_allows_duplicates_then_says_what_to_switch_off(vendor: Sandbox) -> None:
    location = {"location": {"settings": {"allowDuplicateContact": True}}}
    fault = {"vendor": "ghl", "operation": "get-location", "status": 200, "body": location}
    vendor.admin.post("faults", json=fault).raise_for_status()
    worked, message = GhlHook().test_connection()
    assert worked is False
    assert "Contact Deduplication Preferences" in message


def test_test_connection_when_the_token_may_not_read_the_location_then_names_the_scope(vendor: Sandbox) -> None:
    vendor.admin.post("faults", json={"vendor": "ghl", "operation": "get-location", "status": 401}).raise_for_status()
    worked, message = GhlHook().test_connection()
    assert worked is False
    assert "locations.readonly" in message


def test_update_when_the_contact_is_there_refused_or_gone_then_changes_it_or_says_so(vendor: Sandbox) -> None:
    hook = GhlHook()
    made = hook.create_contact({"email": "upd@hook-test.example", "firstName": "Ada"})
    hook.update_contact(made.contact_id, {"dnd": True})
    contact = hook.get_contact(made.contact_id)
    assert (contact["dnd"], contact["firstName"]) == (True, "Ada")
    with pytest.raises(BadRequest) as raised:
        hook.update_contact(made.contact_id, {"email": "not-an-address"})
    assert raised.value.fields == ("email",)
    hook.delete_contact(made.contact_id)
    with pytest.raises(BadRequest):
        hook.update_contact(made.contact_id, {"dnd": True})


def test_search_when_a_page_names_itself_as_the_next_one_then_ends_with_the_reason(
    vendor: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = json.dumps({"contacts": [{"id": "a", "searchAfter": [1, "a"]}]})
    with scripted(Answer(200, page)) as odd:
        known = json.loads(os.environ["AIRFLOW_CONN_GHL_DEFAULT"])
        monkeypatch.setenv("AIRFLOW_CONN_GHL_DEFAULT", json.dumps({**known, "host": odd.url}))
        with pytest.raises(VendorDown, match="A page names itself as the next one"):
            list(GhlHook().iter_contacts(page_size=1))
    assert len(odd.seen) == 2
