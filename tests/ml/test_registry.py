from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ml.evaluate import Verdict, metrics
from ml.lead_score import Calibration, SchemaMismatch, probabilities, trained_model
from ml.registry import UnreadableModel, files_of, model_from, recipe_sha256, version_of
from tests.ml.leads import leads

AS_OF = "2025-11-16T23:00:00+00:00"
frame, answers, _ = leads(600, seed=1)
model = trained_model(frame[:360], answers[:360], frame[360:480], answers[360:480])
figures = metrics(answers[480:], probabilities(model, frame[480:]))


def stored() -> dict[str, bytes]:
    return files_of(model, "v1", AS_OF, {"train": 360}, figures, Verdict("champion", "better"))


def test_files_of_when_written_twice_then_bytes_are_the_same() -> None:
    again = trained_model(frame[:360], answers[:360], frame[360:480], answers[360:480])
    files = files_of(again, "v1", AS_OF, {"train": 360}, figures, Verdict("champion", "better"))
    assert files == stored()
    assert sorted(files) == ["calibration.svg", "card.md", "model.json", "model.txt"]


def test_model_from_when_read_back_then_predicts_the_same() -> None:
    loaded = model_from(stored())
    assert loaded == model
    assert np.array_equal(probabilities(loaded, frame[480:]), probabilities(model, frame[480:]))


def test_model_from_when_schema_differs_then_scoring_refuses() -> None:
    with pytest.raises(SchemaMismatch, match="email_type"):
        probabilities(model_from(stored()), frame.drop(columns="email_type"))


def test_model_from_when_booster_was_changed_then_refuses() -> None:
    files = stored()
    files["model.txt"] += b" "
    with pytest.raises(UnreadableModel, match="not the booster"):
        model_from(files)


def test_model_from_when_a_file_is_missing_then_names_it() -> None:
    with pytest.raises(UnreadableModel, match="lacks model.json"):
        model_from({"model.txt": b""})


def test_model_from_when_format_is_newer_then_refuses() -> None:
    files = stored()
    files["model.json"] = json.dumps({**json.loads(files["model.json"]), "format": 3}).encode()
    with pytest.raises(UnreadableModel, match="format 3"):
        model_from(files)


def test_files_of_when_the_calibration_is_not_finite_then_refuses() -> None:
    diverged = replace(model, calibration=Calibration(1.0, float("nan")))
    with pytest.raises(ValueError, match="not JSON compliant"):
        files_of(diverged, "v1", AS_OF, {"train": 360}, figures, Verdict("champion", "better"))


def test_version_of_when_data_changes_then_version_changes_and_keeps_its_date() -> None:
    first, same, other = (version_of(AS_OF, recipe_sha256(data)) for data in ("a", "a", "b"))
    assert first == same != other
    assert first.startswith("20251116T230000Z-")


def test_recipe_sha256_when_the_seed_changes_then_changes() -> None:
    assert recipe_sha256("a") != recipe_sha256("a", seed=1)


def test_recipe_sha256_when_the_calibration_changes_then_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe_sha256("a")
    monkeypatch.setattr("ml.registry.CALIBRATION", "isotonic")
    assert recipe_sha256("a") != before
