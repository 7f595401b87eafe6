"""One published personal name in parts that can be compared: first, middle, last, suffix, credentials, former last names.

Registries publish parts, but what stands in them is typed by hand: `SMITH JR` as a last name, `MARY ANN` as a first one,
degrees anywhere. Some boards publish one text, which nameparser takes apart. Nicknames are those of the `nicknames`
package: a list, so a match by one is evidence and no proof.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from nameparser import HumanName
from nicknames import NickNamer

SUFFIXES = {"JR": "JR", "JUNIOR": "JR", "SR": "SR", "SENIOR": "SR", "II": "II", "2ND": "II", "III": "III", "3RD": "III",
            "IV": "IV", "4TH": "IV"}  # fmt: skip
# Degrees and licenses that are written behind a dentist's name. `MS` and `MA` are last names too: only behind another.
CREDENTIALS = frozenset(
    "DDS DMD BDS MDS MDSC MSD MSC MSN MPH MBA MHA MD DO PHD DRPH EDD RDH RDHAP BSDH LDH DH CDA RDA RDAEF EFDA DENT DT "
    "ADT FAGD MAGD FACP FICD FACD FICOI DICOI DABDA DABOMS DABFP BCH BSC BS BA JD RN DMSC CDT LD DPD OMFS DR".split()
)
_ONLY_BEHIND = frozenset({"MS", "MA", "PA", "PC"})
_PARENTHESIS = re.compile(r"\(([^)]*)\)|\bN[EÉ]E\s+(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in upper case without accents and full stops; a part that is not told is ''.

    middle: names or initials, parted by blanks. suffix: JR | SR | II | III | IV. credentials: as `DDS`, in published
    order. former_last: other last names, each once: former ones, and each half of a double name.
    """

    first: str
    middle: str
    last: str
    suffix: str
    credentials: tuple[str, ...]
    former_last: tuple[str, ...]


def person_name(
    first: str | None,
    middle: str | None,
    last: str | None,
    suffix: str | None = None,
    credential: str | None = None,
    former_last: Iterable[str | None] = (),
) -> PersonName:
    """Return the name that was published in parts."""
    names, said_former = _without_former(last)
    firsts = _words(first)
    lasts, behind = _split_endings(_words(names))
    middles, behind_middle = _split_endings([*firsts[1:], *_words(middle)], keep=0)
    endings = [*behind, *behind_middle, *_endings(suffix), *_endings(credential)]
    told = " ".join(lasts)
    former = [" ".join(_split_endings(_words(name))[0]) for name in (*said_former, *former_last)]
    halves = [half for half in re.split(r"[ -]", told) if len(half) > 2] if "-" in told else []
    return PersonName(
        first=firsts[0] if firsts else "",
        middle=" ".join(middles),
        last=told,
        suffix=next((SUFFIXES[word] for word in endings if word in SUFFIXES), ""),
        credentials=tuple(dict.fromkeys(word for word in endings if word not in SUFFIXES)),
        former_last=tuple(dict.fromkeys(name for name in (*former, *halves) if name and name != told)),
    )


def person_name_of(full_name: str | None) -> PersonName:
    """Return the name that was published as one text: `SMITH, MARY ANN, DDS`, `Dr. John Q. de la Cruz Jr, DMD`."""
    text, former = _without_former(full_name)
    parsed = HumanName(text)
    return person_name(parsed.first, parsed.middle, parsed.last, parsed.suffix, None, [*former, parsed.maiden])


def first_name_forms(first: str) -> frozenset[str]:
    """Return the names, in upper case, that somebody with this first name may be published under; itself among them.

    `WILLIAM` gives BILL and WILL, `BILL` gives WILLIAM. Not transitive: BILL and WILL do not become one name through
    a third.
    """
    return _forms(first.upper())


def same_first_name(one: str, other: str) -> bool:
    """Whether two first names may be one person's: equal, an initial of the other, or a nickname of it."""
    one, other = one.upper(), other.upper()
    if not one or not other:
        return False
    if len(one) == 1 or len(other) == 1:
        return one[0] == other[0]
    return one == other or other in _forms(one) or one in _forms(other)


@lru_cache(maxsize=50_000)
def _forms(first: str) -> frozenset[str]:
    known = _namer()
    found = known.nicknames_of(first) | known.canonicals_of(first)
    return frozenset({first, *(name.upper() for name in found)})


@cache
def _namer() -> NickNamer:
    return NickNamer()


def _without_former(text: str | None) -> tuple[str, list[str]]:
    """A text without `(JONES)` and `NEE JONES`, and the names that stood there."""
    found = [a or b for a, b in _PARENTHESIS.findall(text or "")]
    return _PARENTHESIS.sub(" ", text or ""), found


def _words(text: str | None) -> list[str]:
    """Words in upper case; hyphens stay, apostrophes and full stops go (O'BRIEN is OBRIEN, D.D.S. is DDS)."""
    if not text:
        return []
    plain = text if text.isascii() else unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    joined = re.sub(r"\s*-\s*", "-", re.sub(r"[.'`\"]", "", plain.upper()))
    words = re.sub(r"[^A-Z0-9-]+", " ", joined).split()
    return _spelled(words)


def _spelled(words: list[str]) -> list[str]:
    """Join degrees that were written letter by letter: `D D S` is `DDS`."""
    text = " ".join(words)
    for spelled in ("D D S", "D M D", "R D H", "P H D", "M D S", "B D S"):
        text = re.sub(rf"\b{spelled}\b", spelled.replace(" ", ""), text)
    return text.split()


def _split_endings(words: list[str], keep: int = 1) -> tuple[list[str], list[str]]:
    """(name words, suffixes and degrees behind them); at least `keep` words stay the name."""
    cut = len(words)
    while cut > keep and (words[cut - 1] in SUFFIXES or words[cut - 1] in CREDENTIALS):
        cut -= 1
    return words[:cut], words[cut:]


def _endings(text: str | None) -> list[str]:
    """Suffixes and degrees of a field that holds nothing else, in order; what is neither is left out."""
    words = _words(text)
    known = [word for word in words if word in SUFFIXES or word in CREDENTIALS]
    behind = [word for before, word in pairwise(words) if word in _ONLY_BEHIND and before in CREDENTIALS]
    return [*known, *behind]
