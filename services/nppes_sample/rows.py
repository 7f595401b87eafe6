"""Rows of `npidata_pfile` for made-up people and organizations, as dicts of published column name to value.

A column that a row does not name is empty in the file.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from include.nppes.publication import npi_check_digit
from services.nppes_sample.places import LICENCE_FORMS
from services.nppes_sample.sites import Site, made_phone, written_address
from services.nppes_sample.words import (
    DENTAL_CHAINS,
    FIRST_NAMES_F,
    FIRST_NAMES_M,
    LAST_NAMES,
    LEGAL_FORMS,
    OFFICIAL_TITLES,
    PAYERS,
)

Row = dict[str, str]

FIRST_ENUMERATION = date(2005, 5, 23)
GENERAL, DENTIST, CLINIC, LABORATORY = "1223G0001X", "122300000X", "261QD0000X", "292200000X"
# Taxonomy code -> weight among dental people. Specialists, hygienists and technicians included.
DENTAL_PEOPLE = {
    GENERAL: 520, DENTIST: 140, "1223X0400X": 55, "1223P0221X": 55, "1223S0112X": 42, "1223E0200X": 28,
    "1223P0300X": 26, "1223P0700X": 14, "1223D0001X": 5, "1223P0106X": 2, "1223X0008X": 2, "1223X2210X": 3,
    "125Q00000X": 3, "124Q00000X": 78, "126800000X": 14, "126900000X": 4, "122400000X": 2, "125J00000X": 4,
    "125K00000X": 2,
}  # fmt: skip
OTHER_PEOPLE = ("207Q00000X", "363L00000X", "225100000X", "152W00000X", "183500000X", "1041C0700X", "207R00000X")
OTHER_ORGANISATIONS = ("3336C0003X", "261QP2300X", "332B00000X", "251E00000X")
_DENTIST_PREFIXES = ("1223", "125Q")
_ONE_SPECIALTY = "193400000X SINGLE SPECIALTY GROUP"
_GROUPS = (_ONE_SPECIALTY,) * 6 + (
    "193400000X MULTIPLE SINGLE SPECIALTY GROUP",
    "193400000X SINGLE SPECIALTY  GROUP",
    "193200000X MULTI-SPECIALTY GROUP",
)
# CMS hides a social security number, an ITIN or an EIN that somebody typed into a free field.
MASKS = ("$$$$$$$$$", "********", "_________")


def made_npi(rng: Random, taken: set[str]) -> str:
    """Return an NPI that is not in `taken`, and add it. It begins with 2: CMS has given out none of those."""
    while True:
        first_nine = f"2{rng.randrange(10**8):08d}"
        npi = first_nine + npi_check_digit(first_nine)
        if npi not in taken:
            taken.add(npi)
            return npi


def cms_date(day: date) -> str:
    """Return a day the way CMS writes it, MM/DD/YYYY."""
    return day.strftime("%m/%d/%Y")


def person(rng: Random, npi: str, site: Site, enumerated: date, updated: date, dental: bool = True) -> Row:
    """Return the full row of an individual (entity type 1) who works at `site`."""
    taxonomy = rng.choices(list(DENTAL_PEOPLE), list(DENTAL_PEOPLE.values()))[0] if dental else rng.choice(OTHER_PEOPLE)
    dentist = taxonomy.startswith(_DENTIST_PREFIXES)
    woman = rng.random() < (0.94 if taxonomy.startswith(("124Q", "1268")) else 0.42)
    row = {
        "NPI": npi,
        "Entity Type Code": "1",
        "Provider Last Name (Legal Name)": last_name(rng),
        "Provider First Name": rng.choice(FIRST_NAMES_F if woman else FIRST_NAMES_M).upper(),
        "Provider Middle Name": _maybe(rng, 0.6, rng.choice("ABCDEFGHJKLMNPRSTW") + _maybe(rng, 0.2, ".")),
        "Provider Name Prefix Text": "DR." if dentist and rng.random() < 0.7 else "",
        "Provider Name Suffix Text": "" if woman else _maybe(rng, 0.03, rng.choice(("JR.", "III", "SR."))),
        "Provider Credential Text": _credential(rng, taxonomy, dentist),
        "Provider Enumeration Date": cms_date(enumerated),
        "Last Update Date": cms_date(updated),
        "Provider Sex Code": "X" if rng.random() < 0.004 else ("F" if woman else "M"),
        "Is Sole Proprietor": rng.choices(("Y", "N", "X"), (45 if site.size == "solo" else 12, 60, 12))[0],
        "Certification Date": _maybe(rng, 0.5, cms_date(updated)),
        **place(rng, site),
        **_taxonomies(rng, taxonomy, site.city.state),
        **_identifiers(rng, site.city.state),
    }
    if woman and rng.random() < 0.05:
        row |= former_name(rng, row)
    return row


def clinic(rng: Random, npi: str, site: Site, enumerated: date, updated: date) -> Row:
    """Return the full row of the dental organization (entity type 2) that stands at `site`."""
    taxonomy = rng.choices((CLINIC, GENERAL, DENTIST, LABORATORY), (50, 38, 9, 3))[0]
    in_chain = site.size in ("medium", "large") and rng.random() < 0.18
    legal = f"{site.brand} {rng.choice(LEGAL_FORMS)}" if rng.random() < 0.5 else _legal_name(rng)
    row = _organization(rng, npi, legal, site, enumerated, updated) | {
        "Is Organization Subpart": "Y" if in_chain else "N",
        "Parent Organization LBN": rng.choice(DENTAL_CHAINS) if in_chain else "",
        "Parent Organization TIN": "<UNAVAIL>" if in_chain else "",
        **_taxonomies(rng, taxonomy, site.city.state),
    }
    if not legal.startswith(site.brand):
        row |= {"Provider Other Organization Name": "<UNAVAIL>", "Provider Other Organization Name Type Code": "6"}
    if taxonomy in (GENERAL, DENTIST):
        row["Healthcare Provider Taxonomy Group_1"] = rng.choice(_GROUPS)
    return row


def other_organization(rng: Random, npi: str, site: Site, enumerated: date, updated: date) -> Row:
    """Return the full row of an organization that has nothing to do with teeth."""
    kind = rng.choice(("PHARMACY", "HOME HEALTH", "FAMILY CLINIC", "MEDICAL SUPPLY"))
    name = f"{rng.choice(LAST_NAMES)} {kind}, {rng.choice(LEGAL_FORMS)}"
    row = _organization(rng, npi, name, site, enumerated, updated)
    return row | _taxonomies(rng, rng.choice(OTHER_ORGANISATIONS), site.city.state)


def deactivated(npi: str, day: date) -> Row:
    """Return all that CMS publishes of a deactivated NPI."""
    return {"NPI": npi, "NPI Deactivation Date": cms_date(day)}


def place(rng: Random, site: Site) -> Row:
    """Return the practice and mailing columns of somebody who works at `site`."""
    line_1, line_2 = written_address(rng, site)
    zip_code = site.zip9 if rng.random() < 0.93 else site.zip9[:5]
    own_phone = rng.random() < 0.15
    phone = made_phone(rng, site.city) if own_phone else site.phone
    if rng.random() < 0.005:
        phone = "0000000000"
    box = rng.random() < 0.18
    return {
        "Provider First Line Business Practice Location Address": line_1,
        "Provider Second Line Business Practice Location Address": line_2,
        "Provider Business Practice Location Address City Name": site.city.name.upper(),
        "Provider Business Practice Location Address State Name": site.city.state,
        "Provider Business Practice Location Address Postal Code": zip_code,
        "Provider Business Practice Location Address Country Code (If outside U.S.)": "US",
        "Provider Business Practice Location Address Telephone Number": phone,
        "Provider Business Practice Location Address Fax Number": site.fax,
        "Provider First Line Business Mailing Address": f"PO BOX {rng.randrange(10, 9999)}" if box else line_1,
        "Provider Second Line Business Mailing Address": "" if box else line_2,
        "Provider Business Mailing Address City Name": site.city.name.upper(),
        "Provider Business Mailing Address State Name": site.city.state,
        "Provider Business Mailing Address Postal Code": zip_code,
        "Provider Business Mailing Address Country Code (If outside U.S.)": "US",
        "Provider Business Mailing Address Telephone Number": "" if rng.random() < 0.05 else phone,
        "Provider Business Mailing Address Fax Number": site.fax,
    }


def last_name(rng: Random) -> str:
    """Return a surname, now and then a double one."""
    name = rng.choice(LAST_NAMES).upper()
    kind = rng.random()
    if kind < 0.04:
        return f"{name}-{rng.choice(LAST_NAMES).upper()}"
    return f"{name}  {rng.choice(LAST_NAMES).upper()}" if kind < 0.05 else name


def former_name(rng: Random, row: Row) -> Row:
    """Return the columns that name what a person was called before."""
    return {
        "Provider Other Last Name": last_name(rng),
        "Provider Other First Name": row["Provider First Name"],
        "Provider Other Last Name Type Code": "1",
    }


def enumeration_date(rng: Random, before: date) -> date:
    """Return a day on which CMS gave out an NPI, up to the day before `before`."""
    return FIRST_ENUMERATION + timedelta(days=rng.randrange((before - FIRST_ENUMERATION).days))


def _organization(rng: Random, npi: str, name: str, site: Site, enumerated: date, updated: date) -> Row:
    woman = rng.random() < 0.5
    return {
        "NPI": npi,
        "Entity Type Code": "2",
        "Employer Identification Number (EIN)": "<UNAVAIL>",
        "Provider Organization Name (Legal Business Name)": name.upper() if rng.random() < 0.8 else name,
        "Provider Enumeration Date": cms_date(enumerated),
        "Last Update Date": cms_date(updated),
        "Authorized Official Last Name": last_name(rng),
        "Authorized Official First Name": rng.choice(FIRST_NAMES_F if woman else FIRST_NAMES_M).upper(),
        "Authorized Official Title or Position": rng.choice(OFFICIAL_TITLES),
        "Authorized Official Telephone Number": site.phone,
        "Authorized Official Name Prefix Text": "MS." if woman else "MR.",
        "Is Organization Subpart": "N",
        "Certification Date": _maybe(rng, 0.5, cms_date(updated)),
        **place(rng, site),
    }


def _taxonomies(rng: Random, taxonomy: str, state: str) -> Row:
    """Return the taxonomy slots: the primary one marked Y, in slot 1 or behind a general code; 2 % mark none."""
    codes = [taxonomy]
    specialist = taxonomy.startswith("1223") and taxonomy not in (GENERAL, DENTIST)
    if specialist and rng.random() < 0.35:
        codes = [GENERAL, taxonomy]
    elif taxonomy == GENERAL and rng.random() < 0.12:
        codes = [taxonomy, DENTIST]
    marked = rng.random() >= 0.02
    row: Row = {}
    for slot, code in enumerate(codes, start=1):
        switch = "Y" if code == taxonomy else "N"
        row |= {
            f"Healthcare Provider Taxonomy Code_{slot}": code,
            f"Provider License Number_{slot}": _maybe(rng, 0.92, _license(rng, state)),
            f"Provider License Number State Code_{slot}": state,
            f"Healthcare Provider Primary Taxonomy Switch_{slot}": switch if marked else "X",
        }
    return row


def _license(rng: Random, state: str) -> str:
    prefix, digits = LICENCE_FORMS[state]
    return f"{prefix}{rng.randrange(10**digits):0{digits}d}"


def _identifiers(rng: Random, state: str) -> Row:
    row: Row = {}
    for slot in range(1, rng.choices((1, 2, 3), (70, 22, 8))[0]):
        medicaid = rng.random() < 0.5
        number = rng.choice(MASKS) if rng.random() < 0.03 else f"{rng.randrange(10**7, 10**9)}"
        row |= {
            f"Other Provider Identifier_{slot}": number,
            f"Other Provider Identifier Type Code_{slot}": "05" if medicaid else "01",
            f"Other Provider Identifier State_{slot}": state,
            f"Other Provider Identifier Issuer_{slot}": "" if medicaid else rng.choice(PAYERS),
        }
    return row


def _credential(rng: Random, taxonomy: str, dentist: bool) -> str:
    if dentist:
        return rng.choice(("DDS", "D.D.S.", "DMD", "D.M.D.", "DDS, MS", "DDS", "DMD", ""))
    if taxonomy.startswith("124Q"):
        return rng.choice(("RDH", "R.D.H.", "RDH, BS"))
    return {"207Q00000X": "M.D.", "207R00000X": "MD", "363L00000X": "FNP-C", "225100000X": "PT, DPT"}.get(taxonomy, "")


def _legal_name(rng: Random) -> str:
    first = rng.choice((*FIRST_NAMES_F, *FIRST_NAMES_M))
    return f"{first} {rng.choice('ABCDEJKLMRST')} {rng.choice(LAST_NAMES)}, {rng.choice(LEGAL_FORMS)}"


def _maybe(rng: Random, share: float, text: str) -> str:
    return text if rng.random() < share else ""
