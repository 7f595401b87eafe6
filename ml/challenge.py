"""A challenger: trained on the older labeled rows, judged on the newest against the champion or the base rate."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd

from ml.evaluate import Labels, Metrics, Verdict, metrics, split_by_time, verdict
from ml.lead_score import LeadScoreModel, check_trainable, probabilities, trained_model

TIME, KEY, LABEL = "sent_at", "row_id", "responded"


@dataclass(frozen=True)
class Champion:
    version: str
    model: LeadScoreModel


@dataclass(frozen=True)
class Challenge:
    """`counts`: rows by part; `base_rate_brier`: the score of saying the earlier rows' base rate to every test row."""

    model: LeadScoreModel
    counts: dict[str, int]
    positives: int
    metrics: Metrics
    base_rate_brier: float
    champion_brier: float | None
    verdict: Verdict


def challenge(rows: pd.DataFrame, champion: Champion | None) -> Challenge:
    """Train on the oldest 60 % of `rows`, calibrate on the next 20 %, judge on the last 20 %.

    `rows` has the features, `sent_at`, `row_id` and `responded`. Raises NotTrainable when positives are too few.
    """
    parts = dict(zip(("train", "calibrate", "test"), split_by_time(rows, TIME, KEY), strict=True))
    labels = {name: _labels(part) for name, part in parts.items()}
    check_trainable(*labels.items())
    model = trained_model(parts["train"], labels["train"], parts["calibrate"], labels["calibrate"])
    found = metrics(labels["test"], probabilities(model, parts["test"]))
    standing = metrics(labels["test"], probabilities(champion.model, parts["test"])) if champion else None
    earlier = np.concatenate([labels["train"], labels["calibrate"]])
    base_rate_brier = round(float(((labels["test"] - earlier.mean()) ** 2).mean()), 6)
    return Challenge(
        model=model,
        counts={name: len(part) for name, part in parts.items()},
        positives=sum(int(part.sum()) for part in labels.values()),
        metrics=found,
        base_rate_brier=base_rate_brier,
        champion_brier=standing.brier if standing else None,
        verdict=verdict(found, standing, base_rate_brier, champion.version if champion else ""),
    )


def data_sha256(rows: pd.DataFrame) -> str:
    """SHA-256 of the rows as text, in a fixed order of rows and columns."""
    ordered = rows.sort_values([TIME, KEY], kind="stable")[sorted(rows.columns)]
    return sha256(ordered.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z").encode()).hexdigest()


def _labels(part: pd.DataFrame) -> Labels:
    return part[LABEL].to_numpy(dtype=np.bool_)
