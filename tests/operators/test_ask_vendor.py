"""Every vendor of the waterfall against the sandbox: whatever breaks between a call and its record, nothing is bought
twice, and what can be reconciled is."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bench.waterfall_run import asked, let_time_pass
from hooks.http.errors import (
    AuthFailed,
    BadRequest,
    EndpointNotFound,
    OutcomeUnknown,
    OutOfCredits,
    RateLimited,
    VendorDown,
)
from hooks.wiza import WizaHook
from include.enrichment.asking import calls
from include.enrichment.vendor_balance import Balance
from include.enrichment.vendor_rows import vendor_rows
from include.enrichment.waterfall import policy
from include.events.inbox import InboxEvent, object_name, to_object
from include.lake.call_ledger import CallLedger
from operators.ask_vendor import AskVendorOperator
from operators.asking.clay import MIN_HEARD_RUNS
from operators.asking.wiza import WizaProvider
from operators.reconcile_vendor import MAY_WORK_SECONDS, ReconcileVendorOperator
from tests.operators.chunks import chunk, people, spent
from triggers.vendor_answers import VendorAnswersTrigger

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

CONTEXT = {"run_id": "test"}
MAY_WORK = timedelta(seconds=MAY_WORK_SECONDS)
SLOWEST_SECONDS = 1.6  # of the sandbox's answers: five times their mean of 0.3 s
PAID = {"wiza": "startIndividualReveal", "apollo": "bulkPeopleEnrichment", "clay": "runRoutine"}


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox without faults and with enough credits."""
    for _ in range(2):
        sandbox.admin.delete("faults")
        for vendor in PAID:
            sandbox.admin.put(f"credits/{vendor}", json={"credits": 10_000})
        if _ == 0:
            yield sandbox


def _operator(lake: storage.Bucket, vendor: str, rows: list[dict[str, Any]]) -> AskVendorOperator:
    return AskVendorOperator(task_id="ask", vendor=vendor, chunk=chunk(lake, rows), poll_seconds=0.1, deadline_seconds=60.0)  # fmt: skip # noqa: E501


def _ask(lake: storage.Bucket, vendor: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return asked(_operator(lake, vendor, rows), CONTEXT)


def _reconcile(vendor: str, outcome_unknown: str = "hold") -> dict[str, int]:
    return ReconcileVendorOperator(
        task_id=f"reconcile_{vendor}", vendor=vendor, as_of="2025-11-10T06:00:00+00:00", outcome_unknown=outcome_unknown
    ).execute({})


def _alerts(client: bigquery.Client, vendor: str) -> list[str]:
    sql = "SELECT source, message FROM ops.alert WHERE check_name = 'unexplained_credits' AND raised_on = '2025-11-10'"
    return [row["message"] for row in client.query_and_wait(sql) if row["source"] == vendor]


def _ledger(lake: storage.Bucket, vendor: str) -> CallLedger:
    return CallLedger(lake, vendor, policy().vendors[vendor].operation)


def _rows(lake: storage.Bucket, vendor: str) -> list[dict[str, Any]]:
    return [row for entry in _ledger(lake, vendor).entries() for row in vendor_rows(entry)]


def _statuses(lake: storage.Bucket, vendor: str) -> dict[str, int]:
    found = [row["status"] for row in _rows(lake, vendor)]
    return {status: found.count(status) for status in set(found)}


def _asked(world: Sandbox, vendor: str) -> int:
    """Paid calls that reached the vendor."""
    operations = world.admin.get("ledger").json()["vendors"][vendor]["operations"]
    return int(operations.get(PAID[vendor], {"calls": 0})["calls"])


def _fault(world: Sandbox, vendor: str, **fault: Any) -> None:
    body = {"vendor": vendor, "operation": PAID[vendor], **fault}
    world.admin.post("faults", json=body).raise_for_status()


@pytest.mark.parametrize(("vendor", "first"), [("wiza", 0), ("apollo", 0), ("clay", 0)])
def test_execute_when_all_goes_well_then_each_person_has_a_row_and_the_books_are_the_vendors(
    world: Sandbox, lake: storage.Bucket, vendor: str, first: int
) -> None:
    rows = people(world, first, 25)
    before, _ = spent(world, vendor)
    counts = _ask(lake, vendor, rows)
    booked = _rows(lake, vendor)
    assert sorted(row["person_key"] for row in booked) == sorted(row["npi"] for row in rows)
    assert {row["status"] for row in booked} == {"responded"}
    after, again = spent(world, vendor)
    assert sum(row["credits"] for row in booked) == pytest.approx(after - before)
    assert counts["credits"] == pytest.approx(after - before) and after > before
    emails = [json.loads(row["found"])["email"] for row in booked if row["found"] and "email" in row["found"]]
    assert 5 < len([email for email in emails if email]) == counts["found"]
    usd = sum(row["cost_usd"] for row in booked)
    assert usd == pytest.approx((after - before) * policy().vendors[vendor].usd_per_credit)

    calls_before = world.admin.get("ledger").json()["vendors"][vendor]["calls"]
    assert _ask(lake, vendor, rows)["had"] == 25  # as a second try does
    assert world.admin.get("ledger").json()["vendors"][vendor]["calls"] == calls_before
    # Other tests of the session may have bought these people before; a second try buys nothing.
    assert spent(world, vendor) == (after, again)


def test_rows_when_apollo_answers_then_the_placeholder_address_is_nowhere(world: Sandbox, lake: storage.Bucket) -> None:
    _ask(lake, "apollo", people(world, 25, 10))
    assert not any("not_unlocked" in str(row["found"]) for row in _rows(lake, "apollo"))


@pytest.mark.parametrize("vendor", ["wiza", "apollo"])
def test_reconcile_when_an_answer_was_lost_then_the_balance_tells_what_may_be_asked_again_or_what_nobody_can_explain(
    world: Sandbox, lake: storage.Bucket, bigquery_client: bigquery.Client, vendor: str
) -> None:
    rows = people(world, 36, 9)  # the first is one whom both vendors find, and charge for
    assert _reconcile(vendor) == {"open": 0, "answered": 0, "still_open": 0, "withdrawn": 0, "outcome_unknown": 0}
    planned = calls(vendor, rows)
    ledger = _ledger(lake, vendor)
    # A worker died before its call went out: nothing was charged, so it may be asked again.
    many = vendor == "apollo"
    ledger.claim(planned[0].key, planned[0].request(many), None if many else rows[0]["npi"])
    let_time_pass(lake, _ledger(lake, vendor))
    assert _reconcile(vendor)["withdrawn"] == 1
    # An answer was cut off on the way: it was charged, so its people stay outcome unknown and are not asked again.
    _fault(world, vendor, kind="drop_response")
    before = spent(world, vendor)
    with pytest.raises(OutcomeUnknown, match=r"people's answers were lost"):
        _ask(lake, vendor, rows)
    time.sleep(SLOWEST_SECONDS)
    charged = spent(world, vendor)[0] - before[0]
    lost = charged - sum(row["credits"] for row in _rows(lake, vendor))
    assert charged >= lost > 0
    let_time_pass(lake, _ledger(lake, vendor))
    assert _reconcile(vendor)["outcome_unknown"] == 1
    counts = _ask(lake, vendor, rows)
    assert counts["outcome_unknown"] == len(planned[0].questions)
    assert spent(world, vendor)[0] - before[0] == charged
    assert spent(world, vendor)[1] == before[1]
    assert _alerts(bigquery_client, vendor) == []  # the call with an unknown outcome is why the balance fell
    # A person decides to go on without: then nothing in our books explains the charge, and the next run does not repeat it.
    assert _reconcile(vendor, "drop")["withdrawn"] == 1
    (alert,) = _alerts(bigquery_client, vendor)
    assert f"fell by {lost:g} credits more than raw.vendor_response has since 20" in alert
    assert _reconcile(vendor)["open"] == 0
    assert _alerts(bigquery_client, vendor) == [alert]
    assert _statuses(lake, vendor).get("outcome_unknown") is None
    assert _statuses(lake, vendor)["failed"] == len(planned[0].questions)


@pytest.mark.parametrize("vendor", ["wiza", "apollo"])
def test_reconcile_when_a_call_was_cut_off_a_moment_ago_then_holds_it_although_the_balance_did_not_change(
    world: Sandbox, lake: storage.Bucket, vendor: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = people(world, 182, 1)
    _reconcile(vendor)  # notes the balance
    (call,) = calls(vendor, rows)
    _ledger(lake, vendor).claim(call.key, call.request(vendor == "apollo"))
    (entry,) = _ledger(lake, vendor).open()
    held = {"open": 1, "answered": 0, "still_open": 0, "withdrawn": 0, "outcome_unknown": 1}
    asked_before = _asked(world, vendor)
    assert _reconcile(vendor) == held
    until = (entry.requested_at + timedelta(seconds=MAY_WORK_SECONDS)).isoformat(timespec="seconds")
    assert f"held until {until}: until then {vendor} may be at work" in capsys.readouterr().out
    assert _ask(lake, vendor, rows)["outcome_unknown"] == 1  # and it is not asked again
    assert _asked(world, vendor) == asked_before
    let_time_pass(lake, _ledger(lake, vendor))
    assert _reconcile(vendor) == held | {"withdrawn": 1, "outcome_unknown": 0}
    assert _ask(lake, vendor, rows)["answered"] == 1


def test_reconcile_when_it_dies_before_it_notes_the_balance_then_the_alert_grows_with_what_is_seen_next(
    world: Sandbox, lake: storage.Bucket, bigquery_client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    _reconcile("apollo")
    world.admin.put("credits/apollo", json={"credits": 9_995})
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(Balance, "write", dies)
        _reconcile("apollo")
    world.admin.put("credits/apollo", json={"credits": 9_800})
    _reconcile("apollo")
    (alert,) = _alerts(bigquery_client, "apollo")
    assert "fell by 200 credits more" in alert


def test_reconcile_when_the_key_is_another_accounts_then_its_balance_is_not_held_against_our_books(
    world: Sandbox, lake: storage.Bucket, bigquery_client: bigquery.Client
) -> None:
    _reconcile("wiza")
    for number in range(4):
        _ledger(lake, "wiza").claim(f"k{number}", {"full_name": "a", "company": "b", "level": "partial"}, "2")
        _ledger(lake, "wiza").record_started(f"k{number}", str(900_000 + number))
    world.admin.put("credits/wiza", json={"credits": 40})
    with pytest.raises(BadRequest, match="does not show them"):
        _reconcile("wiza")
    world.admin.put("credits/wiza", json={"credits": 10_000})
    with pytest.raises(BadRequest):
        _reconcile("wiza")
    assert _alerts(bigquery_client, "wiza") == []


@pytest.mark.parametrize("vendor", ["wiza", "apollo"])
def test_reconcile_when_the_account_was_topped_up_then_the_balance_tells_nothing_of_a_call_that_was_cut_off(
    world: Sandbox, lake: storage.Bucket, vendor: str
) -> None:
    (call,) = calls(vendor, people(world, 183, 1))
    _reconcile(vendor)  # notes the balance
    _ledger(lake, vendor).claim(call.key, call.request(vendor == "apollo"))
    let_time_pass(lake, _ledger(lake, vendor))
    world.admin.put(f"credits/{vendor}", json={"credits": 20_000})
    assert _reconcile(vendor) == {"open": 1, "answered": 0, "still_open": 0, "withdrawn": 0, "outcome_unknown": 1}


HEARD = {"webhook_id": "wh_sandbox"}


def _hear_of_runs(lake: storage.Bucket, runs: int, silent: int = 0, purpose: dict[str, str] | None = None) -> None:
    """Put answered runs into Clay's ledger, and the callback of each, but of so many, into the inbox."""
    ledger = _ledger(lake, "clay")
    for number in range(runs):
        ledger.claim(f"run{number}", {"people": []}, purpose=HEARD if purpose is None else purpose)
        ledger.record_response(f"run{number}", "[]", vendor_ref=f"run_{number}")
        if number >= silent:
            body = json.dumps({"data": {"routine_run_id": f"run_{number}"}}).encode()
            event = InboxEvent("clay", f"run{number}", ledger.entry(f"run{number}").requested_at, {}, body)  # type: ignore[union-attr]
            lake.blob(object_name(event)).upload_from_string(to_object(event))
    odd = InboxEvent("clay", "odd", datetime.now(UTC), {}, b'["a test event"]')
    lake.blob(object_name(odd)).upload_from_string(to_object(odd))


@pytest.mark.parametrize(
    ("heard", "asked_with", "withdrawn"),
    [
        ({"runs": MIN_HEARD_RUNS}, HEARD, 1),
        ({"runs": MIN_HEARD_RUNS - 1}, HEARD, 0),
        ({"runs": MIN_HEARD_RUNS + 1, "silent": 1}, HEARD, 0),
        ({"runs": MIN_HEARD_RUNS, "purpose": {}}, HEARD, 0),
        ({"runs": MIN_HEARD_RUNS}, {}, 0),
    ],
    ids=["heard of all others", "of too few", "another one is silent, too", "others asked for no callback", "nor did this one"],
)  # fmt: skip
def test_reconcile_when_clay_called_back_about_every_other_run_then_a_silent_one_was_never_taken(
    world: Sandbox, lake: storage.Bucket, heard: dict[str, Any], asked_with: dict[str, str], withdrawn: int
) -> None:
    (call,) = calls("clay", people(world, 186, 3))
    _ledger(lake, "clay").claim(call.key, call.request(True), purpose=asked_with)
    let_time_pass(lake, _ledger(lake, "clay"))
    _hear_of_runs(lake, **heard)
    assert _reconcile("clay") == {
        "open": 1,
        "answered": 0,
        "still_open": 0,
        "withdrawn": withdrawn,
        "outcome_unknown": 1 - withdrawn,
    }


def test_reconcile_when_a_silent_call_is_young_or_the_newest_then_it_is_held(
    world: Sandbox, lake: storage.Bucket
) -> None:
    _hear_of_runs(lake, MIN_HEARD_RUNS)
    (call,) = calls("clay", people(world, 186, 3))
    _ledger(lake, "clay").claim(call.key, call.request(True), purpose=HEARD)
    assert _reconcile("clay")["outcome_unknown"] == 1  # Clay may be at work on it
    for key in (f"run{number}" for number in range(MIN_HEARD_RUNS)):
        blob = lake.blob(f"{_ledger(lake, 'clay').prefix}{key}/response.json")
        answer = json.loads(blob.download_as_bytes())
        answer["requested_at"] = (datetime.fromisoformat(answer["requested_at"]) - 2 * MAY_WORK).isoformat()
        blob.upload_from_string(json.dumps(answer))
    let_time_pass(lake, _ledger(lake, "clay"))
    assert _reconcile("clay")["outcome_unknown"] == 1  # nothing was heard since: the receiver may be down


def test_reconcile_when_told_to_resend_then_the_people_may_be_asked_again(world: Sandbox, lake: storage.Bucket) -> None:
    rows = people(world, 45, 3)
    planned = calls("clay", rows)
    _ledger(lake, "clay").claim(planned[0].key, planned[0].request(True))
    assert _reconcile("clay")["outcome_unknown"] == 1  # Clay tells no balance
    assert _reconcile("clay", "resend") == {
        "open": 1,
        "answered": 0,
        "still_open": 0,
        "withdrawn": 1,
        "outcome_unknown": 0,
    }
    assert _ask(lake, "clay", rows)["answered"] == 3


@pytest.mark.parametrize("vendor", ["wiza", "clay"])
def test_reconcile_when_the_run_died_while_it_waited_then_reads_by_id_and_buys_nothing(
    world: Sandbox, lake: storage.Bucket, vendor: str
) -> None:
    rows = people(world, 48, 5)
    world.admin.put("credits/wiza", json={"credits": 10_000})
    with pytest.raises(TaskDeferred) as raised:
        _operator(lake, vendor, rows).execute(CONTEXT)  # and the worker, or the triggerer, is gone
    stored = json.dumps(raised.value.trigger.serialize()[1])
    assert not any(
        row["npi"] in stored or row["last_name"] in stored for row in rows
    )  # no person in Airflow's database
    progress = raised.value.trigger.progress
    asyncio.run(_first_event(VendorAnswersTrigger(vendor, progress, "2999-01-01T00:00:00+00:00", 0.1)))
    before = spent(world, vendor)
    reconciled = _reconcile(vendor)
    assert reconciled["open"] == reconciled["answered"] > 0
    assert _statuses(lake, vendor) == {"responded": 5}
    assert spent(world, vendor) == before


def test_reconcile_when_a_callback_tells_the_id_of_a_lost_answer_then_reads_it_and_buys_nothing(
    world: Sandbox, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTM_WEBHOOK_URL", "http://127.0.0.1:9")  # nobody listens: the test is the receiver
    rows = people(world, 180, 2)
    before = spent(world, "wiza")
    _fault(world, "wiza", kind="drop_response")
    with pytest.raises(OutcomeUnknown):
        _ask(lake, "wiza", rows[:1])
    (lost,) = _ledger(lake, "wiza").open()
    reference = lost.purpose["callback_reference"]
    lost_id = WizaHook().start_reveal(rows[1]["full_name"], company=rows[1]["company"]).id - 1
    event = InboxEvent(
        "wiza", f"{reference}-body-x", lost.requested_at, {}, json.dumps({"data": {"id": lost_id}}).encode()
    )
    lake.blob(object_name(event)).upload_from_string(to_object(event))
    time.sleep(SLOWEST_SECONDS)
    charged = spent(world, "wiza")
    assert _reconcile("wiza")["answered"] == 1
    (row,) = _rows(lake, "wiza")
    assert (row["status"], row["person_key"], row["vendor_ref"]) == ("responded", rows[0]["npi"], str(lost_id))
    assert spent(world, "wiza") == charged and charged[1] == before[1]


async def _first_event(trigger: Any) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


def test_execute_when_an_answer_is_odd_then_it_is_kept_refused_and_stops_nobody(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 230, 20)
    body = {
        "matches": [{"email": "ada@bright.test", "email_status": ["verified"]}, *[None] * 9],
        "credits_consumed": -5,
    }
    _fault(world, "apollo", status=200, body=body)
    counts = _ask(lake, "apollo", rows)
    assert (counts["answered"], counts["refused"], counts["lost"]) == (19, 1, 0)
    kept = [
        entry for entry in _ledger(lake, "apollo").entries() if json.loads(entry.body or "{}")["credits_consumed"] == -5
    ]
    # The most that ten people can have cost, never less than nothing.
    assert [(entry.credits, entry.cost_usd) for entry in kept] == [(10.0, 0.5)]
    assert min(row["credits"] for row in _rows(lake, "apollo")) >= 0
    assert {row["status"] for row in _rows(lake, "apollo")} == {"responded", "failed"}


def test_execute_when_every_answer_has_another_length_then_asking_stops_and_says_why(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 250, 40)
    _fault(world, "apollo", status=200, body={"matches": [], "credits_consumed": 0}, times=4)
    with pytest.raises(BadRequest, match="answered in a form that we cannot read.*30 were not asked"):
        _ask(lake, "apollo", rows)
    assert _statuses(lake, "apollo") == {"failed": 10}
    world.admin.delete("faults")


def test_trigger_when_the_deadline_passes_or_polling_fails_then_ends_and_says_so(world: Sandbox) -> None:
    slow = {"status": {"code": 200}, "data": {"id": 1, "status": "resolving", "is_complete": False}}
    get = {"vendor": "wiza", "operation": "getIndividualReveal"}
    world.admin.post("faults", json={**get, "status": 200, "body": slow}).raise_for_status()
    progress = {"waiting": {"k1": ["1", 1]}, "total": 1}
    late = VendorAnswersTrigger("wiza", progress, "2025-11-10T06:00:00+00:00", 0.1)
    assert asyncio.run(_first_event(late)) == {"pending": 1, "error": None, "progress": progress}
    world.admin.post("faults", json={**get, "status": 401}).raise_for_status()
    event = asyncio.run(_first_event(VendorAnswersTrigger("wiza", progress, "2999-01-01T00:00:00+00:00", 0.1)))
    assert event["pending"] == 1 and "wiza get_reveal: HTTP 401" in event["error"]


@pytest.mark.parametrize(("vendor", "credits"), [("wiza", 6), ("apollo", 9), ("clay", 20)])
def test_execute_when_credits_run_out_then_keeps_what_it_bought_and_says_who_is_missing(
    world: Sandbox, lake: storage.Bucket, vendor: str, credits: int
) -> None:
    rows = people(world, 55, 24)
    again = spent(world, vendor)[1]
    world.admin.put(f"credits/{vendor}", json={"credits": credits})
    with pytest.raises(OutOfCredits, match="people of this chunk are missing"):
        _ask(lake, vendor, rows)
    kept = _statuses(lake, vendor).get("responded", 0)
    assert 0 <= kept < 24
    assert _statuses(lake, vendor).keys() <= {"responded"}
    # Cleared with too little: a call that was answered and left people out is followed by one about these.
    world.admin.put(f"credits/{vendor}", json={"credits": 2})
    with pytest.raises(OutOfCredits, match="people of this chunk are missing"):
        _ask(lake, vendor, rows)
    world.admin.put(f"credits/{vendor}", json={"credits": 1000})
    _ask(lake, vendor, rows)
    assert sorted(row["person_key"] for row in _rows(lake, vendor)) == sorted(row["npi"] for row in rows)
    assert _ask(lake, vendor, rows)["had"] == 24
    assert spent(world, vendor)[1] == again


@pytest.mark.parametrize(("vendor", "secret"), [("wiza", "password"), ("apollo", "password"), ("clay", "password")])
def test_execute_when_the_key_is_wrong_then_fails_at_once_named_and_nothing_is_outcome_unknown(
    world: Sandbox, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch, vendor: str, secret: str
) -> None:
    name = f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT"
    monkeypatch.setenv(name, json.dumps(json.loads(os.environ[name]) | {secret: "wrong"}))
    with pytest.raises(AuthFailed, match=rf"{vendor} .*HTTP 401.*connection {vendor}_default"):
        _ask(lake, vendor, people(world, 79, 3))
    assert _statuses(lake, vendor) == {}


@pytest.mark.parametrize(("vendor", "status", "error"), [("wiza", 429, RateLimited), ("apollo", 503, VendorDown), ("wiza", 404, EndpointNotFound)])  # fmt: skip # noqa: E501
def test_execute_when_the_vendor_refuses_for_now_then_the_next_try_goes_on_where_it_stopped(
    world: Sandbox, lake: storage.Bucket, vendor: str, status: int, error: type[Exception]
) -> None:
    rows = people(world, {429: 82, 503: 86, 404: 90}[status], 4)
    again = spent(world, vendor)[1]
    _fault(world, vendor, status=status, times=40)
    with pytest.raises(error):
        _ask(lake, vendor, rows)
    world.admin.delete("faults")
    assert _statuses(lake, vendor).get("outcome_unknown") is None
    counts = _ask(lake, vendor, rows)
    assert counts["had"] + counts["answered"] == 4
    assert spent(world, vendor)[1] == again


def test_execute_when_requests_are_refused_then_records_them_and_too_many_end_it(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 94, 24)
    _fault(world, "wiza", status=400)
    assert _ask(lake, "wiza", rows[:3])["refused"] == 1
    _fault(world, "wiza", status=422, times=30)
    with pytest.raises(BadRequest, match=r"of 21 people of this chunk were refused"):
        _ask(lake, "wiza", rows[3:])
    assert 3 < _statuses(lake, "wiza")["failed"] <= 4 + WizaProvider.in_flight
    world.admin.delete("faults")


def test_execute_when_three_answers_in_a_row_are_lost_then_stops_and_fails_for_good(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 118, 60)
    _fault(world, "apollo", status=502, times=6)
    with pytest.raises(OutcomeUnknown, match=r"30 people's answers were lost.* 30 people were not asked"):
        _ask(lake, "apollo", rows)
    assert _statuses(lake, "apollo") == {"outcome_unknown": 30}
