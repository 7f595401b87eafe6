"""What a vendor's answer about one person says, in our words. One function a vendor; SQL reads only what they return.

The e-mail's status and how far it is trusted come from the vendor's word by include/waterfall.yaml; a word that is not
declared there is `unknown` and trusted nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import phonenumbers

from include.waterfall import VendorPolicy, policy

# What Apollo shows in place of an e-mail that was not bought. It is nobody's address.
PLACEHOLDER_EMAIL = "email_not_unlocked@domain.com"


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
    """Return what one person's part of an answer says; nothing for a miss, or for a vendor that sells no contacts."""
    read = READERS.get(vendor)
    return read(answer) if read and isinstance(answer, Mapping) else Found()


def found_by_wiza(envelope: Mapping[str, Any]) -> Found:
    """Read the envelope of an individual reveal."""
    data = _part(envelope, "data")
    phones = data.get("phones")
    first = phones[0] if isinstance(phones, list) and phones and isinstance(phones[0], Mapping) else {}
    return Found(
        **_email(policy().vendors["wiza"], data.get("email"), data.get("email_status")),
        email_type=_text(data.get("email_type")),
        phone=e164(first.get("number")),
        linkedin_url=_url(data.get("linkedin_profile_url")),
        title=_text(data.get("title")),
        company_name=_text(data.get("company")),
        company_domain=_domain(data.get("company_domain")),
        company_industry=_text(data.get("company_industry")),
        company_size=_whole(data.get("company_size")),
        company_founded=_whole(data.get("company_founded")),
        company_revenue=_text(data.get("company_revenue")),
        company_linkedin_url=_url(data.get("company_linkedin")),
    )


def found_by_apollo(person: Mapping[str, Any]) -> Found:
    """Read one person of `matches`."""
    company = _part(person, "organization")
    return Found(
        **_email(policy().vendors["apollo"], person.get("email"), person.get("email_status")),
        email_type="work" if _text(person.get("email")) not in (None, PLACEHOLDER_EMAIL) else None,
        linkedin_url=_url(person.get("linkedin_url")),
        title=_text(person.get("title")),
        company_name=_text(company.get("name")),
        company_domain=_domain(company.get("primary_domain") or company.get("website_url")),
        company_industry=_text(company.get("industry")),
        company_size=_whole(company.get("estimated_num_employees")),
        company_founded=_whole(company.get("founded_year")),
        company_revenue=_text(company.get("annual_revenue_printed")),
        company_linkedin_url=_url(company.get("linkedin_url")),
    )


def found_by_clay(result: Mapping[str, Any]) -> Found:
    """Read the outputs of our contact routine, as it was asked for the e-mail alone."""
    return Found(
        **_email(policy().vendors["clay"], result.get("work_email"), result.get("email_status")),
        email_type="work" if _text(result.get("work_email")) else None,
        phone=e164(result.get("mobile_phone")),
        linkedin_url=_url(result.get("linkedin_url")),
        company_domain=_domain(result.get("company_domain")),
    )


READERS: Mapping[str, Callable[[Mapping[str, Any]], Found]] = {
    "wiza": found_by_wiza,
    "apollo": found_by_apollo,
    "clay": found_by_clay,
}


def e164(number: Any) -> str | None:
    """Return a number as E.164; what cannot be dialled is no number. Without a country it is a North American one."""
    text = _text(number)
    if text is None:
        return None
    try:
        read = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(read) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None  # too short, too long, or to be dialled in its own town only
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)


def _email(vendor: VendorPolicy, address: Any, word: Any) -> dict[str, Any]:
    email = (_text(address) or "").lower()
    if not email or email == PLACEHOLDER_EMAIL:
        return {}
    meaning = vendor.statuses.get((_text(word) or "").lower())
    if meaning is None:
        return {"email": email, "email_status": "unknown", "email_confidence": 0.0}
    return {"email": email, "email_status": meaning.status, "email_confidence": meaning.confidence}


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(value: Any) -> str | None:
    return (str(value).strip() or None) if isinstance(value, str | int | float) else None


def _url(value: Any) -> str | None:
    text = _text(value)
    if text is None:
        return None
    return text if text.startswith(("http://", "https://")) else f"https://{text}"


def _domain(value: Any) -> str | None:
    text = (_text(value) or "").lower()
    host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    return host.removeprefix("www.") or None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return int(float(value))
    except ValueError:
        return None
