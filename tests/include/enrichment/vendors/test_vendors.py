"""What each vendor's answer means, and what may be used of it."""

from __future__ import annotations

from typing import Any

import pytest

from include.enrichment.asking import question
from include.enrichment.candidate import Candidate
from include.enrichment.vendors import UnknownVendor, parse_response, vendor_of
from include.enrichment.vendors.vendor import e164

WIZA = {
    "status": {"code": 200, "message": "OK"},
    "type": "individual_reveal",
    "data": {
        "id": 32,
        "status": "finished",
        "is_complete": True,
        "email": " Dana@Example-Dental.test ",
        "email_status": "valid",
        "email_type": "work",
        "title": "Dentist",
        "linkedin_profile_url": "https://www.linkedin.com/in/dana",
        "phones": [{"number": "+1 512-555-0100"}],
        "company": "Example Dental",
        "company_domain": "https://www.Example-Dental.test/about",
        "company_size": 12,
        "company_founded": 1999,
    },
}
APOLLO = {
    "id": "66aa00000000000000000001",
    "email": "dana@example-dental.test",
    "email_status": "verified",
    "linkedin_url": "http://www.linkedin.com/in/dana",
    "title": "Practice Owner",
    "organization": {"name": "Example Dental", "primary_domain": "example-dental.test", "estimated_num_employees": 12},
}


def test_parse_response_when_vendors_say_the_same_then_it_is_the_same_in_our_words() -> None:
    wiza, apollo = parse_response("wiza", WIZA), parse_response("apollo", APOLLO)
    assert (wiza.email, wiza.email_status, wiza.email_confidence) == ("dana@example-dental.test", "valid", 0.95)
    assert (apollo.email, apollo.email_status, apollo.email_confidence) == ("dana@example-dental.test", "valid", 0.9)
    assert wiza.company_domain == apollo.company_domain == "example-dental.test"
    assert wiza.company_size == apollo.company_size == 12
    assert wiza.phone == "+15125550100"
    clay = parse_response(
        "clay", {"work_email": "dana@example-dental.test", "email_status": "catch_all", "company_domain": "b.test"}
    )
    assert (clay.email_status, clay.email_confidence, clay.company_domain) == ("risky", 0.5, "b.test")


@pytest.mark.parametrize(
    ("vendor", "answer"),
    [("wiza", {"data": {"email": None, "email_status": "unfound", "phones": []}}), ("apollo", None), ("clay", {}),
     ("twilio", {"valid": True}), ("wiza", {"data": None}), ("wiza", [])],
)  # fmt: skip
def test_parse_response_when_nothing_is_known_then_every_field_is_empty(vendor: str, answer: Any) -> None:
    assert parse_response(vendor, answer) == Candidate()
    assert parse_response(vendor, answer).as_json() == {}


def test_parse_response_when_apollo_sends_its_placeholder_then_there_is_no_email_however_it_is_written() -> None:
    placeholders = (
        "email_not_unlocked@domain.com",
        " Email_Not_Unlocked@Domain.com ",
        "email_not_unlocked@bright.test",
    )
    for placeholder in placeholders:
        read = parse_response("apollo", APOLLO | {"email": placeholder})
        assert (read.email, read.email_status, read.email_confidence, read.email_type) == (None, None, None, None)
        assert read.linkedin_url


@pytest.mark.parametrize("written", ["ada@b.test, ben@b.test", "ask at the desk", "a..b@b.test", "ada@localhost"])
def test_parse_response_when_an_address_is_none_then_it_is_kept_and_nobody_trusts_it(written: str) -> None:
    read = parse_response("wiza", {"data": {"email": written, "email_status": "valid"}})
    assert (read.email, read.email_status, read.email_confidence) == (written, "unknown", 0.0)
    assert (
        parse_response("wiza", {"data": {"email": "Ada <Ada@B.test>", "email_status": "valid"}}).email == "ada@b.test"
    )


def test_parse_response_when_a_vendor_uses_a_new_word_then_nobody_trusts_it() -> None:
    read = parse_response("apollo", APOLLO | {"email_status": "certainly"})
    assert (read.email, read.email_status, read.email_confidence) == ("dana@example-dental.test", "unknown", 0.0)


@pytest.mark.parametrize(
    ("sent", "phone"),
    [
        ("+1 512-555-0177", "+15125550177"),
        ("(512) 555-0177", "+15125550177"),
        ("1 512 555 0177", "+15125550177"),
        ("+442071838750", "+442071838750"),
        ("555-0177", None),
        ("+12", None),
        ("ask at the desk", None),
        ("+1 000-000-0000", None),
        ("555-555-5555", None),
        ("(512) 555-1212", None),
        ("123-456-7890", None),
        (None, None),
    ],
)
def test_e164_when_a_number_cannot_be_dialled_then_is_none(sent: str | None, phone: str | None) -> None:
    assert e164(sent) == phone


@pytest.mark.parametrize("vendor", ["findmail", "Wiza", "", "ghl"])
def test_vendor_of_when_nobody_wrote_it_down_then_it_is_named_with_what_to_do(vendor: str) -> None:
    with pytest.raises(UnknownVendor, match=f"{vendor!r} is no vendor.*known are addy, apollo, clay.*Add"):
        vendor_of(vendor)


def test_question_when_a_vendor_sells_no_contacts_then_the_waterfall_is_to_be_mended() -> None:
    with pytest.raises(ValueError, match="twilio sells no contacts: take it out of include/enrichment/waterfall.yaml"):
        question("twilio", {"npi": "2000000001", "full_name": "Ada Canine", "after": None, "segment": "solo"})
