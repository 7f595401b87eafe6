"""Reveals against the sandbox: whatever breaks between the call and its record, nothing is bought twice."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from hooks.errors import AuthFailed, BadRequest, LeftInDoubt, OutOfCredits, RateLimited, VendorDown, WrongAddress
from include.call_ledger import CallLedger
from include.enrichment import reveal_request
from operators.wiza_reveal import WizaRevealOperator, WizaSettleOperator
from tests.operators.chunks import chunk, first_event, people, run_reveal, spent
from triggers.wiza import WizaRevealTrigger

if TYPE_CHECKING:
    from google.cloud import storage

    from services.embedded.sandbox import Sandbox


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox without faults and with enough credits."""
    sandbox.admin.delete("faults")
    sandbox.admin.put("credits/wiza", json={"credits": 10_000})
    yield sandbox
    sandbox.admin.delete("faults")
    sandbox.admin.put("credits/wiza", json={"credits": 10_000})


def _operator(lake: storage.Bucket, rows: list[dict[str, Any]], **changes: Any) -> WizaRevealOperator:
    arguments = {"chunk": chunk(lake, rows), "poll_seconds": 0.1, "deadline_seconds": 60.0}
    return WizaRevealOperator(task_id="reveal_contacts", **{**arguments, **changes})


def _ledger(lake: storage.Bucket) -> CallLedger:
    return CallLedger(lake, "wiza", "individual_reveal")


def _statuses(lake: storage.Bucket) -> dict[str, int]:
    found = [entry.status for entry in _ledger(lake).entries()]
    return {status: found.count(status) for status in set(found)}


def test_execute_when_all_goes_well_then_every_answer_is_in_the_ledger_with_its_price(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 0, 12)
    before, _ = spent(world, "wiza")
    counts = run_reveal(_operator(lake, rows))
    entries = {entry.person_key: entry for entry in _ledger(lake).entries()}
    assert sorted(str(npi) for npi in entries) == sorted(row["npi"] for row in rows)
    after, again = spent(world, "wiza")
    assert sum(entry.credits for entry in entries.values()) == after - before == counts["credits"] > 0
    assert again == 0
    for npi, entry in entries.items():
        believed = world.admin.get(f"truth/{npi}").json()["wiza"]
        assert entry.body is not None
        answer = json.loads(entry.body)["data"]
        assert (answer["email"], entry.credits > 0) == (believed["email"], believed["email_status"] == "valid")


def test_execute_when_run_again_then_asks_nothing(world: Sandbox, lake: storage.Bucket) -> None:
    rows = people(world, 12, 5)
    run_reveal(_operator(lake, rows))
    calls = world.admin.get("ledger").json()["vendors"]["wiza"]["calls"]
    assert run_reveal(_operator(lake, rows))["had"] == 5
    assert world.admin.get("ledger").json()["vendors"]["wiza"]["calls"] == calls


def test_execute_when_an_answer_is_lost_then_keeps_the_others_fails_once_and_never_buys_it_again(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 17, 6)
    fault = {"vendor": "wiza", "kind": "drop_response", "operation": "startIndividualReveal"}
    world.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(LeftInDoubt, match="1 answers were lost"):
        run_reveal(_operator(lake, rows))
    assert _statuses(lake) == {"responded": 5, "in_doubt": 1}
    counts = run_reveal(_operator(lake, rows))
    assert (counts["had"], counts["in_doubt"], counts["asked"]) == (5, 1, 0)
    assert spent(world, "wiza")[1] == 0


def test_execute_when_told_to_resend_then_asks_only_for_who_is_in_doubt(world: Sandbox, lake: storage.Bucket) -> None:
    rows = people(world, 23, 3)
    ledger = _ledger(lake)
    key, asked = reveal_request(rows[1])
    ledger.claim(key, asked, person_key=rows[1]["npi"])  # a worker died right here
    assert run_reveal(_operator(lake, rows))["in_doubt"] == 1
    counts = run_reveal(_operator(lake, rows, resend_in_doubt="true"))
    assert (counts["had"], counts["asked"], counts["answered"]) == (2, 1, 1)
    assert _statuses(lake) == {"responded": 3}


def test_execute_when_killed_while_it_waits_then_the_next_try_fetches_by_id(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 26, 5)
    with pytest.raises(TaskDeferred):
        _operator(lake, rows).execute({})  # and the worker, or the triggerer, is gone
    assert _statuses(lake) == {"in_doubt": 5}
    counts = run_reveal(_operator(lake, rows))
    assert (counts["asked"], counts["answered"]) == (0, 5)
    assert spent(world, "wiza")[1] == 0


def test_execute_when_killed_between_the_answer_and_its_record_then_nothing_is_bought_twice(
    world: Sandbox, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(world, 31, 4)

    def die(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(CallLedger, "record_response", die)
        with pytest.raises(KeyboardInterrupt):
            run_reveal(_operator(lake, rows))
    counts = run_reveal(_operator(lake, rows))
    assert (counts["asked"], counts["answered"]) == (0, 4)
    assert _statuses(lake) == {"responded": 4}
    assert spent(world, "wiza")[1] == 0


def test_execute_when_credits_run_out_then_keeps_what_it_bought_and_says_who_is_missing(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 35, 12)
    world.admin.put("credits/wiza", json={"credits": 6})
    with pytest.raises(OutOfCredits) as raised:
        run_reveal(_operator(lake, rows))
    kept = _statuses(lake)["responded"]
    assert 0 < kept < 12
    assert f"{12 - kept} of 12 people of this chunk are missing, {kept} answers are kept" in str(raised.value)
    world.admin.put("credits/wiza", json={"credits": 100})
    counts = run_reveal(_operator(lake, rows))  # as clearing the task does
    assert (counts["had"], counts["answered"]) == (kept, 12 - kept)
    assert spent(world, "wiza")[1] == 0


def test_execute_when_the_key_is_wrong_then_fails_at_once_named_and_nothing_is_in_doubt(
    world: Sandbox, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = json.loads(os.environ["AIRFLOW_CONN_WIZA_DEFAULT"]) | {"password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_WIZA_DEFAULT", json.dumps(wrong))
    with pytest.raises(AuthFailed, match=r"wiza start_reveal: HTTP 401.*connection wiza_default"):
        run_reveal(_operator(lake, people(world, 47, 3)))
    assert _statuses(lake) == {}


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, VendorDown)])
def test_execute_when_the_vendor_stays_busy_then_the_next_try_goes_on_where_it_stopped(
    world: Sandbox, lake: storage.Bucket, status: int, error: type[Exception]
) -> None:
    rows = people(world, {429: 50, 503: 54}[status], 4)
    run_reveal(_operator(lake, rows[:2]))
    fault = {"vendor": "wiza", "status": status, "times": 4, "operation": "startIndividualReveal"}
    world.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(error):
        run_reveal(_operator(lake, rows))
    assert _statuses(lake) == {"responded": 2}
    counts = run_reveal(_operator(lake, rows))
    assert (counts["had"], counts["answered"]) == (2, 2)
    assert spent(world, "wiza")[1] == 0


def test_execute_when_a_request_is_refused_then_records_it_and_goes_on(world: Sandbox, lake: storage.Bucket) -> None:
    rows = people(world, 58, 3)
    fault = {"vendor": "wiza", "status": 400, "operation": "startIndividualReveal"}
    world.admin.post("faults", json=fault).raise_for_status()
    assert run_reveal(_operator(lake, rows))["refused"] == 1
    assert _statuses(lake) == {"failed": 1, "responded": 2}


def test_complete_when_the_deadline_has_passed_then_fails_without_forgetting_the_ids(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 61, 3)
    operator = _operator(lake, rows)
    with pytest.raises(TaskDeferred) as raised:
        operator.execute({})
    deferred = raised.value
    event = asyncio.run(first_event(deferred.trigger))
    assert (event["pending"], event["error"]) == (0, None)
    slow = {"status": {"code": 200}, "data": {"id": 1, "status": "resolving", "is_complete": False}}
    fault = {"vendor": "wiza", "operation": "getIndividualReveal", "status": 200, "body": slow}
    world.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(VendorDown, match="1 reveals were not complete after 60 s.*buys nothing again"):
        operator.execute_complete({}, event=event | {"pending": 1})
    counts = run_reveal(_operator(lake, rows))
    assert (counts["had"], counts["asked"], counts["answered"]) == (2, 0, 1)
    assert spent(world, "wiza")[1] == 0


def test_trigger_when_the_deadline_passes_then_says_how_many_are_pending(world: Sandbox) -> None:
    slow = {"status": {"code": 200}, "data": {"id": 1, "status": "resolving", "is_complete": False}}
    fault = {"vendor": "wiza", "operation": "getIndividualReveal", "status": 200, "body": slow}
    world.admin.post("faults", json=fault).raise_for_status()
    progress = {"waiting": {"k1": 1}, "asked": 1}
    trigger = WizaRevealTrigger(progress, "2025-11-10T06:00:00+00:00", 0.1, "wiza_default")
    assert asyncio.run(first_event(trigger)) == {"pending": 1, "error": None, "progress": progress}


def test_trigger_when_polling_fails_then_reports_it_and_ends(world: Sandbox) -> None:
    fault = {"vendor": "wiza", "operation": "getIndividualReveal", "status": 401}
    world.admin.post("faults", json=fault).raise_for_status()
    trigger = WizaRevealTrigger({"waiting": {"k1": 1}}, "2999-01-01T00:00:00+00:00", 0.1, "wiza_default")
    event = asyncio.run(first_event(trigger))
    assert event["pending"] == 1
    assert "wiza get_reveal: HTTP 401" in event["error"]


def test_deferral_when_stored_by_airflow_then_holds_no_person(world: Sandbox, lake: storage.Bucket) -> None:
    rows = people(world, 69, 2)
    with pytest.raises(TaskDeferred) as raised:
        _operator(lake, rows).execute({})
    stored = json.dumps(raised.value.trigger.serialize()[1])
    for row in rows:
        assert row["full_name"].split()[-1] not in stored
        assert row["npi"] not in stored


def _fault(world: Sandbox, operation: str, **fault: Any) -> None:
    world.admin.post("faults", json={"vendor": "wiza", "operation": operation, **fault}).raise_for_status()


def test_execute_when_three_answers_in_a_row_are_lost_then_stops_and_fails_for_good(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = people(world, 71, 6)
    _fault(world, "startIndividualReveal", status=502, times=6)
    with pytest.raises(LeftInDoubt, match=r"3 answers were lost.* 3 people were not asked"):
        run_reveal(_operator(lake, rows))
    assert _statuses(lake) == {"in_doubt": 3}


def test_execute_when_the_path_is_wrong_then_nobody_is_refused_or_in_doubt(
    world: Sandbox, lake: storage.Bucket
) -> None:
    _fault(world, "startIndividualReveal", status=404)
    with pytest.raises(WrongAddress):
        run_reveal(_operator(lake, people(world, 77, 2)))
    assert _statuses(lake) == {}


def test_execute_when_too_many_are_refused_then_stops_and_fails_for_good(world: Sandbox, lake: storage.Bucket) -> None:
    _fault(world, "startIndividualReveal", status=422, times=5)
    with pytest.raises(BadRequest, match="3 of 5 people of this chunk were refused.* 2 were not asked"):
        run_reveal(_operator(lake, people(world, 79, 5)))
    assert _statuses(lake) == {"failed": 3}


def test_settle_when_an_earlier_run_never_fetched_then_fetches_and_a_bad_id_stops_no_other(
    world: Sandbox, lake: storage.Bucket
) -> None:
    with pytest.raises(TaskDeferred) as raised:
        _operator(lake, people(world, 84, 4)).execute({})
    asyncio.run(first_event(raised.value.trigger))  # Wiza is done, and the run is gone
    before = spent(world, "wiza")
    _fault(world, "getIndividualReveal", status=404, times=1)
    with pytest.raises(BadRequest, match="Wiza took 1 reveals and does not show them"):
        WizaSettleOperator(task_id="settle_reveals").execute({})
    assert _statuses(lake) == {"failed": 1, "responded": 3}
    assert WizaSettleOperator(task_id="settle_reveals").execute({}) == {"open": 0, "answered": 0, "still_open": 0}
    assert spent(world, "wiza") == before
