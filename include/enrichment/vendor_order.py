"""The order of vendors that is worth most in a segment, learned from what they answered before.

A usable contact is worth so much to us; a step costs what its vendor charges. With V(S) for what a person is worth of
whom the vendors S have been asked in vain:

    V(S) = max(0, max over v not in S of  usable(v | S) * worth - usd(v | S) + (1 - usable(v | S)) * V(S + v))

Solved for every S: with a handful of vendors there are few. Stopping (0) wins where one more contact costs more than it
is worth. Rates depend on who was asked before in vain, because whom one vendor does not know, the next knows less often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from include.enrichment.waterfall import VendorPolicy


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers of one vendor in one segment about people whom the vendors in `before` had been asked for in vain."""

    segment: str
    vendor: str
    before: frozenset[str]
    asked: int
    usable: int
    credits: float


@dataclass(frozen=True, slots=True)
class Rate:
    """What asking one person comes to: chance of a usable contact, credits, USD."""

    usable: float
    credits: float
    usd: float


@dataclass(frozen=True, slots=True)
class Plan:
    """An order and what it is expected to come to for one person. usd_per_usable: infinite where nothing is found."""

    order: tuple[str, ...]
    usable: float
    usd: float

    @property
    def usd_per_usable(self) -> float:
        return self.usd / self.usable if self.usable else float("inf")


class Rates:
    """Rates by segment, vendor and who was asked before in vain. prior_weight: answers that the declared rate counts for.

    What a segment has not answered yet is taken from all segments, then from the declared prior: each stands in as
    `prior_weight` answers for the one above it.
    """

    def __init__(self, tallies: Iterable[Tally], vendors: Mapping[str, VendorPolicy], prior_weight: float) -> None:
        self._vendors = vendors
        self._weight = prior_weight
        self._of_segment: dict[tuple[str, str, frozenset[str]], tuple[int, int, float]] = {}
        self._of_all: dict[tuple[str, frozenset[str]], tuple[int, int, float]] = {}
        for one in tallies:
            counted = (one.asked, one.usable, one.credits)
            _add(self._of_segment, (one.segment, one.vendor, one.before), counted)
            _add(self._of_all, (one.vendor, one.before), counted)

    def answers(self, segment: str) -> int:
        """How many answers of this segment the rates stand on."""
        return sum(asked for (of, _, _), (asked, _, _) in self._of_segment.items() if of == segment)

    def rate(self, segment: str, vendor: str, before: frozenset[str]) -> Rate:
        declared = self._vendors[vendor]
        usable, credits = declared.prior.usable, declared.prior.credits
        for asked, found, spent in (
            self._of_all.get((vendor, before), (0, 0, 0.0)),
            self._of_segment.get((segment, vendor, before), (0, 0, 0.0)),
        ):
            weight = asked + self._weight
            if weight:
                usable = (found + self._weight * usable) / weight
                credits = (spent + self._weight * credits) / weight
        return Rate(usable, credits, declared.usd(credits))


def evaluated(rates: Rates, segment: str, order: Sequence[str]) -> Plan:
    """Return what this order is expected to come to, asking on until a contact is usable."""
    left, usable, usd = 1.0, 0.0, 0.0
    for place, vendor in enumerate(order):
        rate = rates.rate(segment, vendor, frozenset(order[:place]))
        usd += left * rate.usd
        usable += left * rate.usable
        left *= 1.0 - rate.usable
    return Plan(tuple(order), usable, usd)


def best_order(rates: Rates, segment: str, vendors: Sequence[str], worth: float) -> Plan:
    """Return the order that is worth most where a usable contact is worth ``worth`` USD; empty where none pays.

    Of two that are worth the same, the one that comes first in ``vendors``.
    """

    @cache
    def best(asked: frozenset[str]) -> tuple[float, tuple[str, ...]]:
        value, order = 0.0, ()  # type: tuple[float, tuple[str, ...]]
        for vendor in vendors:
            if vendor in asked:
                continue
            rate = rates.rate(segment, vendor, asked)
            later, then = best(asked | {vendor})
            gain = rate.usable * worth - rate.usd + (1.0 - rate.usable) * later
            if gain > value + 1e-12:
                value, order = gain, (vendor, *then)
        return value, order

    return evaluated(rates, segment, best(frozenset())[1])


def everyone(rates: Rates, segment: str, vendors: Sequence[str]) -> Plan:
    """Return what asking every vendor for every person comes to: as many contacts as a full order, at full price."""
    full = evaluated(rates, segment, vendors)
    usd = sum(rates.rate(segment, vendor, frozenset()).usd for vendor in vendors)
    return Plan(tuple(vendors), full.usable, usd)


def _add[K](counts: dict[K, tuple[int, int, float]], key: K, more: tuple[int, int, float]) -> None:
    asked, usable, credits = counts.get(key, (0, 0, 0.0))
    counts[key] = (asked + more[0], usable + more[1], credits + more[2])
