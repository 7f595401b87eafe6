"""The layout of CMS's `npidata_pfile`, version 2: 330 columns, and the names they have in BigQuery.

Source: header of CMS's monthly file of June 2025, equal to the header of every V2 weekly file since March 2025.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAXONOMY_SLOTS = 15
OTHER_IDENTIFIER_SLOTS = 50

_OTHER_NAME = "Provider Other"
_MAILING = "Business Mailing Address"
_PRACTICE = "Business Practice Location Address"


def _address(kind: str) -> tuple[str, ...]:
    return (
        f"Provider First Line {kind}",
        f"Provider Second Line {kind}",
        f"Provider {kind} City Name",
        f"Provider {kind} State Name",
        f"Provider {kind} Postal Code",
        f"Provider {kind} Country Code (If outside U.S.)",
        f"Provider {kind} Telephone Number",
        f"Provider {kind} Fax Number",
    )


def _taxonomy_slot(slot: int) -> tuple[str, ...]:
    return (
        f"Healthcare Provider Taxonomy Code_{slot}",
        f"Provider License Number_{slot}",
        f"Provider License Number State Code_{slot}",
        f"Healthcare Provider Primary Taxonomy Switch_{slot}",
    )


def _identifier_slot(slot: int) -> tuple[str, ...]:
    return (
        f"Other Provider Identifier_{slot}",
        f"Other Provider Identifier Type Code_{slot}",
        f"Other Provider Identifier State_{slot}",
        f"Other Provider Identifier Issuer_{slot}",
    )


NPIDATA_COLUMNS: tuple[str, ...] = (
    "NPI",
    "Entity Type Code",
    "Replacement NPI",
    "Employer Identification Number (EIN)",
    "Provider Organization Name (Legal Business Name)",
    "Provider Last Name (Legal Name)",
    "Provider First Name",
    "Provider Middle Name",
    "Provider Name Prefix Text",
    "Provider Name Suffix Text",
    "Provider Credential Text",
    f"{_OTHER_NAME} Organization Name",
    f"{_OTHER_NAME} Organization Name Type Code",
    f"{_OTHER_NAME} Last Name",
    f"{_OTHER_NAME} First Name",
    f"{_OTHER_NAME} Middle Name",
    f"{_OTHER_NAME} Name Prefix Text",
    f"{_OTHER_NAME} Name Suffix Text",
    f"{_OTHER_NAME} Credential Text",
    f"{_OTHER_NAME} Last Name Type Code",
    *_address(_MAILING),
    *_address(_PRACTICE),
    "Provider Enumeration Date",
    "Last Update Date",
    "NPI Deactivation Reason Code",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    "Provider Sex Code",
    "Authorized Official Last Name",
    "Authorized Official First Name",
    "Authorized Official Middle Name",
    "Authorized Official Title or Position",
    "Authorized Official Telephone Number",
    *(name for slot in range(1, TAXONOMY_SLOTS + 1) for name in _taxonomy_slot(slot)),
    *(name for slot in range(1, OTHER_IDENTIFIER_SLOTS + 1) for name in _identifier_slot(slot)),
    "Is Sole Proprietor",
    "Is Organization Subpart",
    "Parent Organization LBN",
    "Parent Organization TIN",
    "Authorized Official Name Prefix Text",
    "Authorized Official Name Suffix Text",
    "Authorized Official Credential Text",
    *(f"Healthcare Provider Taxonomy Group_{slot}" for slot in range(1, TAXONOMY_SLOTS + 1)),
    "Certification Date",
)


def bigquery_name(published: str) -> str:
    """Return the BigQuery column name of a published one.

    The rule: lower case, every run of characters other than a-z and 0-9 becomes one underscore, none at the ends.
    `Provider Business Mailing Address Country Code (If outside U.S.)` becomes
    `provider_business_mailing_address_country_code_if_outside_u_s`.
    """
    return re.sub(r"[^a-z0-9]+", "_", published.lower()).strip("_")


NPIDATA_BIGQUERY_NAMES: tuple[str, ...] = tuple(bigquery_name(name) for name in NPIDATA_COLUMNS)


@dataclass(frozen=True)
class OlderLayout:
    """A layout that CMS no longer publishes: what it is called, and how its header differs from V2."""

    name: str
    columns: tuple[str, ...]


_GENDER = tuple("Provider Gender Code" if c == "Provider Sex Code" else c for c in NPIDATA_COLUMNS)
OLDER_LAYOUTS = (
    OlderLayout("the layout of 2020 to 2025 (V1 lengths, `Provider Gender Code` in column 42)", _GENDER),
    OlderLayout("the V1 layout from before 2020 (329 columns, no `Certification Date`)", _GENDER[:-1]),
)


class HeaderContractError(ValueError):
    """A member's header is not the V2 header. The message says exactly what differs."""


def check_header(found: list[str], where: str) -> None:
    """Raise HeaderContractError unless `found` is the V2 header, name by name and in order.

    :param where: the file that the header came from, for the message.
    """
    if tuple(found) == NPIDATA_COLUMNS:
        return
    for older in OLDER_LAYOUTS:
        if tuple(found) == older.columns:
            raise HeaderContractError(
                f"{where}: this is {older.name}. Only V2 files are loaded: take the file whose name ends in _V2.zip."
            )
    raise HeaderContractError(f"{where}: the header is not the V2 header. {_difference(found)}")


def _difference(found: list[str]) -> str:
    missing = [name for name in NPIDATA_COLUMNS if name not in found]
    extra = [name for name in found if name not in NPIDATA_COLUMNS]
    repeated = sorted({name for name in found if found.count(name) > 1})
    parts = [f"{len(found)} columns instead of {len(NPIDATA_COLUMNS)}."]
    if missing:
        parts.append(f"Missing: {missing}.")
    if extra:
        parts.append(f"Extra: {extra}.")
    if repeated:
        parts.append(f"Repeated: {repeated}.")
    if not missing and not extra and not repeated:
        moved = [
            f"{name!r} is column {found.index(name) + 1} instead of {at}"
            for at, name in enumerate(NPIDATA_COLUMNS, start=1)
            if found[at - 1] != name
        ]
        parts.append(f"Moved: {'; '.join(moved)}.")
    parts.append("CMS has changed its layout or the file is damaged: compare it with include/nppes_layout.py.")
    return " ".join(parts)
