"""The delivery line and unit of a US street address: three parsers, from the strictest to the one that always answers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import usaddress
from scourgify.address_constants import (
    DIRECTIONAL_REPLACEMENTS,
    OCCUPANCY_TYPE_ABBREVIATIONS,
    STREET_TYPE_ABBREVIATIONS,
)
from scourgify.exceptions import AddressNormalizationError
from scourgify.normalize import normalize_addr_str

NUMBERS = {"ONE": "1", "TWO": "2", "THREE": "3", "FOUR": "4", "FIVE": "5", "SIX": "6", "SEVEN": "7", "EIGHT": "8",
           "NINE": "9", "TEN": "10"}  # fmt: skip
UNITS: dict[str, str] = {**OCCUPANCY_TYPE_ABBREVIATIONS, **{short: short for short in OCCUPANCY_TYPE_ABBREVIATIONS.values()},
         "SUITES": "STE", "SUIT": "STE", "SU": "STE", "STES": "STE", "FLR": "FL", "BLD": "BLDG", "RMS": "RM"}  # fmt: skip
STREET_TYPES: dict[str, str] = STREET_TYPE_ABBREVIATIONS
DIRECTIONS: dict[str, str] = {
    **DIRECTIONAL_REPLACEMENTS,
    **{short: short for short in DIRECTIONAL_REPLACEMENTS.values()},
}
# Words after which a number is the road's own, so that no ordinal ending belongs to it.
_NUMBERED_ROAD = r"(?:FM|RM|HWY|RTE|RT|ROUTE|SR|CR|US|STATE ROAD|COUNTY ROAD|CO RD|STATE RD|COUNTY RD|RANCH RD)"
_UNIT_WORD = r"(?:" + "|".join(sorted((re.escape(w) for w in UNITS if w != "#"), key=len, reverse=True)) + r")"
_TAIL_UNIT = re.compile(
    rf"^(?P<line>.+?)\s+(?P<unit>(?:{_UNIT_WORD}\s+#?\s*[A-Z0-9][A-Z0-9-]*|#\s*[A-Z0-9][A-Z0-9-]*)(?:\s.*)?)$"
)
_ONLY_UNIT = re.compile(
    rf"(?:{_UNIT_WORD}|#)\s*#?\s*[A-Z0-9][A-Z0-9 -]*|[0-9]{{1,2}}(?:ST|ND|RD|TH) {_UNIT_WORD}|[0-9]+[A-Z]?|[A-Z]"
)
_DANGLING = re.compile(rf"(?<=\S)\s+(?:{_UNIT_WORD}|#)$")
_NOT_PLACE = re.compile(r"(?:ATTN|ATTENTION|C/O|% )\b.*|DEPT OF .*|(?:DENTAL )?DEPARTMENT.*")
_NUMBER = re.compile(r"[0-9]|[NSEW][0-9]")


@dataclass(frozen=True, slots=True)
class Line:
    """A delivery line without its unit, and the unit."""

    line: str
    unit: str | None = None


def clean(text: str | None) -> str | None:
    """Return upper case without accents, full stops and doubled blanks; None for what is empty or a mask."""
    if not text:
        return None
    plain = text if text.isascii() else unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[.\"'`;:<>*_$\\^~{}\[\]|]+", " ", plain.upper().replace("'S", "S")).split()
    joined = " ".join(words).strip(" ,-")
    return None if joined in ("", "UNAVAIL", "N/A", "NONE", "NULL", "UNKNOWN", "NONE KNOWN") else joined


def placed_lines(line_1: str | None, line_2: str | None) -> tuple[str, str]:
    """Return both lines clean, without addressees."""
    return _placed(line_1), _placed(line_2)


def street_lines(line_1: str | None, line_2: str | None) -> tuple[str, str]:
    """Return the two lines with what is no place taken out: the line of the street first, a repeated line once.

    `DENTAL DEPARTMENT / 400 E 1ST ST` is `400 E 1ST ST`; `100 OAK AVE STE 4 / STE 4` is `100 OAK AVE STE 4`.
    """
    first, second = placed_lines(line_1, line_2)
    if second and (first == second or first.endswith(f" {second}")):
        second = ""
    if not first or (
        second and not _NUMBER.match(first) and _NUMBER.match(second) and not _ONLY_UNIT.fullmatch(second)
    ):
        first, second = second, first if _ONLY_UNIT.fullmatch(first) else ""
    if not first:  # nothing but an addressee: better than nothing
        first = clean(line_1) or clean(line_2) or ""
    if _NUMBER.match(first) and second not in UNITS and not _ONLY_UNIT.fullmatch(second) and not _has_digit(second):
        second = ""  # the name of a building or a firm, which no delivery line holds
    word, _, rest = first.partition(" ")
    first = f"{NUMBERS[word]} {rest}" if word in NUMBERS and rest else first
    return _DANGLING.sub("", re.sub(r"^(?:#|NO) ?(?=[0-9])", "", first)), second


def scourgified_line(first: str, second: str, state: str | None) -> Line | None:
    """Return what usaddress-scourgify makes of it, None where it refuses or the result is no house number and street."""
    try:
        found = normalize_addr_str(f"{first}, {second}" if second else first, state=state)
    except (AddressNormalizationError, usaddress.RepeatedLabelError, KeyError, ValueError, TypeError, AttributeError):
        return None  # KeyError and its like: scourgify trips over words that are in no table of its own
    line, unit = found["address_line_1"] or "", found["address_line_2"]
    # A city read out of the line is a part that would be lost.
    if found["city"] or not _is_street(line) or not _is_from(unit, f"{first} {second}"):
        return None
    if unit and unit.startswith("UNIT ") and "UNIT" not in f"{first} {second}":
        # A designator that nobody told: Publication 28 writes the sign. A lone direction is the street's.
        told = unit.removeprefix("UNIT ")
        line, unit = (f"{line} {told}", None) if told in DIRECTIONS.values() else (line, f"# {told}")
    return Line(_road(line), _unit(unit))


def tagged_line(first: str, second: str) -> Line | None:
    """Return number and street put together from usaddress's tags, None where it finds no such thing."""
    for text, rest in ((f"{first}, {second}" if second else first, ""), (first, second)):
        try:
            tags, _ = usaddress.tag(text)
        except usaddress.RepeatedLabelError:
            continue
        number = " ".join(tags[t] for t in ("AddressNumberPrefix", "AddressNumber", "AddressNumberSuffix") if t in tags)
        street = [_street_word(label, value) for label, value in tags.items() if label.startswith("StreetName")]
        if not number or "StreetName" not in tags or "PlaceName" in tags:
            continue
        unit = [v for k, v in tags.items() if k.startswith(("Occupancy", "Subaddress"))]
        line = _road(" ".join([number, *street]).replace(",", ""))
        if _is_street(line):
            return Line(line, _unit(" ".join(unit) or (rest if _ONLY_UNIT.fullmatch(rest) else "")))
    return None


def plain_line(first: str, second: str) -> Line:
    """Return upper case with the common abbreviations; the unit apart where a unit word tells it."""
    line = first.replace(",", " ")
    unit = second.replace(",", " ")
    cut = _TAIL_UNIT.match(" ".join(line.split()))
    if cut:
        line, unit = cut["line"], f"{cut['unit']} {unit}"
    return Line(_shortened(line.split()), _unit(" ".join(unit.split())))


def _placed(line: str | None) -> str:
    return re.sub(r"\bSUITES\b", "STE", _NOT_PLACE.sub("", clean(line) or "").replace("&", " ")).strip(" ,-")


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _is_street(line: str) -> bool:
    return bool(_NUMBER.match(line)) and " " in line


def _is_from(unit: str | None, text: str) -> bool:
    """Whether the unit's number stands in the text: scourgify takes a word of the city where the number is missing."""
    return not unit or unit.split()[-1].strip("#") in re.sub(r"[(),]", " ", text)


def _road(line: str) -> str:
    line = re.sub(rf"\b({_NUMBERED_ROAD}) ([0-9]+)(?:ST|ND|RD|TH)\b", r"\1 \2", line.upper())
    return " ".join(re.sub(r"\bHIGHWAY\b", "HWY", line).split())


def _unit(text: str | None) -> str | None:
    """Return `STE 200` for `SUITE # 200`, `FL 2` for `2ND FLOOR` and `FL 2ND`; None for nothing."""
    words = re.sub(r"[(),]|&", " ", text or "").replace("#", " # ").split()
    short = [UNITS.get(word, word) for word in words]
    told = [w for n, w in enumerate(short) if w != "#" or n == 0 or short[n - 1] not in UNITS.values()]
    joined = " ".join(told)
    joined = re.sub(r"\b([0-9]+)(?:ST|ND|RD|TH) FL\b", r"FL \1", joined)
    joined = re.sub(r"\bFL ([0-9]+)(?:ST|ND|RD|TH)\b", r"FL \1", joined)
    return joined or None


def _street_word(label: str, value: str) -> str:
    word: str = value.upper().strip(" ,.")
    if label.endswith("Directional"):
        return DIRECTIONS.get(word, word)
    if label.endswith("PostType"):
        return STREET_TYPES.get(word, word)
    return word


def _shortened(words: list[str]) -> str:
    """Abbreviate the street's type, which is the last word that is no direction, and directions at either end of it."""
    out = list(words)
    end = len(out) - 1
    if end > 1 and out[end] in DIRECTIONS:
        out[end] = DIRECTIONS[out[end]]
        end -= 1
    if end > 0:
        out[end] = STREET_TYPES.get(out[end], out[end])
    if len(out) > 3 and out[1] in DIRECTIONS:
        out[1] = DIRECTIONS[out[1]]
    return _road(" ".join(out))
