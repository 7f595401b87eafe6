"""Several answers kept as one archived object: a zip of them as received, in the order in which they came.

The zip is made by us, so the same answers give the same bytes: no times, no compression levels that differ.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from typing import IO

_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_answers(into: IO[bytes], answers: Iterable[tuple[str, bytes]]) -> None:
    """Write (name, body) pairs as a zip."""
    with zipfile.ZipFile(into, "w") as kept:
        for name, body in answers:
            member = zipfile.ZipInfo(name, _NO_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            kept.writestr(member, body)


def next_numbers(numbers: Sequence[str], after: str, budget: int) -> list[str]:
    """Return the `budget` numbers to ask for next: those behind `after` in order, then again from the first one.

    :param numbers: every number, sorted.
    :param after: the last one asked for, "" when none was.
    """
    behind = [number for number in numbers if number > after]
    return [*behind, *(number for number in numbers if number <= after)][:budget]
