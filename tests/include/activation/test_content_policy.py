from __future__ import annotations

from collections import Counter

import pytest
from google.cloud import bigquery

from include.activation.content_blocks import PRACTICE_SIZES, UNSCORED, catalog
from include.activation.content_policy import Person, bucket, chosen, score_band

RANKS = [None, 0.01, 0.4, 0.79, 0.8, 1.0]


def people(count: int) -> list[str]:
    return [f"p{number:020x}" for number in range(count)]


def test_chosen_when_anyone_asks_then_block_is_approved_for_their_band_and_size() -> None:
    approved = {block.id: block for block in catalog().approved()}
    for rank in RANKS:
        for size in PRACTICE_SIZES:
            for person_id in people(200):
                block = approved[chosen(Person(person_id, size, rank), catalog()).content_block_id]
                assert score_band(rank, catalog()) in block.score_bands
                assert size in block.practice_sizes


def test_chosen_when_many_people_are_alike_then_propensity_is_the_share_that_gets_the_block() -> None:
    choices = [chosen(Person(p, "small", 0.9), catalog()) for p in people(20000)]
    shares = Counter(choice.content_block_id for choice in choices)
    propensities = {choice.content_block_id: choice.propensity for choice in choices}
    assert len(shares) > 3
    assert sum(propensities.values()) == pytest.approx(1.0, abs=1e-5)
    for block, count in shares.items():
        assert count / len(choices) == pytest.approx(propensities[block], abs=0.01)


def test_chosen_when_there_is_no_prediction_then_takes_the_default_of_the_size() -> None:
    person = next(p for p in people(50) if bucket(catalog().experiment, p) >= catalog().exploration_percent)
    choice = chosen(Person(person, "large", None), catalog())
    assert choice.reason == "default:unscored/large"
    assert choice.content_block_id == catalog().policy[UNSCORED, "large"]


def test_chosen_when_asked_again_then_the_same_tenth_explores() -> None:
    explorers = [
        {p for p in people(5000) if chosen(Person(p, "solo", rank), catalog()).reason.startswith("explore:")}
        for rank in RANKS
    ]
    assert all(group == explorers[0] for group in explorers)
    assert len(explorers[0]) / 5000 == pytest.approx(0.1, abs=0.015)


def test_score_band_when_rank_is_on_an_edge_then_belongs_to_the_better_band() -> None:
    assert [score_band(rank, catalog()) for rank in RANKS] == ["unscored", "cool", "warm", "warm", "hot", "hot"]


def test_bucket_when_computed_in_sql_then_is_the_same(warehouse: bigquery.Client) -> None:
    ids = people(300)
    found = warehouse.query_and_wait(
        "SELECT p, MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CONCAT('e:', p))), 1, 8)) AS INT64), 100) AS bucket "
        "FROM UNNEST(@ids) AS p",
        job_config=bigquery.QueryJobConfig(query_parameters=[bigquery.ArrayQueryParameter("ids", "STRING", ids)]),
    )
    assert {row["p"]: row["bucket"] for row in found} == {p: bucket("e", p) for p in ids}
