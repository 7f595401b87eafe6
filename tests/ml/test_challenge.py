from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.challenge import Champion, challenge, data_sha256
from ml.evaluate import calibration_error, split_by_time
from ml.lead_score import FEATURES, NotTrainable, SchemaMismatch, probabilities, trained_model
from tests.ml.leads import leads


def rows(n: int, seed: int, **world: float) -> pd.DataFrame:
    frame, answers, _ = leads(n, seed, **world)
    return frame.assign(responded=answers, row_id=frame["person_id"])


def champion_of(seed: int, signal: float) -> Champion:
    frame, answers, _ = leads(1500, seed, signal)
    return Champion("v1", trained_model(frame[:1000], answers[:1000], frame[1000:], answers[1000:]))


def rows_with_change(n: int, seed: int, before: float, after: float) -> pd.DataFrame:
    """Rows of which the oldest 60 %, the training rows, answer at rate `before` and all later ones at rate `after`."""
    earlier, later = rows(n * 6 // 10, seed, base=before), rows(n * 4 // 10, seed + 1, base=after)
    later["sent_at"] += earlier["sent_at"].max() - later["sent_at"].min() + pd.Timedelta(minutes=1)
    return pd.concat([earlier, later.assign(row_id="later " + later["row_id"])], ignore_index=True)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(0.03, 0.12), (0.05, 0.3), (0.2, 0.03), (0.3, 0.05)])
def test_challenge_when_the_answer_rate_changes_then_calibration_follows(before: float, after: float) -> None:
    judged, labels, said = [], [], []
    for seed in range(0, 12, 2):
        data = rows_with_change(1500, seed, before, after)
        found = challenge(data, None)
        _, _, newest = split_by_time(data, "sent_at", "row_id")
        judged.append(found)
        labels.append(newest["responded"].to_numpy(dtype=bool))
        said.append(probabilities(found.model, newest))
    assert all(abs(one.model.calibration.intercept) < 5 for one in judged)
    assert [one.verdict.status for one in judged] == ["champion"] * 6
    # 1,800 rows: the interval is about 0.015 to either side, and each seed's own calibration rows add as much again.
    error = calibration_error(np.concatenate(labels), np.concatenate(said))
    assert -0.04 < error.low <= error.estimate <= error.high < 0.04


def test_challenge_when_rows_are_few_and_the_answer_rate_rises_then_no_calibration_diverges() -> None:
    found = [challenge(rows_with_change(400, seed, 0.03, 0.3), None).model.calibration for seed in range(0, 12, 2)]
    assert all(0 <= one.slope < 5 and abs(one.intercept) < 10 for one in found)


def test_challenge_when_features_carry_truth_then_beats_the_base_rate() -> None:
    found = challenge(rows(1000, 1), None)
    assert found.verdict.status == "champion"
    assert found.metrics.brier < found.base_rate_brier
    assert found.counts == {"train": 600, "calibrate": 200, "test": 200}
    assert found.champion_brier is None


def test_challenge_when_champion_knew_the_truth_and_rows_are_noise_trained_then_is_rejected() -> None:
    good = champion_of(2, signal=1.6)
    data = rows(1000, 3, signal=1.6)
    data.loc[:799, "responded"] = np.random.default_rng(4).permutation(data.loc[:799, "responded"])
    found = challenge(data, good)
    assert found.verdict.status == "rejected"
    assert found.champion_brier is not None
    assert f"{found.metrics.brier:.6f} against {found.champion_brier:.6f} of champion v1" in found.verdict.reason


def test_challenge_when_champion_learned_noise_then_takes_its_place() -> None:
    found = challenge(rows(1000, 5), champion_of(6, signal=0.0))
    assert found.verdict.status == "champion"
    assert found.champion_brier is not None
    assert found.metrics.brier < found.champion_brier


def test_challenge_when_test_rows_change_then_the_model_does_not() -> None:
    data = rows(1000, 7)
    later = data.copy()
    later.loc[800:, [f.name for f in FEATURES]] = later.loc[800:, [f.name for f in FEATURES]].to_numpy()[::-1]
    assert challenge(data, None).model == challenge(later, None).model


def test_challenge_when_positives_are_few_then_raises() -> None:
    data = rows(200, 8).assign(responded=False)
    data.loc[::50, "responded"] = True
    with pytest.raises(NotTrainable, match="4 positive responses"):
        challenge(data, None)


def test_challenge_when_the_champion_needs_a_column_that_is_gone_then_raises() -> None:
    data: Any = rows(1000, 9).drop(columns="icp_score")
    with pytest.raises(SchemaMismatch, match="icp_score"):
        challenge(data, champion_of(10, signal=1.0))


def test_data_sha256_when_order_changes_then_stays_and_when_a_label_changes_then_differs() -> None:
    data = rows(50, 11)
    shuffled = data.sample(frac=1, random_state=1)[data.columns[::-1]]
    assert data_sha256(shuffled) == data_sha256(data)
    assert data_sha256(data.assign(responded=~data["responded"])) != data_sha256(data)
