"""Mutes: alerts that a person decided not to hear of for a while, each with a reason, a name and an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("mutes.yaml")
# What needs silence for longer is no alert: change the check.
LONGEST = timedelta(days=92)
_TEXTS = ("check_name", "source", "subject", "reason", "by")
_DATES = ("since", "until")


@dataclass(frozen=True)
class Mute:
    """Silence about alerts of one check and source, from ``since`` to ``until``, both included. subject "*": about all of them."""

    check_name: str
    source: str
    subject: str
    reason: str
    by: str
    since: date
    until: date

    def covers(self, check_name: str, source: str, subject: str) -> bool:
        return (self.check_name, self.source) == (check_name, source) and self.subject in ("*", subject)

    def is_on(self, day: date) -> bool:
        return self.since <= day <= self.until

    def is_past(self, day: date) -> bool:
        return day > self.until


def mutes(path: Path = PATH) -> tuple[Mute, ...]:
    """Return every mute. Raises ValueError naming the file, the mute and the field that is wrong."""
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(body, dict) or set(body) != {"mutes"} or not isinstance(body["mutes"], list):
        raise ValueError(f"{path.name}: expected one key, mutes, with a list.")
    found = tuple(_mute(path.name, number, item) for number, item in enumerate(body["mutes"], start=1))
    keys = [(mute.check_name, mute.source, mute.subject) for mute in found]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"{path.name}: {'/'.join(repeated[0])} is muted twice: keep one, with the later end.")
    return found


def is_muted(mutes: Sequence[Mute], check_name: str, source: str, subject: str, day: date) -> bool:
    """Whether a mute that is on that day covers the alert."""
    return any(mute.is_on(day) and mute.covers(check_name, source, subject) for mute in mutes)


def _mute(file: str, number: int, item: Any) -> Mute:
    where = f"{file}: mute {number}"
    if not isinstance(item, dict) or set(item) != {*_TEXTS, *_DATES}:
        found = sorted(map(str, item)) if isinstance(item, dict) else item
        raise ValueError(f"{where} must have exactly {', '.join((*_TEXTS, *_DATES))}; found {found}.")
    for name in _TEXTS:
        if not isinstance(item[name], str) or not item[name].strip():
            raise ValueError(f"{where}: {name} must be a text that is not empty, and is {item[name]!r}.")
    for name in _DATES:
        if type(item[name]) is not date:
            raise ValueError(f"{where}: {name} must be a date, YYYY-MM-DD, and is {item[name]!r}.")
    if not item["since"] <= item["until"] <= item["since"] + LONGEST:
        raise ValueError(
            f"{where}: until {item['until']} must be on or after since {item['since']}, by {LONGEST.days} days at most."
        )
    return Mute(**item)
