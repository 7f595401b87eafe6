"""What a destination shows of a person: the name as people write it, a grade and a score."""

from __future__ import annotations

import re

GRADES = (("A", 0.9), ("B", 0.7), ("C", 0.4))  # by rank among all scored leads
ICP_GRADES = (("A", 85.0), ("B", 75.0), ("C", 60.0))  # by ICP score while there is no prediction
ABBREVIATIONS = {
    "Llc": "LLC",
    "Pllc": "PLLC",
    "Pc": "PC",
    "Pa": "PA",
    "Dds": "DDS",
    "Dmd": "DMD",
    "Ii": "II",
    "Iii": "III",
}
_MC = re.compile(r"\bMc([a-z])")  # not Mac: there are more of Machado and Mack than of MacDonald


def grade(rank_pct: float | None, icp_score: float | None) -> str:
    """A, B, C or D: by rank among the scored leads, and by ICP score while nothing is predicted."""
    scale, value = (GRADES, rank_pct) if rank_pct is not None else (ICP_GRADES, icp_score or 0.0)
    return next((letter for letter, least in scale if value >= least), "D")


def coarse_score(score: float | None, icp_score: float | None) -> int:
    """The score as it is sent: to the nearest 10, so that noise is not a change."""
    value = score if score is not None else icp_score or 0.0
    return int(10 * round(value / 10))


def readable_name(published: str | None) -> str | None:
    """A name that the registry has in capitals, as a person writes it."""
    if not published:
        return None
    title = _MC.sub(lambda found: f"Mc{found[1].upper()}", published.title().replace("'S ", "'s "))
    return " ".join(ABBREVIATIONS.get(word, word) for word in title.split())
