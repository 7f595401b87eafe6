"""Who visits our site: practices of the world, more often where somebody has need, half of them through an ad.

A visit depends on the seed, the practice and the day only. What a vendor shows of it depends on when it is asked: a tenth is
recognized a day late. Numbers are made up.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from services.sandbox.ads import AdPlatforms
from services.sandbox.draws import choice, digest, uniform
from services.sandbox.responses import zone
from services.sandbox.traits import traits
from services.sandbox.world import Person, World

PAGES = ["/", "/pricing", "/demo", "/case-studies", "/blog/front-desk", "/contact"]
DAILY = 0.02  # visits a day of a practice with average need
PERSON_SHARE = 0.3  # of the visits, those of which RB2B knows the person
# Age of a day in days -> the share of its visits that is recognized.
RECOGNISED = {0: 0.6, 1: 0.9}


@dataclass(frozen=True)
class Visit:
    """One visit. `pages`: paths with the seconds spent on each. `campaign` is empty unless an ad led here."""

    id: str
    practice: str
    person: Person
    started_at: datetime
    source: str
    medium: str
    campaign: str
    pages: list[tuple[str, int]]
    ga_client_id: str

    @property
    def seconds(self) -> int:
        return sum(seconds for _, seconds in self.pages)


class SiteVisits:
    """Every visit of every day, as a function of the world."""

    def __init__(self, world: World, platforms: AdPlatforms) -> None:
        self.world = world
        self.platforms = platforms
        self._people: dict[str, Person] = {}
        self._visitors: list[tuple[str, Person, float]] = []

    def of(self, day: date, now: datetime) -> list[Visit]:
        """The day's visits that are recognized by `now`, by time."""
        age = (now.date() - day).days
        if age < 0:
            return []
        share = RECOGNISED.get(age, 1.0)
        seed = self.world.seed
        found = [
            self._visit(practice, person, day)
            for practice, person, chance in self._all()
            if uniform(seed, practice, day.isoformat(), "visit") < chance * (0.3 if day.weekday() >= 5 else 1.0)
            and uniform(seed, practice, day.isoformat(), "recognized") < share
        ]
        return sorted(found, key=lambda visit: (visit.started_at, visit.id))

    def identified(self, day: date, now: datetime) -> list[Visit]:
        """The visits of which also the person is known."""
        return [visit for visit in self.of(day, now) if uniform(self.world.seed, visit.id, "person") < PERSON_SHARE]

    def _all(self) -> list[tuple[str, Person, float]]:
        """(practice, its person with the greatest need, chance of a visit on a working day), by practice."""
        people = self.world.people()
        if people is not self._people:
            best: dict[str, tuple[float, str]] = {}
            for person in people.values():
                if person.is_active:
                    need = traits(person, self.world.seed).need
                    best[person.practice_key] = max(best.get(person.practice_key, (-9.0, "")), (need, person.npi))
            self._people = people
            self._visitors = [
                (practice, people[npi], min(0.5, DAILY * math.exp(0.8 * need)))
                for practice, (need, npi) in sorted(best.items())
            ]
        return self._visitors

    def _visit(self, practice: str, person: Person, day: date) -> Visit:
        seed, key = self.world.seed, (practice, day.isoformat())
        at = time(8 + int(10 * uniform(seed, *key, "hour")), int(60 * uniform(seed, *key, "minute")))
        source, medium, platform = choice(
            [(("google", "cpc", "google_ads"), 0.3), (("facebook", "paid_social", "meta_ads"), 0.15),
             (("ttd", "display", "ttd"), 0.05), (("google", "organic", ""), 0.2), (("(direct)", "(none)", ""), 0.3)],
            uniform(seed, *key, "source"),
        )  # fmt: skip
        names = sorted({ad.campaign_name for ad in self.platforms.ads(platform)}) if platform else []
        ours = [name for name in names if name.endswith(person.state)] or names
        campaign = ours[int(uniform(seed, *key, "campaign") * len(ours))] if ours else ""
        count = 1 + int(4 * uniform(seed, *key, "pages"))
        pages = [
            (PAGES[int(uniform(seed, *key, "page", str(n)) * len(PAGES))], 5 + int(120 * uniform(seed, *key, str(n))))
            for n in range(count)
        ]
        return Visit(
            id=digest(seed, *key, "visit id")[:24],
            practice=practice,
            person=person,
            started_at=datetime.combine(day, at, zone(person.state)).astimezone(UTC),
            source=source,
            medium=medium,
            campaign=campaign,
            pages=pages,
            ga_client_id=f"{int(digest(seed, person.npi, 'ga')[:8], 16)}.{int(digest(seed, person.npi, 'ga')[8:16], 16)}",
        )
