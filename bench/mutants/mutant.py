"""One small change of one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Mutant:
    """A file with one change. ``line`` counts from 1 and is the line of ``source`` that changes.

    path: relative to the root of the repository
    change: what was changed, in words; with ``source`` it names the mutant even where line numbers have moved
    text: what makes the whole changed file, or None where the change changes nothing or is no program
    """

    path: str
    line: int
    source: str
    change: str
    text: Callable[[], str | None] = field(repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.path, self.source, self.change

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.change}: {self.source}"


def numbered(mutants: Iterable[Mutant]) -> list[Mutant]:
    """Return the mutants with each key once: the second of the same line and change is called (2), and so on."""
    seen: Counter[tuple[str, str, str]] = Counter()
    unique = []
    for mutant in mutants:
        seen[mutant.key] += 1
        again = f"{mutant.change} ({seen[mutant.key]})" if seen[mutant.key] > 1 else mutant.change
        unique.append(replace(mutant, change=again))
    return unique
