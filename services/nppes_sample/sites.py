"""Where made-up providers work: practice locations of four sizes, spread over ten states."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from services.nppes_sample.places import CITIES, City
from services.nppes_sample.words import BRAND_NOUNS, BRANDS, DIRECTIONS, LAST_NAMES, STREET_TYPES, STREETS

# How many people work at a site of each size, how common the size is, and how often an organization is registered.
SIZES = {"solo": (1, 1), "small": (2, 4), "medium": (5, 9), "large": (10, 22)}
SIZE_WEIGHTS = {"solo": 60, "small": 28, "medium": 9, "large": 3}
CLINIC_SHARE = {"solo": 0.40, "small": 0.78, "medium": 0.95, "large": 1.0}


@dataclass(frozen=True)
class Site:
    """One practice location.

    :param brand: the name on its door.
    :param clinic: whether an organization NPI is registered there.
    """

    line_1: str
    line_2: str
    city: City
    zip9: str
    phone: str
    fax: str
    size: str
    seats: int
    brand: str
    clinic: bool


def made_site(rng: Random, state: str | None = None) -> Site:
    """Return a new site, in `state` when one is given."""
    cities = [city for city in CITIES if state in (None, city.state)]
    city = rng.choices(cities, [c.weight for c in cities])[0]
    size = rng.choices(list(SIZE_WEIGHTS), list(SIZE_WEIGHTS.values()))[0]
    street = f"{rng.randrange(100, 9900)} {_maybe(rng, 0.35, rng.choice(DIRECTIONS) + ' ')}"
    line_1 = f"{street}{rng.choice(STREETS)} {rng.choice(STREET_TYPES)}"
    line_2 = _maybe(rng, 0.42, f"{rng.choice(('Ste', 'Suite', 'Ste', 'Unit', 'Bldg'))} {rng.randrange(1, 60) * 10}")
    if rng.random() < 0.6:
        line_1, line_2 = line_1.upper(), line_2.upper()
    return Site(
        line_1=line_1,
        line_2=line_2,
        city=city,
        zip9=rng.choice(city.zips) + f"{rng.randrange(1000, 9999)}",
        phone=made_phone(rng, city),
        fax=_maybe(rng, 0.7, made_phone(rng, city)),
        size=size,
        seats=rng.randint(*SIZES[size]),
        brand=_brand(rng, city),
        clinic=rng.random() < CLINIC_SHARE[size],
    )


def made_phone(rng: Random, city: City) -> str:
    """Return ten digits that the North American plan allows: a real area code, no N11 and no 555 exchange."""
    exchange = rng.choice([n for n in range(220, 990) if n % 100 != 11 and n != 555])
    return f"{rng.choice(city.area_codes)}{exchange}{rng.randrange(10000):04d}"


def written_address(rng: Random, site: Site) -> tuple[str, str]:
    """Return (line 1, line 2) as one registrant wrote them: mostly the site's own form, sometimes another spelling."""
    kind = rng.random()
    if kind < 0.86:
        return site.line_1, site.line_2
    if kind < 0.91:
        return site.line_1.upper(), site.line_2.upper()
    if kind < 0.94:
        return site.line_1 + ".", site.line_2
    if kind < 0.97 and site.line_2:
        return f"{site.line_1}, {site.line_2}"[:55], ""
    return site.line_1.replace(" ", "  ", 1), site.line_2.replace("STE", "SUITE").replace("Ste", "Suite")


def _brand(rng: Random, city: City) -> str:
    kind = rng.random()
    noun = rng.choice(BRAND_NOUNS)
    if kind < 0.55:
        return f"{rng.choice(BRANDS)} {rng.choice(BRANDS)} {noun}"
    if kind < 0.75:
        return f"{city.name} {rng.choice(BRANDS)} {noun}"
    if kind < 0.92:
        return f"{rng.choice(LAST_NAMES)} {noun}"
    return f"{rng.choice(LAST_NAMES)}, {rng.choice(LAST_NAMES)} & {rng.choice(LAST_NAMES)} {noun}"


def _maybe(rng: Random, share: float, text: str) -> str:
    return text if rng.random() < share else ""
