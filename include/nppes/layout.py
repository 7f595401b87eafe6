"""The layouts of the four CSV members of CMS's data zips, version 2, the names their columns have in BigQuery, and how
the known older headers map onto them.

Source: headers of CMS's monthly file of June 2025, equal to those of every V2 weekly file since March 2025.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

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

_SECONDARY = "Provider Secondary Practice Location Address"
PRACTICE_LOCATION_COLUMNS: tuple[str, ...] = (
    "NPI",
    f"{_SECONDARY}- Address Line 1",
    f"{_SECONDARY}-  Address Line 2",  # two blanks: CMS's own spelling
    f"{_SECONDARY} - City Name",
    f"{_SECONDARY} - State Name",
    f"{_SECONDARY} - Postal Code",
    f"{_SECONDARY} - Country Code (If outside U.S.)",
    f"{_SECONDARY} - Telephone Number",
    f"{_SECONDARY} - Telephone Extension",
    "Provider Practice Location Address - Fax Number",
)
OTHER_NAME_COLUMNS: tuple[str, ...] = (
    "NPI",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
)
ENDPOINT_COLUMNS: tuple[str, ...] = (
    "NPI",
    "Endpoint Type",
    "Endpoint Type Description",
    "Endpoint",
    "Affiliation",
    "Endpoint Description",
    "Affiliation Legal Business Name",
    "Use Code",
    "Use Description",
    "Other Use Description",
    "Content Type",
    "Content Description",
    "Other Content Description",
    "Affiliation Address Line One",
    "Affiliation Address Line Two",
    "Affiliation Address City",
    "Affiliation Address State",
    "Affiliation Address Country",
    "Affiliation Address Postal Code",
)


@dataclass(frozen=True)
class OlderLayout:
    """A header that CMS published before V2 and that is read by mapping.

    :param columns: its columns, in order, as they were called.
    :param renamed: what a column was called then -> what it is called in V2. A V2 column that is absent becomes NULL.
    """

    name: str
    columns: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class MemberLayout:
    """One CSV member of a data zip: `<name>_pfile_<from>-<to>.csv`.

    :param table: the RAW table that gets its rows.
    :param columns: as published in V2, in order; `bigquery_names` are theirs, in the same order.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    older: tuple[OlderLayout, ...] = ()

    @property
    def bigquery_names(self) -> tuple[str, ...]:
        return tuple(bigquery_name(column) for column in self.columns)


_SEX, _GENDER = "Provider Sex Code", "Provider Gender Code"
_BEFORE_2025 = tuple(_GENDER if column == _SEX else column for column in NPIDATA_COLUMNS)
OLDER_NPIDATA = (
    OlderLayout("the layout of 2020 to 2025 (`Provider Gender Code` in column 42)", _BEFORE_2025, ((_GENDER, _SEX),)),
    OlderLayout(
        "the layout from before 2020 (329 columns, no `Certification Date`)", _BEFORE_2025[:-1], ((_GENDER, _SEX),)
    ),
)
NPIDATA = MemberLayout("npidata", "raw.nppes_npi", NPIDATA_COLUMNS, OLDER_NPIDATA)
MEMBERS: dict[str, MemberLayout] = {
    layout.name: layout
    for layout in (
        NPIDATA,
        MemberLayout("othername", "raw.nppes_other_name", OTHER_NAME_COLUMNS),
        MemberLayout("pl", "raw.nppes_practice_location", PRACTICE_LOCATION_COLUMNS),
        MemberLayout("endpoint", "raw.nppes_endpoint", ENDPOINT_COLUMNS),
    )
}


class HeaderContractError(ValueError):
    """A member's header is neither the V2 header nor a known older one. The message says exactly what differs."""


def column_positions(layout: MemberLayout, found: Sequence[str], where: str) -> tuple[int | None, ...]:
    """Return, for each V2 column in order, its position in the header `found`; None for one that it does not have.

    Raises HeaderContractError, with every difference from V2, unless `found` is the V2 header or a known older one.

    :param where: the file that the header came from, for the message.
    """
    if tuple(found) == layout.columns:
        return tuple(range(len(layout.columns)))
    for older in layout.older:
        if tuple(found) == older.columns:
            now = [dict(older.renamed).get(column, column) for column in older.columns]
            return tuple(now.index(column) if column in now else None for column in layout.columns)
    raise HeaderContractError(
        f"{where}: the header is not the V2 header of {layout.name}. {_difference(layout.columns, found)} "
        "CMS has changed its layout or the file is damaged: compare it with include/nppes/layout.py."
    )


def _difference(expected: Sequence[str], found: Sequence[str]) -> str:
    """Say which columns were renamed (another name in the same place), missing, added, repeated or moved."""
    same_place = [(at, was, now) for at, (was, now) in enumerate(zip(expected, found, strict=False), start=1)]
    renamed = [(at, was, now) for at, was, now in same_place if was not in found and now not in expected]
    old, new = {was for _, was, _ in renamed}, {now for _, _, now in renamed}
    kinds = {
        "Renamed": [f"column {at} is {now!r} instead of {was!r}" for at, was, now in renamed],
        "Missing": [f"{name!r} (column {expected.index(name) + 1})" for name in expected if name not in {*found, *old}],
        "Extra": [f"{n!r} (column {at})" for at, n in enumerate(found, start=1) if n not in {*expected, *new}],
        "Repeated": [repr(name) for name in sorted({name for name in found if found.count(name) > 1})],
        "Moved": [
            f"{n!r} is column {found.index(n) + 1} instead of {expected.index(n) + 1}" for n in _moved(expected, found)
        ],
    }
    told = [f"{kind}: {_listed(items)}." for kind, items in kinds.items() if items]
    return " ".join([f"{len(found)} columns instead of {len(expected)}.", *told])


def _moved(expected: Sequence[str], found: Sequence[str]) -> list[str]:
    """The fewest columns whose move explains the other order of those that both have."""
    before = [name for name in expected if name in found]
    after = list(dict.fromkeys(name for name in found if name in expected))
    kept = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    still = {name for block in kept for name in before[block.a : block.a + block.size]}
    return [name for name in before if name not in still]


def _listed(items: Sequence[str], most: int = 12) -> str:
    return "; ".join(items[:most]) + (f"; and {len(items) - most} more" if len(items) > most else "")
