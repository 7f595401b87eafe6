"""The ad accounts' truth: campaigns by audience and state, and what each ad delivers on a day.

A campaign is an audience (named as in segmented.audience) in one of the four states with the most dentists of the world; its
ad groups speak to two tastes, each with two ads. What a day delivered depends on the seed and the day only. What a platform says
of it depends on when it is asked: the youngest days are told too low, and settle after three. Numbers are made up.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from services.sandbox.draws import digest, normal, uniform
from services.sandbox.traits import TASTES
from services.sandbox.world import Person, World

BEGAN = date(2025, 9, 1)  # no campaign delivers before
STATES = 4
SPECIALISTS = {"orthodontics", "pediatric", "prosthodontics", "periodontics", "endodontics", "oral_surgery"}
AUDIENCES: dict[str, Callable[[Person], bool]] = {
    "General dentists, independent practices": lambda person: (
        person.specialty == "general" and person.practice_size <= 4
    ),
    "General dentists, group practices": lambda person: person.specialty == "general" and person.practice_size > 4,
    "Dental specialists": lambda person: person.specialty in SPECIALISTS,
}
# How often an ad is shown on a day for each dentist of its audience (staff see it, too), clicks per impression, USD per
# thousand impressions.
RATES = {"google_ads": (3.0, 0.03, 42.0), "meta_ads": (8.0, 0.012, 13.0), "ttd": (15.0, 0.004, 6.5)}
CONVERSIONS = 0.2  # a click
# Age of a day in days -> the share of impressions and of conversions that a platform tells.
SETTLING = {0: (0.5, 0.3), 1: (0.97, 0.7), 2: (0.99, 0.85), 3: (0.998, 0.95)}


@dataclass(frozen=True)
class Ad:
    """One ad. Performance Max has no ad groups: `ad_group_id` and `creative_id` are empty. `reach`: dentists."""

    campaign_id: str
    campaign_name: str
    ad_group_id: str
    ad_group_name: str
    creative_id: str
    creative_name: str
    reach: int


@dataclass(frozen=True)
class Delivered:
    """What a platform says of one ad and day. `micros`: cost in millionths of a US dollar."""

    ad: Ad
    day: date
    impressions: int
    clicks: int
    micros: int
    conversions: int


class AdPlatforms:
    """The three platforms' campaigns over one world, which follow its registry."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._people: dict[str, Person] = {}
        self._ads: dict[str, list[Ad]] = {}

    def ads(self, platform: str) -> list[Ad]:
        """Every ad of a platform, by campaign."""
        people = self.world.people()
        if people is not self._people:
            self._people, self._ads = people, {}
        if platform not in self._ads:
            self._ads[platform] = _ads(self.world.seed, platform, list(people.values()))
        return self._ads[platform]

    def delivered(self, platform: str, day: date, now: datetime) -> list[Delivered]:
        """What the platform says at `now` that a day delivered; ads without an impression are left out."""
        age = (now.date() - day).days
        if age < 0 or day < BEGAN:
            return []
        told = [_told(self.world.seed, platform, ad, day, age) for ad in self.ads(platform)]
        return [one for one in told if one.impressions]


def _ads(seed: int, platform: str, people: list[Person]) -> list[Ad]:
    active = [person for person in people if person.is_active]
    states = [state for state, _ in Counter(person.state for person in active).most_common(STATES)]
    found = []
    for audience, belongs in AUDIENCES.items():
        members = Counter(person.state for person in active if belongs(person))
        for state in sorted(states):
            if members[state]:
                found += _campaign(seed, platform, audience, state, members[state])
    if platform == "google_ads":
        name = "Performance Max, all dentists | US"
        found.append(Ad(_number(seed, platform, name), name, "", "", "", "", len(active)))
    return found


def _campaign(seed: int, platform: str, audience: str, state: str, reach: int) -> list[Ad]:
    name = f"{audience} | {state}"
    first = int(uniform(seed, platform, name, "tastes") * len(TASTES))
    found = []
    for taste in (TASTES[first], TASTES[(first + 2) % len(TASTES)]):
        for variant in ("A", "B"):
            ad_group, creative = f"{name} | {taste}", f"{taste} {variant}"
            ids = [_number(seed, platform, part) for part in (name, ad_group, f"{ad_group} {variant}")]
            found.append(Ad(ids[0], name, ids[1], ad_group, ids[2], creative, reach))
    return found


def _told(seed: int, platform: str, ad: Ad, day: date, age: int) -> Delivered:
    views, clicks_per_view, per_thousand = RATES[platform]
    key = (platform, ad.campaign_id, ad.creative_id, day.isoformat())
    busy = (0.45 if day.weekday() >= 5 else 1.0) * max(0.2, 1 + 0.25 * normal(seed, *key, "day"))
    seen, settled = SETTLING.get(age, (1.0, 1.0))
    truly = ad.reach * views * busy
    impressions = int(truly * seen)
    # A fraction of a click is a chance of one, so that small audiences have some, too.
    clicks = min(impressions, int(impressions * clicks_per_view + uniform(seed, *key, "clicks")))
    price = per_thousand * (0.8 + 0.4 * uniform(seed, *key, "price"))
    conversions = int(clicks * CONVERSIONS * settled + uniform(seed, *key, "conversions")) if clicks else 0
    return Delivered(ad, day, impressions, clicks, int(impressions * price * 1000), conversions)


def _number(seed: int, *labels: str) -> str:
    """Ten digits, as the platforms' ids look."""
    return str(1_000_000_000 + int(digest(seed, *labels)[:12], 16) % 9_000_000_000)
