"""What a reader must know before they trust a version: one markdown page and one calibration plot.

Both are pure text of their inputs: the same model and metrics give the same bytes.
"""

from __future__ import annotations

from io import BytesIO

from ml.evaluate import Bin, Interval, Metrics, Verdict
from ml.lead_score import MATURITY_DAYS, Feature, LeadScoreModel


def card(
    version: str, trained_as_of: str, counts: dict[str, int], model: LeadScoreModel, metrics: Metrics, verdict: Verdict
) -> str:
    """Model card as markdown. `counts` maps the name of each part of the data (train, calibrate, test) to its rows."""
    rows = "\n".join(f"| {name} | {count} |" for name, count in counts.items())
    return f"""# lead_score {version}: {verdict.status}

{verdict.reason}.

Probability that a person answers the first e-mail of a campaign positively (interest, meeting, purchase or won deal)
within {MATURITY_DAYS} days. Trained as of {trained_as_of} with seed {model.seed}.
Meant for ranking whom to contact next; not for pricing, credit or hiring.

| Part, in time order | Rows |
|---|---|
{rows}

## On the newest rows, which it has not seen

| Measure | Value |
|---|---|
| Rows (positive) | {metrics.n} ({metrics.positives}) |
| Base rate | {metrics.base_rate:.4f} |
| AUC | {metrics.auc:.4f} |
| Probability that chance ranks as well | {metrics.chance:.4f} |
| Brier | {metrics.brier:.6f} |
| Expected calibration error | {metrics.ece:.4f} |
| Predicted minus observed rate (95 % interval) | {_interval(metrics.calibration_error)} |
| Lift of the best tenth | {metrics.top_decile_lift:.2f} |

![Said and seen](calibration.svg)

| Rows | Said | Seen |
|---|---|---|
{_bins(metrics.reliability)}

Calibration: sigmoid, slope {model.calibration.slope:.4f}, intercept {model.calibration.intercept:.4f}.

## What it reads

| Feature | Kind | Meaning | Known values |
|---|---|---|---|
{_features(model.features, model.vocabularies)}
"""


def calibration_svg(metrics: Metrics, title: str) -> bytes:
    """Calibration plot: mean probability said against the rate seen, one dot per bin, its area the bin's rows."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "calibration", "svg.fonttype": "none"}):
        figure = Figure(figsize=(5, 5), layout="constrained")
        axes = figure.add_subplot()
        said = [b.predicted for b in metrics.reliability]
        seen = [b.observed for b in metrics.reliability]
        limit = max(0.05, *said, *seen) * 1.1
        axes.plot([0, limit], [0, limit], color="#888888", linestyle="--", label="perfect")
        axes.axhline(metrics.base_rate, color="#cc8844", linewidth=1, label=f"base rate {metrics.base_rate:.3f}")
        axes.scatter(said, seen, s=[4 * b.n for b in metrics.reliability], color="#225588", alpha=0.8, label="bin")
        axes.set(xlim=(0, limit), ylim=(0, limit), xlabel="said", ylabel="seen", title=title)
        axes.legend(loc="upper left", markerscale=0.5, frameon=False)
        target = BytesIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()


def _interval(interval: Interval) -> str:
    return f"{interval.estimate:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"


def _bins(bins: tuple[Bin, ...]) -> str:
    return "\n".join(f"| {b.n} | {b.predicted:.4f} | {b.observed:.4f} |" for b in bins)


def _features(features: tuple[Feature, ...], vocabularies: dict[str, tuple[str, ...]]) -> str:
    return "\n".join(
        f"| {f.name} | {f.kind} | {f.meaning} | {', '.join(vocabularies.get(f.name, ())) or '-'} |" for f in features
    )
