"""The registry as the world knows it: dental rows out of every npidata member of the zips in one folder.

Read with the csv module as a stream; columns are found by header name, so V1 lengths and the V2 header both read.
Rows are kept only if one of the 15 taxonomy slots is dental: the 22 NUCC 25.1 codes, and with a dental degree the two of
oral surgery that physicians have, too.
A zip that cannot be read is skipped with a warning: refusing it is the pipeline's work, the world just lives on.
"""

import csv
import io
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

SPECIALTIES = {
    "122300000X": "general",
    "1223D0001X": "public_health",
    "1223D0004X": "anesthesiology",
    "1223E0200X": "endodontics",
    "1223G0001X": "general",
    "1223P0106X": "pathology",
    "1223P0221X": "pediatric",
    "1223P0300X": "periodontics",
    "1223P0700X": "prosthodontics",
    "1223S0112X": "oral_surgery",
    "1223X0008X": "radiology",
    "1223X0400X": "orthodontics",
    "1223X2210X": "orofacial_pain",
    "125Q00000X": "oral_medicine",
    "122400000X": "denturist",
    "124Q00000X": "hygienist",
    "125J00000X": "therapist",
    "125K00000X": "therapist",
    "126800000X": "assistant",
    "126900000X": "technician",
    "261QD0000X": "clinic",
    "292200000X": "laboratory",
}
WITH_DEGREE = {"204E00000X": "oral_surgery", "261QS0112X": "clinic"}
DEGREE = re.compile(r"\b(DDS|DMD|D D S|D M D)\b")
MEMBER = re.compile(r"npidata_pfile_(\d{8})-(\d{8})\.csv$", re.IGNORECASE)
PRACTICE = "Provider Business Practice Location Address"
ADDRESS_1 = "Provider First Line Business Practice Location Address"


@dataclass(frozen=True)
class Row:
    """One dental row as published, typed as little as the world needs. Organizations have `organization_name` only."""

    npi: str
    is_person: bool
    first_name: str
    last_name: str
    credential: str
    organization_name: str
    specialty: str
    address: str
    city: str
    state: str
    zip5: str
    phone: str
    enumerated: date | None
    is_active: bool
    licenses: tuple[tuple[str, str], ...] = ()  # (state, number) of the dental slots that have both


@dataclass(frozen=True)
class Source:
    """One zip in the folder, as it is now: a changed size or time makes it another source."""

    path: Path
    size: int
    modified_ns: int

    def is_current(self) -> bool:
        """Whether the file is still the one that was seen. Cheap: one stat."""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (self.size, self.modified_ns)


def sources(folder: Path) -> list[Source]:
    """The zips in the folder by name; empty while the folder does not exist."""
    if not folder.is_dir():
        return []
    return [
        Source(path, path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() == ".zip"
    ]


def rows(source: Source) -> Iterator[tuple[str, Row]]:
    """(file period "yyyymmdd-yyyymmdd" with the end first, row) for each dental row; nothing after damage."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            for name in sorted(archive.namelist()):
                match = MEMBER.search(name)
                if match:
                    with archive.open(name) as raw:
                        period = f"{match[2]}-{match[1]}"
                        yield from ((period, row) for row in _member_rows(raw))
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, csv.Error) as error:
        log.warning("%s: cannot be read to the end (%s); the world keeps what it has", source.path.name, error)


def _member_rows(raw: IO[bytes]) -> Iterator[Row]:
    reader = csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
    header = next(reader, [])
    at = {name.strip(): number for number, name in enumerate(header)}
    if "NPI" not in at or "Healthcare Provider Taxonomy Code_1" not in at:
        log.warning("npidata member without NPI and taxonomy columns: skipped")
        return
    for values in reader:
        if len(values) != len(header):
            continue
        row = _row(at, values)
        if row:
            yield row


def _row(at: dict[str, int], values: list[str]) -> Row | None:
    def get(name: str) -> str:
        return values[at[name]].strip() if name in at else ""

    if not has_check_digit(get("NPI")):
        return None
    is_person = get("Entity Type Code") == "1"
    degree = get("Provider Credential Text" if is_person else "Authorized Official Credential Text")
    has_degree = DEGREE.search(degree.upper().replace(".", "")) is not None
    specialties = SPECIALTIES | (WITH_DEGREE if has_degree else {})
    slots = [number for number in range(1, 16) if get(f"Healthcare Provider Taxonomy Code_{number}") in specialties]
    if not slots:
        return None
    switched = [n for n in slots if get(f"Healthcare Provider Primary Taxonomy Switch_{n}") == "Y"]
    code = get(f"Healthcare Provider Taxonomy Code_{(switched or slots)[0]}")
    deactivated, reactivated = _date(get("NPI Deactivation Date")), _date(get("NPI Reactivation Date"))
    return Row(
        npi=get("NPI"),
        is_person=is_person,
        first_name=get("Provider First Name"),
        last_name=get("Provider Last Name (Legal Name)"),
        credential=get("Provider Credential Text"),
        organization_name=get("Provider Organization Name (Legal Business Name)"),
        specialty=specialties[code],
        address=get(ADDRESS_1),
        city=get(f"{PRACTICE} City Name"),
        state=get(f"{PRACTICE} State Name").upper(),
        zip5=get(f"{PRACTICE} Postal Code")[:5],
        phone=re.sub(r"\D", "", get(f"{PRACTICE} Telephone Number")),
        enumerated=_date(get("Provider Enumeration Date")),
        is_active=deactivated is None or (reactivated is not None and reactivated >= deactivated),
        licenses=tuple(
            (get(f"Provider License Number State Code_{number}"), get(f"Provider License Number_{number}"))
            for number in slots
            if get(f"Provider License Number State Code_{number}") and get(f"Provider License Number_{number}")
        ),
    )


def has_check_digit(npi: str) -> bool:
    """Whether the NPI is ten digits whose Luhn sum over 80840 + NPI is a multiple of ten: else nobody has it."""
    if not (len(npi) == 10 and npi.isascii() and npi.isdigit()):
        return False
    digits = [int(digit) for digit in reversed("80840" + npi)]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _date(text: str) -> date | None:
    """MM/DD/YYYY, or None for anything else: the world needs a date, not a judgement of it."""
    try:
        return datetime.strptime(text, "%m/%d/%Y").date()
    except ValueError:
        return None
