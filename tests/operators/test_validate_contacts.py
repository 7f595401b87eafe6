"""Chunks of addresses against the sandbox: each asked once, whatever breaks. Addy's and Twilio's chunks go the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hooks.http.errors import BadRequest, VendorDown
from include.contacts.checks import USPS_ADDRESS, address_request
from include.lake.call_ledger import CallLedger
from operators.validate_contacts import ValidateContactsOperator
from tests.operators.chunks import chunk, spent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import storage

    from services.embedded.sandbox import Sandbox


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.admin.delete("faults")
    yield sandbox
    sandbox.admin.delete("faults")


def _box(number: int, state: str = "TX") -> dict[str, Any]:
    parts = {"unit": None, "urbanization": None, "city": "AUSTIN", "state": state, "postal_code": "78701"}
    return {"standard_key": f"s{number}", "line": f"PO BOX {number}", **parts, "country": "US", "after": None}


def _calls(world: Sandbox, vendor: str, operation: str) -> int:
    operations = world.admin.get("ledger").json()["vendors"].get(vendor, {}).get("operations", {})
    return int(operations.get(operation, {}).get("calls", 0))


def test_execute_when_the_token_ends_and_the_vendor_goes_down_then_nothing_is_lost_and_nothing_asked_twice(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = [_box(number) for number in range(1, 6)]
    ledger = CallLedger(lake, "usps", "address")
    # A task that died between claim and call: free of charge, so it is simply asked.
    key, request, _ = address_request(USPS_ADDRESS, rows[0])
    ledger.claim(key, request)
    operator = ValidateContactsOperator(validator="usps", task_id="validate_us_addresses", chunk=chunk(lake, rows))
    world.admin.post(
        "faults", json={"vendor": "usps", "operation": "validateAddress", "status": 401}
    ).raise_for_status()
    assert operator.execute({}) == {"had": 0, "answered": 5, "refused": 0}
    assert {entry.status for entry in ledger.entries()} == {"responded"}
    calls = _calls(world, "usps", "validateAddress")
    assert operator.execute({}) == {"had": 5, "answered": 0, "refused": 0}
    assert _calls(world, "usps", "validateAddress") == calls

    later = ValidateContactsOperator(validator="usps", task_id="validate_us_addresses", chunk=chunk(lake, [_box(6)]))
    world.admin.post("faults", json={"vendor": "usps", "status": 503, "times": 4}).raise_for_status()
    with pytest.raises(VendorDown):
        later.execute({})
    assert len(list(ledger.entries())) == 5  # no claim is left behind
    assert later.execute({})["answered"] == 1


def test_execute_when_the_contract_refuses_row_after_row_then_stops(world: Sandbox, lake: storage.Bucket) -> None:
    rows = [_box(number, state="ZZ") for number in range(10, 20)]
    before = _calls(world, "usps", "validateAddress")
    with pytest.raises(BadRequest, match="3 of 10 rows were refused, so it is not about rows"):
        ValidateContactsOperator(validator="usps", task_id="validate_us_addresses", chunk=chunk(lake, rows)).execute({})
    assert _calls(world, "usps", "validateAddress") == before + 3
    assert [e.http_status for e in CallLedger(lake, "usps", "address").entries()] == [400, 400, 400]


def test_execute_when_addresses_are_foreign_or_numbers_validated_then_their_vendors_answer_free_of_charge(
    world: Sandbox, lake: storage.Bucket
) -> None:
    auckland = {
        **_box(30),
        "line": "80 QUEEN STREET",
        "city": "AUCKLAND",
        "state": None,
        "postal_code": "1010",
        "country": "NZ",
    }
    addy = ValidateContactsOperator(
        validator="addy", task_id="validate_foreign_addresses", chunk=chunk(lake, [auckland])
    )
    assert addy.execute({})["answered"] == 1
    before = spent(world, "twilio")
    phones = [{"phone_e164": "+15125550190", "after": None}]
    twilio = ValidateContactsOperator(validator="twilio", task_id="validate_phones", chunk=chunk(lake, phones))
    assert twilio.execute({})["answered"] == 1
    assert spent(world, "twilio") == before
