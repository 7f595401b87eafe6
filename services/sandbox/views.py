"""What Apollo and Clay believe about people and practices: each knows others, and knows them well or badly by segment.

Wiza (world.py) is as good everywhere. Apollo is cheap and strong where LinkedIn is: groups and large states; for solo
practices and staff it often has an old address, and charges for it. Clay asks many sources, is good nearly everywhere,
and dear. So no fixed order is the cheapest in every segment. The shares, with their sources: base_rates.yaml.
"""

from collections.abc import Callable
from dataclasses import dataclass

from services.sandbox.base_rates import MAILBOXES, Vendor, base_rates
from services.sandbox.draws import choice, digest, normal, uniform
from services.sandbox.world import Person, World, mobile_of, size_of

STAFF = {"hygienist", "assistant", "therapist", "technician", "denturist"}
LARGE_STATES = {"CA", "TX", "FL", "NY", "IL", "PA"}


@dataclass(frozen=True)
class View:
    """What a vendor believes about a person. `mailbox`: which of the world's addresses `email` is, or none.

    `confidence`: how sure the vendor says it is of the e-mail, 0..1. `domain`: where it thinks the person works.
    """

    is_known: bool
    mailbox: str
    email: str | None
    confidence: float
    linkedin_slug: str | None
    mobile_phone: str | None
    domain: str


@dataclass(frozen=True)
class Company:
    """A practice as it is, or as a vendor tells it. Money in USD a year."""

    name: str
    domain: str
    employees: int
    revenue: int
    founded: int
    phone: str
    address: str
    city: str
    state: str
    zip5: str


class Known:
    """Whom a vendor knows, in order of NPI; worked out once for each state of the registry."""

    def __init__(self, world: World, knows: Callable[[Person], bool]) -> None:
        self._world = world
        self._knows = knows
        self._seen: dict[str, Person] | None = None
        self._known: list[Person] = []

    def people(self) -> list[Person]:
        everybody = self._world.people()
        if everybody is not self._seen:
            self._known = [person for _, person in sorted(everybody.items()) if self._knows(person)]
            self._seen = everybody
        return self._known


def apollo_view(world: World, person: Person) -> View:
    email, profile = base_rates().vendors["apollo"].finds[size_of(person)]
    email += 0.06 if person.state in LARGE_STATES else -0.06
    if person.specialty in STAFF:
        email *= 0.4
    return _view(world, person, "apollo", (email, profile))


def clay_view(world: World, person: Person) -> View:
    return _view(world, person, "clay", base_rates().vendors["clay"].finds[size_of(person)])


def true_company(world: World, person: Person) -> Company:
    """The practice of a person. Everybody at one domain gets the same."""

    def draw(label: str) -> float:
        return uniform(world.seed, person.domain, label)

    employees = max(1, round(person.practice_size * (2.5 + 1.5 * draw("employees"))))
    return Company(
        name=person.practice_name,
        domain=person.domain,
        employees=employees,
        revenue=round(employees * (110 + 90 * draw("revenue"))) * 1000,
        founded=int(world.year) - 2 - int(38 * draw("founded")),
        phone=f"+1{person.phone}",
        address=person.address.title(),
        city=person.city.title(),
        state=person.state,
        zip5=person.zip5,
    )


def company_view(world: World, vendor: Vendor, person: Person) -> Company | None:
    """What a vendor tells about the practice: employees and revenue are off by a tenth or so; None when unknown."""
    if uniform(world.seed, person.domain, vendor, "company") > base_rates().vendors[vendor].company[size_of(person)]:
        return None
    true = true_company(world, person)
    factor = max(0.5, 1 + 0.12 * normal(world.seed, person.domain, vendor, "company noise"))
    return Company(
        **{
            **true.__dict__,
            "employees": max(1, round(true.employees * factor)),
            "revenue": round(true.revenue * factor / 1000) * 1000,
        }
    )


def _view(world: World, person: Person, vendor: Vendor, finds: tuple[float, float]) -> View:
    rates = base_rates().vendors[vendor]

    def draw(label: str) -> float:
        return uniform(world.seed, person.npi, vendor, label)

    email, profile = finds
    outcome = choice([("email", email), ("profile", profile), ("nothing", 1 - email - profile)], draw("outcome"))
    if outcome == "email" and not world.is_findable(person):
        outcome = "profile"
    if outcome == "nothing":
        return View(False, "none", None, 0.0, None, None, "")
    kind = choice(list(zip(MAILBOXES, rates.mailboxes[size_of(person)], strict=True)), draw("mailbox"))
    mailbox = kind if outcome == "email" else "none"
    address = world.address_of(person, kind) if outcome == "email" else None
    has_page = outcome == "email" or draw("page") < 0.6
    slug = person.linkedin_slug if mailbox != "wrong" else f"{person.linkedin_slug[:-7]}{digest(world.seed, person.npi, vendor, 'page')[:7]}"  # fmt: skip
    return View(
        is_known=True,
        mailbox=mailbox,
        email=address,
        confidence=_confidence(mailbox, draw("confidence")),
        linkedin_slug=slug if has_page else None,
        mobile_phone=mobile_of(world.seed, person) if draw("mobile") < rates.mobile else None,
        domain=address.split("@")[1] if address else person.domain,
    )


def _confidence(mailbox: str, share: float) -> float:
    """High for what looks verified, and a former or a namesake's address looks so too; low for a catch-all's guess."""
    if mailbox == "none":
        return 0.0
    low, high = (0.35, 0.7) if mailbox == "catch_all" else (0.7, 0.97) if mailbox in ("former", "wrong") else (0.85, 1.0)  # fmt: skip
    return round(low + (high - low) * share, 2)
