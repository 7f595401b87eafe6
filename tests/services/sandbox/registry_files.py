"""Made-up NPPES weekly zips for tests: NPIs begin with 2 and pass the check digit, as no real one does."""

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

WEEK_1 = "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip"
MEMBER_1 = "npidata_pfile_20251103-20251109.csv"
WEEK_2 = "NPPES_Data_Dissemination_111025_111625_Weekly_V2.zip"
MEMBER_2 = "npidata_pfile_20251110-20251116.csv"
PRACTICE = "Provider Business Practice Location Address"
HEADER = [
    "NPI",
    "Entity Type Code",
    "Provider Organization Name (Legal Business Name)",
    "Provider Last Name (Legal Name)",
    "Provider First Name",
    "Provider Credential Text",
    "Provider First Line Business Practice Location Address",
    f"{PRACTICE} City Name",
    f"{PRACTICE} State Name",
    f"{PRACTICE} Postal Code",
    f"{PRACTICE} Telephone Number",
    "Provider Enumeration Date",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    "Healthcare Provider Taxonomy Code_1",
    "Healthcare Provider Primary Taxonomy Switch_1",
    "Healthcare Provider Taxonomy Code_2",
    "Healthcare Provider Primary Taxonomy Switch_2",
]
FIRST = ["ADA", "BEN", "CARA", "DAN", "ELLA", "FINN", "GINA", "HUGO", "IRIS", "JACK", "KARA", "LEO", "MIRA", "NED"]
LAST = ["ABBOT", "BAKER", "CHAVEZ", "DIAZ", "EVANS", "FOSTER", "GARCIA", "HALL", "INGRAM", "JONES", "KELLY", "LOPEZ"]
STATES = ["TX", "CA", "FL", "NY", "IL", "AZ", "NC", "PA"]
TAXONOMIES = ["1223G0001X", "122300000X", "1223X0400X", "1223P0221X", "1223E0200X", "1223S0112X"]


@dataclass(frozen=True)
class Provider:
    """One row; what is left out is empty in the file."""

    npi: str
    first_name: str = ""
    last_name: str = ""
    organization: str = ""
    address: str = "1 MAIN ST"
    city: str = "AUSTIN"
    state: str = "TX"
    postal: str = "787010000"
    phone: str = "5125550100"
    taxonomy: str = "1223G0001X"
    enumerated: str = "05/14/2018"
    deactivated: str = ""
    credential: str = "DDS"


def npi(number: int) -> str:
    """The NPI 2 + eight digits + check digit (Luhn over 80840 + NPI)."""
    body = f"2{number:08d}"
    for digit in "0123456789":
        if _luhn("80840" + body + digit) % 10 == 0:
            return body + digit
    raise ValueError(body)


def dentists(count: int) -> list[Provider]:
    """Dentists in practices of one to six, and the practices' own organization rows."""
    providers: list[Provider] = []
    practice = 0
    while len(providers) < count:
        practice += 1
        size = 1 + practice % 6
        state = STATES[practice % len(STATES)]
        address, postal = f"{practice} OAK AVE", f"{10000 + practice}0000"
        phone = f"{201 + practice % 90 if practice % 90 != 10 else 512}555{practice % 10000:04d}"
        if size > 1:
            name = f"{LAST[practice % len(LAST)]} {practice} FAMILY DENTAL LLC"
            providers.append(
                Provider(npi(90_000_000 + practice), organization=name, address=address, state=state, postal=postal,
                         phone=phone, taxonomy="261QD0000X")
            )  # fmt: skip
        for seat in range(size):
            number = practice * 10 + seat
            providers.append(
                Provider(
                    npi(number),
                    FIRST[number % len(FIRST)],
                    LAST[(number // len(FIRST)) % len(LAST)] + "ABCDEFGHIJ"[number % 10],
                    address=address,
                    state=state,
                    postal=postal,
                    phone=phone,
                    taxonomy=TAXONOMIES[number % len(TAXONOMIES)],
                    enumerated=f"0{1 + number % 9}/11/{1999 + number % 25}",
                )
            )
    return providers


def write_zip(folder: Path, name: str, member: str, providers: list[Provider]) -> Path:
    """Writes one weekly zip with every value quoted, as CMS does."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_values(provider) for provider in providers)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, text.getvalue())
        archive.writestr(member.replace(".csv", "_FileHeader.csv"), ",".join(HEADER))
    return path


def _values(provider: Provider) -> list[str]:
    if provider.deactivated:
        return [provider.npi, *([""] * 11), provider.deactivated, *([""] * (len(HEADER) - 13))]
    return [
        provider.npi, "2" if provider.organization else "1", provider.organization, provider.last_name,
        provider.first_name, "" if provider.organization else provider.credential, provider.address, provider.city, provider.state,
        provider.postal, provider.phone, provider.enumerated, "", "", "207Q00000X", "N", provider.taxonomy, "Y",
    ]  # fmt: skip


def _luhn(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total
