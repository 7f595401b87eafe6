"""The world: who is behind each NPI, at which true address, and what the vendors believe instead.

Everything is a function of (seed, NPI) and of the registry rows; nothing depends on the order of calls.
Addresses are made up, in practice domains below .example, so that no mail can ever leave.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from services.sandbox import registry
from services.sandbox.base_rates import MAILBOXES, base_rates
from services.sandbox.draws import choice, digest, uniform

NAME_ENDINGS = {"JR", "SR", "II", "III", "IV", "DDS", "DMD", "MS", "MSD", "PHD", "RDH", "DR", "MD", "BDS", "MPH"}
COMPANY_NOISE = {"LLC", "INC", "PC", "PA", "PLLC", "LTD", "PROF", "CORP", "CO", "THE", "AND", "OF", "DDS", "DMD", "DR"}


@dataclass(frozen=True)
class Person:
    """A dentist (entity type 1) as the world knows them. `practice_size`: dental people at the same address."""

    npi: str
    first_name: str
    last_name: str
    credential: str
    specialty: str
    practice_name: str
    practice_names: tuple[str, ...]
    practice_key: str
    practice_size: int
    address: str
    city: str
    state: str
    zip5: str
    phone: str
    years: float
    is_active: bool
    email: str
    domain: str
    linkedin_slug: str
    licenses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Mailbox:
    """What an address leads to. `kind`: true | catch_all | former | wrong | unknown; a person unless unknown."""

    address: str
    kind: str
    person: Person | None


@dataclass(frozen=True)
class WizaView:
    """What Wiza believes about a person. `outcome`: email | profile | nothing; `mailbox`: which address it has."""

    outcome: str
    mailbox: str
    email: str | None
    email_status: str
    mobile_phone: str | None


class World:
    """People and practices of the zips in a folder. Files that appear, change or vanish are noticed at each look-up."""

    def __init__(self, folder: Path, seed: int, today: str) -> None:
        self.folder = folder
        self.seed = seed
        self.year = int(today[:4]) + (int(today[5:7]) - 1) / 12
        self._sources: list[registry.Source] = []
        self._folder_ns = -1
        self._rows: dict[registry.Source, list[tuple[str, registry.Row]]] = {}
        self._people: dict[str, Person] = {}
        self._by_name: dict[str, list[Person]] = {}
        self._by_slug: dict[str, Person] = {}
        self._by_mailbox: dict[str, Mailbox] = {}
        self._by_phone: dict[str, list[Person]] = {}
        self._by_domain: dict[str, list[Person]] = {}
        self._by_practice: dict[str, list[Person]] = {}

    def people(self) -> dict[str, Person]:
        """NPI -> person, as of the files that are in the folder now."""
        self._refresh()
        return self._people

    def person(self, npi: str) -> Person | None:
        return self.people().get(npi)

    def person_at(self, full_name: str, company: str, domain: str) -> Person | None:
        """The person whom a search by name and company or domain finds; None when nobody or too many fit."""
        self._refresh()
        named = self._by_name.get(name_key(full_name), [])
        if domain:
            return next((person for person in named if person.domain == domain.lower().strip()), None)
        if len(named) < 2:
            return next(iter(named), None)
        ranked = sorted(((company_overlap(company, person), person.npi, person) for person in named), reverse=True)
        best, second = ranked[0], ranked[1]
        return best[2] if best[0] >= 0.5 and best[0] > second[0] else None

    def person_in(self, full_name: str, city: str, state: str) -> Person | None:
        """The person whom a search by name and place finds; None when nobody or several fit."""
        self._refresh()
        place = (city.strip().upper(), state.strip().upper())
        named = [
            one for one in self._by_name.get(name_key(full_name), []) if (one.city.upper(), one.state.upper()) == place
        ]
        return named[0] if len(named) == 1 else None

    def person_of_profile(self, profile_url: str) -> Person | None:
        self._refresh()
        return self._by_slug.get(profile_url.rstrip("/").rsplit("/", 1)[-1].lower())

    def mailbox(self, address: str) -> Mailbox:
        """What this address leads to; kind "unknown" for one that the world never gave out."""
        self._refresh()
        key = address.strip().lower()
        return self._by_mailbox.get(key, Mailbox(key, "unknown", None))

    def people_of_phone(self, digits: str) -> list[Person]:
        self._refresh()
        return self._by_phone.get(digits, [])

    def practice_at(self, domain: str, name: str = "") -> Person | None:
        """Somebody at the practice of this domain, else of this name; None when nobody or several practices fit."""
        self._refresh()
        if domain:
            return next(iter(self._by_domain.get(domain.lower().strip().removeprefix("www."), [])), None)
        named = self._by_practice.get(_practice_name_key(name), [])
        return named[0] if named and len({person.domain for person in named}) == 1 else None

    def is_findable(self, person: Person) -> bool:
        """Whether anybody can know a work e-mail of this person; if not, no vendor does."""
        return uniform(self.seed, person.npi, "findable") < base_rates().findable[size_of(person)]

    def wiza_view(self, person: Person) -> WizaView:
        """As good everywhere; some addresses are former, wrong or catch-all, and former ones look valid."""
        rates, size = base_rates().vendors["wiza"], size_of(person)
        email, profile = rates.finds[size]
        outcomes = [("email", email), ("profile", profile), ("nothing", 1 - email - profile)]
        outcome = choice(outcomes, uniform(self.seed, person.npi, "wiza"))
        if outcome == "email" and not self.is_findable(person):
            outcome = "profile"
        shares = list(zip(MAILBOXES, rates.mailboxes[size], strict=True))
        mailbox = choice(shares, uniform(self.seed, person.npi, "wiza mailbox"))
        has_mobile = outcome != "nothing" and uniform(self.seed, person.npi, "wiza mobile") < rates.mobile
        return WizaView(
            outcome=outcome,
            mailbox=mailbox if outcome == "email" else "none",
            email=self.address_of(person, mailbox) if outcome == "email" else None,
            email_status={"email": "risky" if mailbox == "catch_all" else "valid"}.get(outcome, "unfound"),
            mobile_phone=mobile_of(self.seed, person) if has_mobile else None,
        )

    def address_of(self, person: Person, kind: str) -> str:
        """The address of one of MAILBOXES for this person."""
        local, domain = person.email.split("@")
        if kind == "catch_all":
            first, last, tag = local.split(".")
            return f"{first[0]}{last}.{tag}@{domain}"
        if kind == "former":
            return f"{local}@former-{digest(self.seed, person.npi, 'former')[:6]}.example"
        if kind == "wrong":
            return f"{local}@{digest(self.seed, person.npi, 'wrong')[:6]}-namesake.example"
        return person.email

    def _refresh(self) -> None:
        changed_ns = self.folder.stat().st_mtime_ns if self.folder.is_dir() else 0
        if changed_ns == self._folder_ns and all(source.is_current() for source in self._sources):
            return
        self._folder_ns = changed_ns
        found = registry.sources(self.folder)
        if found == self._sources:
            return
        for source in found:
            if source not in self._rows:
                self._rows[source] = list(registry.rows(source))
        self._rows = {source: self._rows[source] for source in found}
        self._sources = found
        self._index()

    def _index(self) -> None:
        dated = sorted((period, row.npi, row) for rows in self._rows.values() for period, row in rows)
        newest = {npi: row for _, npi, row in dated}
        organizations: dict[str, set[str]] = defaultdict(set)
        sizes: dict[str, int] = defaultdict(int)
        for row in newest.values():
            if row.is_person:
                sizes[practice_key(row)] += 1
            else:
                organizations[practice_key(row)].add(row.organization_name)
        people = [
            self._new_person(row, sorted(organizations[practice_key(row)]), sizes[practice_key(row)])
            for row in newest.values()
            if row.is_person and row.last_name and row.first_name
        ]
        self._people = {person.npi: person for person in people}
        self._by_slug = {person.linkedin_slug: person for person in people}
        self._by_name, self._by_phone, self._by_mailbox = defaultdict(list), defaultdict(list), {}
        self._by_domain, self._by_practice = defaultdict(list), defaultdict(list)
        for person in sorted(people, key=lambda person: person.npi, reverse=True):
            self._by_name[name_key(f"{person.first_name} {person.last_name}")].append(person)
            self._by_phone[person.phone].append(person)
            self._by_domain[person.domain].append(person)
            self._by_practice[_practice_name_key(person.practice_name)].append(person)
            for kind in MAILBOXES:
                address = self.address_of(person, kind)
                self._by_mailbox[address] = Mailbox(address, kind, person)
        self._by_name, self._by_phone = dict(self._by_name), dict(self._by_phone)
        self._by_domain, self._by_practice = dict(self._by_domain), dict(self._by_practice)

    def _new_person(self, row: registry.Row, organizations: list[str], size: int) -> Person:
        key = practice_key(row)
        name = organizations[0] if organizations else f"{row.last_name.title()} Dental"
        domain = f"{_slug(name)[:28].strip('-')}-{digest(self.seed, key, 'domain')[:4]}.example"
        tag = digest(self.seed, row.npi, "mailbox")[:3]
        enumerated = row.enumerated
        years = self.year - (enumerated.year + (enumerated.month - 1) / 12) if enumerated else 10.0
        return Person(
            npi=row.npi,
            first_name=row.first_name,
            last_name=row.last_name,
            credential=re.sub(r"[^A-Z,]", "", row.credential.upper()),
            specialty=row.specialty,
            practice_name=name,
            practice_names=(*organizations, f"{row.last_name.title()} Dental"),
            practice_key=key,
            practice_size=size,
            address=row.address,
            city=row.city,
            state=row.state,
            zip5=row.zip5,
            phone=row.phone,
            years=max(0.0, years),
            is_active=row.is_active,
            email=f"{_slug(row.first_name)}.{_slug(row.last_name)}.{tag}@{domain}",
            domain=domain,
            linkedin_slug=f"{_slug(row.first_name)}-{_slug(row.last_name)}-{digest(self.seed, row.npi, 'slug')[:7]}",
            licenses=row.licenses,
        )


def size_of(person: Person) -> str:
    """solo, small or group, by the number of dental people at the address."""
    return "solo" if person.practice_size <= 1 else "small" if person.practice_size <= 4 else "group"


def practice_key(row: registry.Row) -> str:
    """One key for one location: the first address line in upper case with single blanks, and ZIP5."""
    return f"{' '.join(re.sub(r'[^A-Z0-9 ]', ' ', row.address.upper()).split())}|{row.zip5}"


def name_key(full_name: str) -> str:
    """First and last word of a name in upper case, without titles, degrees and punctuation."""
    words = [word for word in _words(full_name) if word not in NAME_ENDINGS]
    return f"{words[0]} {words[-1]}" if words else ""


def company_overlap(company: str, person: Person) -> float:
    """How well a company name fits a person's practices, 0..1: shared words over the words of the shorter name."""
    asked = {word for word in _words(company) if word not in COMPANY_NOISE}
    if not asked:
        return 0.0
    known = [{word for word in _words(name) if word not in COMPANY_NOISE} for name in person.practice_names]
    return max((len(asked & words) / min(len(asked), len(words)) for words in known if words), default=0.0)


def _practice_name_key(name: str) -> str:
    return " ".join(word for word in _words(name) if word not in COMPANY_NOISE)


def _words(text: str) -> list[str]:
    return re.sub(r"[^A-Z0-9 ]", " ", text.upper().replace(".", "").replace("'", "")).split()


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def mobile_of(seed: int, person: Person) -> str:
    """The person's own number, E.164."""
    area = person.phone[:3] if len(person.phone) == 10 else "202"
    return f"+1{area}555{int(digest(seed, person.npi, 'mobile')[:8], 16) % 10000:04d}"
