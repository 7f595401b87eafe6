"""Fields of a vendor's answer, read as the contract types them. A value that cannot be one is odd: it is named, and not used.

A JSON answer may hold what no table holds: 1e999, an integer of thirty digits, half of a surrogate pair. What is odd in one
answer must not stop the others, so it has one exception of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MAX_TEXT = 2_000  # characters of a field that we keep
MAX_DEPTH = 100  # BigQuery takes 500
MAX_CREDITS = 10_000.0  # of one call; the dearest of ours takes 400
MAX_DIGITS = 1_000  # of an integer as it is written: a float of more is infinite
INTEGERS = range(-(2**63), 2**64)  # what a JSON column keeps exactly


class OddAnswer(ValueError):
    """A field of an answer is not what its vendor documents.

    field: its path, such as `organization.website_url`. problem: what is wrong, without the value. value: as ASCII text.
    """

    def __init__(self, field: str, problem: str, value: Any = None) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem
        self.value = ascii(value)[:200]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object of an answer. where: its path, empty for the whole."""

    body: Mapping[str, Any]
    where: str = ""

    def path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def text(self, name: str) -> str | None:
        """A text without the blanks around it; None for null, a missing or an empty one."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise OddAnswer(self.path(name), f"must be a text and is {kind(value)}", value)
        if len(value) > MAX_TEXT:
            raise OddAnswer(self.path(name), f"has {len(value)} characters, and {MAX_TEXT} is the most")
        return value.strip() or None

    def flag(self, name: str) -> bool | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            raise OddAnswer(self.path(name), f"must be true or false and is {kind(value)}", value)
        return value

    def whole(self, name: str, most: int) -> int | None:
        """A number from 0 to `most`, rounded down; also where it is written as a text. None for a text that is no number."""
        value = self.body.get(name)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return None  # `11-50`: told, and of no use
        if value is None:
            return None
        number = self._number(name, value)
        if not 0 <= number <= most:
            raise OddAnswer(self.path(name), f"must be a number from 0 to {most}", value)
        return int(number)

    def credits(self, name: str) -> float | None:
        """What a call took."""
        value = self.body.get(name)
        if value is None:
            return None
        number = self._number(name, value)
        if not is_credible(number):
            raise OddAnswer(self.path(name), f"must be a number of credits from 0 to {MAX_CREDITS:g}", value)
        return number

    def part(self, name: str) -> Fields:
        """The object under a name; one without fields where it is null or missing."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise OddAnswer(self.path(name), f"must be an object and is {kind(value)}", value)
        return Fields(value or {}, self.path(name))

    def first(self, name: str) -> Fields:
        """The first object of the list under a name; one without fields where there is none."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, list):
            raise OddAnswer(self.path(name), f"must be a list and is {kind(value)}", value)
        if value and not isinstance(value[0], Mapping):
            raise OddAnswer(f"{self.path(name)}[0]", f"must be an object and is {kind(value[0])}", value[0])
        return Fields(value[0] if value else {}, f"{self.path(name)}[0]")

    def url(self, name: str) -> str | None:
        text = self.text(name)
        if text is None:
            return None
        address = text if text.startswith(("http://", "https://")) else f"https://{text}"
        self._host(name, address)
        return address

    def domain(self, name: str) -> str | None:
        """The host of a domain or of an address, without www."""
        text = (self.text(name) or "").lower()
        return self._host(name, text if "://" in text else f"//{text}").removeprefix("www.") or None

    def _host(self, name: str, address: str) -> str:
        try:
            return urlsplit(address).hostname or ""
        except ValueError:
            raise OddAnswer(self.path(name), "must be a web address", address) from None

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OddAnswer(self.path(name), f"must be a number and is {kind(value)}", value)
        try:
            return float(value)
        except OverflowError:
            raise OddAnswer(self.path(name), "is a number without end", value) from None


def kind(value: Any) -> str:
    """What JSON calls a value."""
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "something else")


def finite(value: Any) -> float | None:
    """A number as a vendor tells it, such as a balance; None where it is none, or one without end."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        told = float(value)
    except (ValueError, OverflowError):
        return None
    return told if math.isfinite(told) else None


def is_credible(credits: float) -> bool:
    """Whether a call can have taken so many credits. A comparison with NaN is false."""
    return 0.0 <= credits <= MAX_CREDITS


def read_json(text: str) -> Any:
    """Return what an answer says. Raises OddAnswer where it is no JSON."""
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as odd:
        raise OddAnswer("the answer", f"is no JSON ({type(odd).__name__})", text[:50]) from None


def _integer(digits: str) -> int | float:
    """Python refuses an integer of thousands of digits, and with it the whole answer: it is odd where it stands, and only there."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def require_storable(value: Any, where: str = "") -> None:
    """Raise OddAnswer at the first value that a JSON column cannot keep. where: the path of the value in its answer."""
    rest: list[tuple[str, Any, int]] = [(where, value, 0)]
    while rest:
        path, one, depth = rest.pop()
        place = path.removeprefix(".")[:200] or "the answer"
        if depth > MAX_DEPTH:
            raise OddAnswer(place, f"is nested more than {MAX_DEPTH} deep")
        if isinstance(one, dict):
            rest += [(path, name, depth) for name in one]
            rest += [(f"{path}.{ascii(name)[1:-1]}", inner, depth + 1) for name, inner in one.items()]
        elif isinstance(one, list):
            rest += [(f"{path}[{at}]", inner, depth + 1) for at, inner in enumerate(one)]
        elif isinstance(one, str) and ("\0" in one or any("\ud800" <= character <= "\udfff" for character in one)):
            raise OddAnswer(place, "has a character that no text can have (NUL, or half of a surrogate pair)", one)
        elif isinstance(one, float) and not math.isfinite(one):
            raise OddAnswer(place, "is a number without end", one)
        elif isinstance(one, int) and one not in INTEGERS:
            raise OddAnswer(place, "is a number with more digits than a table keeps", one)
