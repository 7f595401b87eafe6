"""The learned order against a search over every order, and where it stops."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations

import pytest

from include.enrichment.vendor_order import Rates, Tally, best_order, evaluated, everyone
from include.enrichment.waterfall import policy

VENDORS = policy().vendors
ORDER = ("wiza", "apollo", "clay")
NONE: frozenset[str] = frozenset()


def _tally(vendor: str, usable: float, credits: float, before: frozenset[str] = NONE, asked: int = 1000) -> Tally:
    return Tally("general/solo", vendor, before, asked, int(asked * usable), asked * credits)


def _value(rates: Rates, order: tuple[str, ...], worth: float) -> float:
    plan = evaluated(rates, "general/solo", order)
    return plan.usable * worth - plan.usd


@pytest.mark.parametrize("seed", range(20))
def test_best_order_when_every_order_is_tried_then_none_is_worth_more(seed: int) -> None:
    dice = random.Random(seed)
    subsets = [NONE, *(frozenset(c) for n in (1, 2) for c in permutations(ORDER, n))]
    tallies = [
        _tally(vendor, dice.uniform(0.05, 0.9), dice.uniform(0, VENDORS[vendor].max_credits), before)
        for vendor in ORDER
        for before in {*subsets}
        if vendor not in before
    ]
    rates = Rates(tallies, VENDORS, 0.0)
    every = [order for n in range(4) for order in permutations(ORDER, n)]
    for worth in (0.05, 0.3, 2.0):
        best = best_order(rates, "general/solo", ORDER, worth)
        assert _value(rates, best.order, worth) == pytest.approx(max(_value(rates, order, worth) for order in every))


def test_best_order_when_a_cheap_vendor_finds_as_many_then_it_leads_and_saves() -> None:
    tallies = [
        _tally("wiza", 0.6, 1.2), _tally("apollo", 0.6, 0.6), _tally("clay", 0.5, 3.0),
        _tally("apollo", 0.3, 0.4, frozenset({"wiza"})), _tally("wiza", 0.3, 0.6, frozenset({"apollo"})),
    ]  # fmt: skip
    rates = Rates(tallies, VENDORS, 0.0)
    fixed = evaluated(rates, "general/solo", ("wiza", "apollo"))
    learned = best_order(rates, "general/solo", ("wiza", "apollo"), worth=1.0)
    assert learned.order == ("apollo", "wiza")
    assert learned.usable == pytest.approx(fixed.usable)
    assert fixed.usd == pytest.approx(1.2 * 0.05 + 0.4 * 0.4 * 0.05)
    assert learned.usd == pytest.approx(0.6 * 0.05 + 0.4 * 0.6 * 0.05)
    asked_all = everyone(rates, "general/solo", ("wiza", "apollo"))
    assert asked_all.usd == pytest.approx(1.2 * 0.05 + 0.6 * 0.05)
    assert asked_all.usd_per_usable > fixed.usd_per_usable > learned.usd_per_usable


def test_best_order_when_one_more_contact_costs_more_than_it_is_worth_then_stops_before_it() -> None:
    dear = [_tally("clay", 0.1, 3.0), _tally("clay", 0.1, 3.0, frozenset({"wiza"}))]
    rates = Rates([*dear, _tally("wiza", 0.7, 1.4), _tally("wiza", 0.7, 1.4, frozenset({"clay"}))], VENDORS, 0.0)
    assert best_order(rates, "general/solo", ("wiza", "clay"), worth=2.0).order == ("wiza", "clay")
    assert best_order(rates, "general/solo", ("wiza", "clay"), worth=1.0).order == ("wiza",)
    assert best_order(rates, "general/solo", ("wiza", "clay"), worth=0.01).order == ()


def test_rates_when_there_are_few_answers_then_lean_on_all_segments_and_on_the_declared_rate() -> None:
    prior = VENDORS["wiza"].prior.usable
    assert Rates([], VENDORS, 40.0).rate("general/solo", "wiza", NONE).usable == prior
    elsewhere = replace(_tally("wiza", 0.2, 0.4), segment="specialist/group")
    rates = Rates([elsewhere, _tally("wiza", 1.0, 2.0, asked=10)], VENDORS, 40.0)
    here = rates.rate("general/solo", "wiza", NONE).usable
    other = rates.rate("specialist/solo", "wiza", NONE).usable
    assert 0.2 < other < 0.25 < here < 0.45
    assert (rates.answers("general/solo"), rates.answers("specialist/group"), rates.answers("x")) == (10, 1000, 0)
