"""Apollo: bulk enrichment, ten people a call, each one's part in the order asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.enrichment.answer_fields import Fields, OddAnswer, kind
from include.enrichment.candidate import Candidate
from include.enrichment.vendors.vendor import LAST_YEAR, MAX_EMPLOYEES, Vendor, email

NAME = "apollo"


def asked(row: Mapping[str, Any]) -> dict[str, str]:
    names = {"first_name": str(row["first_name"]), "last_name": str(row["last_name"])}
    return {**names, "organization_name": str(row["company"])}


def parse_response(person: Fields) -> Candidate:
    company = person.part("organization")
    mail = email(NAME, person.text("email"), person.text("email_status"))
    return Candidate(
        **mail,
        email_type="work" if mail else None,
        linkedin_url=person.url("linkedin_url"),
        title=person.text("title"),
        company_name=company.text("name"),
        company_domain=company.domain("primary_domain") or company.domain("website_url"),
        company_industry=company.text("industry"),
        company_size=company.whole("estimated_num_employees", MAX_EMPLOYEES),
        company_founded=company.whole("founded_year", LAST_YEAR),
        company_revenue=company.text("annual_revenue_printed"),
        company_linkedin_url=company.url("linkedin_url"),
    )


def parts(body: Any, keys: Sequence[str] | None, people: int) -> list[Any]:
    matches = body.get("matches") if isinstance(body, Mapping) else None
    if not isinstance(matches, list):
        raise OddAnswer("matches", f"must be a list and is {kind(matches)}", matches)
    if len(matches) != people:
        raise OddAnswer("matches", f"has {len(matches)} entries, and {people} people were asked for")
    return matches


def read_charge(answer: Fields) -> None:
    answer.credits("credits_consumed")


def is_billed(candidate: Candidate) -> bool:
    """By the price list an e-mail or a LinkedIn page is charged for."""
    return bool(candidate.email or candidate.linkedin_url)


VENDOR = Vendor(NAME, parse_response, asked, parts, read_charge, is_billed=is_billed)
