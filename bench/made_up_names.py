"""Names put together from word lists and syllables, as unevenly shared as real ones, and what happens to them when typed."""

from __future__ import annotations

import random
from itertools import accumulate

from include.linkage.names import nickname_pairs
from services.nppes_sample.words import FIRST_NAMES_F, FIRST_NAMES_M, LAST_NAMES, STREETS

ONSETS = "b br c ch cl d dr f fl g gr h j k kr l m n p pr r s sh st t tr v w z".split()
VOWELS = "a e i o u ai ea ie oo ou".split()
CODAS = ["", "", "n", "r", "l", "s", "t", "ck", "nd", "rs", "ll", "rt", "m"]
ENDINGS = ["", "son", "er", "man", "ez", "ski", "ini", "ton", "berg", "ley", "sen", "ova"]


class Names:
    """Draws names: 300 common last names bear 40 % of people, 30,000 rare ones the rest, both by Zipf's law."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        rare = {_syllables(draw) + draw.choice(ENDINGS) for _ in range(30_000)}
        self.lasts = [name.upper() for name in (*LAST_NAMES, *sorted(rare))]
        split = len(LAST_NAMES)
        self.last_weights = list(accumulate(
            [0.4 * w for w in _zipf(split, 0.9)] + [0.6 * w for w in _zipf(len(self.lasts) - split, 0.7)]
        ))  # fmt: skip
        listed = sorted({name for pair in nickname_pairs() for name in pair if name.isalpha() and len(name) > 4})
        self.women = (
            [n.upper() for n in FIRST_NAMES_F] + listed[::2] + [_syllables(draw).upper() + "A" for _ in range(1500)]
        )
        self.men = [n.upper() for n in FIRST_NAMES_M] + listed[1::2] + [_syllables(draw).upper() for _ in range(1500)]
        self.woman_weights = list(accumulate(_zipf(len(self.women), 0.95)))
        self.man_weights = list(accumulate(_zipf(len(self.men), 0.95)))
        self.streets = [*STREETS, *(_syllables(draw).title() for _ in range(1500))]

    def last(self) -> str:
        return self.draw.choices(self.lasts, cum_weights=self.last_weights)[0]

    def first(self, woman: bool) -> str:
        names, weights = (self.women, self.woman_weights) if woman else (self.men, self.man_weights)
        return self.draw.choices(names, cum_weights=weights)[0]

    def alike(self, first: str) -> str:
        """A first name such as twins have: another one with the same initial, where one is found."""
        for _ in range(200):
            name = self.first(self.draw.random() < 0.5)
            if name[0] == first[0] and name != first:
                return name
        return first[0] + "AREN"

    def street(self) -> str:
        direction = self.draw.choice(("", "", "", "N ", "S ", "E ", "W ", "North ", "South "))
        return direction + self.draw.choice(self.streets)


def nickname(draw: random.Random, first: str) -> str:
    """What people call somebody: half of the time from a list, else the first letters, or a name that tells nothing."""
    listed = sorted(short for name, short in _pairs_of(first))
    if listed and draw.random() < 0.5:
        return draw.choice(listed)
    if draw.random() < 0.6:
        return first[: draw.randint(3, 4)]
    return draw.choice(FIRST_NAMES_M).upper()


def typo(draw: random.Random, text: str) -> str:
    """One wrong keystroke: a letter changed, dropped, doubled or swapped with its neighbour."""
    at = draw.randrange(len(text))
    alphabet = "0123456789" if text[at].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    kind = draw.randrange(4)
    if kind == 0:
        return text[:at] + draw.choice(alphabet) + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at + 1 :] if len(text) > 2 else text
    if kind == 2:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]


_BY_NAME: dict[str, list[tuple[str, str]]] = {}


def _pairs_of(first: str) -> list[tuple[str, str]]:
    if not _BY_NAME:
        for pair in nickname_pairs():
            _BY_NAME.setdefault(pair[0], []).append(pair)
    return _BY_NAME.get(first, [])


def _syllables(draw: random.Random) -> str:
    return "".join(
        draw.choice(ONSETS) + draw.choice(VOWELS) + draw.choice(CODAS) for _ in range(draw.choice((1, 2, 2, 3)))
    )


def _zipf(count: int, exponent: float) -> list[float]:
    weights = [1 / (rank + 3) ** exponent for rank in range(count)]
    total = sum(weights)
    return [weight / total for weight in weights]
