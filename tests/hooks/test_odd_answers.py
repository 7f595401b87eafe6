"""What hooks read of an answer at once: whatever stands in it, nothing is raised after a call that was paid for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hooks.http.transport import Reply
from hooks.twilio import LINE_TYPE, read_lookup
from include.contacts.address_validation import AddressQuestion, addy_verdict, usps_verdict
from tests.include.vendor_answers import ADDY, APOLLO, ODD_VALUES, TWILIO, USPS, paths, with_value

QUESTION = AddressQuestion("1 MAIN ST", None, None, "AUSTIN", "TX", "78701", "US")


def _odd(answer: Any) -> list[Any]:
    """An answer with every odd value in every field, as Python reads it; the whole stays an object."""
    read = []
    for path in paths(answer):
        for value in ODD_VALUES if path else ():
            try:
                read.append(json.loads(with_value(answer, path, value)))
            except ValueError:
                continue  # an integer of thousands of digits: no JSON to the transport either
    return read


def test_verdicts_when_any_field_is_odd_then_say_something() -> None:
    known = {"confirmed", "corrected", "missing_unit", "wrong_unit", "undeliverable"}
    for body in _odd(USPS):
        assert usps_verdict(QUESTION, 200, "", body).status in known
    for body in _odd(ADDY):
        assert addy_verdict(QUESTION, 200, "", body).status in known


def test_lookup_when_any_field_is_odd_then_is_read_as_far_as_it_can() -> None:
    for body in _odd(TWILIO):
        if "valid" in body:
            assert isinstance(read_lookup(Reply(200, "", body, b"", {}), [LINE_TYPE]).valid, bool)
    assert read_lookup(Reply(200, "", TWILIO, b"", {}), [LINE_TYPE]).packages[LINE_TYPE]["type"] == "mobile"


@pytest.mark.parametrize("field", ["phone_enrichment", "waterfall", "request_id", "unique_enriched_records", "matches"])
def test_bulk_match_when_a_field_beside_the_people_is_odd_then_the_answer_is_kept(vendor: Any, field: str) -> None:
    from hooks.apollo import ApolloHook, PersonQuery

    hook = ApolloHook()
    for odd in ("x", [], -5, True, {"status": 5}):
        body = APOLLO | {field: odd}
        fault = {"vendor": "apollo", "operation": "bulkPeopleEnrichment", "status": 200, "body": body}
        vendor.admin.post("faults", json=fault).raise_for_status()
        found = hook.bulk_match([PersonQuery(name="Ada Molar"), PersonQuery(name="Ben Cuspid")])
        assert json.loads(found.reply.text) == body
        assert found.credits == 2.0
