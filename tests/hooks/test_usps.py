"""USPS Addresses against the sandbox, which checks each request against USPS's contract."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from hooks.http.errors import AuthFailed, BadRequest, EndpointNotFound, RateLimited, VendorDown
from hooks.usps import UspsHook
from include.contacts.address_validation import AddressQuestion, UnsupportedCountry

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

BOX = AddressQuestion("PO BOX 12", None, None, "AUSTIN", "TX", "78701", "US")


def _tokens(vendor: Sandbox) -> int:
    operations = vendor.admin.get("ledger").json()["vendors"].get("usps", {}).get("operations", {})
    return int(operations.get("getAccessToken", {}).get("calls", 0))


def _order(vendor: Sandbox, **fault: object) -> None:
    vendor.admin.post("faults", json={"vendor": "usps", "operation": "validateAddress", **fault}).raise_for_status()


def test_validate_when_asked_for_several_then_one_token_serves_them_all(vendor: Sandbox) -> None:
    before, hook = _tokens(vendor), UspsHook()
    verdict = hook.validate(BOX)
    assert (verdict.status, verdict.dpv, verdict.postal_code, verdict.is_business) == ("confirmed", "Y", "78701", False)
    assert json.loads(verdict.answer)["address"]["streetAddress"] == "PO BOX 12"
    military = AddressQuestion("PSC 802 BOX 74", None, None, "APO", "AE", "09499", "US")
    island = AddressQuestion("PO BOX 7", None, "URB UNO", "SAN JUAN", "PR", "00926", "US")
    assert [hook.validate(one).status for one in (military, island)] == ["confirmed", "confirmed"]
    assert _tokens(vendor) == before + 1
    assert hook.test_connection() == (True, "USPS gives an access token")


def test_validate_when_the_token_ends_in_mid_run_then_a_fresh_one_is_fetched_once(vendor: Sandbox) -> None:
    before, hook = _tokens(vendor), UspsHook()
    hook.validate(BOX)
    _order(vendor, status=401)
    assert hook.validate(BOX).status == "confirmed"
    assert _tokens(vendor) == before + 2
    _order(vendor, status=401, times=2)  # the fresh one is refused too: that is no ended token
    with pytest.raises(AuthFailed, match="usps validate_address: HTTP 401"):
        hook.validate(BOX)


def test_validate_when_there_is_no_such_address_then_that_is_an_answer(vendor: Sandbox) -> None:
    unknown = AddressQuestion("99999 NOWHERE ST", None, None, "AUSTIN", "TX", "78701", "US")
    verdict = UspsHook().validate(unknown)
    assert (verdict.status, verdict.http_status, verdict.line) == ("undeliverable", 404, None)
    assert json.loads(verdict.answer)["error"]["code"] == "404"
    _order(vendor, status=404, body="<html>no such path</html>")
    with pytest.raises(EndpointNotFound, match="correct the host of connection usps_default"):
        UspsHook().validate(BOX)


def test_validate_when_the_request_breaks_the_contract_then_bad_request_and_no_verdict(vendor: Sandbox) -> None:
    with pytest.raises(BadRequest, match="HTTP 400"):
        UspsHook().validate(AddressQuestion("1 OAK ST", None, None, "X", "ZZ", None, "US"))
    with pytest.raises(ValueError, match="needs a state"):
        UspsHook().validate(AddressQuestion("1 OAK ST", None, None, None, "TX", None, "US"))


def test_validate_when_the_country_is_another_then_refuses_without_a_call(vendor: Sandbox) -> None:
    before = vendor.admin.get("ledger").json()["vendors"].get("usps")
    with pytest.raises(UnsupportedCountry, match="not those of CA"):
        UspsHook().validate(AddressQuestion("1 QUEEN ST", None, None, "TORONTO", "ON", "M5V 2T6", "CA"))
    assert vendor.admin.get("ledger").json()["vendors"].get("usps") == before


def test_validate_when_down_or_out_of_quota_then_says_when_to_come_back(vendor: Sandbox) -> None:
    _order(vendor, status=503, times=4)
    with pytest.raises(VendorDown):
        UspsHook().validate(BOX)
    _order(vendor, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimited) as raised:
        UspsHook().validate(BOX)
    assert raised.value.retry_after == 3600.0


def test_validate_when_the_keys_are_wrong_then_fails_at_once(vendor: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = json.loads(os.environ["AIRFLOW_CONN_USPS_DEFAULT"]) | {"password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_USPS_DEFAULT", json.dumps(wrong))
    with pytest.raises(AuthFailed, match="gives no token for these keys") as raised:
        UspsHook().validate(BOX)
    assert "wrong" not in str(raised.value)
    assert UspsHook().test_connection()[0] is False
