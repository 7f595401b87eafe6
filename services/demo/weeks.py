"""The logical weeks that the demo lives through, read from the names of CMS's weekly files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from include.nppes.publication import FileKind, NotAnNppesFile, parse_file_name


@dataclass(frozen=True)
class Week:
    """One cycle, for the registry's week that ends on ``sunday``.

    :param published: whether there is a file of that week; a cycle without one works on what is known
    """

    sunday: date
    published: bool

    @property
    def interval(self) -> tuple[datetime, datetime]:
        """Monday to Monday: what the weekly ingest owns."""
        end = datetime.combine(self.sunday + timedelta(days=1), time(), tzinfo=UTC)
        return end - timedelta(days=7), end

    @property
    def as_of(self) -> datetime:
        """When the audience is made and contacted: Monday morning after the file's week."""
        return datetime.combine(self.sunday + timedelta(days=1), time(6), tzinfo=UTC)

    @property
    def conf(self) -> dict[str, str]:
        """What a run of this Monday is told."""
        return {"as_of": self.as_of.isoformat()}

    @property
    def answers_as_of(self) -> datetime:
        """When the answers are learned from: the Sunday night that ends the week of contact."""
        return datetime.combine(self.sunday + timedelta(days=7), time(23), tzinfo=UTC)


def weeks(nppes_dir: Path, count: int = 2) -> list[Week]:
    """Return ``count`` consecutive cycles that end with the newest weekly file, oldest first; ValueError if there is no file.

    With one file only, the cycles after it have nothing new from the registry.
    """
    found = sorted({day for path in nppes_dir.iterdir() if (day := _weekly_sunday(path.name))})
    if not found:
        raise ValueError(
            f"{nppes_dir} holds no weekly NPPES file. Expected a name as CMS gives it, such as "
            "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip."
        )
    first = max(found[0], found[-1] - timedelta(weeks=count - 1))
    days = [first + timedelta(weeks=n) for n in range(count)]
    return [Week(day, day in found) for day in days]


def _weekly_sunday(name: str) -> date | None:
    try:
        file = parse_file_name(name)
    except NotAnNppesFile:
        return None
    return file.day if file.kind is FileKind.WEEKLY else None
