from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from ml.evaluate import Verdict, metrics
from ml.lead_score import FEATURES, probabilities, trained_model
from ml.model_card import calibration_svg, card
from tests.ml.leads import leads

frame, answers, truth = leads(600, seed=1)
model = trained_model(frame[:360], answers[:360], frame[360:480], answers[360:480])
figures = metrics(answers[480:], probabilities(model, frame[480:]))


def test_card_when_rejected_then_opens_with_the_reason_and_lists_every_feature() -> None:
    refused = Verdict("rejected", "Brier 0.2 against 0.1")
    page = card("v9", "2025-11-16T23:00:00+00:00", {"train": 360}, model, figures, refused)
    assert page.startswith("# lead_score v9: rejected\n\nBrier 0.2 against 0.1.")
    assert all(f"| {f.name} |" in page for f in FEATURES)
    assert f"| Brier | {figures.brier:.6f} |" in page
    assert "| train | 360 |" in page
    error = figures.calibration_error
    assert f"| {error.estimate:+.4f} ({error.low:+.4f} to {error.high:+.4f}) |" in page


def test_calibration_svg_when_drawn_twice_then_is_the_same_picture_with_a_dot_per_bin() -> None:
    picture = calibration_svg(figures, "lead_score v9")
    assert picture == calibration_svg(figures, "lead_score v9")
    text = picture.decode()
    ElementTree.fromstring(text)
    assert "lead_score v9" in text
    assert f"base rate {figures.base_rate:.3f}" in text
    assert text.count("<use ") >= len(figures.reliability)
