"""What CMS publishes for NPPES: file names, the listing page, members of a zip, and the NPI check digit.

Source: https://download.cms.gov/nppes/NPI_Files.html and the readme inside CMS's zips. Names rotate, so files are
found on the listing page and never constructed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

_DATA = re.compile(r"NPPES_Data_Dissemination_(?P<period>.+?)(?P<weekly>_Weekly)?(?P<v2>_V2)?\.zip", re.IGNORECASE)
_REPORT = re.compile(r"NPPES_Deactivated_NPI_Report_(?P<day>\d{6})(_V2)?\.zip", re.IGNORECASE)
_NPIDATA_MEMBER = re.compile(r"(?:.*/)?npidata_pfile_(?P<first>\d{8})-(?P<last>\d{8})\.csv", re.IGNORECASE)


class FileKind(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    DEACTIVATION = "deactivation"


class NotAnNppesFile(ValueError):
    """The name is not one that CMS gives to an NPPES download."""


class UnsupportedVersion(ValueError):
    """The name is that of a V1 file, which CMS stopped supporting on 3 March 2026."""


@dataclass(frozen=True, order=True)
class NppesFile:
    """One published zip.

    :param day: weekly: the last day covered (a Sunday); monthly: the first of the month in its name; deactivation
        report: the day it is as of.
    :param first_day: weekly: the first day covered (a Monday); otherwise None.
    """

    day: date
    kind: FileKind
    name: str
    first_day: date | None = None


def parse_file_name(name: str) -> NppesFile:
    """Return what a file name says.

    Case does not matter. Raises UnsupportedVersion for a V1 data file and NotAnNppesFile for any other name.
    """
    report = _REPORT.fullmatch(name)
    if report:
        return NppesFile(_mmddyy(report["day"], name), FileKind.DEACTIVATION, name)
    data = _DATA.fullmatch(name)
    if not data:
        raise NotAnNppesFile(f"{name!r} is not an NPPES download. Expected a name like {_EXAMPLE!r}.")
    if not data["v2"]:
        raise UnsupportedVersion(
            f"{name!r} is a V1 file. CMS supports V2 only: take the file whose name ends in _V2.zip, like {_EXAMPLE!r}."
        )
    if data["weekly"]:
        return _weekly(data["period"], name)
    return _monthly(data["period"], name)


_EXAMPLE = "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip"


def _weekly(period: str, name: str) -> NppesFile:
    first, _, last = period.partition("_")
    file = NppesFile(_mmddyy(last, name), FileKind.WEEKLY, name, _mmddyy(first, name))
    if file.first_day is None or (file.day - file.first_day).days != 6:
        raise NotAnNppesFile(f"{name!r} does not cover seven days: {file.first_day} to {file.day}.")
    return file


def _monthly(period: str, name: str) -> NppesFile:
    try:
        day = datetime.strptime(period, "%B_%Y").date()
    except ValueError:
        raise NotAnNppesFile(f"{name!r}: {period!r} is not a month and a year, such as August_2026.") from None
    return NppesFile(day, FileKind.MONTHLY, name)


def _mmddyy(text: str, name: str) -> date:
    try:
        return datetime.strptime(text, "%m%d%y").date()
    except ValueError:
        raise NotAnNppesFile(f"{name!r}: {text!r} is not a day as MMDDYY.") from None


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for key, value in attrs if key == "href" and value]


def published_files(listing_html: str) -> list[NppesFile]:
    """Return the V2 files that a listing page links to, oldest first, each once.

    V1 files and links to anything else (readmes, code values) are passed over.
    """
    links = _Links()
    links.feed(listing_html)
    files = set()
    for target in links.targets:
        name = unquote(urlsplit(target).path).rsplit("/", 1)[-1]
        try:
            files.add(parse_file_name(name))
        except (NotAnNppesFile, UnsupportedVersion):
            continue
    return sorted(files)


@dataclass(frozen=True)
class Member:
    """The main CSV inside a data zip, with the days that its name says it covers."""

    name: str
    first_day: date
    last_day: date


class WrongMembers(ValueError):
    """A zip does not hold exactly one main CSV."""


def npidata_member(members: Iterable[str]) -> Member:
    """Return the one `npidata_pfile_<from>-<to>.csv` among a zip's members; its FileHeader companion is not it.

    Raises WrongMembers when there is none or more than one.
    """
    names = list(members)
    found = [match for name in names if (match := _NPIDATA_MEMBER.fullmatch(name))]
    if len(found) != 1:
        what = f"{len(found)} members" if found else "no member"
        raise WrongMembers(
            f"The zip holds {what} named npidata_pfile_<yyyymmdd>-<yyyymmdd>.csv, exactly one is expected. "
            f"It holds: {sorted(names)}."
        )
    match = found[0]
    days = [datetime.strptime(match[part], "%Y%m%d").date() for part in ("first", "last")]
    return Member(match[0], *days)


def npi_check_digit(first_nine: str) -> str:
    """Return the tenth digit of an NPI: the Luhn check digit over 80840 and its first nine digits."""
    total = 24  # what the prefix 80840 adds to the Luhn sum
    for at, character in enumerate(first_nine):
        digit = int(character)
        total += digit if at % 2 else sum(divmod(2 * digit, 10))
    return str(-total % 10)


def npi_is_valid(npi: str) -> bool:
    """Tell whether `npi` is ten digits, begins with 1 or 2, and its check digit is right."""
    return bool(re.fullmatch(r"[12][0-9]{9}", npi)) and npi_check_digit(npi[:9]) == npi[9]


def archive_object(file: NppesFile) -> str:
    """Return the name of the lake object that keeps a published file."""
    return f"raw/nppes/{file.day}/{file.name}"


def archived_week(first: date, last: date) -> str:
    """Return what the archived names of a week's file begin with, whichever version of its bytes they hold."""
    return f"raw/nppes/{last}/NPPES_Data_Dissemination_{first:%m%d%y}_{last:%m%d%y}_Weekly"


def staged_prefix(day: date) -> str:
    """Return the folder of the lake that holds a file's rows as Parquet; scratch space, rewritten by every run."""
    return f"staged/nppes_npi/{day}/"
