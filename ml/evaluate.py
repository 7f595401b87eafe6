"""How good a probability is, judged on rows that came later than those that made it.

Labels are boolean arrays, probabilities floats in 0..1 of the same length.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import brier_score_loss, roc_auc_score

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

TRAIN_SHARE = 0.6
CALIBRATE_SHARE = 0.2
BRIER_TOLERANCE = 0.001
MAX_CHANCE = 0.10


@dataclass(frozen=True)
class Bin:
    """Rows of neighbouring probability: how many, what was said on average, what happened."""

    n: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Metrics:
    """`chance` is the probability that a model without any skill ranks as well as this one (one-sided Mann-Whitney).

    `calibration_error` is what was predicted on average minus what happened; above zero it promised too much.
    """

    n: int
    positives: int
    base_rate: float
    auc: float
    chance: float
    brier: float
    ece: float
    calibration_error: Interval
    top_decile_lift: float
    reliability: tuple[Bin, ...]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    status: Literal["champion", "rejected"]
    reason: str


def split_by_time(frame: pd.DataFrame, time: str, key: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train, calibrate and test rows, oldest first. `key` orders rows of one instant: input order is no matter."""
    ordered = frame.sort_values([time, key], kind="stable").reset_index(drop=True)
    first = round(len(ordered) * TRAIN_SHARE)
    second = round(len(ordered) * (TRAIN_SHARE + CALIBRATE_SHARE))
    parts = [ordered.iloc[:first], ordered.iloc[first:second], ordered.iloc[second:]]
    train, calibrate, test = (part.reset_index(drop=True) for part in parts)
    return train, calibrate, test


def metrics(labels: Labels, probabilities: Floats) -> Metrics:
    """Every figure of the model card, rounded to six places. Raises ValueError when all labels are the same."""
    positives = int(labels.sum())
    if positives in (0, len(labels)):
        raise ValueError(f"{positives} positives in {len(labels)} rows: one kind of row cannot judge a ranking")
    auc = float(roc_auc_score(labels, probabilities))
    bins = reliability(labels, probabilities)
    return Metrics(
        n=len(labels),
        positives=positives,
        base_rate=round(positives / len(labels), 6),
        auc=round(auc, 6),
        chance=round(chance(auc, positives, len(labels) - positives), 6),
        brier=round(float(brier_score_loss(labels, probabilities)), 6),
        ece=round(ece(bins), 6),
        calibration_error=calibration_error(labels, probabilities),
        top_decile_lift=round(top_decile_lift(labels, probabilities), 6),
        reliability=bins,
    )


def chance(auc: float, positives: int, negatives: int) -> float:
    """Normal tail of the Mann-Whitney statistic under no skill."""
    deviation = math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    return 0.5 * math.erfc((auc - 0.5) / deviation / math.sqrt(2))


def reliability(labels: Labels, probabilities: Floats, bins: int = 10, smallest: int = 20) -> tuple[Bin, ...]:
    """Bins of equal size, lowest probability first; fewer than `bins` when a bin would hold under `smallest` rows."""
    count = max(1, min(bins, len(labels) // smallest))
    order = np.argsort(probabilities, kind="stable")
    return tuple(
        Bin(len(part), round(float(probabilities[part].mean()), 6), round(float(labels[part].mean()), 6))
        for part in np.array_split(order, count)
    )


def ece(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error: mean distance of said and seen, weighted by rows."""
    return sum(b.n * abs(b.predicted - b.observed) for b in bins) / sum(b.n for b in bins)


def calibration_error(labels: Labels, probabilities: Floats) -> Interval:
    """Mean of predicted minus observed, with the normal 95 % interval over the rows, rounded to six places."""
    differences = probabilities - labels
    estimate = float(differences.mean())
    half = 1.96 * float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return Interval(round(estimate, 6), round(estimate - half, 6), round(estimate + half, 6))


def top_decile_lift(labels: Labels, probabilities: Floats) -> float:
    """Response rate of the best tenth over the rate of all. Rows tied at the edge count by their mean, in any order."""
    size = max(1, math.ceil(len(labels) / 10))
    edge = np.sort(probabilities)[-size]
    above, tied = probabilities > edge, probabilities == edge
    responses = labels[above].sum() + (size - above.sum()) * labels[tied].mean()
    return float(responses / size / labels.mean())


def verdict(
    challenger: Metrics, champion: Metrics | None, base_rate_brier: float, champion_version: str = ""
) -> Verdict:
    """Whether the challenger is published. All figures are of the same out-of-time rows.

    With a champion: Brier may be worse by at most BRIER_TOLERANCE. Without one: Brier must beat the constant base rate
    of the earlier rows, and the ranking must be one that chance alone gives at most once in ten: calibration shrinks
    noise to the base rate, so Brier alone would let many a pure-noise model through.
    """
    ours = f"Brier {challenger.brier:.6f}"
    on = f"on {challenger.n} rows"
    if champion is not None:
        figures = f"{ours} against {champion.brier:.6f} of champion {champion_version} {on}"
        if challenger.brier > champion.brier + BRIER_TOLERANCE:
            return Verdict("rejected", f"{figures}: worse by more than {BRIER_TOLERANCE}")
        return Verdict("champion", f"{figures}: not worse by more than {BRIER_TOLERANCE}")
    figures = f"{ours} against {base_rate_brier:.6f} of the base rate {on}, AUC {challenger.auc:.3f}"
    if challenger.brier >= base_rate_brier:
        return Verdict("rejected", f"{figures}: no better than saying the base rate to everyone")
    if challenger.chance > MAX_CHANCE:
        chances = f"chance alone ranks as well with probability {challenger.chance:.2f} (limit {MAX_CHANCE})"
        return Verdict("rejected", f"{figures}: {chances}")
    return Verdict("champion", f"{figures}: better than the base rate")
