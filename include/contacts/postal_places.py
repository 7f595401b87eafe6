"""Country, state and ZIP of a published address."""

from __future__ import annotations

import re

from scourgify.address_constants import STATE_ABBREVIATIONS

from include.contacts.postal_lines import clean

MILITARY = frozenset({"AA", "AE", "AP"})
MILITARY_TOWNS = frozenset({"APO", "FPO", "DPO"})
TERRITORIES = frozenset({"PR", "GU", "VI", "AS", "MP", "FM", "MH", "PW"})  # USPS serves them as states
PROVINCES = frozenset({"AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"})
STATES = frozenset(STATE_ABBREVIATIONS.values()) | TERRITORIES | MILITARY | {"DC"}
# Names and three-letter codes that registries and boards write; a two-letter code stands for itself.
COUNTRIES = {
    "USA": "US", "UNITED STATES": "US", "UNITED STATES OF AMERICA": "US", "U S A": "US", "U S": "US",
    "PUERTO RICO": "US", "GUAM": "US", "CAN": "CA", "CANADA": "CA", "MEX": "MX", "MEXICO": "MX",
    "NZL": "NZ", "NEW ZEALAND": "NZ", "AUS": "AU", "AUSTRALIA": "AU", "GBR": "GB", "UNITED KINGDOM": "GB",
}  # fmt: skip
NAMED_STATES = {"PUERTO RICO": "PR", "GUAM": "GU", "VIRGIN ISLANDS": "VI", "ARMED FORCES EUROPE": "AE",
                "ARMED FORCES PACIFIC": "AP", "ARMED FORCES AMERICAS": "AA", "WASHINGTON DC": "DC", "D C": "DC"}  # fmt: skip
# Spreadsheets cut the leading zero; only these states' ZIP codes begin with one.
ZERO_STATES = frozenset({"CT", "MA", "ME", "NH", "NJ", "RI", "VT", "PR", "VI", "AE"})
_CANADIAN = re.compile(r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]")


def state_code(state: str | None) -> str | None:
    """Return the two letters of a state, territory or military region; else the text in upper case."""
    text = clean(state)
    if text is None or text in STATES:
        return text
    return NAMED_STATES.get(text) or STATE_ABBREVIATIONS.get(text, text)


def country_code(country: str | None, state: str | None, postal_code: str | None) -> str | None:
    """Return ISO alpha-2, US for US territories; read from state and postal code where no country is published."""
    text = clean(country)
    if text:
        code = COUNTRIES.get(text, text)
        return "US" if code in TERRITORIES else code
    if state in PROVINCES and _CANADIAN.fullmatch(clean(postal_code) or ""):
        return "CA"
    has_zip = zip_parts(postal_code, state)[0] is not None
    return (
        "US" if state in STATES or (has_zip and state is None) or (state is None and not clean(postal_code)) else None
    )


def military_state(state: str | None, city: str | None) -> bool:
    """Whether this is military or diplomatic mail, which is domestic whatever country is published."""
    return state in MILITARY and (city or "").split(" ")[0] in MILITARY_TOWNS


def zip_parts(postal_code: str | None, state: str | None) -> tuple[str | None, str | None]:
    """Return (ZIP5, ZIP4) of `62701`, `627011234` or `62701-1234`; (None, None) for what is no ZIP code."""
    digits = re.sub(r"[\s-]", "", postal_code or "")
    if len(digits) in (4, 8) and state in ZERO_STATES:
        digits = f"0{digits}"
    if not re.fullmatch(r"[0-9]{5}(?:[0-9]{4})?", digits) or digits[:5] == "00000":
        return None, None
    plus4 = digits[5:]
    return digits[:5], plus4 if plus4 and plus4 != "0000" else None
