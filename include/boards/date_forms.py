"""Dates as a publisher writes them: a pattern such as MM/DD/YYYY, and which of several patterns a whole file keeps to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

# AM and PM are part of a time, as in `12:00:00 AM`: their M is no month.
_PARTS = {"YYYY": r"(?P<year>\d{4})", "MM": r"(?P<month>\d\d)", "DD": r"(?P<day>\d\d)", "AM": "AM", "PM": "PM",
          "M": r"(?P<month>\d\d?)", "D": r"(?P<day>\d\d?)"}  # fmt: skip


class UnclearDates(ValueError):
    """The dates of a file are in no one form, or in two that mean different days."""


def is_date_form(form: str) -> bool:
    """Tell whether a form says year, month and day, each once."""
    try:
        return set(_pattern(form).groupindex) == {"year", "month", "day"}
    except re.error:
        return False


def date_of(text: str, form: str) -> date | None:
    """Return the date that a text is in a form; None when it is none."""
    found = _pattern(form).fullmatch(text)
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"])) if found else None
    except ValueError:
        return None


def form_of_all(forms: Sequence[str], texts: Mapping[str, int], where: str) -> str:
    """Return the first of the forms that all dates of a file are in.

    A text that is a date in none of them says nothing about the others, and is not looked at: its row is refused later.
    Raises UnclearDates, with line and value, when the file mixes forms, or when two fit and mean different days: a day is never
    taken for a month.

    :param texts: each date of the file -> the first line that has it.
    """
    days = {form: {text: day for text in texts if (day := date_of(text, form))} for form in forms}
    known = [text for text in texts if any(text in read for read in days.values())]
    fitting = [form for form in forms if len(days[form]) == len(known)]
    if not fitting:
        odd = {form: next(text for text in known if text not in days[form]) for form in forms}
        listed = "; ".join(f"{form} is not that of line {texts[text]}, {text!r}" for form, text in odd.items())
        raise UnclearDates(
            f"{where}: its dates are in several forms, so none of them can be believed: {listed}. Look at the file, and "
            "get it again; if the board has begun to use another form, declare it in dates.forms."
        )
    first, *others = fitting
    for other in others:
        odd_one = next((text for text in known if days[first][text] != days[other][text]), None)
        if odd_one is not None:
            raise UnclearDates(
                f"{where}: every date fits both {first} and {other}, and line {texts[odd_one]}, {odd_one!r}, is "
                f"{days[first][odd_one]} or {days[other][odd_one]}. Ask the board which it is, and declare that form alone "
                "until the file shows it."
            )
    return first


@cache
def _pattern(form: str) -> re.Pattern[str]:
    pattern = re.sub("YYYY|MM|DD|AM|PM|M|D", lambda part: _PARTS[part[0]], re.escape(form))
    return re.compile(pattern, re.ASCII)
