"""The arithmetic of bench-enrich: what each policy pays for the same answers."""

from __future__ import annotations

import pytest

from bench.enrich_policies import Bought, learned_orders, replayed, wilson

# Everybody is found by everybody; Apollo takes one credit, Wiza two, Clay four.
PEOPLE = [{"npi": f"2{number:09d}", "segment": "group", "true_email": "a@b.test"} for number in range(600)]
ANSWERS = {
    person["npi"]: {
        "wiza": Bought(2.0, "a@b.test", True),
        "clay": Bought(4.0, "old@b.test", True),
        "apollo": Bought(1.0, "a@b.test", True),
    }
    for person in PEOPLE
}


def test_replay_when_the_first_answer_is_usable_then_pays_for_nothing_else() -> None:
    assert replayed(PEOPLE, ANSWERS, {"group": ("wiza", "clay")}) == (pytest.approx(600 * 2 * 0.05), 600, 600)
    assert replayed(PEOPLE, ANSWERS, {"group": ("clay", "wiza")}) == (pytest.approx(600 * 4 * 0.05), 600, 0)
    assert replayed(PEOPLE, ANSWERS, {"group": ()}) == (0.0, 0, 0)


def test_learned_orders_when_the_cheapest_finds_as_many_then_it_leads() -> None:
    assert learned_orders(PEOPLE, ANSWERS)["group"][0] == "apollo"


def test_wilson_when_there_is_more_to_see_then_is_narrower_and_holds_the_share() -> None:
    low, high = wilson(70, 100)
    lower, higher = wilson(7, 10)
    assert lower < low < 0.7 < high < higher
    assert wilson(0, 0) == (0.0, 1.0)
