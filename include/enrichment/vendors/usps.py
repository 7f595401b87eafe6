"""USPS: a standardized address; clean.address reads its answer."""

from __future__ import annotations

from include.enrichment.answer_fields import Fields
from include.enrichment.candidate import Candidate
from include.enrichment.vendors.vendor import Vendor


def parse_response(answer: Fields) -> Candidate:
    """Check what SQL reads; it sells no contacts."""
    address, more = answer.part("address"), answer.part("additionalInfo")
    for name in ("streetAddress", "secondaryAddress", "city", "state", "ZIPCode", "ZIPPlus4"):
        address.text(name)
    for name in ("DPVConfirmation", "vacant", "business"):
        more.text(name)
    return Candidate()


VENDOR = Vendor("usps", parse_response)
