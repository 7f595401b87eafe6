"""What a vendor's answer about one person says, in our words. One function a vendor; SQL reads only what they return.

The e-mail's status and how far it is trusted come from the vendor's word by include/enrichment/waterfall.yaml; a word that is not
declared there is `unknown` and trusted nowhere, and so is an address that is none. A placeholder is nothing found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.contacts.email_address import email_address
from include.contacts.phone_number import phone_number
from include.enrichment.answer_fields import Fields
from include.enrichment.waterfall import VendorPolicy, policy

MOST_EMPLOYEES = 10_000_000  # the largest employer of the world has two million
LAST_YEAR = 2100


@dataclass(frozen=True, slots=True)
class Found:
    """Each field None where the answer does not have it. email_status: valid | risky | unknown.

    phone: E.164. company_size: people who work there. The company's fields are about whom the vendor takes for the
    person's employer.
    """

    email: str | None = None
    email_status: str | None = None
    email_confidence: float | None = None
    email_type: str | None = None
    phone: str | None = None
    linkedin_url: str | None = None
    title: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    company_industry: str | None = None
    company_size: int | None = None
    company_founded: int | None = None
    company_revenue: str | None = None
    company_linkedin_url: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields that are there."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def found(vendor: str, answer: Any) -> Found:
    """Return what one person's part of an answer says; nothing for a miss, or for a vendor that sells no contacts.

    Raises OddAnswer where a field that is read, by us or by SQL, is not of the documented type.
    """
    read = READERS.get(vendor)
    return read(Fields(answer)) if read and isinstance(answer, Mapping) else Found()


def found_by_wiza(envelope: Fields) -> Found:
    """Read the envelope of an individual reveal."""
    data = envelope.part("data")
    return Found(
        **_email(policy().vendors["wiza"], data.text("email"), data.text("email_status")),
        email_type=data.text("email_type"),
        phone=e164(data.first("phones").text("number")),
        linkedin_url=data.url("linkedin_profile_url"),
        title=data.text("title"),
        company_name=data.text("company"),
        company_domain=data.domain("company_domain"),
        company_industry=data.text("company_industry"),
        company_size=data.whole("company_size", MOST_EMPLOYEES),
        company_founded=data.whole("company_founded", LAST_YEAR),
        company_revenue=data.text("company_revenue"),
        company_linkedin_url=data.url("company_linkedin"),
    )


def found_by_apollo(person: Fields) -> Found:
    """Read one person of `matches`."""
    company = person.part("organization")
    email = _email(policy().vendors["apollo"], person.text("email"), person.text("email_status"))
    return Found(
        **email,
        email_type="work" if email else None,
        linkedin_url=person.url("linkedin_url"),
        title=person.text("title"),
        company_name=company.text("name"),
        company_domain=company.domain("primary_domain") or company.domain("website_url"),
        company_industry=company.text("industry"),
        company_size=company.whole("estimated_num_employees", MOST_EMPLOYEES),
        company_founded=company.whole("founded_year", LAST_YEAR),
        company_revenue=company.text("annual_revenue_printed"),
        company_linkedin_url=company.url("linkedin_url"),
    )


def found_by_clay(result: Fields) -> Found:
    """Read the outputs of our contact routine, as it was asked for the e-mail alone."""
    email = _email(policy().vendors["clay"], result.text("work_email"), result.text("email_status"))
    return Found(
        **email,
        email_type="work" if email else None,
        phone=e164(result.text("mobile_phone")),
        linkedin_url=result.url("linkedin_url"),
        company_domain=result.domain("company_domain"),
    )


def checked_twilio(answer: Fields) -> Found:
    """Read what clean.phone and enriched.contact read of a look-up."""
    answer.flag("valid")
    line = answer.part("line_type_intelligence")
    line.text("type")
    line.text("carrier_name")
    line.whole("error_code", 99_999)
    return Found()


def checked_usps(answer: Fields) -> Found:
    """Read what clean.address reads of an answer of USPS."""
    address, more = answer.part("address"), answer.part("additionalInfo")
    for name in ("streetAddress", "secondaryAddress", "city", "state", "ZIPCode", "ZIPPlus4"):
        address.text(name)
    for name in ("DPVConfirmation", "vacant", "business"):
        more.text(name)
    return Found()


def checked_addy(answer: Fields) -> Found:
    """Read what clean.address reads of an answer of Addy."""
    address = answer.part("address")
    for name in ("displayline", "city", "region", "postcode"):
        address.text(name)
    return Found()


READERS: Mapping[str, Callable[[Fields], Found]] = {
    "wiza": found_by_wiza,
    "apollo": found_by_apollo,
    "clay": found_by_clay,
    "twilio": checked_twilio,
    "usps": checked_usps,
    "addy": checked_addy,
}


def e164(number: str | None) -> str | None:
    """Return a number as E.164; what cannot be dialled, or is a placeholder, is no number. Without a country it is a North
    American one."""
    return phone_number(number).e164


def _email(vendor: VendorPolicy, written: str | None, word: str | None) -> dict[str, Any]:
    told = email_address(written)
    if written is None or told.reason in ("empty", "placeholder"):
        return {}
    meaning = vendor.statuses.get((word or "").lower())
    if told.address is None or meaning is None:
        return {"email": told.address or written.lower(), "email_status": "unknown", "email_confidence": 0.0}
    return {"email": told.address, "email_status": meaning.status, "email_confidence": meaning.confidence}
