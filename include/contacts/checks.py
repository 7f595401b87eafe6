"""What is asked about published addresses and telephone numbers, how old an answer may be, and how a request is named.

All three are free of charge by call, so a call without an answer is made again. Line types are bought elsewhere
(include/enrichment/rules.py LOOKUP), by whichever DAG needs one first, under the same request key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.contacts.address_validation import AddressQuestion
from include.enrichment.rules import PaidOperation, request_key

# Addy bills by plan and publishes no price of a look-up.
USPS_ADDRESS = PaidOperation("usps", "address", 0.0, 0.0, 0.0)
ADDY_ADDRESS = PaidOperation("addy", "address", 0.0, 0.0, 0.0)
PHONE_VALIDATION = PaidOperation("twilio", "validation", 0.0, 0.0, 0.0)
CHECK_MAX_AGE_DAYS = 365  # streets, suites and numbers are stable, practices are not
# A new USPS account makes 60 calls an hour: a chunk takes 100 minutes then.
USPS_CHUNK_ROWS = 100


def address_request(checked_by: PaidOperation, row: Mapping[str, Any]) -> tuple[str, dict[str, str], AddressQuestion]:
    """Return (request key, request as the ledger keeps it, question) for one row of clean/address/candidates.sql.

    Keyed by the standard form, so that all spellings of an address are one question.
    """
    question = AddressQuestion(**{name: row[name] for name in AddressQuestion.__slots__})
    key = request_key(checked_by, str(row["standard_key"]), question.asked(), row["after"])
    return key, {**question.asked(), "standard_key": str(row["standard_key"])}, question


def phone_request(row: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return (request key, what to ask Twilio) for one row of clean/phone/candidates.sql."""
    asked = {"phone_number": str(row["phone_e164"])}
    return request_key(PHONE_VALIDATION, asked["phone_number"], asked, row["after"]), asked
