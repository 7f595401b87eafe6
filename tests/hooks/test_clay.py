"""Every Clay operation against the sandbox, which checks each request against Clay's contract."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from hooks.apollo import ApolloHook
from hooks.clay import Account, ClayHook, Item, Results, RunKind
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


def order(vendor: Sandbox, **fault: Any) -> None:
    vendor.admin.post("faults", json={"vendor": "clay", **fault}).raise_for_status()


def ledger(vendor: Sandbox) -> dict[str, Any]:
    line: dict[str, Any] = vendor.admin.get("ledger").json()["vendors"].get("clay", {"credits": 0.0})
    return line


def dentists(count: int) -> list[Item]:
    """People with their practices, by Apollo's free search; last names are masked there, so by domain of the practice."""
    found = ApolloHook().iter_organizations({"organization_locations[]": ["TX", "CA"]})
    return [
        Item(f"item-{number}", {"domain": str(one["primary_domain"])})
        for number, one in zip(range(count), found, strict=False)
    ]


def waited_for(hook: ClayHook, run_id: str, kind: RunKind = "run") -> Results:
    for _ in range(200):
        results = hook.results(run_id, kind)
        if results.is_over:
            return results
        assert results.items == ()
        time.sleep(0.05)
    raise AssertionError("the run was not over in 10 s")


def is_over(run_id: str, kind: RunKind) -> bool:
    async def ask() -> bool:
        transport = await ClayHook().get_async_conn()
        try:
            return await ClayHook().is_over(transport, run_id, kind)
        finally:
            await transport.aclose()

    return asyncio.run(ask())


def test_run_when_some_are_found_some_not_and_one_fails_then_each_item_tells(vendor: Sandbox) -> None:
    hook = ClayHook()
    before = ledger(vendor)["credits"]
    practices = dentists(20)
    unknown, wrong = Item("unknown", {"domain": "nowhere.example"}), Item("wrong", {})
    run = hook.start_run(hook.routine("company"), [*practices, unknown, wrong])
    assert json.loads(run.reply.text) == {"routine_run_id": run.id, "status": "in_progress"}
    results = waited_for(hook, run.id)
    assert is_over(run.id, "run") is True
    assert (results.status, results.finished, results.total, results.error) == ("complete", 22, 22, None)
    by_id = {item.id: item for item in results.items}
    assert list(by_id) == [item.id for item in (*practices, unknown, wrong)]
    assert (by_id["wrong"].result, by_id["wrong"].error) == (None, "Missing required input: company or domain")
    assert by_id["unknown"].error is None
    assert by_id["unknown"].result is not None
    assert by_id["unknown"].result["employees"] is None
    found = [item for item in results.items if item.result and item.result["employees"]]
    assert found
    assert ledger(vendor)["credits"] - before == 3 * len(found), "what finds nothing costs nothing"


def test_results_when_they_have_pages_then_all_are_read(vendor: Sandbox) -> None:
    pages = [
        {"data": [{"id": "a", "status": "complete", "result": {}}], "cursor": "next"},
        {"data": [{"id": "b", "status": "failed", "error": {"message": "no"}}]},
    ]
    for page in pages:
        body = {"routine_run_id": "r", "status": "complete", "total": 2, "finished": 2, **page}
        order(vendor, operation="getRunResults", status=200, body=body)
    results = ClayHook().results("r")
    assert [(item.id, item.error) for item in results.items] == [("a", None), ("b", "no")]
    assert len(results.replies) == 2
    for _ in range(2):
        body = {"status": "complete", "total": 2, "finished": 2, "data": [], "cursor": "same"}
        order(vendor, operation="getRunResults", status=200, body=body)
    with pytest.raises(VendorDown, match="names itself"):
        ClayHook().results("r")


def test_batch_when_uploaded_and_started_then_its_file_is_read(vendor: Sandbox) -> None:
    hook = ClayHook()
    people = [Item(f"p{number}", {"full_name": "Nobody Ofthatname", "company": "No Such"}) for number in range(300)]
    file_id = hook.upload_batch(hook.routine("contact"), people)
    run = hook.start_batch(hook.routine("contact"), file_id)
    results = waited_for(hook, run.id, "run-batch")
    assert is_over(run.id, "run-batch") is True
    assert (results.status, results.total, len(results.items)) == ("complete", 300, 300)
    assert results.items[299].id == "p299"
    state, file = results.replies
    assert json.loads(state.text)["result_url"]
    assert file.content.count(b"\n") == 299
    bad = hook.upload_batch(hook.routine("contact"), [Item("", {})])
    invalid = waited_for(hook, hook.start_batch(hook.routine("contact"), bad).id, "run-batch")
    assert (invalid.status, invalid.error, invalid.items) == ("validation_failed", "The file has invalid rows", ())


def test_batch_when_the_result_file_has_expired_then_the_next_try_asks_for_a_new_address(vendor: Sandbox) -> None:
    gone = {"status": "complete", "total": 1, "finished": 1, "result_url": f"{vendor.url}/clay-files/run_x.jsonl?sig=x"}
    order(vendor, operation="getRoutineRunBatchResults", status=200, body=gone)
    with pytest.raises(VendorDown, match="expired"):
        ClayHook().results("run_x", "run-batch")


def test_results_when_the_run_is_unknown_then_not_found_and_waiting_is_pointless(vendor: Sandbox) -> None:
    for kind in ("run", "run-batch"):
        with pytest.raises(NotFound):
            ClayHook().results("run_unknown", kind)
        assert is_over("run_unknown", kind) is True
    order(vendor, operation="getRunResults", status=200, body={"status": "cancelled", "total": 1, "finished": 0})
    assert ClayHook().results("r").is_over, "a status that nobody documented is final"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 401}, AuthFailed),
        ({"status": 402}, OutOfCredits),
        ({"status": 422, "body": {"message": "no"}}, BadRequest),
        ({"status": 500}, ResponseLost),
        ({"status": 503}, ResponseLost),
        ({"status": 202, "body": {"status": "in_progress"}}, ResponseLost),
        ({"kind": "drop_response"}, ResponseLost),
    ],
)
def test_start_run_when_refused_or_cut_off_then_it_is_asked_once(
    vendor: Sandbox, fault: dict[str, Any], expected: type[Exception]
) -> None:
    def calls() -> int:
        return int(ledger(vendor)["operations"]["runRoutine"]["calls"]) if "operations" in ledger(vendor) else 0

    before = calls() if "runRoutine" in ledger(vendor).get("operations", {}) else 0
    order(vendor, operation="runRoutine", **fault)
    with pytest.raises(expected):
        ClayHook().start_run(ClayHook().routine("contact"), [Item("a", {"full_name": "Ada Molar"})])
    assert calls() == before + 1


def test_start_run_when_throttled_then_waits_as_told_and_when_the_routine_is_unknown_then_says_which(
    vendor: Sandbox,
) -> None:
    order(vendor, operation="runRoutine", status=429, headers={"Retry-After": "90"})
    with pytest.raises(RateLimited) as raised:
        ClayHook().start_run(ClayHook().routine("contact"), [Item("a", {})])
    assert raised.value.retry_after == 90.0
    with pytest.raises(EndpointNotFound, match=r"extra \*_routine of connection clay_default"):
        ClayHook().start_run("function:t_unknown", [Item("a", {})])


def test_run_when_credits_run_out_in_it_then_the_rest_fail_one_by_one_and_the_next_run_is_refused(
    vendor: Sandbox,
) -> None:
    hook = ClayHook()
    vendor.admin.put("credits/clay", json={"credits": 7})
    results = waited_for(hook, hook.start_run(hook.routine("company"), dentists(20)).id)
    assert [item.error for item in results.items].count("Insufficient credits") > 0
    assert sum(1 for item in results.items if item.result and item.result["employees"]) == 2
    vendor.admin.put("credits/clay", json={"credits": 0})
    with pytest.raises(OutOfCredits):
        hook.start_run(hook.routine("company"), [Item("a", {"domain": "x.example"})])


def test_push_row_when_clay_takes_it_then_says_nothing_and_a_lost_answer_is_outcome_unknown(vendor: Sandbox) -> None:
    hook = ClayHook()
    hook.push_row({"correlation_id": "npi-2:1", "full_name": "Ada Molar"})
    order(vendor, operation="pushRowToTable", kind="drop_response")
    with pytest.raises(ResponseLost):
        hook.push_row({"correlation_id": "npi-2:1"})
    order(vendor, operation="pushRowToTable", status=401)
    with pytest.raises(AuthFailed):
        hook.push_row({"correlation_id": "npi-2:1"})


def test_calls_when_they_cannot_be_right_then_refused_before_they_are_made(
    vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = ClayHook()
    with pytest.raises(ValueError, match="1 to 100 items, not 101"):
        hook.start_run("r", [Item("a", {})] * 101)
    with pytest.raises(ValueError, match="1 to 50000 items, not 0"):
        hook.upload_batch("r", [])
    with pytest.raises(ValueError, match="correlation_id"):
        hook.push_row({"full_name": "Ada Molar"})
    with pytest.raises(ValueError, match="102400 bytes"):
        hook.push_row({"correlation_id": "x", "note": "x" * 102_400})
    bare = json.loads(os.environ["AIRFLOW_CONN_CLAY_DEFAULT"]) | {"extra": {}}
    monkeypatch.setenv("AIRFLOW_CONN_CLAY_DEFAULT", json.dumps(bare))
    with pytest.raises(ValueError, match="table_url"):
        ClayHook().push_row({"correlation_id": "x"})
    assert ClayHook().test_connection() == (False, "connection clay_default: extra contact_routine must hold the id of our routine")  # fmt: skip


def test_test_connection_when_the_key_is_good_or_wrong_then_says_which(
    vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ClayHook().me() == Account("user_sandbox", "ws_sandbox")
    assert ClayHook().test_connection() == (True, "Clay answers for workspace ws_sandbox; 2 routines are named")
    wrong = json.loads(os.environ["AIRFLOW_CONN_CLAY_DEFAULT"]) | {"password": "wrong-key-1"}
    monkeypatch.setenv("AIRFLOW_CONN_CLAY_DEFAULT", json.dumps(wrong))
    worked, message = ClayHook().test_connection()
    assert (worked, "HTTP 401" in message, "wrong-key-1" in message) == (False, True, False)
