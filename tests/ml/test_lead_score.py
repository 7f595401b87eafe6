from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.evaluate import metrics
from ml.lead_score import (
    FEATURES,
    MIN_POSITIVES,
    PRIOR_FEATURE,
    Calibration,
    NotTrainable,
    SchemaMismatch,
    calibrated,
    check_trainable,
    fitted,
    probabilities,
    reasons,
    scored,
    sigmoid,
    trained_model,
)
from tests.ml.leads import leads


def test_trained_model_when_truth_is_known_then_ranks_unseen_leads_near_the_truth() -> None:
    frame, answers, truth = leads(3000, seed=1)
    model = trained_model(frame[:1800], answers[:1800], frame[1800:2400], answers[1800:2400])
    judged = metrics(answers[2400:], probabilities(model, frame[2400:]))
    best = metrics(answers[2400:], truth[2400:])
    assert judged.auc > best.auc - 0.04
    assert judged.brier < best.brier + 0.005


def test_trained_model_when_labels_are_shuffled_then_auc_is_a_coin_toss() -> None:
    frame, answers, _ = leads(3000, seed=2)
    shuffled = np.random.default_rng(0).permutation(answers)
    # Without the ICP rule, from which the trees would start: what is asked is what the answers themselves let through.
    features = tuple(f for f in FEATURES if f.name != PRIOR_FEATURE)
    model = trained_model(frame[:1800], shuffled[:1800], frame[1800:2400], shuffled[1800:2400], features)
    assert abs(metrics(answers[2400:], probabilities(model, frame[2400:])).auc - 0.5) < 0.08


def test_trained_model_when_run_twice_then_gives_the_same_model() -> None:
    frame, answers, _ = leads(600, seed=3)
    first = trained_model(frame[:400], answers[:400], frame[400:], answers[400:])
    second = trained_model(frame[:400].copy(), answers[:400].copy(), frame[400:].copy(), answers[400:].copy())
    assert first == second


def test_calibrated_when_the_base_rate_drifts_then_brier_and_ece_improve() -> None:
    early, early_answers, _ = leads(1500, seed=4, base=0.45)
    late, late_answers, _ = leads(2000, seed=5, base=0.08)
    raw = fitted(early, early_answers)
    mended = calibrated(raw, late[:1000], late_answers[:1000])
    before = metrics(late_answers[1000:], probabilities(raw, late[1000:]))
    after = metrics(late_answers[1000:], probabilities(mended, late[1000:]))
    assert after.brier < before.brier
    assert after.ece < before.ece / 2
    assert after.auc == before.auc


def test_sigmoid_when_truth_is_a_sigmoid_then_recovers_it() -> None:
    random = np.random.default_rng(6)
    scores = random.normal(0, 2, 20000)
    answers = random.random(20000) < 1 / (1 + np.exp(-(0.7 * scores - 1.5)))
    calibration = sigmoid(scores, answers)
    assert calibration.slope == pytest.approx(0.7, abs=0.05)
    assert calibration.intercept == pytest.approx(-1.5, abs=0.06)


def test_sigmoid_when_scores_rank_backwards_then_says_the_base_rate_to_everyone() -> None:
    scores = np.linspace(-3, 3, 400)
    answers = scores < -2
    calibration = sigmoid(scores, answers)
    assert calibration.slope == 0.0
    assert 1 / (1 + np.exp(-calibration.intercept)) == pytest.approx(answers.mean(), abs=0.01)


def test_sigmoid_when_there_are_only_two_positives_then_stays_finite() -> None:
    calibration = sigmoid(np.array([2.0, 2.1, *np.linspace(-2, 1, 60)]), np.array([True, True] + [False] * 60))
    assert isinstance(calibration, Calibration)
    assert 0 < calibration.slope < 5


@pytest.mark.parametrize("shift", [-600.0, -8.0, 8.0, 600.0])
def test_sigmoid_when_all_scores_are_shifted_then_says_the_same(shift: float) -> None:
    random = np.random.default_rng(12)
    scores = random.normal(0, 2, 400)
    answers = random.random(400) < 1 / (1 + np.exp(-(0.7 * scores - 1.5)))
    here, there = sigmoid(scores, answers), sigmoid(scores + shift, answers)
    assert there.slope == pytest.approx(here.slope, abs=1e-4)
    assert there.intercept + there.slope * shift == pytest.approx(here.intercept, abs=1e-4)


def test_sigmoid_when_scores_separate_the_answers_then_stays_finite() -> None:
    scores = np.concatenate([np.linspace(-40, -20, 200), np.linspace(20, 40, 200)])
    calibration = sigmoid(scores, scores > 0)
    assert 0 < calibration.slope < 5
    assert abs(calibration.intercept) < 5


@pytest.mark.parametrize("answer", [True, False])
def test_sigmoid_when_all_answer_alike_then_says_nearly_that_rate_and_not_certainty(answer: bool) -> None:
    scores = np.linspace(-3, 3, 60)
    calibration = sigmoid(scores, np.full(60, answer))
    said = 1 / (1 + np.exp(-(calibration.slope * scores + calibration.intercept)))
    assert said.mean() == pytest.approx(61 / 62 if answer else 1 / 62, abs=0.001)
    assert said.min() > 0 and said.max() < 1


def test_sigmoid_when_all_scores_are_alike_then_says_the_rate() -> None:
    calibration = sigmoid(np.full(100, -4.0), np.arange(100) < 30)
    assert 1 / (1 + np.exp(-(calibration.slope * -4.0 + calibration.intercept))) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("scores", [[], [0.1, np.nan], [0.1, np.inf], [0.1, -np.inf]])
def test_sigmoid_when_scores_are_missing_or_not_finite_then_refuses(scores: list[float]) -> None:
    with pytest.raises(
        ValueError, match=f"{len(scores)} scores to calibrate on, {len(scores) // 2} of them not finite"
    ):
        sigmoid(np.array(scores), np.ones(len(scores), dtype=bool))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("odd", [np.inf, -np.inf, 1e300, -1e300])
@pytest.mark.parametrize("column", ["icp_score", "years_since_enumeration", "practice_size"])
def test_trained_model_when_a_row_holds_an_odd_number_then_all_rows_have_a_probability(column: str, odd: float) -> None:
    frame, answers, _ = leads(600, seed=13)
    frame[column] = frame[column].astype("float64")
    frame.loc[[3, 450], column] = odd
    model = trained_model(frame[:400], answers[:400], frame[400:], answers[400:])
    said = probabilities(model, frame)
    assert np.isfinite(said).all() and said.min() > 0 and said.max() < 1


def test_probabilities_when_the_icp_score_is_infinite_then_are_those_of_a_row_without_one() -> None:
    frame, answers, _ = leads(600, seed=14)
    model = fitted(frame, answers)
    odd, unknown = frame[:5].assign(icp_score=np.inf), frame[:5].assign(icp_score=np.nan)
    assert np.array_equal(probabilities(model, odd), probabilities(model, unknown))


def test_probabilities_when_a_category_was_never_seen_then_scores_it_as_other() -> None:
    frame, answers, _ = leads(600, seed=7)
    model = fitted(frame, answers)
    unseen = frame[:5].assign(specialty="Dental Radiology")
    another = frame[:5].assign(specialty="Public Health")
    assert np.array_equal(probabilities(model, unseen), probabilities(model, another))


def test_probabilities_when_values_are_null_then_still_scores() -> None:
    frame, answers, _ = leads(600, seed=8)
    model = fitted(frame, answers)
    blank = pd.DataFrame({f.name: [None] for f in FEATURES})
    assert 0 < probabilities(model, blank)[0] < 1


def test_probabilities_when_a_column_is_missing_then_names_it() -> None:
    frame, answers, _ = leads(600, seed=9)
    model = fitted(frame, answers)
    with pytest.raises(SchemaMismatch, match="column icp_score .number. is missing"):
        probabilities(model, frame.drop(columns="icp_score"))


def test_probabilities_when_a_column_changed_its_type_then_names_it() -> None:
    frame, answers, _ = leads(600, seed=9)
    model = fitted(frame, answers)
    with pytest.raises(SchemaMismatch, match="practice_size should hold a number"):
        probabilities(model, frame.assign(practice_size="large"))
    with pytest.raises(SchemaMismatch, match="state should hold text"):
        probabilities(model, frame.assign(state=48))


def test_scored_when_frame_is_shuffled_then_rows_are_the_same() -> None:
    frame, answers, _ = leads(600, seed=10)
    model = fitted(frame, answers)
    ordered = scored(model, frame)
    pd.testing.assert_frame_equal(ordered, scored(model, frame.sample(frac=1, random_state=1)))
    np.testing.assert_allclose(ordered["score"], 100 * ordered["probability"], atol=0.0501)
    assert ordered.loc[ordered["probability"].idxmax(), "rank_pct"] > 0.98


def test_reasons_when_one_feature_carries_the_truth_then_it_comes_first_with_its_sign() -> None:
    frame, answers, _ = leads(3000, seed=11)
    model = fitted(frame, answers)
    best, worst = frame[:1].assign(icp_score=99.0), frame[:1].assign(icp_score=1.0)
    assert "+icp_score" in reasons(model, best)[0]
    assert "-icp_score" in reasons(model, worst)[0]
    known = {f.name for f in FEATURES}
    assert all(len(row) <= 3 and {name[1:] for name in row} <= known for row in reasons(model, frame))


def test_check_trainable_when_positives_are_few_then_says_how_many_and_how_many_it_takes() -> None:
    few = np.array([True] * 5 + [False] * 95)
    with pytest.raises(NotTrainable, match=f"15 positive .*train 5 of 100.*takes {MIN_POSITIVES}"):
        check_trainable(("train", few), ("calibrate", few), ("test", few))


def test_check_trainable_when_one_part_has_none_then_refuses() -> None:
    many, none = np.array([True] * 40 + [False] * 60), np.array([False] * 50)
    with pytest.raises(NotTrainable, match="test 0 of 50"):
        check_trainable(("train", many), ("calibrate", many), ("test", none))


def test_check_trainable_when_every_part_is_mixed_then_passes() -> None:
    many = np.array([True] * 10 + [False] * 60)
    check_trainable(("train", many), ("calibrate", many), ("test", many))


def test_trained_model_when_answers_come_from_alike_leads_then_the_rule_still_ranks_the_others() -> None:
    frame, answers, _ = leads(3000, seed=5)
    alike = (frame["icp_score"] > frame["icp_score"].quantile(0.8)).to_numpy()
    rows, labels = frame[alike].reset_index(drop=True), answers[alike]
    model = trained_model(rows[:300], labels[:300], rows[300:400], labels[300:400])
    ranked = pd.Series(probabilities(model, frame[~alike])).corr(
        frame[~alike]["icp_score"].reset_index(drop=True), "spearman"
    )
    assert ranked > 0.3


def test_reasons_when_only_the_rule_speaks_then_it_is_the_reason() -> None:
    frame, answers, _ = leads(400, seed=6)
    model = fitted(frame.assign(icp_score=80.0), answers)
    best, worst = frame[:1].assign(icp_score=99.0), frame[:1].assign(icp_score=1.0)
    assert "+icp_score" in reasons(model, best)[0]
    assert "-icp_score" in reasons(model, worst)[0]
