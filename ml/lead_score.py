"""Lead score: the probability that a first e-mail draws a positive response within three days.

A frame is one row per lead with the columns of `features.lead`; labels are a boolean array of the same length. Nothing
here reads a clock or a random source: the same frame, labels and seed give the same booster text, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit

Kind = Literal["number", "flag", "category"]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

MODEL = "lead_score"
SEED = 20251110
MATURITY_DAYS = 3
MIN_POSITIVES = 20
MIN_POSITIVES_PER_PART = 3
MIN_CATEGORY_ROWS = 15


class NotTrainable(Exception):
    """The training rows cannot carry a model yet; the message says how many there are and how many it takes."""


class SchemaMismatch(Exception):
    """A frame lacks a column that the model was trained on, or holds it as another kind of value."""


@dataclass(frozen=True)
class Feature:
    name: str
    kind: Kind
    meaning: str


FEATURES: tuple[Feature, ...] = (
    Feature("specialty", "category", "specialty of the primary taxonomy"),
    Feature("state", "category", "state of the practice location"),
    Feature("credential", "category", "DDS, DMD or other, from the registry's free text"),
    Feature("practice_size", "number", "dentists at the same practice location"),
    Feature("practice_organizations", "number", "organization NPIs at the same location"),
    Feature("years_since_enumeration", "number", "years from the enumeration date to as_of"),
    Feature("taxonomy_count", "number", "taxonomies that the provider lists"),
    Feature("has_license", "flag", "a license number is given with the primary taxonomy"),
    Feature("is_sole_proprietor", "flag", "the provider says that it is a sole proprietor"),
    Feature("email_status", "category", "verification result of the e-mail"),
    Feature("email_type", "category", "work or personal address"),
    Feature("phone_line_type", "category", "line type of the practice phone"),
    Feature("icp_score", "number", "ideal-customer score 0-100"),
    Feature("emails_sent", "number", "e-mails sent to the person before as_of"),
    Feature("emails_opened", "number", "opens before as_of"),
    Feature("emails_clicked", "number", "clicks before as_of"),
    Feature("emails_replied", "number", "human replies before as_of"),
)

# A few hundred rows and a few dozen positives: shallow trees, slow steps and heavy shrinkage. One thread and the
# deterministic flag make the booster text the same on any machine of the same architecture.
PARAMETERS: dict[str, object] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 4,
    "min_data_in_leaf": 20,
    "min_sum_hessian_in_leaf": 1.0,
    "lambda_l2": 5.0,
    "feature_fraction": 0.4,
    "cat_l2": 20.0,
    "cat_smooth": 20.0,
    "min_data_per_group": 20,
    "max_cat_to_onehot": 8,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
ROUNDS = 80
# Before any answer is known the ICP rule is the best that we know, so the trees start from it: ten points more make the
# odds 1.8 times as good. Few answers, from leads that the rule chose alike, can correct that; they could not learn it.
PRIOR_FEATURE = "icp_score"
PRIOR_SLOPE = 0.06
PRIOR_CENTRE = 80.0
PRIOR_RANGE = (0.0, 100.0)
# Named in the recipe of a version: the same rows calibrated in another way are another model.
CALIBRATION = "Platt's sigmoid, smoothed targets, slope >= 0 with prior N(1, 1), L-BFGS-B"


@dataclass(frozen=True)
class Calibration:
    """Platt's sigmoid over the booster's log-odds: probability = 1 / (1 + exp(-(slope * log_odds + intercept)))."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class Prior:
    """Where the trees start: log-odds = intercept + slope * (icp_score - PRIOR_CENTRE)."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class LeadScoreModel:
    """A fitted model. `vocabularies` maps each category feature to the values seen often enough when it was fitted."""

    features: tuple[Feature, ...]
    vocabularies: dict[str, tuple[str, ...]]
    booster: str
    prior: Prior
    calibration: Calibration
    seed: int


def trained_model(
    train: pd.DataFrame,
    train_labels: Labels,
    calibration: pd.DataFrame,
    calibration_labels: Labels,
    features: tuple[Feature, ...] = FEATURES,
    seed: int = SEED,
) -> LeadScoreModel:
    """Model fitted on `train` and calibrated on later rows that it has not seen."""
    return calibrated(fitted(train, train_labels, features, seed), calibration, calibration_labels)


def fitted(
    frame: pd.DataFrame, labels: Labels, features: tuple[Feature, ...] = FEATURES, seed: int = SEED
) -> LeadScoreModel:
    """Booster over the frame, with the identity calibration."""
    check_schema(frame, features)
    vocabularies = {f.name: _vocabulary(frame[f.name]) for f in features if f.kind == "category"}
    prior = _prior(features, labels)
    dataset = lightgbm.Dataset(
        encoded(frame, features, vocabularies),
        label=labels.astype(np.float64),
        init_score=_prior_log_odds(prior, frame),
        feature_name=[f.name for f in features],
        categorical_feature=[f.name for f in features if f.kind == "category"],
        params={"min_data_in_bin": 5, "verbosity": -1},
    )
    booster = lightgbm.train({**PARAMETERS, "seed": seed}, dataset, num_boost_round=ROUNDS)
    return LeadScoreModel(features, vocabularies, booster.model_to_string(), prior, Calibration(1.0, 0.0), seed)


def calibrated(model: LeadScoreModel, frame: pd.DataFrame, labels: Labels) -> LeadScoreModel:
    """The same booster with a sigmoid fitted on rows that came after its training rows."""
    return replace(model, calibration=sigmoid(log_odds(model, frame), labels))


def sigmoid(scores: Floats, labels: Labels) -> Calibration:
    """Platt's sigmoid on his smoothed targets (Platt 1999; Lin, Lin and Weng 2007), found by SciPy's L-BFGS-B.

    The slope has a Gaussian prior of mean 1 and standard deviation 1 and never goes below zero: a few positives can
    damp the booster's ranking or switch it off, not turn it over. The smoothed targets keep the intercept finite where
    the classes are separated or one of them is missing. Raises ValueError for no rows and for scores that are not finite.
    """
    if len(scores) == 0 or not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        raise ValueError(
            f"{len(scores)} scores to calibrate on, {bad} of them not finite: it takes one, and all finite"
        )
    positives = int(labels.sum())
    negatives = len(labels) - positives
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    # The rate of answers moves all log-odds alike: from their mean the search has no way to go when the rate changed.
    center = float(scores.mean())
    centered = scores - center

    def penalized_loss(at: Floats) -> tuple[float, Floats]:
        values = at[0] * centered + at[1]
        loss = (np.logaddexp(0.0, values) - targets * values).sum() + 0.5 * (at[0] - 1.0) ** 2
        residual = expit(values) - targets
        return float(loss), np.array([residual @ centered + at[0] - 1.0, residual.sum()])

    found = minimize(
        penalized_loss,
        x0=np.array([1.0, logit(targets.mean())]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None), (None, None)],
        options={"ftol": 0.0, "gtol": 1e-8, "maxiter": 200},
    )
    slope, intercept = (float(value) for value in found.x)
    return Calibration(slope, intercept - slope * center)


def probabilities(model: LeadScoreModel, frame: pd.DataFrame) -> Floats:
    """Calibrated probabilities, one per row."""
    return _logistic(model.calibration.slope * log_odds(model, frame) + model.calibration.intercept)


def log_odds(model: LeadScoreModel, frame: pd.DataFrame) -> Floats:
    """Prior and trees together, before calibration, one per row."""
    trees = np.asarray(_booster(model).predict(_matrix(model, frame), raw_score=True), dtype=np.float64)
    return trees + _prior_log_odds(model.prior, frame)


def reasons(model: LeadScoreModel, frame: pd.DataFrame, count: int = 3) -> list[list[str]]:
    """For each row the names of the features that moved it most (SHAP), signed: '+practice_size' raised the score."""
    contributions = np.array(_booster(model).predict(_matrix(model, frame), pred_contrib=True))[:, :-1]
    names = [feature.name for feature in model.features]
    if PRIOR_FEATURE in names:
        contributions[:, names.index(PRIOR_FEATURE)] += _prior_log_odds(model.prior, frame) - model.prior.intercept
    order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :count]
    return [
        [f"{'+' if row[i] > 0 else '-'}{names[i]}" for i in top if row[i] != 0.0]
        for row, top in zip(contributions, order, strict=True)
    ]


def scored(model: LeadScoreModel, frame: pd.DataFrame) -> pd.DataFrame:
    """person_id, probability, score (0-100, one decimal), rank_pct (1.0 = best of the frame), reasons; by person_id."""
    frame = frame.sort_values("person_id", kind="stable").reset_index(drop=True)
    probability = pd.Series(probabilities(model, frame)).round(6)
    return pd.DataFrame(
        {
            "person_id": frame["person_id"],
            "probability": probability,
            "score": (100 * probability).round(1),
            "rank_pct": probability.rank(pct=True, method="average").round(6),
            "reasons": reasons(model, frame),
        }
    )


def check_schema(frame: pd.DataFrame, features: tuple[Feature, ...]) -> None:
    """Raises SchemaMismatch naming every column that the model needs and the frame does not hold as trained."""
    faults = [fault for feature in features for fault in _faults(frame, feature)]
    if faults:
        raise SchemaMismatch(
            f"the frame does not fit the model's schema: {'; '.join(faults)}. Train again on today's features.lead, or "
            "score with the version that knows these columns."
        )


def check_trainable(*parts: tuple[str, Labels]) -> None:
    """Raises NotTrainable when the labeled parts hold too few positives to fit, calibrate or judge a model."""
    total = sum(int(labels.sum()) for _, labels in parts)
    counts = ", ".join(f"{name} {int(labels.sum())} of {len(labels)}" for name, labels in parts)
    enough = all(int(labels.sum()) >= MIN_POSITIVES_PER_PART for _, labels in parts)
    mixed = all(not labels.all() for _, labels in parts)
    if total < MIN_POSITIVES or not enough or not mixed:
        raise NotTrainable(
            f"{total} positive responses among the mature rows ({counts}); a model takes {MIN_POSITIVES} in all, "
            f"{MIN_POSITIVES_PER_PART} in each part, and a row without a response in each. Nothing was trained: "
            "wait for more events."
        )


def encoded(frame: pd.DataFrame, features: tuple[Feature, ...], vocabularies: dict[str, tuple[str, ...]]) -> Floats:
    """Matrix (rows x features). Null is NaN; a category is its place in the vocabulary, unknown ones the next."""
    columns = [_encoded_column(frame[f.name], f, vocabularies) for f in features]
    return np.column_stack(columns).astype(np.float64)


def _encoded_column(values: pd.Series, feature: Feature, vocabularies: dict[str, tuple[str, ...]]) -> Floats:
    if feature.kind != "category":
        return _numbers(values)
    vocabulary = vocabularies[feature.name]
    place = {value: float(i) for i, value in enumerate(vocabulary)}
    return np.array([np.nan if pd.isna(v) else place.get(v, float(len(vocabulary))) for v in values], dtype=np.float64)


def _numbers(values: pd.Series) -> Floats:
    """Values as floats. An infinite one is NaN, a value that is not known: one odd row must not stop the others."""
    numbers = values.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _vocabulary(values: pd.Series) -> tuple[str, ...]:
    counts = values.dropna().value_counts()
    return tuple(sorted(str(value) for value, count in counts.items() if count >= MIN_CATEGORY_ROWS))


def _faults(frame: pd.DataFrame, feature: Feature) -> list[str]:
    if feature.name not in frame.columns:
        return [f"column {feature.name} ({feature.kind}) is missing"]
    present = frame[feature.name].dropna()
    if feature.kind == "category" and not all(isinstance(v, str) for v in present):
        return [f"column {feature.name} should hold text and holds {present.dtype}"]
    if feature.kind != "category" and not pd.api.types.is_numeric_dtype(present.infer_objects()):
        return [f"column {feature.name} should hold a {feature.kind} and holds {present.dtype}"] if len(present) else []
    return []


def _prior(features: tuple[Feature, ...], labels: Labels) -> Prior:
    rate = (int(labels.sum()) + 0.5) / (len(labels) + 1.0)
    knows_rule = PRIOR_FEATURE in {feature.name for feature in features}
    return Prior(PRIOR_SLOPE if knows_rule else 0.0, float(np.log(rate / (1.0 - rate))))


def _prior_log_odds(prior: Prior, frame: pd.DataFrame) -> Floats:
    if prior.slope == 0.0:
        return np.full(len(frame), prior.intercept)
    points = np.clip(np.nan_to_num(_numbers(frame[PRIOR_FEATURE]), nan=PRIOR_CENTRE), *PRIOR_RANGE)
    return np.asarray(prior.intercept + prior.slope * (points - PRIOR_CENTRE), dtype=np.float64)


def _matrix(model: LeadScoreModel, frame: pd.DataFrame) -> Floats:
    check_schema(frame, model.features)
    return encoded(frame, model.features, model.vocabularies)


def _booster(model: LeadScoreModel) -> lightgbm.Booster:
    return lightgbm.Booster(model_str=model.booster)


def _logistic(values: Floats) -> Floats:
    return np.asarray(expit(values), dtype=np.float64)
