"""Every Wiza operation against the sandbox, which checks each request against Wiza's contract."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from typing import TYPE_CHECKING

import pytest

from hooks.http.errors import AuthFailed, EndpointNotFound, NotFound, OutOfCredits, ResponseLost, VendorDown
from hooks.wiza import PeopleList, Reveal, WizaHook

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox


ODD_ID = '{"data": {"id": null, "status": "queued", "is_complete": false}}'


def _finished(hook: WizaHook, reveal: Reveal) -> Reveal:
    for _ in range(200):
        if reveal.is_complete:
            return reveal
        time.sleep(0.05)
        reveal = hook.reveal(reveal.id)
    raise AssertionError(f"reveal {reveal.id} did not complete in 10 s")


def test_start_reveal_when_nobody_is_found_then_completes_without_a_charge(vendor: Sandbox) -> None:
    hook = WizaHook()
    before = hook.credits()["api_credits"]
    started = hook.start_reveal("Nobody Ofthatname", company="No Such Dental")
    finished = _finished(hook, started)
    assert (finished.id, finished.status, finished.credits) == (started.id, "finished", 0.0)
    assert json.loads(finished.reply.text)["data"]["email_status"] == "unfound"
    assert hook.credits()["api_credits"] == before


def test_start_reveal_when_credits_are_out_then_reads_it_from_the_body_of_a_200(vendor: Sandbox) -> None:
    vendor.admin.put("credits/wiza", json={"credits": 1})
    with pytest.raises(OutOfCredits, match="billing_issue"):
        WizaHook().start_reveal("Nobody Ofthatname", domain="example-dental.test")


def test_reveal_when_it_failed_for_want_of_credits_then_says_so(vendor: Sandbox) -> None:
    body = {"status": {"code": 200}, "data": {"id": 5, "status": "failed", "is_complete": True}}
    body["data"]["fail_error"] = "billing_issue"  # type: ignore[index]
    fault = {"vendor": "wiza", "operation": "getIndividualReveal", "status": 200, "body": body}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(OutOfCredits):
        WizaHook().reveal(5)


def test_reveal_when_the_id_is_unknown_then_raises_not_found(vendor: Sandbox) -> None:
    with pytest.raises(NotFound):
        WizaHook().reveal(99_999_999)


@pytest.mark.parametrize("body", ['{"data": {"id": 1}}', '{"data": null}', "[]", ODD_ID])
def test_answers_when_malformed_then_a_paid_call_is_outcome_unknown_and_a_read_is_down(
    vendor: Sandbox, body: str
) -> None:
    for operation in ("startIndividualReveal", "getIndividualReveal"):
        fault = {"vendor": "wiza", "operation": operation, "status": 200, "body": body}
        vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(ResponseLost):
        WizaHook().start_reveal("Ada Molar", company="Example Dental")
    with pytest.raises(VendorDown):
        WizaHook().reveal(1)


def test_start_reveal_without_company_and_domain_then_refuses_before_the_call() -> None:
    with pytest.raises(ValueError, match="company or a domain"):
        WizaHook().start_reveal("Ada Molar")


def test_credits_when_unlimited_then_is_infinite(vendor: Sandbox) -> None:
    fault = {
        "vendor": "wiza",
        "operation": "getCredits",
        "status": 200,
        "body": {"credits": {"api_credits": "unlimited"}},
    }
    vendor.admin.post("faults", json=fault).raise_for_status()
    assert WizaHook().credits() == {"api_credits": math.inf}


def test_test_connection_when_the_key_is_good_or_wrong_then_says_which(
    vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert WizaHook().test_connection() == (True, "Wiza answers; API credits left: 10000")
    wrong = json.loads(os.environ["AIRFLOW_CONN_WIZA_DEFAULT"]) | {"password": "wrong-key-1"}
    monkeypatch.setenv("AIRFLOW_CONN_WIZA_DEFAULT", json.dumps(wrong))
    worked, message = WizaHook().test_connection()
    assert worked is False
    assert "HTTP 401" in message
    assert "wiza_default" in message
    assert "wrong-key-1" not in message
    with pytest.raises(AuthFailed):
        WizaHook().start_reveal("Ada Molar", company="Example Dental")


@pytest.mark.parametrize("status", [301, 404, 405])
def test_start_reveal_when_the_path_is_not_wizas_then_says_so_and_refuses_nobody(vendor: Sandbox, status: int) -> None:
    fault = {"vendor": "wiza", "operation": "startIndividualReveal", "status": status}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(EndpointNotFound, match="correct the host of connection wiza_default"):
        WizaHook().start_reveal("Ada Molar", company="Example Dental")


@pytest.mark.parametrize("told", [-1, 1e300, "x", [], {"total": -1}])
def test_charges_when_they_can_be_none_then_the_people_stand_at_the_most_they_can_have_cost(
    vendor: Sandbox, told: object
) -> None:
    answers = {
        "getIndividualReveal": {"id": 5, "status": "finished", "is_complete": True, "credits": {"api_credits": told}},
        "prospectSearch": {
            "total": 2,
            "profiles": [{"name": "Ada"}, {"name": "Ben"}],
            "credits": {"api_credits": told},
        },
        "getList": {"id": 3, "status": "finished", "stats": {"people": 2, "credits": told}},
    }
    for operation, data in answers.items():
        fault = {"vendor": "wiza", "operation": operation, "status": 200, "body": {"data": data}}
        vendor.admin.post("faults", json=fault).raise_for_status()
    hook = WizaHook()
    reveal, shown, made = hook.reveal(5), hook.search_prospects({}, size=2), hook.list(3)
    assert (reveal.is_complete, reveal.credits) == (True, 2.0)
    assert (len(shown.profiles), shown.credits) == (2, 4.0)
    assert (made.stats["people"], made.credits) == (2, 14.0)


def test_is_over_when_the_id_is_bad_then_waiting_is_pointless(vendor: Sandbox) -> None:
    async def ask() -> bool:
        hook = WizaHook()
        transport = await hook.get_async_conn()
        try:
            return await hook.is_over(transport, "99999999")
        finally:
            await transport.aclose()

    assert asyncio.run(ask()) is True


FILTERS = {"location": [{"v": "TX", "b": "state", "s": "i"}]}


def _completed(hook: WizaHook, made: PeopleList) -> PeopleList:
    for _ in range(200):
        if made.is_complete:
            return made
        time.sleep(0.05)
        made = hook.list(made.id)
    raise AssertionError(f"list {made.id} did not complete in 10 s")


def test_list_when_finished_then_its_segments_add_up_and_its_credits_are_the_ledgers(vendor: Sandbox) -> None:
    hook = WizaHook()
    shown = hook.search_prospects(FILTERS, size=30)
    assert (len(shown.profiles), shown.credits) == (30, 1.0)
    assert hook.search_prospects(FILTERS).profiles == ()
    people = [{"profile_url": f"https://www.{one['linkedin_url']}"} for one in shown.profiles]
    before = hook.credits()["api_credits"]
    made = _completed(hook, hook.create_list("tx", people, skip_duplicates=False))
    assert made.stats["people"] == 30
    valid, risky, everybody = (hook.contacts(made.id, name) for name in ("valid", "risky", "people"))
    assert len(everybody.people) == 30
    assert made.credits == 2 * len(valid.people) == before - hook.credits()["api_credits"]
    assert all(person["email_status"] == "risky" for person in risky.people)
    nobody = [{"full_name": "Nobody Ofthatname", "company": "No Such Dental"}]
    empty = _completed(hook, hook.create_list("none", nobody))
    assert (hook.contacts(empty.id, "valid").people, hook.contacts(empty.id, "valid").reply.status) == ((), 400)
    again = _completed(hook, hook.create_list("again", nobody))
    assert again.stats["people"] == 0, "left out, because an earlier list had them"


def test_prospect_list_when_continued_then_the_next_people_come(vendor: Sandbox) -> None:
    hook = WizaHook()
    first = _completed(hook, hook.create_prospect_list("tx", FILTERS, 3, level="none"))
    more = _completed(hook, hook.continue_search(first.id, 2))
    names = [{person["linkedin"] for person in hook.contacts(one.id).people} for one in (first, more)]
    assert [len(found) for found in names] == [3, 2]
    assert not names[0] & names[1]
    assert (first.credits, more.credits) == (3.0, 2.0)


def test_list_when_unknown_refused_or_cut_off_then_the_error_is_of_the_small_vocabulary(vendor: Sandbox) -> None:
    async def waiting_is_pointless() -> bool:
        transport = await WizaHook().get_async_conn()
        try:
            return await WizaHook().list_is_complete(transport, 99_999)
        finally:
            await transport.aclose()

    hook = WizaHook()
    with pytest.raises(NotFound):
        hook.list(99_999)
    with pytest.raises(NotFound):
        hook.contacts(99_999)
    with pytest.raises(NotFound):
        hook.continue_search(99_999, 5)
    assert asyncio.run(waiting_is_pointless()) is True
    vendor.admin.put("credits/wiza", json={"credits": 0})
    for ask in (
        lambda: hook.create_list("x", [{"email": "a@b.example"}]),
        lambda: hook.company(domain="x.example"),
        lambda: hook.search_prospects(FILTERS, size=1),
    ):
        with pytest.raises(OutOfCredits):
            ask()
    fault = {"vendor": "wiza", "operation": "createList", "kind": "drop_response"}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(ResponseLost):
        hook.create_list("x", [{"email": "a@b.example"}])
    with pytest.raises(ValueError, match="1 to 2500 people, not 2501"):
        hook.create_list("x", [{"email": "a@b.example"}] * 2501)
    with pytest.raises(ValueError, match="0 to 30 people, not 31"):
        hook.search_prospects(FILTERS, size=31)


def test_company_when_known_or_not_then_paid_or_free(vendor: Sandbox) -> None:
    hook = WizaHook()
    before = hook.credits()["api_credits"]
    unknown = hook.company(name="No Such Dental")
    assert (unknown.data, unknown.credits, unknown.reply.status) == (None, 0.0, 404)
    assert hook.credits()["api_credits"] == before
    listed = _completed(hook, hook.create_prospect_list("tx", FILTERS, 12, level="none"))
    domains = (str(person["company_domain"]) for person in hook.contacts(listed.id).people)
    before = hook.credits()["api_credits"]
    found = next(company for domain in domains if (company := hook.company(domain=domain)).data)
    assert found.data is not None
    assert found.data["company_size"] >= 1
    assert before - hook.credits()["api_credits"] == found.credits == 2.0
    fault = {"vendor": "wiza", "operation": "companyEnrichment", "status": 404, "body": {"error": "no app"}}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(EndpointNotFound):
        hook.company(domain="x.example")
    with pytest.raises(ValueError, match="a name, a domain"):
        hook.company()


def test_start_reveal_when_asked_by_page_or_address_then_the_same_person_is_found(vendor: Sandbox) -> None:
    hook = WizaHook()
    profile = f"https://www.{hook.search_prospects(FILTERS, size=1).profiles[0]['linkedin_url']}"
    revealed = _finished(hook, hook.start_reveal_of_profile(profile, callback_url="http://127.0.0.1:9/hook"))
    assert revealed.reply.body["data"]["linkedin_profile_url"] == profile
    nobody = _finished(hook, hook.start_reveal_of_email("nobody@nowhere.example"))
    assert nobody.credits == 0.0
