"""Wiza: an individual reveal, one person a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.enrichment.answer_fields import Fields, require_storable
from include.enrichment.candidate import Candidate
from include.enrichment.vendors.vendor import LAST_YEAR, MAX_EMPLOYEES, Vendor, e164, email

NAME = "wiza"


def asked(row: Mapping[str, Any]) -> dict[str, str]:
    return {"full_name": str(row["full_name"]), "company": str(row["company"]), "level": "partial"}


def parse_response(envelope: Fields) -> Candidate:
    data = envelope.part("data")
    return Candidate(
        **email(NAME, data.text("email"), data.text("email_status")),
        email_type=data.text("email_type"),
        phone=e164(data.first("phones").text("number")),
        linkedin_url=data.url("linkedin_profile_url"),
        title=data.text("title"),
        company_name=data.text("company"),
        company_domain=data.domain("company_domain"),
        company_industry=data.text("company_industry"),
        company_size=data.whole("company_size", MAX_EMPLOYEES),
        company_founded=data.whole("company_founded", LAST_YEAR),
        company_revenue=data.text("company_revenue"),
        company_linkedin_url=data.url("company_linkedin"),
    )


def read_charge(envelope: Fields) -> None:
    """Also the parts of `credits` that nobody reads must be what a column can keep."""
    credits = envelope.part("data").part("credits")
    credits.part("api_credits").credits("total")
    require_storable(credits.body, credits.where)


def without_charge(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    data = envelope.get("data")
    return {**envelope, "data": {**data, "credits": None}} if isinstance(data, Mapping) else envelope


VENDOR = Vendor(NAME, parse_response, asked, read_charge=read_charge, without_charge=without_charge)
