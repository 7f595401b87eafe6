"""Twilio: a look-up of a number; clean.phone and enriched.contact read its answer."""

from __future__ import annotations

from include.enrichment.answer_fields import Fields
from include.enrichment.candidate import Candidate
from include.enrichment.vendors.vendor import Vendor


def parse_response(answer: Fields) -> Candidate:
    """Check what SQL reads; it sells no contacts."""
    answer.flag("valid")
    line = answer.part("line_type_intelligence")
    line.text("type")
    line.text("carrier_name")
    line.whole("error_code", 99_999)
    return Candidate()


VENDOR = Vendor("twilio", parse_response)
