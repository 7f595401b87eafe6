from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from include.activation.content_blocks import catalog
from operators.personalize_content import PersonalizeContentOperator
from tests.operators.context import context
from tests.sql.segmented.registry import AS_OF, contact, dentist, insert, npis, person_id, rows, segment

NOW = "2025-11-17T06:00:00+00:00"
NPIS = npis(40)


def personalize(as_of: str) -> int:
    return PersonalizeContentOperator(task_id="choose", as_of=as_of).execute(context())["rows"]


def creatives(client: bigquery.Client, as_of: str) -> dict[str, dict[str, Any]]:
    found = rows(client, "SELECT * FROM predictions.creative")
    return {row["person_id"]: row for row in found if row["as_of"].isoformat() == as_of}


def prediction(npi: str, as_of: str, rank_pct: float) -> dict[str, Any]:
    figures = {"probability": 0.1, "score": 10.0, "rank_pct": rank_pct, "reasons": ["+icp_score"]}
    return {"person_id": person_id(npi), "as_of": as_of, "model_version": "v1", **figures}


def test_personalize_content_when_scores_arrive_then_treated_people_get_blocks_of_their_band(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(npi, practice_id=f"o-{npi}") for npi in NPIS])
    insert(bigquery_client, "enriched.contact", [contact(npi) for npi in NPIS])
    segment(bigquery_client)
    members = rows(bigquery_client, "SELECT person_id, arm FROM segmented.audience_member")
    treated = {row["person_id"] for row in members if row["arm"] == "treatment"}
    assert 0 < len(treated) < len(NPIS)

    assert personalize(AS_OF) == len(treated)
    before = creatives(bigquery_client, AS_OF)
    assert set(before) == treated
    assert {row["reason"].partition(":")[2] for row in before.values()} == {"unscored/solo"}
    assert all(row["score"] is None and 0 < row["propensity"] <= 1 for row in before.values())

    ranked = [prediction(npi, NOW, (i + 1) / len(NPIS)) for i, npi in enumerate(NPIS)]
    insert(bigquery_client, "predictions.lead_score", ranked)
    assert personalize(NOW) == len(treated)
    after = creatives(bigquery_client, NOW)
    assert {row["reason"].partition(":")[2] for row in after.values()} == {"hot/solo", "warm/solo", "cool/solo"}
    assert all(row["score"] == 10.0 and row["model_version"] == "v1" for row in after.values())
    approved = {block.id for block in catalog().approved()}
    assert {row["content_block_id"] for row in [*before.values(), *after.values()]} <= approved

    assert personalize(NOW) == len(treated)
    assert creatives(bigquery_client, NOW) == after
    assert personalize(AS_OF) == len(treated)
    assert creatives(bigquery_client, AS_OF) == before
