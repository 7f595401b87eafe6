"""The gate on predictions.lead_score: it looks at one as_of, and at the model that made its scores."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from include.warehouse.tables import table
from tests.expectations.gated import broken_rules, gate
from tests.sql.segmented.registry import AS_OF, insert, npis, person_id

EARLIER = "2025-11-03T06:00:00+00:00"


def score(npi: str, **fields: Any) -> dict[str, Any]:
    known = {"as_of": AS_OF, "probability": 0.25, "score": 25.0, "rank_pct": 1.0, "model_version": "v1", "reasons": []}
    return {"person_id": person_id(npi), **known, **fields}


def champion(version: str, trained_as_of: str) -> dict[str, Any]:
    counts = dict.fromkeys(("n_train", "n_calibrate", "n_test", "n_positive", "seed"), 1)
    return {
        "model": "lead_score", "version": version, "status": "champion", "reason": "first", "trained_as_of": trained_as_of,
        "recipe_sha256": "0", "metrics": "{}", "base_rate_brier": 0.1, "features": "[]", "object_path": "gs://b/m/", **counts,
    }  # fmt: skip


def features(npi: str) -> dict[str, Any]:
    """Return a row of features.lead that knows nothing of the person."""
    empty: dict[str, Any] = {"STRING": "", "INT64": 0, "FLOAT64": 0.0, "BOOL": False}
    known = {"person_id": person_id(npi), "as_of": AS_OF}
    return {c.name: empty[c.type] for c in table("features.lead").columns if c.type in empty} | known


def test_gate_when_scores_are_good_then_it_passes_and_older_scores_are_not_looked_at(
    bigquery_client: bigquery.Client,
) -> None:
    a, b = npis(2)
    insert(bigquery_client, "ops.model_version", [champion("v1", EARLIER)])
    rows = [score(a), score(b, rank_pct=0.5), score(a, as_of=EARLIER, probability=7.0)]
    assert gate(bigquery_client, "predictions.lead_score", rows)["warnings"] == 0
    counted = bigquery_client.query_and_wait("SELECT value FROM ops.table_profile WHERE metric = 'row_count'")
    assert [row["value"] for row in counted] == [2.0]


def test_gate_when_there_is_no_champion_yet_then_no_scores_are_good(bigquery_client: bigquery.Client) -> None:
    gate(bigquery_client, "predictions.lead_score", [])


def test_gate_when_scores_are_wrong_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    a, b, c = npis(3)
    insert(bigquery_client, "ops.model_version", [champion("v1", EARLIER), champion("v2", "2025-11-17T06:00:00+00:00")])
    insert(bigquery_client, "features.lead", [features(c)])
    wrong = [score(a), score(a, model_version="v2"), score(b, probability=1.5, score=250.0, rank_pct=0.0)]
    reasons = broken_rules(bigquery_client, "predictions.lead_score", wrong)
    assert [" ".join(reason.split(" ")[:4]) for reason in reasons] == [
        "A lead with two",
        "A model that was",
        "A probability, or no",
        "A rank is a",
        "Leads without a score",
        "Score and probability are",
        "Scores of two models",
        "The CRM grades leads",
    ]
