"""Twilio Lookup against the sandbox, which checks each request against Twilio's contract."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from hooks.http.errors import AuthFailed, EndpointNotFound, NotFound, RateLimited, ResponseLost
from hooks.twilio import LINE_TYPE, TwilioHook

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

NUMBER = "+12025550143"


def test_lookup_when_a_package_is_asked_for_then_returns_it(vendor: Sandbox) -> None:
    found = TwilioHook().lookup(NUMBER, [LINE_TYPE])
    assert found.valid is True
    assert found.packages[LINE_TYPE]["type"]
    assert found.package_errors == {}
    assert json.loads(found.reply.text)["phone_number"] == NUMBER


def test_lookup_when_nothing_is_asked_for_then_only_validates_and_is_free(vendor: Sandbox) -> None:
    def cost() -> float:
        line = vendor.admin.get("ledger").json()["vendors"].get("twilio", {})
        return float(line.get("cost_usd", 0.0))

    before = cost()
    assert TwilioHook().lookup(NUMBER).packages == {}
    assert cost() == before


def test_lookup_when_the_number_is_too_long_then_is_not_valid(vendor: Sandbox) -> None:
    found = TwilioHook().lookup("+120255501439999")
    assert (found.valid, found.reasons) == (False, ("TOO_LONG",))


def test_lookup_when_one_package_fails_inside_a_200_then_its_code_is_kept(vendor: Sandbox) -> None:
    package = {"type": None, "carrier_name": None, "error_code": 60601}
    fault = {"vendor": "twilio", "status": 200, "body": {"valid": True, LINE_TYPE: package}}
    vendor.admin.post("faults", json=fault).raise_for_status()
    assert TwilioHook().lookup(NUMBER, [LINE_TYPE]).package_errors == {LINE_TYPE: 60601}


def test_lookup_when_a_paid_answer_is_cut_then_is_outcome_unknown_and_a_free_one_is_asked_again(
    vendor: Sandbox,
) -> None:
    fault = {"vendor": "twilio", "kind": "drop_response"}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(ResponseLost):
        TwilioHook().lookup(NUMBER, [LINE_TYPE])
    vendor.admin.post("faults", json=fault).raise_for_status()
    assert TwilioHook().lookup(NUMBER).valid is True


def test_lookup_when_throttled_then_waits_as_told_and_gives_up_in_the_end(vendor: Sandbox) -> None:
    headers = {"Retry-After": "90", "Twilio-Concurrent-Requests": "101"}
    fault = {"vendor": "twilio", "status": 429, "times": 1, "headers": headers}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(RateLimited) as raised:
        TwilioHook().lookup(NUMBER, [LINE_TYPE])
    assert raised.value.retry_after == 90.0
    assert "101 requests of the account ran at once" in str(raised.value)
    vendor.admin.post("faults", json={"vendor": "twilio", "status": 429, "times": 2}).raise_for_status()
    assert (
        TwilioHook().lookup(NUMBER, [LINE_TYPE]).valid is True
    )  # 20429 was not processed: even a paid one is repeated


def test_lookup_when_not_e164_then_refuses_before_the_call_without_showing_the_number() -> None:
    with pytest.raises(ValueError, match="E.164") as raised:
        TwilioHook().lookup("(202) 555-0143")
    assert "555" not in str(raised.value)


def test_lookup_when_the_secret_is_wrong_then_fails_at_once(vendor: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = json.loads(os.environ["AIRFLOW_CONN_TWILIO_DEFAULT"]) | {"password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_TWILIO_DEFAULT", json.dumps(wrong))
    with pytest.raises(AuthFailed, match="twilio lookup: HTTP 401"):
        TwilioHook().lookup(NUMBER, [LINE_TYPE])


def test_test_connection_when_credentials_are_good_then_says_so(vendor: Sandbox) -> None:
    assert TwilioHook().test_connection()[0] is True


def test_lookup_when_404_then_only_twilios_own_is_about_the_number(vendor: Sandbox) -> None:
    fault = {"vendor": "twilio", "status": 404}
    vendor.admin.post("faults", json={**fault, "body": {"code": 20404, "status": 404}}).raise_for_status()
    with pytest.raises(NotFound):
        TwilioHook().lookup(NUMBER, [LINE_TYPE])
    vendor.admin.post("faults", json={**fault, "body": {"error": "no such app"}}).raise_for_status()
    with pytest.raises(EndpointNotFound, match="correct the host of connection twilio_default"):
        TwilioHook().lookup(NUMBER, [LINE_TYPE])
