"""A model version as four files, and back: model.txt (booster), model.json (all else), card.md, calibration.svg."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256

import lightgbm
import scipy

from ml.evaluate import Metrics, Verdict
from ml.lead_score import (
    CALIBRATION,
    FEATURES,
    MODEL,
    PARAMETERS,
    PRIOR_SLOPE,
    ROUNDS,
    SEED,
    Calibration,
    Feature,
    LeadScoreModel,
    Prior,
)
from ml.model_card import calibration_svg, card

FORMAT = 2
# The files that are the model; the card and the plot are for readers.
RECORD = ("model.txt", "model.json")


class UnreadableModel(Exception):
    """Stored files that do not make the model they claim to be; the message names the file and the fault."""


def recipe_sha256(data_sha256: str, features: tuple[Feature, ...] = FEATURES, seed: int = SEED) -> str:
    """SHA-256 over everything that a model follows from; the same recipe is the same model."""
    recipe = {
        "data": data_sha256,
        "parameters": PARAMETERS,
        "rounds": ROUNDS,
        "prior_slope": PRIOR_SLOPE,
        "calibration": CALIBRATION,
        "features": [asdict(f) for f in features],
        "seed": seed,
        "lightgbm": lightgbm.__version__,
        "scipy": scipy.__version__,
    }
    return sha256(_json(recipe).encode()).hexdigest()


def version_of(trained_as_of: str, recipe: str) -> str:
    """Version name: the instant, then the start of the recipe's hash. No clock and no counter."""
    return f"{''.join(c for c in trained_as_of[:19] if c.isalnum())}Z-{recipe[:10]}"


def files_of(
    model: LeadScoreModel,
    version: str,
    trained_as_of: str,
    counts: dict[str, int],
    metrics: Metrics,
    verdict: Verdict,
) -> dict[str, bytes]:
    """File name -> bytes of one version; the same arguments give the same bytes."""
    booster = model.booster.encode()
    body = {
        "format": FORMAT,
        "model": MODEL,
        "version": version,
        "trained_as_of": trained_as_of,
        "counts": counts,
        "features": [asdict(f) for f in model.features],
        "vocabularies": {name: list(values) for name, values in model.vocabularies.items()},
        "prior": asdict(model.prior),
        "calibration": asdict(model.calibration),
        "parameters": PARAMETERS,
        "rounds": ROUNDS,
        "seed": model.seed,
        "lightgbm": lightgbm.__version__,
        "booster_sha256": sha256(booster).hexdigest(),
        "metrics": metrics.as_dict(),
    }
    return {
        "model.txt": booster,
        "model.json": _json(body).encode(),
        "card.md": card(version, trained_as_of, counts, model, metrics, verdict).encode(),
        "calibration.svg": calibration_svg(metrics, f"lead_score {version}"),
    }


def model_from(files: dict[str, bytes]) -> LeadScoreModel:
    """Model of stored files (model.txt and model.json are read). Raises UnreadableModel."""
    missing = sorted(set(RECORD) - set(files))
    if missing:
        raise UnreadableModel(f"the version lacks {', '.join(missing)}; train it again")
    body = json.loads(files["model.json"])
    if body["format"] != FORMAT or body["model"] != MODEL:
        raise UnreadableModel(
            f"model.json is format {body['format']} of {body['model']!r}; this code reads format {FORMAT} of {MODEL!r}"
        )
    if sha256(files["model.txt"]).hexdigest() != body["booster_sha256"]:
        raise UnreadableModel(f"model.txt is not the booster that model.json of {body['version']} was written for")
    return LeadScoreModel(
        features=tuple(Feature(**f) for f in body["features"]),
        vocabularies={name: tuple(values) for name, values in body["vocabularies"].items()},
        booster=files["model.txt"].decode(),
        prior=Prior(**body["prior"]),
        calibration=Calibration(**body["calibration"]),
        seed=body["seed"],
    )


def _json(body: object) -> str:
    # JSON has no NaN and no infinity, and a model has neither.
    return json.dumps(body, indent=1, sort_keys=True, allow_nan=False)
