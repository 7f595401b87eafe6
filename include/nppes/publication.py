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

ARCHIVE_PREFIX = "raw/nppes/"

_DATA = re.compile(r"NPPES_Data_Dissemination_(?P<period>.+?)(?P<weekly>_Weekly)?(?P<v2>_V2)?\.zip", re.IGNORECASE)
_REPORT = re.compile(r"NPPES_Deactivated_NPI_Report_(?P<day>\d{6})(_V2)?\.zip", re.IGNORECASE)
_MEMBER = re.compile(r"(?:.*/)?(?P<name>[a-z]+)_pfile_(?P<first>\d{8})-(?P<last>\d{8})\.csv", re.IGNORECASE)
_SHEET = re.compile(r"(?:.*/)?[^/.~][^/]*\.xlsx", re.IGNORECASE)  # not a Mac's ._ companion, nor Office's ~$ lock


class FileKind(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    DEACTIVATION = "deactivation"


class NotAnNppesFile(ValueError):
    """The name is not one that CMS gives to an NPPES download."""


class UnsupportedVersion(ValueError):
    """The name is that of a V1 file, which CMS stopped supporting on 3 March 2026."""


class WrongDates(ValueError):
    """A file is not of the days that its name or the run's data interval says, such as one dated in the future."""


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
    file = _weekly(data["period"], name) if data["weekly"] else _monthly(data["period"], name)
    if not data["v2"]:
        raise UnsupportedVersion(
            f"{name!r} is a V1 file. CMS supports V2 only: take the file whose name ends in _V2.zip, like {_EXAMPLE!r}."
        )
    return file


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
    files = set()
    for name in _linked_names(listing_html):
        try:
            files.add(parse_file_name(name))
        except (NotAnNppesFile, UnsupportedVersion):
            continue
    return sorted(files)


def unknown_files(listing_html: str) -> list[str]:
    """Return the names of zips on a listing page that have no form that we know: CMS may have begun to name files anew."""
    unknown: set[str] = set()
    for name in _linked_names(listing_html):
        try:
            parse_file_name(name)
        except UnsupportedVersion:
            continue
        except NotAnNppesFile:
            unknown.update({name} if name.lower().endswith(".zip") else ())
    return sorted(unknown)


def _linked_names(listing_html: str) -> list[str]:
    links = _Links()
    links.feed(listing_html)
    return [unquote(urlsplit(target).path).rsplit("/", 1)[-1] for target in links.targets]


def file_of_interval(files: Iterable[NppesFile], kind: FileKind, first: date, last: date) -> NppesFile | None:
    """Return the file of a kind that belongs to the days `first` to `last`, both included; None when there is none.

    A weekly file covers exactly these days. A monthly one is named after the month of `last`. A deactivation report
    is as of one of the days: the latest, should there be two. So a file of the future never belongs to a run.
    """
    of_kind = [file for file in files if file.kind is kind]
    match kind:
        case FileKind.WEEKLY:
            found = [file for file in of_kind if (file.first_day, file.day) == (first, last)]
        case FileKind.MONTHLY:
            found = [file for file in of_kind if file.day == last.replace(day=1)]
        case FileKind.DEACTIVATION:
            found = [file for file in of_kind if first <= file.day <= last]
    return max(found, default=None)


@dataclass(frozen=True)
class Member:
    """A CSV inside a data zip, with the days that its name says it covers."""

    name: str
    first_day: date
    last_day: date


class WrongMembers(ValueError):
    """A zip does not hold exactly one file of the kind that it should."""


def data_member(members: Iterable[str], wanted: str = "npidata", where: str = "The zip") -> Member:
    """Return the one `<wanted>_pfile_<from>-<to>.csv` among a zip's members; its FileHeader companion is not it.

    :param wanted: npidata, othername, pl or endpoint. Case does not matter, nor does a folder.
    :param where: the zip, for messages.

    Raises WrongMembers when there is none or more than one.
    """
    names = list(members)
    found = [match for name in names if (match := _MEMBER.fullmatch(name)) and match["name"].lower() == wanted]
    if len(found) != 1:
        raise _wrong_members(where, names, f"{wanted}_pfile_<yyyymmdd>-<yyyymmdd>.csv", len(found))
    match = found[0]
    try:
        days = [datetime.strptime(match[part], "%Y%m%d").date() for part in ("first", "last")]
    except ValueError:
        raise WrongMembers(f"{where}: {match[0]!r}: the name does not hold two days as yyyymmdd.") from None
    return Member(match[0], *days)


def monthly_file_date(file: NppesFile, member: Member, where: str) -> date:
    """Return the last day that a monthly file covers, which only its members' names tell.

    Raises WrongDates unless it is in the month that the file is named after.

    :param where: the archived zip, for the message.
    """
    if member.last_day.replace(day=1) != file.day:
        raise WrongDates(
            f"{where}: {member.name} covers until {member.last_day}, but the file of {file.day:%B %Y} must end in that "
            "month. It is dated in the future, or another file was published under this name: nothing of it is loaded. "
            "Compare it with CMS's page; once it is right there, clear this task."
        )
    return member.last_day


def report_member(members: Iterable[str], where: str = "The zip") -> str:
    """Return the one spreadsheet in the zip of a deactivation report; raise WrongMembers if there is not one."""
    names = list(members)
    found = [name for name in names if _SHEET.fullmatch(name)]
    if len(found) != 1:
        raise _wrong_members(where, names, "<report>.xlsx", len(found))
    return found[0]


def _wrong_members(where: str, names: list[str], expected: str, found: int) -> WrongMembers:
    what = f"{found} members" if found else "no member"
    return WrongMembers(
        f"{where} holds {what} named {expected}, exactly one is expected. It holds: {sorted(names)}. "
        "Look at what CMS publishes under this name, and download it again."
    )


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
    return f"{ARCHIVE_PREFIX}{file.day}/{file.name}"


def archive_prefix(file: NppesFile) -> str:
    """Return what the archived names of a file begin with, whichever version of its bytes they hold."""
    return archive_object(file)[: -len("zip")]


def archived_files(objects: Iterable[str]) -> list[NppesFile]:
    """Return the published files behind objects of the archive; a name may carry eight characters of a SHA-256."""
    files = set()
    for name in objects:
        try:
            files.add(parse_file_name(name.rsplit("/", 1)[-1].split(".")[0] + ".zip"))
        except (NotAnNppesFile, UnsupportedVersion):
            continue
    return sorted(files)
