"""Go High Level against the sandbox: only what differs, row by row, whatever breaks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from hooks.ghl import GhlHook
from hooks.http.errors import AuthFailed, RateLimited
from hooks.instantly import InstantlyHook
from include.airflow.sends import send_store
from operators.bigquery_to_ghl import BigQueryToGhlOperator
from operators.inbox_to_bigquery import InboxToBigQueryOperator
from tests.operators.activation import (
    LATER,
    calls,
    choose,
    email,
    judged,
    phone,
    ready,
    replace_email,
    replace_phone,
    score,
    suppress,
    to_ghl,
    to_instantly,
)
from tests.operators.context import context
from tests.sql.clean.raw_events import converge
from tests.sql.segmented.registry import AS_OF, insert, person_id, rows

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox


@pytest.fixture
def world(sandbox: Sandbox, lake: storage.Bucket) -> Iterator[Sandbox]:
    """The sandbox without ordered faults, and an empty ledger."""
    with sandbox.admin as admin:
        admin.delete("faults")
    yield sandbox
    with sandbox.admin as admin:
        admin.delete("faults")


def contacted(client: bigquery.Client, npis: list[str]) -> list[str]:
    """Write down that Instantly holds these persons."""
    state = {"destination": "instantly", "payload_hash": "h", "synced_at": AS_OF, "sent_at": AS_OF, "status": "active"}
    more = {"audience_id": "general-independent", "content_block_id": "growth-benchmark-report"}
    insert(
        client,
        "activation.sync_state",
        [{**state, **more, "person_id": person_id(npi), "remote_id": f"lead-{npi}"} for npi in npis],
    )
    return npis


def held(npis: list[str]) -> dict[str, dict[str, Any]]:
    """The contacts that GHL holds, by NPI."""
    found: dict[str, dict[str, Any]] = {}
    for npi in npis:
        for contact in GhlHook().iter_contacts([{"field": "email", "operator": "eq", "value": email(npi)}]):
            assert npi not in found, "two contacts with one address"
            found[npi] = contact
    return found


def made(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """The calls between two looks at the sandbox's ledger, by operation."""
    return {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}


def custom(contact: dict[str, Any]) -> dict[str, str]:
    return {item["id"]: item.get("fieldValue", item.get("value")) for item in contact["customFields"]}


def test_execute_when_contacted_then_contact_carries_score_grade_and_content(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2))
    stranger = ready(bigquery_client, 1)
    score(bigquery_client, npis[0], 0.42, 0.95)
    before = calls(world, "ghl")
    counts = to_ghl()
    assert (counts["creates"], counts["sent"], counts["rejected"]) == (2, 2, 0)
    # One call for each new contact, and one for the run: whether the location allows duplicates.
    assert made(before, calls(world, "ghl")) == {"create-contact": 2, "get-location": 1}
    contact = held(npis)[npis[0]]
    assert (contact["firstName"], contact["phone"], contact["postalCode"]) == ("Dana", phone(npis[0]), "78701")
    assert contact["tags"] == ["dental-gtm", "general-independent"]
    assert custom(contact)["gtm_person_id"] == person_id(npis[0])
    assert (custom(contact)["gtm_lead_score"], custom(contact)["gtm_grade"]) == ("40", "A")
    assert custom(contact)["gtm_content_block"] == "growth-benchmark-report"
    assert held(stranger) == {}
    state = rows(bigquery_client, "SELECT person_id, remote_id FROM activation.sync_state WHERE destination = 'ghl'")
    assert {row["remote_id"] for row in state} == {contact["id"] for contact in held(npis).values()}


def test_execute_when_run_again_then_nothing_is_sent_and_noise_is_no_change(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2))
    score(bigquery_client, npis[0], 0.42, 0.95)
    to_ghl()
    before = calls(world, "ghl")
    score(bigquery_client, npis[0], 0.41, 0.94, as_of=LATER)
    counts = to_ghl(LATER)
    assert (counts["creates"], counts["updates"], counts["unchanged"]) == (0, 0, 2)
    assert calls(world, "ghl") == before


def test_execute_when_content_changes_then_that_contact_alone_is_updated_and_keeps_its_tags(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2))
    to_ghl()
    contact_id = held(npis)[npis[0]]["id"]
    GhlHook().add_tags(contact_id, ["called by Ann"])
    choose(bigquery_client, npis[:1], "peer-invite", as_of=LATER)
    counts = to_ghl(LATER)
    assert (counts["updates"], counts["unchanged"]) == (1, 1)
    contact = held(npis)[npis[0]]
    assert (contact["id"], contact["tags"]) == (contact_id, ["dental-gtm", "general-independent", "called by ann"])
    assert custom(contact)["gtm_content_block"] == "peer-invite"


def test_execute_when_people_made_the_contact_first_then_it_keeps_their_tags_and_gains_ours(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    theirs = {"email": email(npi).upper(), "tags": ["Called by Ann", "VIP"], "website": "https://dana.example"}
    contact_id = GhlHook().create_contact(theirs).contact_id
    before = calls(world, "ghl")
    assert to_ghl()["sent"] == 1
    spent = ["create-contact", "get-location", "get-contact", "update-contact", "add-tags", "remove-tags"]
    assert made(before, calls(world, "ghl")) == dict.fromkeys(spent, 1)
    contact = GhlHook().get_contact(contact_id)
    assert contact["tags"] == ["called by ann", "vip", "dental-gtm", "general-independent"]
    assert (contact["website"], contact["firstName"]) == ("https://dana.example", "Dana")
    assert custom(contact)["gtm_person_id"] == person_id(npi)
    state = rows(bigquery_client, "SELECT remote_id, status FROM activation.sync_state WHERE destination = 'ghl'")
    assert state == [{"remote_id": contact_id, "status": "active"}]
    assert to_ghl()["unchanged"] == 1


def test_execute_when_our_tags_are_refused_on_their_contact_then_it_is_held_so_that_an_opt_out_reaches_it(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    contact_id = GhlHook().create_contact({"email": email(npi)}).contact_id
    fault = {"vendor": "ghl", "operation": "add-tags", "status": 422}
    world.admin.post("faults", json=fault).raise_for_status()
    counts = to_ghl()
    assert (counts["sent"], counts["rejected"]) == (1, 0)
    state = rows(bigquery_client, "SELECT remote_id, status FROM activation.sync_state WHERE destination = 'ghl'")
    assert state == [{"remote_id": contact_id, "status": "active"}]


def test_execute_when_people_made_two_contacts_of_one_person_then_each_keeps_its_own_address(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    hook = GhlHook()
    by_email = hook.create_contact({"email": email(npi)}).contact_id
    by_phone = hook.create_contact({"phone": phone(npi), "tags": ["front desk"]}).contact_id
    assert (to_ghl()["sent"], held([npi])[npi]["id"]) == (1, by_email)
    assert custom(hook.get_contact(by_email))["gtm_person_id"] == person_id(npi)
    assert (hook.get_contact(by_phone)["tags"], "phone" in hook.get_contact(by_email)) == (["front desk"], False)
    choose(bigquery_client, [npi], "peer-invite", as_of=LATER)  # and so at every change
    assert to_ghl(LATER)["sent"] == 1
    assert custom(hook.get_contact(by_email))["gtm_content_block"] == "peer-invite"


def test_execute_when_a_number_is_anothers_then_it_moves_or_is_left_out_and_no_contact_is_taken_over(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    new, known, desk = ready(bigquery_client, 3)
    new, known = sorted((new, known), key=person_id)  # the new one comes first in the plan's order
    contacted(bigquery_client, [known])
    to_ghl()
    hook = GhlHook()
    front_desk = hook.create_contact({"phone": phone(desk)}).contact_id
    replace_phone(bigquery_client, new, phone(known))
    replace_phone(bigquery_client, known, "+15124440099")
    contacted(bigquery_client, [new, desk])
    assert to_ghl(LATER)["sent"] == 3
    contacts = held([new, known, desk])
    assert (contacts[new]["phone"], contacts[known]["phone"]) == (phone(known), "+15124440099")
    assert "phone" not in contacts[desk] and hook.get_contact(front_desk)["customFields"] == []
    assert {npi: custom(contact)["gtm_person_id"] for npi, contact in contacts.items()} == {
        npi: person_id(npi) for npi in (new, known, desk)
    }


def test_execute_when_the_audience_changes_then_our_former_tag_goes_and_those_of_people_stay(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    contact_id = held([npi])[npi]["id"]
    # A tag of ours that no send tells of, and one that is lost: as a call whose answer never came leaves them.
    GhlHook().add_tags(contact_id, ["VIP", "general-group"])
    GhlHook().remove_tags(contact_id, ["dental-gtm"])
    bigquery_client.query_and_wait(
        "UPDATE activation.sync_state SET audience_id = 'specialists' WHERE destination = 'instantly'"
    )
    assert to_ghl()["updates"] == 1
    assert GhlHook().get_contact(contact_id)["tags"] == ["vip", "dental-gtm", "specialists"]
    assert to_ghl()["unchanged"] == 1


def test_execute_when_the_location_allows_duplicates_then_opt_outs_alone_are_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (known,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    suppress(bigquery_client, "person", person_id(known))
    late = contacted(bigquery_client, ready(bigquery_client, 1))
    location = {"location": {"settings": {"allowDuplicateContact": True}}}
    with world.admin as admin:
        admin.post("faults", json={"vendor": "ghl", "operation": "get-location", "status": 200, "body": location})
    with pytest.raises(AirflowFailException, match="Only opt-outs were sent to GHL: location .* allows duplicate"):
        to_ghl()
    assert (held([known])[known]["dnd"], held(late)) == (True, {})
    assert to_ghl()["creates"] == 1


def test_execute_when_a_value_returns_within_one_as_of_then_each_change_is_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    for number in ("+15124440011", "+15124440012", "+15124440011", "+15124440012"):
        replace_phone(bigquery_client, npi, number)
        assert to_ghl()["sent"] == 1
        assert held([npi])[npi]["phone"] == number
        assert to_ghl()["updates"] == 0


def test_execute_when_suppressed_then_known_contact_gets_dnd_once_and_unknown_is_never_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    person, bounced, never = contacted(bigquery_client, ready(bigquery_client, 3))
    suppress(bigquery_client, "person", person_id(never))
    assert to_ghl()["creates"] == 2
    suppress(bigquery_client, "person", person_id(person))
    suppress(bigquery_client, "email", email(bounced))
    assert to_ghl()["suppressed"] == 2
    contacts = held([person, bounced, never])
    assert set(contacts) == {person, bounced}
    assert contacts[person]["dnd"] is True
    assert contacts[bounced]["dnd"] is False
    assert contacts[bounced]["dndSettings"] == {"email": {"status": "active", "code": "STOP_OF_ADDRESS"}}
    again = to_ghl()
    assert (again["suppressed"], again["updates"], again["creates"]) == (0, 0, 0)


def test_send_when_person_opts_out_after_the_plan_then_they_are_left_out(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2))
    operator = BigQueryToGhlOperator(task_id="send_contacts", as_of=AS_OF)
    store = send_store(operator, "google_cloud_default", "ghl")
    plan = operator.plan(store, AS_OF)
    suppress(bigquery_client, "email", email(npis[0]))
    assert operator.send(store, plan)["suppressed_late"] == 1
    assert set(held(npis)) == {npis[1]}


def test_send_when_the_planned_address_fails_and_is_replaced_after_the_plan_then_it_is_not_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2))
    operator = BigQueryToGhlOperator(task_id="send_contacts", as_of=AS_OF)
    store = send_store(operator, "google_cloud_default", "ghl")
    plan = operator.plan(store, AS_OF)
    suppress(bigquery_client, "email", email(npis[0]))
    replace_email(bigquery_client, npis[0], "dana@elsewhere.example")
    assert operator.send(store, plan)["suppressed_late"] == 1
    assert set(held(npis)) == {npis[1]}


def test_execute_when_held_out_person_engages_then_there_is_still_no_contact(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (held_out,) = ready(bigquery_client, 1, arm="holdout")
    (engaged,) = ready(bigquery_client, 1)
    insert(bigquery_client, "clean.event", [_click(held_out), _click(engaged)])
    assert to_ghl(LATER)["creates"] == 1
    assert set(held([held_out, engaged])) == {engaged}


def test_execute_when_dentists_share_a_phone_then_they_stay_two_contacts(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2, phone_e164="+15124440001"))
    to_ghl()
    contacts = held(npis)
    assert len({contact["id"] for contact in contacts.values()}) == 2
    assert all(custom(contact)["gtm_practice_phone"] == "+15124440001" for contact in contacts.values())


def test_execute_when_one_contact_is_refused_then_the_others_go_on_and_it_is_not_offered_again(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    good = contacted(bigquery_client, ready(bigquery_client, 2))
    bad = contacted(bigquery_client, ready(bigquery_client, 1, email="no address"))
    counts = to_ghl()
    assert (counts["sent"], counts["rejected"]) == (2, 1)
    rejection = rows(bigquery_client, "SELECT person_id, code, reason FROM activation.rejection")
    assert [(row["person_id"], row["code"]) for row in rejection] == [(person_id(bad[0]), "422")]
    assert "email" in rejection[0]["reason"] and "no address" not in rejection[0]["reason"]
    assert set(held(good)) == set(good)
    again = to_ghl()
    assert (again["creates"], again["unchanged"], again["rejected_before"]) == (0, 2, 1)


def test_execute_when_too_many_are_refused_then_the_run_fails_after_the_others_are_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    good = contacted(bigquery_client, ready(bigquery_client, 2))
    for number in range(3):
        contacted(bigquery_client, ready(bigquery_client, 1, email=f"no address {number}"))
    with pytest.raises(AirflowFailException, match="refused 3 of 5"):
        to_ghl()
    assert set(held(good)) == set(good)


def test_execute_when_rate_limit_holds_then_what_was_sent_is_kept_and_rerun_sends_the_rest(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 3))
    with world.admin as admin:
        # The first call goes through slowly; then the vendor says: come back in an hour.
        admin.post("faults", json={"vendor": "ghl", "operation": "create-contact", "kind": "slow", "seconds": 0.01})
        admin.post(
            "faults",
            json={"vendor": "ghl", "operation": "create-contact", "status": 429, "headers": {"Retry-After": "3600"}},
        )
    with pytest.raises(RateLimited):
        to_ghl()
    sent_first = len(rows(bigquery_client, "SELECT * FROM activation.send"))
    assert 0 < len(held(npis)) == sent_first < 3  # a few are under way at once
    counts = to_ghl()
    assert counts["creates"] == 3 - sent_first
    assert set(held(npis)) == set(npis)


def test_execute_when_burst_limit_is_hit_then_the_hook_waits_and_all_is_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2))
    with world.admin as admin:
        fault = {"vendor": "ghl", "operation": "create-contact", "status": 429, "headers": {"Retry-After": "1"}}
        admin.post("faults", json=fault)
    assert to_ghl()["sent"] == 2
    assert set(held(npis)) == set(npis)


def test_execute_when_answer_is_lost_then_there_is_one_contact(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 2))
    with world.admin as admin:
        admin.post("faults", json={"vendor": "ghl", "operation": "create-contact", "kind": "drop_response"})
    assert to_ghl()["sent"] == 2
    assert set(held(npis)) == set(npis)
    sends = rows(bigquery_client, "SELECT * FROM activation.send")
    assert len({row["send_id"] for row in sends}) == len(sends) == 2


def test_execute_when_worker_died_between_intent_and_answer_then_rerun_heals_and_stops_who_opted_out(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    from include.activation.send import request_of

    (known,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    gone, stays, unheard, never = contacted(bigquery_client, ready(bigquery_client, 4))
    operator = BigQueryToGhlOperator(task_id="send_contacts", as_of=AS_OF)
    store = send_store(operator, "google_cloud_default", "ghl")
    sends = {send.person_id: send for send in operator.plan(store, AS_OF).sends}
    for npi in (gone, stays, never):
        send = sends[person_id(npi)]
        # As the version before called it, too: what it left behind is not lost.
        store.ledger("upsert_contact" if npi == gone else "create_contact").claim(send.send_id, request_of([send]))
        if npi != never:
            GhlHook().create_contact(send.payload | {"tags": send.changes["tags"]})  # it did reach GHL
    contact_id = held([stays])[stays]["id"]
    GhlHook().add_tags(contact_id, ["VIP"])  # and people went on
    for npi in (known, gone, never):
        suppress(bigquery_client, "person", person_id(npi))
    bigquery_client.query_and_wait(
        "UPDATE activation.sync_state SET audience_id = 'specialists' WHERE destination = 'instantly'"
    )
    limit = {
        "vendor": "ghl",
        "operation": "search-contacts-advanced",
        "status": 429,
        "headers": {"Retry-After": "3600"},
    }
    with world.admin as admin:
        admin.post("faults", json=limit | {"times": 3})
    with pytest.raises(RateLimited):  # GHL cannot be asked: opt-outs alone are sent, and the calls stay outcome unknown
        to_ghl()
    assert (held([known])[known]["dnd"], held([unheard])) == (True, {})
    counts = to_ghl()
    assert (counts["suppressed"], counts["updates"], counts["creates"], counts["sent"]) == (1, 1, 1, 3)
    contacts = held([gone, stays, unheard, never])  # which fails where two contacts have one address
    assert set(contacts) == {gone, stays, unheard}
    assert (contacts[gone]["dnd"], contacts[stays]["dnd"]) == (True, False)
    assert GhlHook().get_contact(contact_id)["tags"] == ["dental-gtm", "vip", "specialists"]
    again = to_ghl()
    assert (again["unchanged"], again["calls"]) == (4, 0)


def test_execute_when_key_is_wrong_then_it_fails_at_once_and_heals(
    world: Sandbox, bigquery_client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 1))
    good = os.environ["AIRFLOW_CONN_GHL_DEFAULT"]
    monkeypatch.setenv("AIRFLOW_CONN_GHL_DEFAULT", good.replace("ghl-sandbox-token", "another"))
    with pytest.raises(AuthFailed, match="ghl_default"):
        to_ghl()
    monkeypatch.setenv("AIRFLOW_CONN_GHL_DEFAULT", good)
    assert to_ghl()["sent"] == 1
    assert set(held(npis)) == set(npis)


def test_execute_when_dry_run_then_nothing_is_sent_or_written(
    world: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    contacted(bigquery_client, ready(bigquery_client, 2))
    before = calls(world, "ghl")
    counts = BigQueryToGhlOperator(task_id="send_contacts", as_of=AS_OF, plan_only=True).execute({})
    assert (counts["creates"], counts["calls"], counts["seconds"]) == (2, 2, 0.2)
    assert calls(world, "ghl") == before and list(lake.list_blobs()) == []


def test_execute_when_as_of_is_older_than_the_newest_send_then_nothing_is_done(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl(LATER)
    late = contacted(bigquery_client, ready(bigquery_client, 1))
    counts = to_ghl(AS_OF)
    assert (counts["newer_as_of"], counts["creates"], counts["sent"]) == (LATER, 0, 0)
    assert held(late) == {}


def test_execute_when_as_of_is_past_then_param_does_opt_outs_only_and_event_works_at_the_newest(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    gone, stays = contacted(bigquery_client, ready(bigquery_client, 2))
    to_ghl(LATER)
    suppress(bigquery_client, "person", person_id(gone))
    late = contacted(bigquery_client, ready(bigquery_client, 1))
    counts = to_ghl(AS_OF)
    assert (counts["suppressed"], counts["creates"], counts["updates"]) == (1, 0, 0)
    contacts = held([gone, stays])
    assert (contacts[gone]["dnd"], contacts[stays].get("dnd", False)) == (True, False)
    assert to_ghl(AS_OF, as_of_given=False)["creates"] == 1
    assert set(held(late)) == set(late)
    newest = rows(bigquery_client, "SELECT as_of FROM activation.send WHERE operation = 'create'")
    assert {row["as_of"].isoformat() for row in newest} == {LATER}


def test_execute_when_opt_out_is_refused_then_the_run_fails_and_every_run_offers_it_again(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    suppress(bigquery_client, "person", person_id(npi))
    late = contacted(bigquery_client, ready(bigquery_client, 1))
    refusal = {"vendor": "ghl", "operation": "update-contact", "status": 422}
    location = {"location": {"settings": {"allowDuplicateContact": True}}}
    duplicates = {"vendor": "ghl", "operation": "get-location", "status": 200, "body": location}
    later = {"vendor": "ghl", "operation": "create-contact", "status": 429, "headers": {"Retry-After": "3600"}}
    # Whatever else stops the run, the opt-outs that GHL refused are named first.
    for stop, besides in [([duplicates], ".* allows duplicate"), ([later], ".* HTTP 429"), ([], "")]:
        with world.admin as admin:
            for fault in (refusal, *stop):
                admin.post("faults", json=fault)
        with pytest.raises(AirflowFailException, match=f"^GHL refused 1 opt-outs{besides}"):
            to_ghl()
    assert set(held(late)) == set(late)
    assert held([npi])[npi].get("dnd") is not True
    counts = to_ghl()
    assert (counts["suppressed"], counts["sent"], counts["rejected_before"]) == (1, 1, 0)
    assert held([npi])[npi]["dnd"] is True
    assert to_ghl()["suppressed"] == 0


def test_execute_when_suppressed_contact_is_gone_then_it_counts_as_done(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    GhlHook().delete_contact(held([npi])[npi]["id"])
    suppress(bigquery_client, "person", person_id(npi))
    counts = to_ghl()
    assert (counts["suppressed"], counts["sent"], counts["rejected"]) == (1, 1, 0)
    assert to_ghl()["suppressed"] == 0


def test_execute_when_bounced_person_opts_out_later_then_dnd_becomes_full(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    suppress(bigquery_client, "email", email(npi))
    to_ghl()
    assert held([npi])[npi]["dnd"] is False
    suppress(bigquery_client, "person", person_id(npi))
    assert to_ghl()["suppressed"] == 1
    assert held([npi])[npi]["dnd"] is True
    assert to_ghl()["suppressed"] == 0


def test_send_when_there_are_opt_outs_then_they_go_before_everything_else(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = contacted(bigquery_client, ready(bigquery_client, 3))
    to_ghl()
    suppress(bigquery_client, "person", max(person_id(npi) for npi in npis))  # the last one in the plan's order
    choose(bigquery_client, npis, "peer-invite", as_of=LATER)
    to_ghl(LATER)
    order = rows(
        bigquery_client, "SELECT operation FROM activation.send WHERE operation != 'create' ORDER BY sent_at, send_id"
    )
    assert [row["operation"] for row in order] == ["suppress", "update", "update"]


def test_execute_when_a_person_opts_out_then_nobody_else_gets_mail_in_that_inbox(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = ready(bigquery_client, 1)
    partner = contacted(bigquery_client, ready(bigquery_client, 1, email=f" {email(npi).upper()}"))
    suppress(bigquery_client, "person", person_id(npi))
    assert to_ghl()["creates"] == 0
    assert held(partner) == {}


def _click(npi: str) -> dict[str, Any]:
    return {
        "event_id": f"click-{npi}",
        "canonical_type": "email_clicked",
        "sender": "instantly",
        "vendor_event": "link_clicked",
        "occurred_at": "2025-11-12T15:00:00+00:00",
        "received_date": "2025-11-12",
        "dedup_key": f"click-{npi}",
        "person_id": person_id(npi),
        "attributes": {},
    }


def test_execute_when_a_gate_failed_then_opt_outs_alone_are_sent_until_it_passes(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    known, _ = contacted(bigquery_client, ready(bigquery_client, 2))
    assert to_ghl()["sent"] == 2
    contacted(bigquery_client, ready(bigquery_client, 1))
    suppress(bigquery_client, "person", person_id(known))
    judged(bigquery_client, "enriched.contact", False, LATER)
    before = calls(world, "ghl")
    with pytest.raises(
        AirflowFailException, match="Only opt-outs were sent to GHL: .*enriched.contact .as of 2025-11-17"
    ):
        to_ghl()
    after = calls(world, "ghl")
    assert sum(after.values()) == sum(before.values()) + 1
    judged(bigquery_client, "enriched.contact", True, LATER)
    assert to_ghl()["creates"] == 1


def test_execute_when_a_person_opts_out_of_one_channel_then_that_one_alone_is_closed(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    mail, sms = contacted(bigquery_client, ready(bigquery_client, 2))
    to_ghl()
    suppress(bigquery_client, "person", person_id(mail), channel="email")
    suppress(bigquery_client, "person", person_id(sms), channel="sms")
    counts = to_ghl()
    assert (counts["suppressed"], counts["updates"]) == (1, 1)
    contacts = held([mail, sms])
    assert (contacts[mail]["dnd"], contacts[mail]["dndSettings"]) == (False, {"email": {"status": "active"}})
    assert (contacts[sms]["dnd"], contacts[sms]["dndSettings"]) == (False, {"sms": {"status": "active"}})
    suppress(bigquery_client, "person", person_id(mail), channel="sms")
    assert to_ghl()["suppressed"] == 1
    assert set(held([mail])[mail]["dndSettings"]) == {"email", "sms"}
    assert rows(bigquery_client, "SELECT COUNT(*) AS n FROM clean.suppression") == [{"n": 3}]


@pytest.mark.parametrize("status", [400, 422])
def test_execute_when_a_create_is_refused_and_made_then_it_is_held_and_an_opt_out_reaches_it(
    world: Sandbox, bigquery_client: bigquery.Client, status: int
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    body = {"statusCode": status, "message": ["property postalCode is not valid"], "error": "Unprocessable Entity"}
    refusal = {"vendor": "ghl", "kind": "false_refusal", "status": status, "body": body}
    # GHL refuses the fields again where they are put on the contact that it made.
    with world.admin as admin:
        admin.post("faults", json={**refusal, "operation": "create-contact"}).raise_for_status()
        admin.post("faults", json={**refusal, "operation": "update-contact", "times": 2}).raise_for_status()
    assert to_ghl()["sent"] == 1
    state = rows(bigquery_client, "SELECT remote_id, status FROM activation.sync_state WHERE destination = 'ghl'")
    assert state == [{"remote_id": held([npi])[npi]["id"], "status": "active"}]
    suppress(bigquery_client, "person", person_id(npi))
    with world.admin as admin:
        admin.delete("faults")
    assert to_ghl(LATER)["suppressed"] == 1
    assert held([npi])[npi]["dnd"] is True


def test_execute_when_a_create_is_refused_then_a_later_run_brings_the_contact_up_to_date(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    refusal = {"vendor": "ghl", "kind": "false_refusal", "status": 422}
    with world.admin as admin:
        admin.post("faults", json={**refusal, "operation": "create-contact"}).raise_for_status()
        admin.post("faults", json={**refusal, "operation": "update-contact"}).raise_for_status()
    to_ghl()
    assert to_ghl()["updates"] == 1
    assert set(held([npi])[npi]["tags"]) == {"dental-gtm", "general-independent"}


def test_execute_when_an_opt_out_is_refused_and_done_then_it_counts_as_done(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    suppress(bigquery_client, "person", person_id(npi))
    with world.admin as admin:
        admin.post(
            "faults", json={"vendor": "ghl", "operation": "update-contact", "kind": "false_refusal", "status": 422}
        )
    counts = to_ghl()
    assert (counts["suppressed"], counts["sent"], counts["rejected"]) == (1, 1, 0)


@pytest.mark.parametrize("opt_out", [{"dnd": True}, {"dndSettings": {"email": {"status": "active"}}}])
def test_execute_when_people_closed_the_contact_before_then_it_is_suppressed_and_instantly_stops(
    world: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket, opt_out: dict[str, Any]
) -> None:
    channel = "all" if "dnd" in opt_out else "email"
    (npi,) = ready(bigquery_client, 1)
    assert to_instantly()["sent"] == 1
    contact_id = GhlHook().create_contact({"email": email(npi)}).contact_id
    GhlHook().update_contact(contact_id, opt_out)
    assert to_ghl()["sent"] == 1
    address = hashlib.sha256(email(npi).encode()).hexdigest()
    read = rows(
        bigquery_client, "SELECT identifier_type, identifier_hash, channel, reason FROM clean.suppression ORDER BY 1"
    )
    assert [tuple(row.values()) for row in read] == [
        ("email", address, channel, "dnd"),
        ("person", person_id(npi), channel, "dnd"),
    ]
    assert "firstName" not in GhlHook().get_contact(contact_id), "nothing is told of somebody who opted out"
    assert to_instantly(LATER)["suppressed"] == 1
    assert list(InstantlyHook().iter_leads(contacts=[email(npi)])) == []
    to_ghl(LATER)  # and what we write of it ourselves adds nothing
    # CLEAN says the same when it is made of RAW again.
    today = {blob.name.split("/")[1] for blob in lake.list_blobs(prefix="inbox/")}
    bigquery_client.query_and_wait("TRUNCATE TABLE clean.suppression")
    for day in today:
        InboxToBigQueryOperator(task_id="load", received_date=day).execute(context())
    converge(bigquery_client)
    again = rows(
        bigquery_client, "SELECT identifier_type, identifier_hash, channel, reason FROM clean.suppression ORDER BY 1"
    )
    assert again == read


def test_execute_when_an_update_shows_an_opt_out_then_it_is_a_suppression(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    GhlHook().update_contact(held([npi])[npi]["id"], {"dnd": True})  # and no webhook came
    choose(bigquery_client, [npi], "peer-invite", as_of=LATER)
    assert to_ghl(LATER)["updates"] == 1
    assert {row["channel"] for row in rows(bigquery_client, "SELECT channel FROM clean.suppression")} == {"all"}


def test_execute_when_the_address_that_ghl_holds_is_closed_then_it_is_stopped_though_we_know_another_one(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = contacted(bigquery_client, ready(bigquery_client, 1))
    to_ghl()
    replace_email(bigquery_client, npi, "dana@elsewhere.example")
    suppress(bigquery_client, "email", email(npi))
    assert to_ghl()["suppressed"] == 1
    assert held([npi])[npi]["dndSettings"]["email"]["status"] == "active"
