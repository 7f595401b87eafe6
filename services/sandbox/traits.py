"""Hidden traits of a person, and the chance that an e-mail with some creative gets a positive answer.

Need and budget are mostly a function of what the registry shows (specialty, practice size at the address, years since
enumeration, state, credential); the rest is noise from (seed, NPI). An honest model of the visible part reaches an
AUC of about 0.75 to 0.8. The numbers are ours: made up to be learnable, not measured on real dentists.
"""

import hashlib
import math
import re
from dataclasses import asdict, dataclass

from services.sandbox.draws import choice, normal, uniform
from services.sandbox.world import Person

SPECIALTY_NEED = {
    "general": 0.35,
    "orthodontics": 1.25,
    "pediatric": 0.75,
    "prosthodontics": 0.55,
    "periodontics": 0.0,
    "endodontics": -0.55,
    "oral_surgery": -0.35,
    "public_health": -1.6,
    "hygienist": -1.7,
    "assistant": -1.9,
    "therapist": -1.3,
    "technician": -1.8,
    "denturist": -0.8,
}
SPECIALTY_BUDGET = {"orthodontics": 0.9, "oral_surgery": 0.8, "prosthodontics": 0.5, "public_health": -1.0}
GROWING_STATES = {"TX", "FL", "AZ", "NC", "GA", "TN", "UT", "NV", "ID", "SC", "CO"}
SLOW_STATES = {"NY", "CA", "IL", "CT", "MA", "PR", "HI", "AK"}
TASTES = ("growth", "efficiency", "savings", "clinical", "peers")
WORDS = {
    "growth": "growth grow new patients fill schedule revenue production expand demand marketing",
    "efficiency": "efficiency efficient time hours staff front desk admin automation workflow easy simple",
    "savings": "savings save cost costs price fees roi budget margin overhead discount free",
    "clinical": "clinical care quality evidence outcomes safety science compliance education technology",
    "peers": "peers peer proof social case study story stories testimonial community local owner owners practice",
}
TASTE_OF_WORD = {word: taste for taste, words in WORDS.items() for word in words.split()}
TASTE_BY_SPECIALTY = {
    "orthodontics": "growth",
    "pediatric": "peers",
    "prosthodontics": "clinical",
    "periodontics": "clinical",
    "endodontics": "clinical",
    "oral_surgery": "clinical",
    "hygienist": "efficiency",
    "public_health": "savings",
}
MATCH_FACTOR = 1.5
MISMATCH_FACTOR = 0.9
BASE_LOGIT = -3.75


@dataclass(frozen=True)
class Traits:
    """`need`, `budget`: about standard normal. `hour`: local hour 8..17 at which mail is read most."""

    need: float
    budget: float
    channel: str
    hour: int
    taste: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def traits(person: Person, seed: int) -> Traits:
    """The traits of a person; the same for the same seed and registry row."""
    channels = [("email", 0.5), ("phone", 0.25), ("sms", 0.15), ("linkedin", 0.1)]
    return Traits(
        need=visible_need(person) + 0.3 * normal(seed, person.npi, "need"),
        budget=visible_budget(person) + 0.5 * normal(seed, person.npi, "budget"),
        channel=choice(channels, uniform(seed, person.npi, "channel")),
        hour=8 + int(10 * uniform(seed, person.npi, "hour")),
        taste=_taste(person, seed),
    )


def visible_need(person: Person) -> float:
    """The part of need that the registry shows."""
    return (
        SPECIALTY_NEED.get(person.specialty, -0.4)
        + _size_effect(person.practice_size)
        + _years_effect(person.years)
        + (0.45 if person.state in GROWING_STATES else -0.45 if person.state in SLOW_STATES else 0.0)
        + (0.2 if re.search(r"MS|MPH|PHD", person.credential) else 0.0)
    )


def visible_budget(person: Person) -> float:
    """The part of budget that the registry shows."""
    return (
        SPECIALTY_BUDGET.get(person.specialty, 0.0)
        + min(1.0, 0.28 * math.log2(max(1, person.practice_size)))
        + (0.4 if 5 <= person.years <= 22 else -0.3)
    )


def positive_chance(traits_: Traits, content_block_id: str, step: int, local_hour: int) -> float:
    """Chance of a positive human answer to one delivered e-mail. An empty block id is a neutral creative."""
    logit = BASE_LOGIT + 1.45 * traits_.need + 0.25 * traits_.budget + (0.25 if traits_.channel == "email" else -0.2)
    logit += 0.12 if abs(local_hour - traits_.hour) <= 1 else 0.0
    chance = 1 / (1 + math.exp(-logit))
    if content_block_id:
        chance *= MATCH_FACTOR if taste_of_block(content_block_id) == traits_.taste else MISMATCH_FACTOR
    return min(0.85, chance * (1.0 if step == 1 else 0.4))


def taste_of_block(content_block_id: str) -> str:
    """The taste that a content block speaks to: by the first known word in its name, else by a hash of its words."""
    words = re.findall(r"[a-z]+", content_block_id.lower())
    known = next((TASTE_OF_WORD[word] for word in words if word in TASTE_OF_WORD), None)
    if known:
        return known
    number = int(hashlib.sha256(" ".join(sorted(words)).encode()).hexdigest()[:8], 16)
    return TASTES[number % len(TASTES)]


def _size_effect(size: int) -> float:
    if size <= 1:
        return -0.25
    if size <= 4:
        return 0.6
    return 0.2 if size <= 9 else -0.9


def _years_effect(years: float) -> float:
    if years < 2:
        return -0.3
    if years <= 12:
        return 0.6
    return 0.0 if years <= 20 else -0.8


def _taste(person: Person, seed: int) -> str:
    """Two of three follow what their kind of practice likes; the others are of any taste."""
    usual = TASTE_BY_SPECIALTY.get(person.specialty)
    if usual is None:
        usual = "savings" if person.practice_size <= 1 else "growth" if person.practice_size <= 4 else "efficiency"
    if uniform(seed, person.npi, "taste follows") < 0.67:
        return usual
    return TASTES[int(uniform(seed, person.npi, "taste") * len(TASTES))]
