"""Every Apollo operation against the sandbox, which checks each request against Apollo's contract."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from hooks.apollo import ApolloHook, LaterResult, Match, PersonQuery, Window, rate_windows, without_placeholder
from hooks.http.errors import (
    AuthFailed,
    BadRequest,
    EndpointNotFound,
    NotFound,
    OutOfCredits,
    RateLimited,
    ResponseLost,
    VendorDown,
)

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

ADDRESS = "http://127.0.0.1:9/callback"


def order(vendor: Sandbox, **fault: Any) -> None:
    vendor.admin.post("faults", json={"vendor": "apollo", **fault}).raise_for_status()


def ledger(vendor: Sandbox) -> dict[str, Any]:
    line: dict[str, Any] = vendor.admin.get("ledger").json()["vendors"].get("apollo", {"credits": 0.0})
    return line


def some_people(hook: ApolloHook, count: int) -> list[PersonQuery]:
    """People whom Apollo knows, by the ids of a free search."""
    found = hook.iter_people({"person_locations[]": ["TX", "CA", "FL", "NY"]})
    return [PersonQuery(id=str(person["id"])) for person, _ in zip(found, range(count), strict=False)]


def waited_for(hook: ApolloHook, request_id: int) -> LaterResult:
    for _ in range(200):
        later = hook.later_result(request_id)
        if later.state != "pending":
            return later
        time.sleep(0.05)
    raise AssertionError("no result in 10 s")


def test_people_when_asked_one_by_one_and_ten_at_once_then_order_credits_and_ledger_agree(vendor: Sandbox) -> None:
    hook = ApolloHook()
    known = some_people(hook, 8)
    before = ledger(vendor)["credits"], hook.credits()["lead_credit"].left
    missing = PersonQuery(name="Nobody Ofthatname", organization_name="No Such Dental")
    bulk = hook.bulk_match([*known[:4], missing, *known[4:]])
    assert [person and person["id"] for person in bulk.people] == [
        *(one.id for one in known[:4]),
        None,
        *(one.id for one in known[4:]),
    ]
    assert bulk.request_id is None
    billable = [person for person in bulk.people if person and (person["email"] or person["linkedin_url"])]
    assert (bulk.billed, bulk.credits) == (len(billable), float(len(billable)))
    assert json.loads(bulk.reply.text)["missing_records"] == 1

    one = hook.match(known[0])
    assert one.person is not None
    assert one.person["id"] == known[0].id
    miss = hook.match(missing)
    assert (miss.person, miss.credits, miss.request_id) == (None, 0.0, None)
    spent = bulk.credits + one.credits  # type: ignore[operator]
    assert ledger(vendor)["credits"] - before[0] == spent
    assert before[1] - hook.credits()["lead_credit"].left == spent
    assert ledger(vendor)["charged_again"] >= one.credits, "the same person was bought twice, and the ledger says so"


def test_person_when_its_email_was_never_bought_then_the_placeholder_is_not_an_address(vendor: Sandbox) -> None:
    hook = ApolloHook()
    found = hook.person(some_people(hook, 1)[0].id)
    assert found.person is not None
    assert found.person["email"] is None
    assert "email_not_unlocked@domain.com" in found.reply.text, "the archive keeps what came"
    with pytest.raises(NotFound):
        hook.person("000000000000000000000000")
    for locked in ("Email_Not_Unlocked@Domain.com", "email_not_unlocked@bright.test"):
        assert without_placeholder({"email": locked}) == {"email": None}
    assert without_placeholder({"email": "ada@practice.example"}) == {"email": "ada@practice.example"}
    assert without_placeholder(None) is None


def test_phones_when_revealed_then_they_come_later_under_a_signed_id(vendor: Sandbox) -> None:
    hook = ApolloHook()
    people = some_people(hook, 10)
    bulk = hook.bulk_match(people, reveal_phone=True, webhook_url=ADDRESS)
    assert bulk.request_id is not None
    one = hook.match(people[0], reveal_phone=True, webhook_url=ADDRESS)
    assert one.request_id is not None
    assert min(bulk.request_id, one.request_id) < 0, "every other id is negative"
    later = waited_for(hook, bulk.request_id)
    assert later.state == "ready"
    assert later.result is not None
    assert len(later.result["people"]) == len({person["id"] for person in bulk.people if person})
    waterfall = hook.bulk_match(people[:2], waterfall_email=True, webhook_url=ADDRESS)
    assert (waterfall.credits, waterfall.billed) == (None, None)
    assert waterfall.request_id is not None
    assert waited_for(hook, waterfall.request_id).result is not None


def test_later_result_when_pending_unknown_or_expired_then_only_pending_is_an_answer(vendor: Sandbox) -> None:
    async def is_there(request_id: int) -> bool:
        transport = await ApolloHook().get_async_conn()
        try:
            return await ApolloHook().later_result_is_there(transport, request_id)
        finally:
            await transport.aclose()

    hook = ApolloHook()
    pending = {"error_code": "result_pending", "retry_after_seconds": 10}
    order(vendor, operation="pollWebhookResult", status=404, body=pending, times=2)
    later = hook.later_result(-482113377902288451)
    assert (later.state, later.result, later.retry_after) == ("pending", None, 10.0)
    assert asyncio.run(is_there(5)) is False
    with pytest.raises(NotFound):
        hook.later_result(5)
    assert asyncio.run(is_there(5)) is True
    order(vendor, operation="pollWebhookResult", status=410, body={"error_code": "request_id_expired"})
    with pytest.raises(BadRequest, match="HTTP 410"):
        hook.later_result(-5)
    with pytest.raises(ValueError, match="64-bit"):
        hook.later_result(2**63)
    failed = {"request_id": "7", "webhook_status": "failed", "request_type": "phone", "webhook_result": {"people": []}}
    order(vendor, operation="pollWebhookResult", status=200, body=failed)
    assert hook.later_result(7).state == "failed"


def test_bulk_match_when_no_callback_will_come_then_there_is_nothing_to_wait_for(vendor: Sandbox) -> None:
    person = {"id": "66aa", "email": "ada@practice.example"}
    answer = {"status": "success", "request_id": -7, "matches": [person], "credits_consumed": 0.5}
    for more in ({"phone_enrichment": {"status": "skipped"}}, {"waterfall": {"status": "rejected", "message": "x"}}):
        order(vendor, operation="bulkPeopleEnrichment", status=200, body=answer | {"unique_enriched_records": 1} | more)
        bulk = ApolloHook().bulk_match([PersonQuery(id="66aa")], reveal_phone=True, webhook_url=ADDRESS)
        assert (bulk.request_id, bulk.credits) == (None, 0.5)


def test_organizations_when_looked_up_by_domain_then_known_ones_come_and_are_paid(vendor: Sandbox) -> None:
    hook = ApolloHook()
    found = [
        one for one, _ in zip(hook.iter_organizations({"organization_locations[]": ["TX"]}), range(3), strict=False)
    ]
    domains = [str(one["primary_domain"]) for one in found]
    before = ledger(vendor)["credits"]
    bulk = hook.organizations([*domains, "nowhere.example"])
    assert sorted(one["primary_domain"] for one in bulk.organizations) == sorted(domains)
    assert bulk.credits == len(domains)
    one = hook.organization(domain=domains[0])
    assert one.organizations[0]["estimated_num_employees"] >= 1
    none = hook.organization(name="No Such Dental")
    assert (none.organizations, none.credits) == ((), 0.0)
    assert ledger(vendor)["credits"] - before == bulk.credits + one.credits


def test_search_when_more_fit_than_it_shows_then_says_so_and_pages_end_with_the_last(vendor: Sandbox) -> None:
    hook = ApolloHook()
    people = list(hook.iter_people({}))
    assert len({person["id"] for person in people}) == len(people) > 100
    assert all("***" in person["last_name_obfuscated"] and "email" not in person for person in people)
    order(vendor, operation="peopleApiSearch", status=200, body={"total_entries": 50_001, "people": [{"id": "1"}]})
    found = hook.iter_people({})
    assert next(found) == {"id": "1"}
    with pytest.raises(BadRequest, match="cut the filters finer"):
        next(found)


def test_windows_when_told_in_headers_then_three_at_once_and_an_empty_one_is_no_limit(vendor: Sandbox) -> None:
    hook = ApolloHook()
    hook.match(PersonQuery(name="Nobody Ofthatname"))
    windows = hook.windows["match"]
    assert windows["minute"].limit
    assert windows["minute"].used
    assert windows["hour"] == Window(None, windows["hour"].used, None)
    limits = hook.limits()
    assert limits["people/match"]["minute"].limit == windows["minute"].limit
    assert limits["people/match"]["day"].limit is None
    assert rate_windows({}) == {span: Window(None, None, None) for span in ("minute", "hour", "day")}


@pytest.mark.parametrize(
    ("fault", "expected", "says"),
    [
        ({"status": 401}, AuthFailed, "apollo_default"),
        ({"status": 403}, AuthFailed, "scope or the plan"),
        ({"status": 422, "body": {"error": "You have insufficient credits"}}, OutOfCredits, "Top the account up"),
        ({"status": 403, "body": {"error_details": {"code": "OUT_OF_CREDITS"}}}, OutOfCredits, "Top the account up"),
        ({"status": 422, "body": {"error": "Invalid parameters"}}, BadRequest, "HTTP 422"),
        ({"status": 404, "body": {"error": "not found"}}, EndpointNotFound, "no such path"),
        ({"status": 500}, ResponseLost, "stays outcome unknown"),
        ({"status": 200, "body": {"people": []}}, ResponseLost, "person"),
        ({"kind": "drop_response"}, ResponseLost, "stays outcome unknown"),
    ],
)
def test_match_when_refused_or_cut_off_then_the_error_is_of_the_small_vocabulary(
    vendor: Sandbox, fault: dict[str, Any], expected: type[Exception], says: str
) -> None:
    order(vendor, operation="peopleEnrichment", **fault)
    with pytest.raises(expected, match=says):
        ApolloHook().match(PersonQuery(name="Ada Molar", organization_name="Example Dental"))


def test_calls_when_a_window_is_full_then_the_longest_full_one_says_how_long(vendor: Sandbox) -> None:
    order(vendor, operation="peopleEnrichment", status=429, headers={"retry-after": "90"})
    with pytest.raises(RateLimited) as raised:
        ApolloHook().match(PersonQuery(name="Ada Molar"))
    assert raised.value.retry_after == 90.0
    headers = {"retry-after": "", "x-minute-requests-left": "0", "x-hourly-requests-left": "0"}
    order(vendor, operation="creditUsageStats", status=429, headers=headers, times=1)
    with pytest.raises(RateLimited) as raised:
        ApolloHook().credits()
    assert raised.value.retry_after == 3600.0


def test_bulk_match_when_the_account_is_empty_then_nobody_is_charged(vendor: Sandbox) -> None:
    hook = ApolloHook()
    people = some_people(hook, 10)
    vendor.admin.put("credits/apollo", json={"credits": 0})
    before = ledger(vendor)["credits"]
    for ask in (lambda: hook.bulk_match(people), lambda: hook.match(people[0]), lambda: hook.organization(name="x")):
        with pytest.raises(OutOfCredits):
            ask()
    assert ledger(vendor)["credits"] == before


@pytest.mark.parametrize("matches", [None, [], [None, None], "x"])
def test_bulk_match_when_the_answer_is_of_another_length_then_it_is_kept_and_nobody_gets_a_part(
    vendor: Sandbox, matches: Any
) -> None:
    body = {"status": "success", "matches": matches, "credits_consumed": 1}
    order(vendor, operation="bulkPeopleEnrichment", status=200, body=body)
    found = ApolloHook().bulk_match([PersonQuery(name="Ada Molar")])
    assert (found.people, found.credits) == ((), 1.0)
    assert json.loads(found.reply.text) == body


@pytest.mark.parametrize("told", [-5, "x", [], 1e300, True])
def test_bulk_match_when_the_charge_can_be_none_then_it_is_the_most_it_can_have_been(
    vendor: Sandbox, told: Any
) -> None:
    person = {"email": "ada@bright.test", "linkedin_url": None}
    body = {"matches": [person, None, "odd"], "credits_consumed": told, "unique_enriched_records": "x"}
    order(vendor, operation="bulkPeopleEnrichment", status=200, body=body)
    found = ApolloHook().bulk_match([PersonQuery(name=f"Ada Molar{number}") for number in "abc"])
    assert (found.credits, found.billed, found.people) == (3.0, None, (person, None, None))


@pytest.mark.parametrize(
    ("matches", "credits"),
    [
        ([{"email": "ada@bright.test"}, None], 1.0),
        ([{"email": None}, {"linkedin_url": "http://www.linkedin.com/in/ada"}], 1.0),
        ([{"email": "ada@bright.test"}, "odd"], 2.0),
        ([{"email": None}], 2.0),
        ("x", 2.0),
    ],
)
def test_bulk_match_when_no_charge_is_told_then_it_is_the_price_list_and_who_is_unread_counts(
    vendor: Sandbox, matches: Any, credits: float
) -> None:
    order(vendor, operation="bulkPeopleEnrichment", status=200, body={"matches": matches})
    assert ApolloHook().bulk_match([PersonQuery(name="Ada Molar"), PersonQuery(name="Ben Cuspid")]).credits == credits


def test_calls_when_they_cannot_be_right_then_refused_before_they_are_made() -> None:
    hook = ApolloHook()
    with pytest.raises(ValueError, match="1 to 10 people, not 11"):
        hook.bulk_match([PersonQuery(name="A B")] * 11)
    with pytest.raises(ValueError, match="1 to 10 domains, not 0"):
        hook.organizations([])
    with pytest.raises(ValueError, match="webhook_url"):
        hook.match(PersonQuery(name="A B"), reveal_phone=True)
    with pytest.raises(ValueError, match="at least one field"):
        hook.match(PersonQuery())
    with pytest.raises(ValueError, match="a domain, a name"):
        hook.organization()


def test_reads_when_malformed_then_the_vendor_is_down(vendor: Sandbox) -> None:
    order(vendor, status=200, body={"nothing": 1}, times=2)
    with pytest.raises(VendorDown):
        ApolloHook().credits()
    with pytest.raises(VendorDown):
        list(ApolloHook().iter_people({}))


def test_test_connection_when_the_key_is_good_or_wrong_then_says_which(
    vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ApolloHook().test_connection() == (True, "Apollo answers; lead credits left: 10000")
    wrong = json.loads(os.environ["AIRFLOW_CONN_APOLLO_DEFAULT"]) | {"password": "wrong-key-1"}
    monkeypatch.setenv("AIRFLOW_CONN_APOLLO_DEFAULT", json.dumps(wrong))
    worked, message = ApolloHook().test_connection()
    assert (worked, "HTTP 401" in message, "wrong-key-1" in message) == (False, True, False)


def test_match_when_read_then_its_type_is_frozen() -> None:
    assert Match.__dataclass_params__.frozen  # type: ignore[attr-defined]
