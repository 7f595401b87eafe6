"""What a destination shows of a person: the name as people write it, a grade and a score."""

from __future__ import annotations

import re

GRADES = (("A", 0.9), ("B", 0.7), ("C", 0.4))  # by rank among all scored leads
ICP_GRADES = (("A", 85.0), ("B", 75.0), ("C", 60.0))  # by ICP score while there is no prediction
# Written in capitals by people, too. No V, VI, X or XI: Vi and Xi are names.
IN_CAPITALS = frozenset("LLC PLLC LLP PLLP PLC PC PA DDS DMD MD PHD TMJ II III IV VII VIII IX NW SW USA".split())
DIRECTIONS = frozenset({"NE", "SE", "PO", "US"})  # in an address, which has a number; Se and Po are names
BEHIND_A_NUMBER = frozenset({"st", "nd", "rd", "th", "s"})  # 1st, 1980s
CONTRACTIONS = frozenset({"s", "t", "re", "ll", "ve", "d", "m", "l", "n"})  # Smith's, Don't, Int'l
_WORD = re.compile(r"(\d?)([^\W\d_]+(?:['’`][^\W\d_]+)*)")


def grade(rank_pct: float | None, icp_score: float | None) -> str:
    """A, B, C or D: by rank among the scored leads, and by ICP score while nothing is predicted."""
    scale, value = (GRADES, rank_pct) if rank_pct is not None else (ICP_GRADES, icp_score or 0.0)
    return next((letter for letter, least in scale if value >= least), "D")


def coarse_score(score: float | None, icp_score: float | None) -> int:
    """The score as it is sent: to the nearest 10, so that noise is not a change."""
    value = score if score is not None else icp_score or 0.0
    return int(10 * round(value / 10))


def readable_name(published: str | None) -> str | None:
    """A name or an address that the registry has in capitals, as a person writes it; what has both cases stays as it is."""
    text = " ".join((published or "").split())
    if text not in (text.upper(), text.lower()):
        return text
    kept = IN_CAPITALS | DIRECTIONS if any(letter.isdigit() for letter in text) else IN_CAPITALS
    return _WORD.sub(lambda found: found[1] + _written(found[2], kept, behind_digit=bool(found[1])), text) or None


def _written(word: str, in_capitals: frozenset[str], *, behind_digit: bool) -> str:
    """A run of letters and apostrophes as it is written within a text."""
    if word.upper() in in_capitals and not behind_digit:
        return word.upper()
    if behind_digit and word.lower() in BEHIND_A_NUMBER:
        return word.lower()
    first, *rest = re.split(r"(['’`])", word.lower())
    parts = [part if part in CONTRACTIONS else _capitalized(part) for part in rest]
    return "".join([_capitalized(first), *parts])


def _capitalized(part: str) -> str:
    # Not Mac: there are more of Machado and Mack than of MacDonald.
    if part.startswith("mc") and len(part) > 2:
        return "Mc" + part[2:].capitalize()
    return part.capitalize()
