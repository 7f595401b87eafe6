"""One published telephone number: E.164, extension, and why it cannot be dialed where it cannot.

By `phonenumbers`, Google's metadata of every numbering plan. What cannot be dialed is no number: the published text is
kept beside it in clean.phone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult

Reason = Literal["empty", "not_a_number", "too_short", "too_long", "not_in_plan", "placeholder", "unknown_country"]
DIRECTORY_ASSISTANCE = "5551212"  # of every North American area: what people write where they have no number
_LENGTH: dict[int, Reason] = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_LONG: "too_long",
}


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """e164: plus sign and digits, None when it cannot be dialed. extension: digits. region: ISO alpha-2 of the plan.

    toll_free: the caller pays nothing, so the number tells nothing about a place. reason: why there is no e164.
    """

    e164: str | None
    extension: str | None
    region: str | None
    toll_free: bool
    valid: bool
    reason: Reason | None


def phone_number(published: str | None, country: str | None = "US") -> PhoneNumber:
    """Return the number that a published text stands for. country: ISO alpha-2 of its address, for a number without +."""
    text = (published or "").strip()
    if not any(character.isalnum() for character in text):
        return _unusable("empty")
    region = (country or "US").upper()
    if region not in phonenumbers.SUPPORTED_REGIONS and not text.startswith("+"):
        return _unusable("unknown_country")
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as refused:
        short = refused.error_type in (NumberParseException.TOO_SHORT_NSN, NumberParseException.TOO_SHORT_AFTER_IDD)
        digits = sum(character.isdigit() for character in text)
        return _unusable("too_short" if short or 0 < digits < 7 else "not_a_number")
    national = str(number.national_number)
    if len(set(national)) == 1 or (number.country_code == 1 and national[3:] == DIRECTORY_ASSISTANCE):
        return _unusable("placeholder")  # 0000000000, 5555555555, 5125551212
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in _LENGTH:
        return _unusable(_LENGTH[possible])
    if not phonenumbers.is_valid_number(number):
        return _unusable("not_in_plan")
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    free = phonenumbers.number_type(number) == PhoneNumberType.TOLL_FREE
    return PhoneNumber(
        e164, number.extension or None, phonenumbers.region_code_for_number(number), free, valid=True, reason=None
    )


def phone_key(published: str, country: str | None = "US") -> str:
    """Return the key of a published number in clean.phone: the same text in the same country, the same key.

    In SQL: CONCAT('f', SUBSTR(TO_HEX(SHA256(CONCAT(phone, '|', IFNULL(country, 'US')))), 1, 20)).
    """
    return "f" + hashlib.sha256(f"{published}|{country or 'US'}".encode()).hexdigest()[:20]


def _unusable(reason: Reason) -> PhoneNumber:
    return PhoneNumber(None, None, None, toll_free=False, valid=False, reason=reason)
