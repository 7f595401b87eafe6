"""A registry of dental people with known truth: what NPPES and the state boards would say of them, errors included.

Nobody in it is real: names are put together from word lists and syllables, numbers are drawn. What the linkage inverts by
rule, the noise does not simply apply: of the nicknames, half are in no list; former names are mostly kept by neither side;
addresses differ because people moved or gave their home, not only in spelling. The rates stand in NOISE.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from bench.made_up_names import Names, nickname, typo
from include.boards.sources import board_source

# Share of all people in each state; those under OTHER have no board that we read, so their NPIs have no license to find.
STATES = {"CA": 0.17, "TX": 0.13, "FL": 0.11, "IL": 0.07, "NJ": 0.05, "MA": 0.045, "WA": 0.045, "NC": 0.05, "CO": 0.04,
          "CT": 0.02, "OTHER": 0.27}  # fmt: skip
ZIP3 = {"CA": (900, 961), "TX": (750, 799), "FL": (320, 349), "IL": (600, 629), "NJ": (70, 89), "MA": (10, 27),
        "WA": (980, 994), "NC": (270, 289), "CO": (800, 816), "CT": (60, 69), "OTHER": (430, 458)}  # fmt: skip
NOISE = {
    # who they are
    "hygienist": 0.15, "assistant": 0.03, "woman": 0.45,
    "twin_in_trade": 0.003,       # a sibling of the same age, name alike, same profession, half of them in one office
    "junior": 0.006,              # a child of the same first and last name in the same trade, half in the parent's office
    "spouse_or_sibling": 0.03,    # same last name, same office, another first name
    "name_changed": 0.10,         # of women: last name changed since the first registration
    "shared_suite": 0.15,         # sites that share the street line with another site of other people
    # what NPPES knows of them
    "nppes_keeps_old_name": 0.40, "nppes_other_name": 0.30, "nppes_old_office": 0.22, "nppes_mails_home": 0.25,
    "nppes_no_number": 0.10, "nppes_number_elsewhere": 0.03, "nppes_number_as_identifier": 0.03,
    "nppes_number_wrong": 0.012, "nppes_number_of_colleague": 0.004, "nppes_no_middle": 0.30, "nppes_middle_initial": 0.40,
    "nppes_no_suffix": 0.45, "nppes_no_phone": 0.02, "nppes_own_phone": 0.25,
    "npi_taken_late": 0.25,       # of those who worked before NPIs: any time until 2021, not by 2008
    "npi_taken_at_another_time": 0.35,  # of the others: three years before their first license to eight after it
    # what a board knows of them
    "board_keeps_old_name": 0.25, "board_home": 0.30, "board_old_office": 0.12, "board_no_middle": 0.20,
    "board_middle_initial": 0.45, "board_no_suffix": 0.35, "board_no_street": 0.05, "second_license": 0.13,
    "new_number": 0.006,          # a license of the same state given anew under another number; both are listed
    "without_npi": 0.25,          # licenses, on top, of people who never had an NPI: retired, dead, abroad
    "silent_parent": 0.02,        # of those: the parent of somebody of the same first and last name
    # both, each for itself
    "nickname": 0.05, "goes_by_middle_name": 0.012, "typo_last": 0.008, "typo_first": 0.008, "typo_street": 0.015,
}  # fmt: skip
NO_STREET = ("CO", "IL", "NC")  # these boards publish a city and a ZIP code at most
NO_PLACE = ("WA",)
TYPES = ("St", "Street", "Ave", "Avenue", "Rd", "Blvd", "Boulevard", "Dr", "Drive", "Ln", "Pkwy", "Way")


@dataclass(frozen=True)
class Place:
    line: str
    unit: str
    city: str
    state: str
    zip5: str
    phone: str


@dataclass
class Person:
    """The truth about one person; `licenses` are (state, number, issued on) of their profession."""

    profession: str
    first: str
    middle: str
    last: str
    old_last: str
    suffix: str
    state: str
    office: Place
    old_office: Place
    home: Place
    started: date
    licenses: list[tuple[str, int, date]] = field(default_factory=list)


@dataclass(frozen=True)
class Registry:
    """Tables in the shape that include.linkage.licenses reads, and the true (license_key, npi) pairs."""

    providers: pa.Table
    slots: pa.Table
    licenses: pa.Table
    truth: pa.Table

    def write(self, folder: Path) -> None:
        for name in ("providers", "slots", "licenses", "truth"):
            parquet.write_table(getattr(self, name), folder / f"{name}.parquet")


def registry(people: int, seed: int) -> Registry:
    """Return a registry of `people` NPIs; the same seed gives the same one."""
    world = _World(random.Random(seed), people)
    return world.published()


class _World:
    def __init__(self, draw: random.Random, people: int) -> None:
        self.draw = draw
        self.names = Names(draw)
        self.numbers: dict[tuple[str, str], int] = {}
        self.sites = [self._site(state) for state in self._states(max(20, int(people / 2.6)))]
        self.by_state: dict[str, list[Place]] = {}
        for site in self.sites:
            self.by_state.setdefault(site.state, []).append(site)
        self.people: list[Person] = []
        while len(self.people) < people:
            self._family()
        del self.people[people:]
        self.silent = [self._silent() for _ in range(int(people * NOISE["without_npi"]))]

    def has(self, noise: str) -> bool:
        return self.draw.random() < NOISE[noise]

    # --- the truth

    def _states(self, count: int) -> list[str]:
        return self.draw.choices(list(STATES), list(STATES.values()), k=count)

    def _place(self, state: str) -> Place:
        low, high = ZIP3[state]
        zip3 = low + int((high - low + 1) * self.draw.random() ** 2)
        zip5 = f"{zip3:03d}{int(60 * self.draw.random() ** 1.5):02d}"
        line = f"{self.draw.randint(1, 9999)} {self.names.street()} {self.draw.choice(TYPES)}"
        unit = f"Suite {self.draw.randint(1, 40) * 10}" if self.draw.random() < 0.4 else ""
        phone = f"+1{200 + zip3 % 700}{self.draw.randint(200, 999)}{self.draw.randint(0, 9999):04d}"
        return Place(line, unit, f"CITY{zip3}", state, zip5, phone)

    def _site(self, state: str) -> Place:
        place = self._place(state)
        rivals = getattr(self, "_last_site", {})
        if self.has("shared_suite") and state in rivals:
            house: Place = rivals[state]
            place = Place(
                house.line, f"Suite {self.draw.randint(1, 40) * 10 + 5}", house.city, state, house.zip5, place.phone
            )
        self._last_site = rivals | {state: place}
        return place

    def _person(self, **known: Any) -> Person:
        kind = self.draw.random()
        profession = "dentist"
        if kind < NOISE["hygienist"]:
            profession = "hygienist"
        elif kind < NOISE["hygienist"] + NOISE["assistant"]:
            profession = "assistant"
        state = known.pop("state", None) or self._states(1)[0]
        woman = self.has("woman")
        last = known.pop("last", None) or self.names.last()
        sites = self.by_state.get(state) or self.sites
        # Offices are of different sizes: the first of the list have most people.
        office = known.pop("office", None) or sites[int(len(sites) * self.draw.random() ** 1.6)]
        before = sites if self.draw.random() < 0.8 else self.sites
        person = Person(
            profession=known.pop("profession", profession),
            first=known.pop("first", None) or self.names.first(woman),
            middle=self.names.first(woman),
            last=last,
            old_last=self.names.last() if woman and self.has("name_changed") else last,
            suffix=known.pop("suffix", ""),
            state=office.state,
            office=office,
            old_office=self.draw.choice(before),
            home=self._home(office),
            started=date(1975, 6, 1) + timedelta(days=int(18_000 * self.draw.random())),
        )
        person.licenses.append((person.state, self._number(person.state, person.profession), person.started))
        if self.has("second_license"):
            other = self._states(1)[0]
            if other != person.state:
                person.licenses.append((other, self._number(other, person.profession), self._later(person.started)))
        if self.has("new_number"):
            again = self._number(person.state, person.profession)
            person.licenses.append((person.state, again, self._later(person.started)))
        return person

    def _silent(self) -> Person:
        """Somebody without an NPI; the worst of them is the late father of a dentist of the same name, in the same office."""
        if not self.has("silent_parent"):
            return self._person()
        child = self.draw.choice(self.people)
        office = child.office if self.draw.random() < 0.5 else None
        return self._person(first=child.first, last=child.last, suffix="SR" if self.draw.random() < 0.5 else "",
                            state=child.state, office=office, profession=child.profession)  # fmt: skip

    def _home(self, office: Place) -> Place:
        near = self._place(office.state)
        if self.draw.random() < 0.5:
            return Place(near.line, "", office.city, office.state, office.zip5[:3] + near.zip5[3:], near.phone)
        return near

    def _later(self, day: date) -> date:
        return day + timedelta(days=int(365 * self.draw.expovariate(1 / 6)))

    def _enumerated(self, person: Person) -> date:
        """NPIs exist since May 2005: old hands took theirs by 2008, mostly; young ones about when they began, mostly."""
        if person.started < date(2006, 7, 1):
            late = self.has("npi_taken_late")
            return date(2005, 6, 1) + timedelta(days=self.draw.randint(0, 6000 if late else 1100))
        if self.has("npi_taken_at_another_time"):
            return max(date(2005, 6, 1), person.started + timedelta(days=self.draw.randint(-1100, 2900)))
        return person.started + timedelta(days=int(self.draw.gauss(60, 150)))

    def _number(self, state: str, profession: str) -> int:
        # Each profession counts for itself, so a hygienist's number is some dentist's number too.
        last = self.numbers.get((state, profession), 1000)
        self.numbers[state, profession] = last + self.draw.randint(1, 3)
        return self.numbers[state, profession]

    def _family(self) -> None:
        person = self._person()
        self.people.append(person)
        same_office = person.office if self.draw.random() < 0.5 else None
        common: dict[str, Any] = {"last": person.last, "state": person.state}
        if self.has("twin_in_trade"):
            alike = self.names.alike(person.first)
            self.people.append(self._person(**common, first=alike, office=same_office, profession=person.profession))
        if self.has("junior"):
            person.suffix = "SR" if self.draw.random() < 0.5 else ""
            self.people.append(
                self._person(
                    **common, first=person.first, suffix="JR", office=same_office, profession=person.profession
                )
            )
        if self.has("spouse_or_sibling"):
            self.people.append(self._person(**common, office=person.office))

    # --- what is published

    def published(self) -> Registry:
        npis = self.draw.sample(range(200_000_000, 299_999_999), len(self.people))
        providers: list[dict[str, Any]] = []
        slots: list[dict[str, str | None]] = []
        licenses: list[dict[str, Any]] = []
        truth: list[dict[str, str]] = []
        for number, person in zip(npis, self.people, strict=True):
            npi = f"{number}0"
            providers.append(self._provider(npi, person))
            slots += self._slots(npi, person)
            for state, license_number, issued in person.licenses:
                if state != "OTHER":
                    licenses.append(self._license(len(licenses), state, license_number, issued, person))
                    truth.append({"license_key": licenses[-1]["license_key"], "npi": npi})
        for person in self.silent:
            licenses += [self._license(len(licenses) + i, state, number, issued, person)
                         for i, (state, number, issued) in enumerate(p for p in person.licenses if p[0] != "OTHER")]  # fmt: skip
        numbers: dict[tuple[str, str, str], int] = {}
        for row in licenses:
            key = (row["state"], row["profession"], row["number_normal"])
            numbers[key] = numbers.get(key, 0) + 1
        for row in licenses:
            row["number_shared"] = numbers[row["state"], row["profession"], row["number_normal"]] > 1
        self.draw.shuffle(licenses)
        return Registry(*(pa.Table.from_pylist(rows) for rows in (providers, slots, licenses, truth)))

    def _name(self, person: Person, side: str) -> dict[str, str | None]:
        first, middle = person.first, person.middle
        if self.has("goes_by_middle_name"):
            first, middle = middle, first
        if self.has("nickname"):
            first = nickname(self.draw, first)
        if self.has(f"{side}_no_middle"):
            middle = ""
        elif self.has(f"{side}_middle_initial"):
            middle = middle[:1]
        last = person.old_last if self.has(f"{side}_keeps_old_name") else person.last
        if self.has("typo_last"):
            last = typo(self.draw, last)
        if self.has("typo_first"):
            first = typo(self.draw, first)
        suffix = "" if self.has(f"{side}_no_suffix") else person.suffix
        return {"first_name": first, "middle_name": middle or None, "last_name": last, "name_suffix": suffix or None}

    def _line(self, place: Place) -> str:
        line = typo(self.draw, place.line) if self.has("typo_street") else place.line
        if place.unit and self.draw.random() < 0.5:
            line += self.draw.choice((" ", ", ")) + self.draw.choice((place.unit, place.unit.replace("Suite", "Ste")))
        return line

    def _provider(self, npi: str, person: Person) -> dict[str, Any]:
        office = person.old_office if self.has("nppes_old_office") else person.office
        mail = person.home if self.has("nppes_mails_home") else office
        names = self._name(person, "nppes")
        others = {person.last, person.old_last} - {names["last_name"]}
        phone = person.home.phone if self.has("nppes_own_phone") else office.phone
        return {
            "npi": npi,
            "profession": person.profession,
            **names,
            "other_last_name": min(others) if others and self.has("nppes_other_name") else None,
            "line": self._line(office), "city": office.city, "state": office.state, "zip5": office.zip5,
            "phone_e164": None if self.has("nppes_no_phone") else phone,
            "enumeration_date": self._enumerated(person),
            "mailing_line": self._line(mail), "mailing_city": mail.city, "mailing_state": mail.state, "mailing_zip5": mail.zip5,
        }  # fmt: skip

    def _slots(self, npi: str, person: Person) -> list[dict[str, str | None]]:
        if self.has("nppes_no_number"):
            return []
        found: list[dict[str, str | None]] = []
        told = person.licenses if self.draw.random() < 0.5 else person.licenses[:1]
        for state, number, _ in told:
            if self.has("nppes_number_of_colleague"):
                number = max(1001, number - self.draw.randint(1, 300))
            text = _as_typed(self.draw, state, str(number))
            if self.has("nppes_number_wrong"):
                text = typo(self.draw, text)
            where = self._states(1)[0] if self.has("nppes_number_elsewhere") else state
            kind = "identifier 1" if self.has("nppes_number_as_identifier") else f"license {len(found) + 1}"
            profession = None if kind == "identifier 1" else person.profession
            found.append({"npi": npi, "state": where, "number": text, "slot": kind, "profession": profession})
        return found

    def _license(self, key: int, state: str, number: int, issued: date, person: Person) -> dict[str, Any]:
        place = person.office
        if self.has("board_home"):
            place = person.home
        elif self.has("board_old_office"):
            place = person.old_office
        names = self._name(person, "board")
        has_street = state not in NO_STREET and state not in NO_PLACE and not self.has("board_no_street")
        has_place = state not in NO_PLACE
        return {
            "license_key": f"l{key:07d}", "state": state, "profession": person.profession, "number_normal": str(number),
            **names,
            "former_last_name": person.old_last if state == "TX" and person.old_last != names["last_name"] and self.draw.random() < 0.4 else None,
            "line": self._line(place) if has_street else None,
            "city": place.city if has_place else None,
            "address_state": place.state if has_place else None,
            "zip5": place.zip5 if has_place else None,
            "phone_e164": place.phone if state == "TX" and self.draw.random() < 0.8 else None,
            "issued_on": issued if self.draw.random() < 0.97 else None,
        }  # fmt: skip


def _as_typed(draw: random.Random, state: str, number: str) -> str:
    """A license number as people type it into NPPES: with or without the state's own form, zeros, blanks and letters."""
    forms = {
        "NJ": ("22DI{0:0>6}00", "22DI{0:0>6}00", "DI{0:0>6}", "{0}", "22DI0{0}00", "DI {0}"),
        "IL": ("019{0:0>6}", "019{0:0>6}", "019-{0:0>6}", "19{0:0>6}", "{0:0>6}"),
        "MA": ("DN{0}", "{0}", "{0}", "DN {0}"),
        "FL": ("DN{0}", "DN{0}", "DN {0}", "{0}", "DN{0:0>7}"),
        "CO": ("{0}", "{0}", "DEN.{0:0>8}", "DEN-{0}", "{0:0>8}"),
        "WA": ("DE{0:0>8}", "DE{0}", "DE.{0:0>8}", "{0}"),
        "CT": ("2.{0:0>6}", "{0}", "{0:0>6}", "002.{0:0>6}"),
        "CA": ("{0}", "{0}", "DDS{0}", "DDS {0}", "{0:0>6}"),
    }.get(state, ("{0}", "{0}", "{0}", "{0:0>5}", "D{0}", "{0} DDS"))
    return draw.choice(forms).format(number)


def rules() -> dict[str, tuple[str, ...]]:
    """The number rules of the boards that this registry has."""
    return {state: board_source(state).number_rules for state in STATES if state != "OTHER"}
