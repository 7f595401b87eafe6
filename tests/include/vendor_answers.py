"""Answers of every vendor as their contracts show them, entries of the call ledger with them, and odd values. Nobody is real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from include.lake.call_ledger import Entry

MONDAY = datetime(2025, 11, 10, 6, tzinfo=UTC)
PEOPLE = [
    {"key": f"key{number}", "npi": f"200000000{number}", "segment": "solo", "asked": {"full_name": "Ada Molar"}}
    for number in (1, 2)
]
WIZA: dict[str, Any] = {
    "status": {"code": 200, "message": "OK"},
    "type": "individual_reveal",
    "data": {
        "id": 32, "status": "finished", "is_complete": True, "name": "Dana Molar", "company": "Bright Dental",
        "email": "dana@bright.test", "email_status": "valid", "email_type": "work", "title": "Practice Owner",
        "emails": [{"email": "dana@bright.test", "email_type": "work", "email_status": "valid"}],
        "linkedin_profile_url": "https://www.linkedin.com/in/dana", "company_linkedin": "linkedin.com/company/bright",
        "phones": [{"number": "+15125550100", "pretty_number": "+1 512-555-0100", "type": "mobile"}],
        "company_domain": "bright.test", "company_size": 12, "company_founded": 1999, "company_revenue": "1M",
        "company_industry": "medical practice",
        "credits": {"api_credits": {"total": 2, "email_credits": 2, "phone_credits": 0, "scrape_credits": 0}},
    },
}  # fmt: skip
PERSON: dict[str, Any] = {
    "id": "66aa00000000000000000001", "first_name": "Ada", "last_name": "Molar", "email": "ada@bright.test",
    "email_status": "verified", "linkedin_url": "http://www.linkedin.com/in/ada", "title": "Dentist",
    "organization": {
        "name": "Bright", "primary_domain": "bright.test", "website_url": "http://bright.test", "industry": "dentistry",
        "estimated_num_employees": 5, "founded_year": 1999, "annual_revenue_printed": "1M",
        "linkedin_url": "http://www.linkedin.com/company/bright",
    },
}  # fmt: skip
APOLLO: dict[str, Any] = {
    "status": "success", "total_requested_enrichments": 2, "unique_enriched_records": 2, "missing_records": 0,
    "credits_consumed": 2, "matches": [PERSON, PERSON | {"id": "66aa00000000000000000002", "email": "ben@bright.test"}],
}  # fmt: skip
CLAY: list[dict[str, Any]] = [
    {
        "routine_run_id": "run_1", "status": "complete", "finished": 2, "total": 2,
        "data": [
            {"id": one["key"], "status": "complete", "error": None, "result": {
                "work_email": f"{one['key']}@bright.test", "email_status": "valid", "mobile_phone": "+15125550100",
                "linkedin_url": "https://www.linkedin.com/in/ada", "company_domain": "bright.test",
            }}
            for one in PEOPLE
        ],
    }
]  # fmt: skip
USPS: dict[str, Any] = {
    "firm": None,
    "address": {
        "streetAddress": "1 MAIN ST", "secondaryAddress": "STE 2", "city": "AUSTIN", "state": "TX", "ZIPCode": "78701",
        "ZIPPlus4": "1234",
    },
    "additionalInfo": {"DPVConfirmation": "Y", "vacant": "N", "business": "Y", "deliveryPoint": "02"},
    "corrections": [], "matches": [{"code": "31", "text": "Single Response - exact match"}],
}  # fmt: skip
ADDY: dict[str, Any] = {
    "address": {"id": 1, "displayline": "80 Queen Street", "city": "Auckland", "region": "Auckland", "postcode": "1010"},
    "alternatives": [], "reason": None, "foundPrefix": None, "prefix": None,
}  # fmt: skip
TWILIO: dict[str, Any] = {
    "valid": True, "phone_number": "+15125550100", "country_code": "US", "validation_errors": [],
    "line_type_intelligence": {"type": "mobile", "carrier_name": "Bell", "error_code": None},
}  # fmt: skip
ANSWERS: dict[str, tuple[str, Any]] = {
    "wiza": ("individual_reveal", WIZA),
    "apollo": ("bulk_match", APOLLO),
    "clay": ("contact_routine", CLAY),
    "usps": ("address", USPS),
    "addy": ("address", ADDY),
    "twilio": ("line_type_intelligence", TWILIO),
}
# JSON text, so that it can hold what no Python value can be dumped as.
ODD_VALUES = (
    "1e999", "-1e999", "NaN", "1e300", "100000000000000000000", "-5", "-0.5", "9" * 5000, "true", "null", "[]", "{}", "[[]]",
    '{"a": 1}', '"\\u0000"', '"a\\ud800b"', '""', '"1e999"', '"-5"', '"NaN"', '"http://[bright.test]"', f'"{"x" * 5000}"',
    "[" * 200 + "]" * 200,
)  # fmt: skip


def entry(vendor: str, body: str | None, key: str = "odd", credits: float = 2.0) -> Entry:
    """An answered entry: for Apollo and Clay a call about two people, whose own keys begin with the call's."""
    operation, _ = ANSWERS[vendor]
    many = vendor in ("apollo", "clay")
    request = {"people": PEOPLE} if many else {"full_name": "Ada Molar", "phone_number": "+15125550100"}
    return Entry(
        vendor=vendor, operation=operation, request_key=key, person_key=None if many else "2000000003",
        status="responded", http_status=200, vendor_ref=None, request=json.dumps(request), body=body, credits=credits,
        cost_usd=credits * 0.05, requested_at=MONDAY, responded_at=MONDAY, purpose={},
    )  # fmt: skip


def paths(value: Any, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in an answer, the whole included."""
    yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from paths(one, (*before, name))


def with_value(answer: Any, path: tuple[str | int, ...], value: str) -> str:
    """The JSON text of an answer with other JSON text at a path."""
    if not path:
        return value
    changed = json.loads(json.dumps(answer))
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = "@@here@@"
    return json.dumps(changed).replace('"@@here@@"', value)
