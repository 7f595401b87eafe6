"""Addy against the sandbox, which checks each request against Addy's contract."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from hooks.addy import AddyHook
from hooks.http.errors import AuthFailed, VendorDown
from include.contacts.address_validation import AddressQuestion, UnsupportedCountry

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

AUCKLAND = AddressQuestion("80 QUEEN STREET", None, None, "AUCKLAND", None, "1010", "NZ")


def test_validate_when_in_new_zealand_or_australia_then_is_judged(vendor: Sandbox) -> None:
    hook = AddyHook()
    known = hook.validate(AUCKLAND)
    assert (known.status, known.line, known.postal_code) == ("confirmed", "80 QUEEN STREET", "1010")
    moved = hook.validate(AddressQuestion("5 COLLINS STREET", "UNIT 2", None, "MELBOURNE", "VIC", "3001", "AU"))
    assert (moved.status, moved.postal_code) == ("corrected", "3000")
    unknown = hook.validate(AddressQuestion("1 NO STREET", None, None, "AUCKLAND", None, None, "NZ"))
    assert (unknown.status, json.loads(unknown.answer)["reason"]) == ("undeliverable", "No match found")
    assert hook.test_connection()[0] is True


def test_validate_when_the_address_is_american_then_no_call_is_made(vendor: Sandbox) -> None:
    before = vendor.admin.get("ledger").json()["vendors"].get("addy")
    # The vendor would match it: it has a street of that name.
    american = AddressQuestion("80 QUEEN STREET", None, None, "SPRINGFIELD", "IL", "62701", "US")
    with pytest.raises(UnsupportedCountry, match="ask USPS for US addresses"):
        AddyHook().validate(american)
    assert vendor.admin.get("ledger").json()["vendors"].get("addy") == before


def test_validate_when_the_vendor_fails_then_says_so(vendor: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor.admin.post("faults", json={"vendor": "addy", "status": 200, "body": {"message": "x"}}).raise_for_status()
    with pytest.raises(VendorDown, match="no field `address`"):
        AddyHook().validate(AUCKLAND)
    wrong = json.loads(os.environ["AIRFLOW_CONN_ADDY_DEFAULT"]) | {"password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_ADDY_DEFAULT", json.dumps(wrong))
    with pytest.raises(AuthFailed, match="addy_default"):
        AddyHook().validate(AUCKLAND)
