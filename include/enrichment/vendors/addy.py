"""Addy: a standardized address; clean.address reads its answer."""

from __future__ import annotations

from include.enrichment.answer_fields import Fields
from include.enrichment.candidate import Candidate
from include.enrichment.vendors.vendor import Vendor


def parse_response(answer: Fields) -> Candidate:
    """Check what SQL reads; it sells no contacts."""
    address = answer.part("address")
    for name in ("displayline", "city", "region", "postcode"):
        address.text(name)
    return Candidate()


VENDOR = Vendor("addy", parse_response)
