"""Other forms in which a board may write the same list: dates, the order and the case of columns, line ends, quotes.

The first form of each board is the one that include/boards declares first. The others have been seen, or are what a site's
software can also write; whoever reads a board must cope with each.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.sandbox.draws import uniform

US, US_SHORT, US_TIME = "%m/%d/%Y", "%-m/%-d/%Y", "%-m/%-d/%Y 12:00:00 AM"
BRITISH, BRITISH_TIME, DASHED, ISO = "%d/%m/%Y", "%d/%m/%Y 00:00:00", "%d-%m-%Y 00:00:00", "%Y-%m-%dT00:00:00.000"
CASES: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "title": str.title}
DELIMITERS = {"TX": ",", "NJ": "|", "MA": "|", "FL": "|", "CA": "\t"}


@dataclass(frozen=True)
class Form:
    """How a list is written.

    :param dates: as strftime takes it. :param header: one of CASES, or "" for the board's own.
    :param is_turned: columns from last to first. :param is_windows: CRLF and a byte order mark.
    :param has_all_quotes: numbers in quotes, too. :param has_nulls: an empty field is null and not left out.
    """

    dates: str
    header: str = ""
    is_turned: bool = False
    is_windows: bool = False
    has_all_quotes: bool = False
    has_nulls: bool = False

    def __str__(self) -> str:
        said = {
            f"dates as {datetime(1991, 7, 19).strftime(self.dates)}": True,
            f"columns in {self.header} case": bool(self.header),
            "columns turned round": self.is_turned,
            "CRLF with a byte order mark": self.is_windows,
            "numbers in quotes": self.has_all_quotes,
            "null for an empty field": self.has_nulls,
        }
        return ", ".join(text for text, holds in said.items() if holds)


FORMS: Mapping[str, tuple[Form, ...]] = {
    "TX": (Form(US), Form(US_SHORT, "lower", has_all_quotes=True), Form(US_TIME, "title", is_turned=True, is_windows=True)),
    "NJ": (Form(BRITISH), Form(US_TIME, "upper", is_windows=True), Form(BRITISH_TIME, is_turned=True), Form(US, "title")),
    "MA": (Form(DASHED), Form(US_TIME, "upper", is_windows=True), Form(BRITISH_TIME, is_turned=True)),
    "FL": (Form(US), Form(US_SHORT, "upper", is_turned=True), Form(US_TIME, "title", is_windows=True)),
    "CA": (Form("%m-%d-%Y"), Form(US, "upper", is_turned=True), Form(US_SHORT, "lower", is_windows=True)),
    "WA": (Form("%Y%m%d"), Form(ISO, "title", is_turned=True), Form(US, has_nulls=True)),
    "IL": (Form(US), Form(ISO, is_turned=True, has_nulls=True), Form(US_SHORT, "upper")),
    "CT": (Form(ISO), Form(US, "upper", has_nulls=True), Form("%m/%d/%Y 12:00:00 AM", is_turned=True)),
    "CO": (Form(ISO), Form(US, is_turned=True), Form("%m/%d/%Y 12:00:00 AM", "upper", has_nulls=True)),
    "NC": (Form(US_SHORT), Form(US, "upper"), Form(US, "lower")),
}  # fmt: skip


class BoardForms:
    """Which form each board is in: its own, until another is chosen."""

    def __init__(self) -> None:
        self._chosen = dict.fromkeys(FORMS, 0)

    def of(self, state: str) -> Form:
        return FORMS[state][self._chosen[state]]

    def choose(self, wanted: Mapping[str, int]) -> None:
        """Put boards into the form of this number, 0 their own; ValueError when there is none."""
        odd = {state: number for state, number in wanted.items() if not 0 <= number < len(FORMS.get(state, ()))}
        if odd:
            raise ValueError(
                f"there are no such forms: {odd}; there are { {s: len(forms) for s, forms in FORMS.items()} }"
            )
        self._chosen.update(wanted)

    def draw(self, seed: int) -> None:
        """Put every board into one of its other forms."""
        self.choose({s: 1 + int((len(forms) - 1) * uniform(seed, s, "board form")) for s, forms in FORMS.items()})

    def as_dict(self) -> dict[str, str]:
        return {state: str(self.of(state)) for state in FORMS}


def file_in(form: Form, state: str, content: bytes) -> bytes:
    """A delimited file of the board's own form in another one."""
    usual, delimiter = FORMS[state][0], DELIMITERS[state]
    if form == usual:
        return content
    text, is_quoted = content.decode(), state == "TX"
    rows = list(csv.reader(io.StringIO(text))) if is_quoted else [line.split(delimiter) for line in text.splitlines()]
    # An empty last column stays the last, as each line's last delimiter makes it.
    last = -1 if rows[0][-1] == "" else None
    header, *lines = [[*reversed(row[:last]), *row[len(row[:last]) :]] for row in rows] if form.is_turned else rows
    cased = [CASES.get(form.header, str)(name) for name in header]
    written = [cased, *([_rewritten(cell, usual, form) for cell in row] for row in lines)]
    end = "\r\n" if form.is_windows else "\n"
    if is_quoted:
        into = io.StringIO()
        write = (
            csv.writer(into, lineterminator=end, quoting=csv.QUOTE_ALL)
            if form.has_all_quotes
            else csv.writer(into, lineterminator=end)
        )
        write.writerows(written)
        made = into.getvalue()
    else:
        made = "".join(delimiter.join(row) + end for row in written)
    return (b"\xef\xbb\xbf" if form.is_windows else b"") + made.encode()


def rows_in(form: Form, state: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a data set of the board's own form in another one; a row's id stays."""
    usual = FORMS[state][0]
    names = list(dict.fromkeys(name for row in rows for name in row))
    found = []
    for row in rows:
        known = {name: row.get(name) or None for name in names} if form.has_nulls else row
        pairs = list(known.items())[::-1] if form.is_turned else list(known.items())
        found.append({_key(name, form): _rewritten(value, usual, form) for name, value in pairs})
    return found


def page_in(form: Form, page: str) -> str:
    """A look-up's page of the board's own form in another one."""
    cased = re.sub(
        r"<b>([A-Z][A-Za-z #]+?)( ?:)", lambda found: f"<b>{CASES.get(form.header, str)(found[1])}{found[2]}", page
    )
    usual = FORMS["NC"][0]
    return re.sub(r"\d+/\d+/\d{4}", lambda found: _rewritten(found[0], usual, form), cased)


def _key(name: str, form: Form) -> str:
    return name if name.startswith(":") else CASES.get(form.header, str)(name)


def _rewritten(value: Any, usual: Form, form: Form) -> Any:
    """A date of the board's own form in another one; anything else as it is."""
    try:
        return datetime.strptime(value, usual.dates.replace("%-", "%")).strftime(form.dates)
    except (TypeError, ValueError):
        return value
