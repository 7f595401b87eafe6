"""Every Wiza operation against the sandbox, which checks each request against Wiza's contract."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from typing import TYPE_CHECKING

import pytest

from hooks.errors import AuthFailed, NotFound, OutOfCredits, ResponseLost, VendorDown, WrongAddress
from hooks.wiza import Reveal, WizaHook

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
def test_answers_when_malformed_then_a_paid_call_is_in_doubt_and_a_read_is_down(vendor: Sandbox, body: str) -> None:
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
    with pytest.raises(WrongAddress, match="correct the host of connection wiza_default"):
        WizaHook().start_reveal("Ada Molar", company="Example Dental")


def test_reveal_is_complete_when_the_id_is_bad_then_waiting_is_pointless(vendor: Sandbox) -> None:
    async def ask() -> bool:
        hook = WizaHook()
        transport = await hook.get_async_conn()
        try:
            return await hook.reveal_is_complete(transport, 99_999_999)
        finally:
            await transport.aclose()

    assert asyncio.run(ask()) is True
