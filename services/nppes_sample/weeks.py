"""The rows of consecutive weekly files: a first one that holds everybody, then what changed from week to week; and what
CMS publishes of the whole once a month.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from include.nppes.publication import npi_is_valid
from services.nppes_sample.rows import (
    Row,
    clinic,
    cms_date,
    deactivated,
    enumeration_date,
    former_name,
    last_name,
    made_npi,
    other_organization,
    person,
    place,
)
from services.nppes_sample.sites import Site, made_phone, made_site, written_address

FIRST_MONDAY = date(2025, 11, 3)
PEOPLE, NEW_PEOPLE = 4000, 350
NON_DENTAL_SHARE = 0.085
MOVED, RENAMED, NEW_PHONE, RECERTIFIED = 90, 30, 30, 20
DEACTIVATED_AT_START, DEACTIVATED_PER_WEEK, REACTIVATED_PER_WEEK = 15, 25, 5
BAD_CHECK_DIGITS, DUPLICATES = 3, 6

_ORGANISATIONS = Path(__file__).parent / "organizations.csv"


@dataclass(frozen=True)
class Week:
    """The rows of one weekly zip, member by member. `last_day` is a Sunday."""

    first_day: date
    last_day: date
    npidata: tuple[Row, ...]
    other_names: tuple[Row, ...]
    practice_locations: tuple[Row, ...]
    endpoints: tuple[Row, ...]


@dataclass(frozen=True)
class Month:
    """What CMS publishes on the second Monday of a month: everything as it was on `last_day`, the Sunday before.

    :param deactivated: NPI and date (as CMS writes it) of everybody who is deactivated, newest first.
    """

    published: date
    last_day: date
    npidata: tuple[Row, ...]
    other_names: tuple[Row, ...]
    practice_locations: tuple[Row, ...]
    endpoints: tuple[Row, ...]
    deactivated: tuple[tuple[str, str], ...]


@dataclass
class _Registry:
    """What CMS knows at the end of a week. `people` and `gone` are the made-up dental individuals."""

    taken: set[str] = field(default_factory=set)
    sites: list[Site] = field(default_factory=list)
    people: dict[str, Row] = field(default_factory=dict)
    gone: dict[str, Row] = field(default_factory=dict)


def made_weeks(seed: int, count: int) -> list[Week]:
    """Return `count` consecutive weeks from Monday 3 November 2025; the same seed gives the same rows."""
    registry = _Registry()
    weeks = []
    for number in range(count):
        rng = Random(f"nppes_sample {seed} {number}")
        monday = FIRST_MONDAY + timedelta(weeks=number)
        rows, brands = _first(rng, registry, monday) if number == 0 else _delta(rng, registry, monday)
        weeks.append(_week(rng, monday, rows, brands, registry, real=number == 0))
    return weeks


def made_months(weeks: list[Week]) -> list[Month]:
    """Return the months whose second Monday follows one of the weeks: the sum of the weeks up to it, sorted by NPI."""
    npidata: dict[str, Row] = {}
    extras: dict[str, tuple[list[Row], list[Row], list[Row]]] = {}
    months = []
    for week in weeks:
        for row in week.npidata:
            if npi_is_valid(row["NPI"]):
                npidata[row["NPI"]] = row
                extras[row["NPI"]] = ([], [], [])
        for at, rows in enumerate((week.other_names, week.practice_locations, week.endpoints)):
            for row in rows:
                extras[row["NPI"]][at].append(row)
        published = week.last_day + timedelta(days=1)
        if 8 <= published.day <= 14:
            everybody = sorted(npidata)
            names, places, endpoints = (
                tuple(row for npi in everybody for row in extras[npi][at]) for at in range(len(extras[everybody[0]]))
            )
            rows = tuple(npidata[npi] for npi in everybody)
            months.append(Month(published, week.last_day, rows, names, places, endpoints, _deactivated_now(npidata)))
    return months


def _deactivated_now(npidata: dict[str, Row]) -> tuple[tuple[str, str], ...]:
    gone = [
        (npi, row["NPI Deactivation Date"]) for npi, row in sorted(npidata.items()) if not row.get("Entity Type Code")
    ]
    return tuple(sorted(gone, key=lambda item: datetime.strptime(item[1], "%m/%d/%Y"), reverse=True))


def _first(rng: Random, registry: _Registry, monday: date) -> tuple[list[Row], dict[str, str]]:
    rows, brands = _practices(rng, registry, PEOPLE, monday, lambda: enumeration_date(rng, monday))
    rows += _non_dental(rng, registry, len(rows), monday)
    rows += _deactivated_long_ago(rng, registry, monday)
    _mark_reactivated(rng, registry)
    return rows, brands


def _delta(rng: Random, registry: _Registry, monday: date) -> tuple[list[Row], dict[str, str]]:
    known = rng.sample(sorted(registry.people), len(registry.people))
    rows: list[Row] = []
    for change, count in ((_move, MOVED), (_rename, RENAMED), (_change_phone, NEW_PHONE), (_recertify, RECERTIFIED)):
        for npi in [known.pop() for _ in range(count)]:
            row = registry.people[npi]
            row |= change(rng, registry, row, monday) | {"Last Update Date": cms_date(_weekday(rng, monday))}
            rows.append(row)
    for npi in [known.pop() for _ in range(DEACTIVATED_PER_WEEK)]:
        bare = deactivated(npi, _weekday(rng, monday))
        registry.gone[npi] = registry.people.pop(npi) | bare
        rows.append(bare)
    back = rng.sample(sorted(registry.gone.keys() - {row["NPI"] for row in rows}), REACTIVATED_PER_WEEK)
    for npi in back:
        registry.people[npi] = registry.gone.pop(npi) | _reactivation(rng, monday)
        rows.append(registry.people[npi])
    new_rows, brands = _practices(rng, registry, NEW_PEOPLE, monday, lambda: _weekday(rng, monday))
    return rows + new_rows, brands


def _practices(
    rng: Random, registry: _Registry, count: int, monday: date, enumerated: Callable[[], date]
) -> tuple[list[Row], dict[str, str]]:
    """Return rows of `count` new people and of the clinics of the new sites, and each clinic's brand by NPI."""
    rows: list[Row] = []
    brands: dict[str, str] = {}
    old_sites = list(registry.sites)
    left = count
    while left:
        site = rng.choice(old_sites) if old_sites and rng.random() < 0.5 else made_site(rng)
        new = site not in registry.sites
        seats = min(left, site.seats if new else 1)
        for _ in range(seats):
            npi = made_npi(rng, registry.taken)
            registry.people[npi] = person(rng, npi, site, enumerated(), _weekday(rng, monday))
            rows.append(registry.people[npi])
        left -= seats
        if new:
            registry.sites.append(site)
        if new and site.clinic:
            npi = made_npi(rng, registry.taken)
            rows.append(clinic(rng, npi, site, enumerated(), _weekday(rng, monday)))
            if "Provider Other Organization Name" in rows[-1]:
                brands[npi] = site.brand
    return rows, brands


def _non_dental(rng: Random, registry: _Registry, dental: int, monday: date) -> list[Row]:
    rows = []
    for _ in range(round(dental * NON_DENTAL_SHARE)):
        npi, site = made_npi(rng, registry.taken), made_site(rng)
        dates = (enumeration_date(rng, monday), _weekday(rng, monday))
        made = other_organization(rng, npi, site, *dates) if rng.random() < 0.25 else None
        rows.append(made or person(rng, npi, site, *dates, dental=False))
    return rows


def _deactivated_long_ago(rng: Random, registry: _Registry, monday: date) -> list[Row]:
    rows = []
    for _ in range(DEACTIVATED_AT_START):
        npi = made_npi(rng, registry.taken)
        day = _weekday(rng, monday)
        bare = deactivated(npi, day)
        enumerated = enumeration_date(rng, monday)
        registry.gone[npi] = person(rng, npi, rng.choice(registry.sites), enumerated, day) | bare
        rows.append(bare)
    return rows


def _mark_reactivated(rng: Random, registry: _Registry) -> None:
    """Give eight people both dates, and one a reactivation that lies before the deactivation, as CMS has published."""
    *back, wrong = rng.sample(sorted(registry.people), 9)
    for npi in back:
        gone = date(2012, 1, 2) + timedelta(days=rng.randrange(3000))
        registry.people[npi] |= {
            "NPI Deactivation Date": cms_date(gone),
            "NPI Reactivation Date": cms_date(gone + timedelta(days=rng.randrange(10, 400))),
        }
    registry.people[wrong] |= {"NPI Deactivation Date": "03/03/2021", "NPI Reactivation Date": "05/24/2005"}


def _move(rng: Random, registry: _Registry, row: Row, monday: date) -> Row:
    state = row["Provider Business Practice Location Address State Name"]
    return place(rng, rng.choice([site for site in registry.sites if site.city.state == state]))


def _rename(rng: Random, registry: _Registry, row: Row, monday: date) -> Row:
    old = row["Provider Last Name (Legal Name)"]
    return {
        **former_name(rng, row),
        "Provider Other Last Name": old,
        "Provider Last Name (Legal Name)": last_name(rng),
    }


def _change_phone(rng: Random, registry: _Registry, row: Row, monday: date) -> Row:
    name = row["Provider Business Practice Location Address City Name"]
    city = next(site.city for site in registry.sites if site.city.name.upper() == name)
    return {"Provider Business Practice Location Address Telephone Number": made_phone(rng, city)}


def _recertify(rng: Random, registry: _Registry, row: Row, monday: date) -> Row:
    return {"Certification Date": cms_date(_weekday(rng, monday))}


def _reactivation(rng: Random, monday: date) -> Row:
    day = cms_date(_weekday(rng, monday))
    return {"NPI Reactivation Date": day, "Last Update Date": day}


def _week(rng: Random, monday: date, rows: list[Row], brands: dict[str, str], registry: _Registry, real: bool) -> Week:
    other_names = [_other_name(npi, brand, "3") for npi, brand in sorted(brands.items())]
    published = [dict(row) for row in rows]
    if real:
        organizations = list(_real_organizations())
        other_names += [_other_name(row["NPI"], name, kind) for row, name, kind in organizations if name]
        published += [row for row, _, _ in organizations]
    full = [row for row in published if row.get("Entity Type Code")]
    damaged = [_with_bad_check_digit(row) for row in rng.sample(full, BAD_CHECK_DIGITS)]
    published += [dict(row) for row in rng.sample(full, DUPLICATES)]
    published += damaged
    rng.shuffle(published)
    return Week(
        first_day=monday,
        last_day=monday + timedelta(days=6),
        npidata=tuple(published),
        other_names=tuple(other_names),
        practice_locations=tuple(_practice_locations(rng, full, registry.sites)),
        endpoints=tuple(_endpoints(rng, full)),
    )


def _real_organizations() -> Iterator[tuple[Row, str, str]]:
    """Yield (row, other name, its type) of each shipped organization, in the form of 2025.

    Since 2025 CMS writes an organization's other name to othername_pfile only and leaves `<UNAVAIL>`, type 6.
    """
    with _ORGANISATIONS.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            name, kind = row["Provider Other Organization Name"], row["Provider Other Organization Name Type Code"]
            if name:
                row |= {"Provider Other Organization Name": "<UNAVAIL>"}
                row |= {"Provider Other Organization Name Type Code": "6"}
            yield row, name, kind


def _with_bad_check_digit(row: Row) -> Row:
    npi = row["NPI"]
    return row | {"NPI": npi[:9] + str((int(npi[9]) + 1) % 10)}


def _other_name(npi: str, name: str, kind: str) -> Row:
    return {
        "NPI": npi,
        "Provider Other Organization Name": name,
        "Provider Other Organization Name Type Code": kind,
    }


def _practice_locations(rng: Random, rows: list[Row], sites: list[Site]) -> Iterator[Row]:
    for row in rng.sample(rows, len(rows) // 12):
        site = rng.choice(sites)
        line_1, line_2 = written_address(rng, site)
        kind = "Provider Secondary Practice Location Address"
        yield {
            "NPI": row["NPI"],
            f"{kind}- Address Line 1": line_1,
            f"{kind}-  Address Line 2": line_2,
            f"{kind} - City Name": site.city.name,
            f"{kind} - State Name": site.city.state,
            f"{kind} - Postal Code": site.zip9,
            f"{kind} - Country Code (If outside U.S.)": "US",
            f"{kind} - Telephone Number": site.phone,
            "Provider Practice Location Address - Fax Number": site.fax,
        }


def _endpoints(rng: Random, rows: list[Row]) -> Iterator[Row]:
    for row in rng.sample(rows, len(rows) // 40):
        place_of = "Provider Business Practice Location Address"
        yield {
            "NPI": row["NPI"],
            "Endpoint Type": "DIRECT",
            "Endpoint Type Description": "Direct Messaging Address",
            "Endpoint": f"npi{row['NPI']}@direct.example.org",
            "Affiliation": "N",
            "Use Code": "DIRECT",
            "Use Description": "Direct",
            "Affiliation Address Line One": row["Provider First Line Business Practice Location Address"],
            "Affiliation Address City": row[f"{place_of} City Name"],
            "Affiliation Address State": row[f"{place_of} State Name"],
            "Affiliation Address Country": "US",
            "Affiliation Address Postal Code": row[f"{place_of} Postal Code"],
        }


def _weekday(rng: Random, monday: date) -> date:
    return monday + timedelta(days=rng.randrange(5))
