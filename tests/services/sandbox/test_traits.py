"""Hidden traits and the chance of a positive answer: learnable, and moved by the creative."""

import random

import pytest
from registry_files import MEMBER_1, WEEK_1, dentists, write_zip

from services.sandbox.draws import uniform
from services.sandbox.traits import (
    TASTES,
    Traits,
    positive_chance,
    taste_of_block,
    traits,
    visible_budget,
    visible_need,
)
from services.sandbox.world import Person, World


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Person]:
    folder = tmp_path_factory.mktemp("many")
    write_zip(folder, WEEK_1, MEMBER_1, dentists(4000))
    return list(World(folder, 7, "2025-11-10").people().values())


def area_under_curve(scores: list[float], outcomes: list[bool]) -> float:
    """Share of (positive, negative) pairs that the scores put in the right order, over 20,000 drawn pairs."""
    chance = random.Random(1)  # noqa: S311
    good = [score for score, outcome in zip(scores, outcomes, strict=True) if outcome]
    bad = [score for score, outcome in zip(scores, outcomes, strict=True) if not outcome]
    pairs = [(chance.choice(good), chance.choice(bad)) for _ in range(20_000)]
    return sum((high > low) + 0.5 * (high == low) for high, low in pairs) / len(pairs)


def test_positive_answers_when_ranked_by_the_visible_part_then_auc_is_about_three_quarters(
    people: list[Person],
) -> None:
    chances = [positive_chance(traits(person, 7), "", 1, 12) for person in people]
    answers = [uniform(7, person.npi, "test") < chance for person, chance in zip(people, chances, strict=True)]
    visible = [1.45 * visible_need(person) + 0.25 * visible_budget(person) for person in people]
    assert 0.72 < area_under_curve(visible, answers) < 0.83
    assert area_under_curve(chances, answers) > area_under_curve(visible, answers), "the hidden part must matter"
    assert 0.08 < sum(answers) / len(answers) < 0.2


def test_positive_chance_when_creative_matches_taste_then_clearly_higher() -> None:
    person = Traits(need=0.5, budget=0.0, channel="email", hour=10, taste="growth")
    match, miss = (positive_chance(person, block, 1, 15) for block in ("growth_new_patients", "savings_roi"))
    assert match / miss == pytest.approx(1.67, abs=0.1)
    assert match > positive_chance(person, "", 1, 15) > miss


def test_positive_chance_when_it_is_the_second_email_then_lower() -> None:
    person = Traits(need=0.5, budget=0.0, channel="email", hour=10, taste="growth")
    assert positive_chance(person, "", 2, 10) < positive_chance(person, "", 1, 10)


@pytest.mark.parametrize(
    ("block", "taste"),
    [
        ("cb_growth_fill_the_schedule_v2", "growth"),
        ("front-desk-automation", "efficiency"),
        ("overhead.savings", "savings"),
        ("clinical_evidence", "clinical"),
        ("case-study-solo-owner", "peers"),
    ],
)
def test_taste_of_block_when_a_word_is_known_then_by_that_word(block: str, taste: str) -> None:
    assert taste_of_block(block) == taste


def test_taste_of_block_when_no_word_is_known_then_stable_and_by_words_not_order() -> None:
    assert taste_of_block("xylophone_zebra") == taste_of_block("zebra-xylophone-7")
    assert taste_of_block("xylophone_zebra") in TASTES


def test_tastes_when_counted_then_all_exist_and_follow_what_is_visible(people: list[Person]) -> None:
    orthodontists = [traits(person, 7).taste for person in people if person.specialty == "orthodontics"]
    assert orthodontists.count("growth") / len(orthodontists) > 0.6
    assert {traits(person, 7).taste for person in people} == set(TASTES)
