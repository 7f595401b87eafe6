from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.evaluate import (
    BRIER_TOLERANCE,
    Bin,
    Interval,
    Metrics,
    calibration_error,
    chance,
    ece,
    metrics,
    reliability,
    split_by_time,
    top_decile_lift,
    verdict,
)
from ml.lead_score import probabilities, trained_model
from tests.ml.leads import leads


def judged(**figures: float) -> Metrics:
    base = Metrics(100, 10, 0.1, 0.7, 0.02, 0.085, 0.02, Interval(0.0, -0.05, 0.05), 2.0, (Bin(100, 0.1, 0.1),))
    return replace(base, **figures)


def test_metrics_when_probabilities_are_the_truth_then_ece_is_small_and_brier_is_the_variance() -> None:
    random = np.random.default_rng(1)
    truth = random.uniform(0, 0.5, 50000)
    answers = random.random(50000) < truth
    found = metrics(answers, truth)
    assert found.ece < 0.01
    assert found.brier == pytest.approx(float((truth * (1 - truth)).mean()), abs=0.003)
    assert found.base_rate == pytest.approx(0.25, abs=0.01)


def test_metrics_when_probabilities_are_doubled_then_ece_says_so() -> None:
    random = np.random.default_rng(2)
    truth = random.uniform(0, 0.4, 20000)
    answers = random.random(20000) < truth
    assert metrics(answers, 2 * truth).ece == pytest.approx(0.2, abs=0.02)


def test_metrics_when_all_labels_are_alike_then_raises() -> None:
    with pytest.raises(ValueError, match="0 positives in 3 rows"):
        metrics(np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.3]))


def test_chance_when_ranking_is_a_coin_toss_then_half_and_when_perfect_then_near_zero() -> None:
    assert chance(0.5, 20, 80) == pytest.approx(0.5)
    assert chance(1.0, 20, 80) < 1e-9
    assert chance(0.7, 2, 8) > chance(0.7, 20, 80)


def test_reliability_when_rows_are_few_then_uses_fewer_bins_and_keeps_every_row() -> None:
    bins = reliability(np.arange(90) % 9 == 0, np.linspace(0, 1, 90))
    assert len(bins) == 4
    assert sum(b.n for b in bins) == 90
    assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)


def test_ece_when_bins_differ_in_size_then_weights_by_rows() -> None:
    assert ece((Bin(90, 0.1, 0.1), Bin(10, 0.5, 0.0))) == pytest.approx(0.05)


def test_calibration_error_when_probabilities_promise_too_much_then_its_interval_says_so() -> None:
    random = np.random.default_rng(5)
    truth = random.uniform(0, 0.4, 2000)
    answers = random.random(2000) < truth
    honest, boastful = calibration_error(answers, truth), calibration_error(answers, truth + 0.1)
    assert honest.low < 0 < honest.high
    assert 0 < boastful.low < 0.1 < boastful.high
    # 1.96 standard errors of a rate of 0.2 over 2,000 rows
    assert honest.high - honest.low == pytest.approx(2 * 1.96 * (0.2 * 0.8 / 2000) ** 0.5, rel=0.1)
    assert metrics(answers, truth).calibration_error == honest


def test_top_decile_lift_when_the_best_tenth_answers_then_is_the_inverse_of_the_rate() -> None:
    probability = np.linspace(0, 1, 100)
    assert top_decile_lift(probability >= 0.9, probability) == pytest.approx(10.0)


def test_top_decile_lift_when_all_are_tied_then_is_one_in_any_order() -> None:
    answers = np.arange(100) < 20
    assert top_decile_lift(answers, np.full(100, 0.2)) == pytest.approx(1.0)
    assert top_decile_lift(answers[::-1].copy(), np.full(100, 0.2)) == pytest.approx(1.0)


def test_split_by_time_when_input_is_shuffled_then_parts_are_the_same_and_in_time_order() -> None:
    frame = pd.DataFrame({"at": np.repeat(np.arange(10), 10), "key": [f"p{i:03d}" for i in range(100)]})
    parts = split_by_time(frame, "at", "key")
    again = split_by_time(frame.sample(frac=1, random_state=3), "at", "key")
    assert [len(p) for p in parts] == [60, 20, 20]
    assert parts[0]["at"].max() <= parts[1]["at"].min()
    assert parts[1]["at"].max() <= parts[2]["at"].min()
    for part, other in zip(parts, again, strict=True):
        pd.testing.assert_frame_equal(part, other)


def test_verdict_when_champion_is_beaten_then_publishes_and_names_both_figures() -> None:
    found = verdict(judged(brier=0.080), judged(brier=0.085), 0.09, "v1")
    assert found.status == "champion"
    assert "0.080000" in found.reason
    assert "0.085000 of champion v1" in found.reason


def test_verdict_when_champion_is_better_by_more_than_the_tolerance_then_rejects() -> None:
    found = verdict(judged(brier=0.085 + 2 * BRIER_TOLERANCE), judged(brier=0.085), 0.09, "v1")
    assert found.status == "rejected"
    assert "0.087000" in found.reason
    assert "0.085000" in found.reason


def test_verdict_when_champion_is_better_within_the_tolerance_then_publishes() -> None:
    assert verdict(judged(brier=0.0855), judged(brier=0.085), 0.09, "v1").status == "champion"


def test_verdict_when_no_champion_and_base_rate_is_as_good_then_rejects() -> None:
    found = verdict(judged(brier=0.09), None, 0.09)
    assert found.status == "rejected"
    assert "base rate" in found.reason


def test_verdict_when_no_champion_and_ranking_may_be_chance_then_rejects() -> None:
    assert verdict(judged(chance=0.3), None, 0.09).status == "rejected"
    assert verdict(judged(chance=0.01), None, 0.09).status == "champion"


def published_share(signal: float, worlds: int = 20) -> float:
    published = 0
    for seed in range(worlds):
        frame, answers, _ = leads(900, seed, signal)
        model = trained_model(frame[:540], answers[:540], frame[540:720], answers[540:720])
        found = metrics(answers[720:], probabilities(model, frame[720:]))
        constant = float(((answers[720:] - answers[:720].mean()) ** 2).mean())
        published += verdict(found, None, constant).status == "champion"
    return published / worlds


@pytest.mark.slow
def test_verdict_when_features_are_pure_noise_then_nearly_every_model_is_refused() -> None:
    assert published_share(signal=0.0) <= 0.1


@pytest.mark.slow
def test_verdict_when_features_carry_truth_then_nearly_every_model_is_published() -> None:
    assert published_share(signal=1.0) >= 0.9
