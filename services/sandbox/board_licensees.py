"""Who is on each state board's list: the world's dentists as their board knows them, and some whom NPPES does not know.

Everything is a function of (seed, person, state) and of the day: a board differs from the registry, as it does in life.
Some names changed, some licenses lapsed, some holders retired, died or were disciplined, and a few status words are new.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from services.sandbox.draws import choice, digest, uniform
from services.sandbox.world import Person, World

# Where a state's registry has few or no dentists, some of its neighbours' hold a second license in it.
NEIGHBOURS = {"TX": ("CA",), "NJ": ("NY", "PA"), "MA": ("NY",), "FL": ("GA",), "WA": ("CA",), "IL": ("OH",),
              "CT": ("NY",), "CO": ("TX", "CA"), "CA": ("WA",), "NC": ("GA",)}  # fmt: skip
SECOND_LICENSE_SHARE = 0.12
NOT_IN_NPPES_SHARE = 0.06
FEWEST_NOT_IN_NPPES = 25
STANDINGS = [("active", 0.735), ("lapsed", 0.12), ("retired", 0.06), ("deceased", 0.04), ("disciplined", 0.02),
             ("restricted", 0.02), ("new_word", 0.005)]  # fmt: skip
CHANGE_FROM, CHANGE_DAYS = date(2025, 7, 1), 365  # in this year, some active licenses lapse, each on a day of its own
OTHER_PROFESSIONS = {"hygienist", "assistant", "technician", "denturist", "therapist"}
HEADS = ("ADA", "BORIS", "CELIA", "DMITRI", "ESTHER", "FELIX", "GRETA", "HAMID", "INES", "JONAS", "KIRA", "LORENZO")
TAILS = ("ABERNATHY", "BELLWETHER", "CROWHURST", "DELACROIX", "EASTERBROOK", "FAIRWEATHER", "GREENHALGH", "HOLLOWAY")


@dataclass(frozen=True)
class Licensee:
    """One license. `standing`: active | lapsed | retired | deceased | disciplined | restricted | new_word.

    `number`: as NPPES has it, or digits only for a number that NPPES does not know. `npi`: "" when NPPES lacks the person.
    """

    key: str
    npi: str
    number: str
    first_name: str
    middle_name: str
    last_name: str
    former_last_name: str
    standing: str
    issued: date
    expires: date
    address: str
    city: str
    state: str
    zip5: str
    phone: str
    email: str


def licensees(world: World, state: str, today: date) -> list[Licensee]:
    """The list of one state's board on one day, in the order of its own keys."""
    dentists = (person for person in world.people().values() if person.specialty not in OTHER_PROFESSIONS)
    people = sorted(dentists, key=lambda person: person.npi)
    own = [person for person in people if person.state == state or any(held == state for held, _ in person.licenses)]
    second = [
        person
        for person in people
        if person.state in NEIGHBOURS[state]
        and person not in own
        and uniform(world.seed, person.npi, "second licence", state) < SECOND_LICENSE_SHARE
    ]
    known = [_of_person(world.seed, person, state, today) for person in (*own, *second)]
    strangers = max(FEWEST_NOT_IN_NPPES, round(NOT_IN_NPPES_SHARE * len(known)))
    found = [*known, *(_stranger(world.seed, number, state, today) for number in range(strangers))]
    return sorted(found, key=lambda licensee: licensee.key)


def _of_person(seed: int, person: Person, state: str, today: date) -> Licensee:
    held = next((number for held, number in person.licenses if held == state and re.search(r"\d", number)), "")
    is_renamed = uniform(seed, person.npi, "renamed") < 0.03
    lives_elsewhere = uniform(seed, person.npi, "home address") < 0.3
    years = min(45, int(person.years) + int(8 * uniform(seed, person.npi, "issued", state)))
    return _licensee(
        seed, (person.npi, state), state, today, years,
        npi=person.npi,
        number=held or _digits(seed, person.npi, state),
        first_name=person.first_name.upper(),
        last_name=_name(seed, person.npi, TAILS) if is_renamed else person.last_name.upper(),
        former_last_name=person.last_name.upper() if is_renamed else "",
        address=f"{1 + int(uniform(seed, person.npi, 'house') * 9800)} MEADOW LN" if lives_elsewhere else person.address,
        city=person.city.upper(), home_state=person.state, zip5=person.zip5, phone=person.phone,
    )  # fmt: skip


def _stranger(seed: int, number: int, state: str, today: date) -> Licensee:
    who = f"stranger {number}"
    return _licensee(
        seed, (who, state), state, today, int(45 * uniform(seed, who, "years", state)),
        npi="", number=_digits(seed, who, state), first_name=_name(seed, who + state, HEADS),
        last_name=_name(seed, who + state, TAILS), former_last_name="", address=f"{100 + number} HARBOR ST",
        city="SPRINGFIELD", home_state=state, zip5=f"{10000 + int(80000 * uniform(seed, state, 'zip')):05d}", phone="",
    )  # fmt: skip


def _licensee(
    seed: int, who: tuple[str, str], state: str, today: date, years: int, *, npi: str, number: str, first_name: str,
    last_name: str, former_last_name: str, address: str, city: str, home_state: str, zip5: str, phone: str,
) -> Licensee:  # fmt: skip
    standing = choice(STANDINGS, uniform(seed, *who, "standing"))
    changes = CHANGE_FROM + timedelta(days=int(CHANGE_DAYS * uniform(seed, *who, "changes on")))
    if standing == "active" and uniform(seed, *who, "changes") < 0.08 and changes <= today:
        standing = "lapsed"
    month = 1 + int(12 * uniform(seed, *who, "month"))
    issued = date(2024 - years, month, 1 + int(28 * uniform(seed, *who, "day")))
    expires = date(
        2027 if standing in ("active", "restricted", "new_word") else max(issued.year + 1, 2024 - years // 4), month, 28
    )
    has_email = uniform(seed, *who, "board email") < 0.4
    return Licensee(
        key=digest(seed, *who, "row"), npi=npi, number=number, first_name=first_name,
        middle_name=_name(seed, who[0], HEADS) if uniform(seed, who[0], "middle") < 0.6 else "",
        last_name=last_name, former_last_name=former_last_name, standing=standing, issued=issued, expires=expires,
        address=address, city=city, state=home_state, zip5=zip5, phone=phone,
        email=f"{first_name}.{last_name}@mail.example".lower().replace(" ", "") if has_email else "",
    )  # fmt: skip


def _digits(seed: int, who: str, state: str) -> str:
    return str(1 + int(9998 * uniform(seed, who, "licence number", state)))


def _name(seed: int, who: str, names: tuple[str, ...]) -> str:
    return names[int(len(names) * uniform(seed, who, "name", names[0]))]
