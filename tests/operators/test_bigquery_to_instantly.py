"""Instantly against the sandbox: who is contacted, once, whatever breaks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from hooks.http.errors import AuthFailed, BadRequest, OutOfCredits, ResponseLost
from hooks.http.transport import Call
from hooks.instantly import InstantlyHook
from operators.bigquery_to_instantly import BigQueryToInstantlyOperator
from operators.load_sends import send_store
from tests.operators.activation import (
    LATER,
    calls,
    choose,
    email,
    judged,
    load,
    ready,
    replace_email,
    replace_phone,
    score,
    suppress,
    to_instantly,
)
from tests.sql.clean.raw_events import ghl, replace_partitions
from tests.sql.segmented.registry import AS_OF, person_id, rows

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

SENDS = "SELECT person_id, operation, status FROM activation.send WHERE destination = 'instantly' ORDER BY person_id"


@pytest.fixture
def world(sandbox: Sandbox, lake: storage.Bucket) -> Iterator[Sandbox]:
    """The sandbox without ordered faults, and an empty ledger."""
    with sandbox.admin as admin:
        admin.delete("faults")
    yield sandbox
    with sandbox.admin as admin:
        admin.delete("faults")


def held(npis: list[str]) -> dict[str, dict[str, Any]]:
    """The leads that Instantly holds, by NPI."""
    npi_of = {email(npi): npi for npi in npis}
    return {npi_of[lead["email"]]: lead for lead in InstantlyHook().iter_leads(contacts=list(npi_of))}


def blocked(addresses: Iterable[str]) -> dict[str, str]:
    """The ids of the addresses' entries on the block list."""
    send = InstantlyHook().get_conn().send
    found = {}
    for address in addresses:
        params = {"search": address}
        reply = send(Call("list", "GET", "/api/v2/block-lists-entries", repeatable=True, params=params))
        found |= {entry["bl_value"]: entry["id"] for entry in reply.body["items"]}
    return found


def test_execute_when_leads_are_ready_then_each_arrives_with_its_content(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 3)
    counts = to_instantly()
    assert (counts["creates"], counts["sent"], counts["rejected"]) == (3, 3, 0)
    leads = held(npis)
    lead = leads[npis[0]]
    assert (lead["first_name"], lead["company_name"]) == ("Dana", "Main Street Dental LLC")
    assert lead["payload"]["person_id"] == person_id(npis[0])
    assert lead["payload"]["content_block_id"] == "growth-benchmark-report"
    assert lead["payload"]["subject"] == "How Austin practices fill their schedules"
    assert "{{" not in lead["payload"]["body"] and "<br/>" in lead["payload"]["body"]
    assert InstantlyHook().get_campaign(lead["campaign"])["status"] == 1
    state = rows(bigquery_client, "SELECT * FROM activation.sync_state")
    assert {row["remote_id"] for row in state} == {lead["id"] for lead in leads.values()}
    assert all(row["payload"]["email"] and row["campaign_id"] == lead["campaign"] for row in state)
    assert [(row["operation"], row["status"]) for row in rows(bigquery_client, SENDS)] == [("create", "sent")] * 3


def test_execute_when_run_again_then_nothing_is_sent_and_tables_stay(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    ready(bigquery_client, 2)
    to_instantly()
    before = (rows(bigquery_client, "SELECT * FROM activation.send ORDER BY send_id"), calls(world, "instantly"))
    counts = to_instantly()
    assert (counts["creates"], counts["updates"], counts["unchanged"]) == (0, 0, 2)
    after = (rows(bigquery_client, "SELECT * FROM activation.send ORDER BY send_id"), calls(world, "instantly"))
    assert after == before


def test_execute_when_person_is_held_out_or_suppressed_then_they_are_not_contacted(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    held_out = ready(bigquery_client, 2, arm="holdout")
    by_person, by_email, everywhere, free = ready(bigquery_client, 4)
    # The same inbox as somebody who is held out.
    shared = ready(bigquery_client, 1, email=email(held_out[0]))
    suppress(bigquery_client, "person", person_id(by_person))
    suppress(bigquery_client, "email", email(by_email))
    suppress(bigquery_client, "person", person_id(everywhere), channel="all")
    to_instantly()
    assert set(held([*held_out, by_person, by_email, everywhere, free, *shared])) == {free}


def test_send_when_person_opts_out_after_the_plan_then_they_are_left_out(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 3)
    operator = BigQueryToInstantlyOperator(task_id="send_leads", as_of=AS_OF, max_new_leads=100)
    store, hook = send_store(operator, "google_cloud_default", "instantly"), InstantlyHook()
    plan = operator.plan(store, hook, AS_OF)
    assert len(plan.sends) == 3
    suppress(bigquery_client, "person", person_id(npis[1]))
    assert operator.send(store, hook, plan)["suppressed_late"] == 1
    assert set(held(npis)) == {npis[0], npis[2]}


def test_send_when_the_planned_address_fails_and_is_replaced_after_the_plan_then_it_is_not_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 2)
    operator = BigQueryToInstantlyOperator(task_id="send_leads", as_of=AS_OF, max_new_leads=100)
    store, hook = send_store(operator, "google_cloud_default", "instantly"), InstantlyHook()
    plan = operator.plan(store, hook, AS_OF)
    suppress(bigquery_client, "email", email(npis[0]))
    replace_email(bigquery_client, npis[0], "dana@elsewhere.example")
    assert operator.send(store, hook, plan)["suppressed_late"] == 1
    assert set(held(npis)) == {npis[1]}


def test_execute_when_answer_is_lost_then_rerun_sends_nothing_twice(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 3)
    with world.admin as admin:
        admin.post("faults", json={"vendor": "instantly", "operation": "bulkAddLeads", "kind": "drop_response"})
    with pytest.raises(ResponseLost, match="3 leads are outcome unknown"):
        to_instantly()
    assert rows(bigquery_client, SENDS) == []
    before = calls(world, "instantly")["bulkAddLeads"]
    counts = to_instantly()
    assert counts["creates"] == 0
    assert calls(world, "instantly")["bulkAddLeads"] == before
    assert set(held(npis)) == set(npis)
    assert [(row["operation"], row["status"]) for row in rows(bigquery_client, SENDS)] == [("create", "sent")] * 3
    assert load("instantly")["calls_outcome_unknown"] == 0


def test_execute_when_call_never_reached_the_vendor_then_rerun_sends_it(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 2)
    operator = BigQueryToInstantlyOperator(task_id="send_leads", as_of=AS_OF, max_new_leads=100)
    store, hook = send_store(operator, "google_cloud_default", "instantly"), InstantlyHook()
    # A worker that died after it wrote the intent and before it called.
    from include.activation.send import batch_key, request_of

    sends = operator.plan(store, hook, AS_OF).sends
    store.ledger("add_leads").claim(batch_key(sends), request_of(sends))
    assert to_instantly()["sent"] == 2
    assert set(held(npis)) == set(npis)


def test_execute_when_week_is_full_then_the_rest_waits_for_the_next_week(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 5)
    score(bigquery_client, npis[4], 0.3, 1.0)
    assert to_instantly(max_new_leads=2)["held_back"] == 3
    assert set(held(npis)) == {npis[4], npis[0]}  # the predicted one first, then by ICP score
    # Later in the same week: one more, for the limit is the week's.
    assert to_instantly("2025-11-14T06:00:00+00:00", max_new_leads=3)["creates"] == 1
    full = to_instantly("2025-11-16T23:00:00+00:00", max_new_leads=3)
    assert (full["creates"], full["held_back"]) == (0, 2)
    assert set(held(npis)) == {npis[4], npis[0], npis[1]}
    choose(bigquery_client, npis, "growth-benchmark-report", as_of=LATER)
    assert to_instantly(LATER, max_new_leads=3)["creates"] == 2


def test_execute_when_known_person_opts_out_then_lead_is_deleted_once(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 2)
    to_instantly()
    suppress(bigquery_client, "email", email(npis[0]))
    assert to_instantly()["suppressed"] == 1
    assert set(held(npis)) == {npis[1]}
    assert to_instantly()["suppressed"] == 0
    state = {row["person_id"]: row for row in rows(bigquery_client, "SELECT * FROM activation.sync_state")}
    assert (state[person_id(npis[0])]["status"], state[person_id(npis[0])]["payload"]) == ("suppressed", None)


def test_execute_when_score_and_content_change_then_only_the_change_is_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 2)
    to_instantly()
    score(bigquery_client, npis[0], 0.42, 0.95, as_of=LATER)
    choose(bigquery_client, npis[:1], "peer-invite", as_of=LATER)
    counts = to_instantly(LATER)
    assert (counts["updates"], counts["unchanged"], counts["sent"]) == (1, 1, 1)
    payload = held(npis)[npis[0]]["payload"]
    assert (payload["lead_score"], payload["grade"], payload["content_block_id"]) == (40, "A", "peer-invite")
    assert to_instantly(LATER)["updates"] == 0


def test_execute_when_a_value_returns_within_one_as_of_then_each_change_is_sent(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = ready(bigquery_client, 1)
    for number in ("+15124440011", "+15124440012", "+15124440011", "+15124440012"):
        replace_phone(bigquery_client, npi, number)
        assert to_instantly()["sent"] == 1
        assert held([npi])[npi]["phone"] == number
        assert to_instantly()["updates"] == 0


def test_execute_when_some_are_refused_then_reason_is_kept_and_they_are_not_offered_again(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    good = ready(bigquery_client, 2)
    bad = ready(bigquery_client, 1, email="no address")
    counts = to_instantly(max_new_leads=3)
    assert (counts["sent"], counts["rejected"]) == (2, 1)
    rejection = rows(bigquery_client, "SELECT person_id, code, reason FROM activation.rejection")
    assert [(row["person_id"], row["code"]) for row in rejection] == [(person_id(bad[0]), "invalid_email_count")]
    again = to_instantly(max_new_leads=3)
    assert (again["creates"], again["rejected_before"]) == (0, 1)
    retried = to_instantly(max_new_leads=3, retry_rejected=True)
    assert (retried["creates"], retried["rejected"]) == (1, 1)
    assert set(held(good)) == set(good)


def test_execute_when_lead_is_there_already_then_it_is_adopted_as_skipped(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 2)
    campaign = InstantlyHook().create_campaign({"name": f"by hand {npis[0]}", "campaign_schedule": _schedule()})
    InstantlyHook().add_leads(campaign["id"], [{"email": email(npis[0])}])
    assert to_instantly()["sent"] == 2
    operations = {row["person_id"]: row["operation"] for row in rows(bigquery_client, SENDS)}
    assert operations == {person_id(npis[0]): "skip", person_id(npis[1]): "create"}


def test_execute_when_dry_run_then_nothing_is_sent_or_written(
    world: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    npis = ready(bigquery_client, 3)
    before = calls(world, "instantly")
    counts = BigQueryToInstantlyOperator(task_id="send_leads", as_of=AS_OF, max_new_leads=100, plan_only=True).execute(
        {}
    )
    assert (counts["creates"], counts["calls"]) == (3, 1)
    assert calls(world, "instantly") == before
    assert held(npis) == {} and list(lake.list_blobs()) == []
    assert rows(bigquery_client, "SELECT * FROM activation.send") == []


def test_execute_when_as_of_is_older_than_the_newest_send_then_nothing_is_done(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    ready(bigquery_client, 1)
    to_instantly()
    late = ready(bigquery_client, 1)
    counts = to_instantly("2025-11-03T06:00:00+00:00")
    assert (counts["newer_as_of"], counts["creates"], counts["sent"]) == (AS_OF, 0, 0)
    assert held(late) == {}


def test_execute_when_as_of_is_past_then_param_does_opt_outs_only_and_event_works_at_the_newest(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    gone, stays = ready(bigquery_client, 2)
    to_instantly(LATER, max_new_leads=2)
    suppress(bigquery_client, "person", person_id(gone))
    late = ready(bigquery_client, 2)
    counts = to_instantly(AS_OF, max_new_leads=3)
    assert (counts["suppressed"], counts["creates"]) == (1, 0)
    assert set(held([gone, stays, *late])) == {stays}
    # The room is that of LATER's week, of which two are taken.
    counts = to_instantly(AS_OF, as_of_given=False, max_new_leads=3)
    assert (counts["creates"], counts["held_back"]) == (1, 1)
    assert set(held([gone, stays, *late])) == {stays, late[0]}


def test_execute_when_opt_out_is_refused_then_the_run_fails_and_every_run_offers_it_again(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 1)
    to_instantly()
    suppress(bigquery_client, "person", person_id(npis[0]))
    late = ready(bigquery_client, 1)
    for status in (400, 409):
        with world.admin as admin:
            admin.post("faults", json={"vendor": "instantly", "operation": "deleteLead", "status": status})
        with pytest.raises(AirflowFailException, match="refused 1 opt-outs"):
            to_instantly()
    assert set(held([*npis, *late])) == {*npis, *late}
    counts = to_instantly()
    assert (counts["suppressed"], counts["sent"], counts["rejected_before"]) == (1, 1, 0)
    assert set(held([*npis, *late])) == set(late)


def test_execute_when_addresses_are_suppressed_then_they_stand_on_the_block_list_also_without_a_lead(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    lead, replaced, unknown, free = ready(bigquery_client, 4)
    to_instantly()
    # Opted out by the person, with an address that has been replaced since; by the address, of nobody whom Instantly has;
    # and by an address that only an event names.
    suppress(bigquery_client, "person", person_id(replaced), channel="email")
    replace_email(bigquery_client, replaced, f"new.{replaced}@main-street.example")
    suppress(bigquery_client, "email", email(lead))
    suppress(bigquery_client, "person", person_id(unknown), channel="sms")  # closes no e-mail
    stranger = f"stranger.{lead}@elsewhere.example"
    replace_partitions(
        bigquery_client, [ghl("u", "ContactUpdate", "2025-11-10T05:00:00+00:00", email=f"S <{stranger.upper()}>")]
    )
    suppress(bigquery_client, "email", stranger)
    counts = to_instantly()
    stopped = {email(lead), email(replaced), f"new.{replaced}@main-street.example", stranger}
    assert counts["to_block"] == 4
    assert set(blocked(stopped | {email(unknown), email(free)})) == stopped
    assert set(held([lead, replaced, unknown, free])) == {unknown, free}
    kept = rows(bigquery_client, "SELECT email_hash, status, remote_id FROM activation.block_list")
    assert {(row["email_hash"], row["remote_id"]) for row in kept} == {
        (hashlib.sha256(address.encode()).hexdigest(), entry) for address, entry in blocked(stopped).items()
    }
    assert {row["status"] for row in kept} == {"blocked"}
    before = calls(world, "instantly")
    assert to_instantly()["to_block"] == 0
    assert calls(world, "instantly") == before


def test_execute_when_the_block_list_refuses_then_opt_outs_are_done_and_every_run_fails_until_it_takes_them(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 2)
    to_instantly()
    suppress(bigquery_client, "email", email(npis[0]))
    for status in (400, 409):
        with world.admin as admin:
            admin.post(
                "faults", json={"vendor": "instantly", "operation": "createblukBlockListEntry", "status": status}
            )
        with pytest.raises(AirflowFailException, match="1 suppressed addresses do not stand on Instantly's block list"):
            to_instantly()
    assert set(held(npis)) == {npis[1]}
    status_of = "SELECT status, remote_id FROM activation.block_list"
    assert [tuple(row.values()) for row in rows(bigquery_client, status_of)] == [("refused", None)]
    assert to_instantly(plan_only=True)["to_block"] == 1
    assert blocked({email(npis[0])}) == {}
    to_instantly()
    assert [row["status"] for row in rows(bigquery_client, status_of)] == ["blocked"]


def test_execute_when_blocking_breaks_off_then_no_lead_is_deleted_before_it_and_the_next_run_does_both(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = ready(bigquery_client, 1)
    to_instantly()
    suppress(bigquery_client, "email", email(npi))
    with world.admin as admin:
        admin.post("faults", json={"vendor": "instantly", "operation": "createblukBlockListEntry", "status": 402})
    with pytest.raises(OutOfCredits):
        to_instantly()
    assert set(held([npi])) == {npi}
    to_instantly()
    assert held([npi]) == {} and set(blocked({email(npi)})) == {email(npi)}


def test_execute_when_suppressed_lead_is_gone_then_it_counts_as_done(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = ready(bigquery_client, 1)
    to_instantly()
    InstantlyHook().delete_lead(held([npi])[npi]["id"])
    # Both the person and the address, on two channels: one row all the same.
    for channel in ("email", "all"):
        suppress(bigquery_client, "person", person_id(npi), channel=channel)
        suppress(bigquery_client, "email", email(npi), channel=channel)
    counts = to_instantly()
    assert (counts["suppressed"], counts["sent"]) == (1, 1)
    assert to_instantly()["suppressed"] == 0


def test_execute_when_a_person_opts_out_then_nobody_else_gets_mail_in_that_inbox(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = ready(bigquery_client, 1)
    partner = ready(bigquery_client, 1, email=f" {email(npi).upper()}")
    suppress(bigquery_client, "person", person_id(npi))
    assert to_instantly()["creates"] == 0
    assert held([npi, *partner]) == {}


def test_execute_when_partner_in_the_inbox_opts_out_then_the_held_lead_is_deleted(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = ready(bigquery_client, 1)
    to_instantly()
    (partner,) = ready(bigquery_client, 1, email=email(npi))
    suppress(bigquery_client, "person", person_id(partner))
    assert to_instantly()["suppressed"] == 1
    assert held([npi]) == {}


def test_execute_when_a_person_paused_the_campaign_then_it_stays_paused_and_only_opt_outs_are_done(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    gone, stays = ready(bigquery_client, 2)
    to_instantly()
    campaign = held([gone])[gone]["campaign"]
    pause = Call("pause_campaign", "POST", f"/api/v2/campaigns/{campaign}/pause", repeatable=True)
    InstantlyHook().get_conn().send(pause)
    suppress(bigquery_client, "person", person_id(gone))
    late = ready(bigquery_client, 1)
    name = InstantlyHook().get_campaign(campaign)["name"]
    try:
        with pytest.raises(AirflowFailException, match=f"'{name}' is paused .1 leads wait.*Resume"):
            to_instantly()
        assert InstantlyHook().get_campaign(campaign)["status"] == 2
        assert set(held([gone, stays, *late])) == {stays}
    finally:
        InstantlyHook().activate_campaign(campaign)  # other tests share it
    assert to_instantly()["creates"] == 1
    assert set(held([gone, stays, *late])) == {stays, *late}


def test_execute_when_key_is_wrong_then_it_fails_at_once_and_heals(
    world: Sandbox, bigquery_client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    npis = ready(bigquery_client, 2)
    good = os.environ["AIRFLOW_CONN_INSTANTLY_DEFAULT"]
    monkeypatch.setenv("AIRFLOW_CONN_INSTANTLY_DEFAULT", good.replace("instantly-sandbox-key", "another-key"))
    with pytest.raises(AuthFailed, match="instantly_default"):
        to_instantly()
    monkeypatch.setenv("AIRFLOW_CONN_INSTANTLY_DEFAULT", good)
    assert to_instantly()["sent"] == 2
    assert set(held(npis)) == set(npis)


def _schedule() -> dict[str, Any]:
    timing = {"from": "09:00", "to": "17:00"}
    return {"schedules": [{"name": "days", "timing": timing, "days": {"1": True}, "timezone": "America/Chicago"}]}


def test_execute_when_a_gate_failed_then_opt_outs_alone_are_sent_until_it_passes(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    known, _ = ready(bigquery_client, 2)
    assert to_instantly()["sent"] == 2
    ready(bigquery_client, 1)
    suppress(bigquery_client, "person", person_id(known))
    judged(bigquery_client, "enriched.contact", False, LATER)
    before = calls(world, "instantly")
    with pytest.raises(
        AirflowFailException, match="Only opt-outs were sent to Instantly: .*enriched.contact .as of 2025-11-17"
    ):
        to_instantly()
    after = calls(world, "instantly")
    made = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
    assert made == {"listBlockListEntry": 2, "createblukBlockListEntry": 1, "deleteLead": 1}
    judged(bigquery_client, "enriched.contact", True, LATER)
    assert to_instantly()["creates"] == 1


def test_execute_when_leads_are_refused_and_made_then_they_are_held_and_an_opt_out_reaches_them(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    npis = ready(bigquery_client, 2)
    with world.admin as admin:
        fault = {"vendor": "instantly", "operation": "bulkAddLeads", "kind": "false_refusal", "status": 400}
        admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(BadRequest):
        to_instantly()
    state = rows(bigquery_client, "SELECT remote_id FROM activation.sync_state WHERE destination = 'instantly'")
    assert {row["remote_id"] for row in state} == {lead["id"] for lead in held(npis).values()} != set()
    suppress(bigquery_client, "person", person_id(npis[0]))
    counts = to_instantly()
    assert (counts["suppressed"], counts["creates"]) == (1, 0)
    assert set(held(npis)) == {npis[1]}


def test_execute_when_an_opt_out_is_refused_and_done_then_it_counts_as_done(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    (npi,) = ready(bigquery_client, 1)
    to_instantly()
    suppress(bigquery_client, "person", person_id(npi))
    with world.admin as admin:
        fault = {"vendor": "instantly", "operation": "deleteLead", "kind": "false_refusal", "status": 400}
        admin.post("faults", json=fault).raise_for_status()
    counts = to_instantly()
    assert (counts["suppressed"], counts["sent"], counts["rejected"]) == (1, 1, 0)


def test_execute_when_one_opt_out_cannot_be_looked_up_then_the_others_are_done_and_the_run_fails(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    odd, good = ready(bigquery_client, 2)
    to_instantly()
    bigquery_client.query_and_wait(
        f"UPDATE activation.sync_state SET remote_id = 'no id' WHERE person_id = '{person_id(odd)}'"  # noqa: S608
    )
    for npi in (odd, good):
        suppress(bigquery_client, "person", person_id(npi))
    with pytest.raises(AirflowFailException, match="refused 1 opt-outs"):
        to_instantly()
    assert set(held([odd, good])) == {odd}


def test_execute_when_a_provider_is_no_longer_active_then_the_lead_is_not_contacted(
    world: Sandbox, bigquery_client: bigquery.Client
) -> None:
    gone, stays = ready(bigquery_client, 2)
    # segmented.lead still has both, as between two runs of segment_leads.
    bigquery_client.query_and_wait(f"UPDATE clean.provider SET is_active = FALSE WHERE npi = '{gone}'")  # noqa: S608
    assert to_instantly()["creates"] == 1
    assert set(held([gone, stays])) == {stays}
