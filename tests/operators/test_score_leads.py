from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery, storage

from ml.lead_score import SchemaMismatch
from operators.score_leads import ScoreLeadsOperator
from operators.train_lead_score import TrainLeadScoreOperator
from tests.ml.leads import leads
from tests.operators.context import context
from tests.operators.learning import AS_OF, SNAPSHOT, feature_rows, insert_history
from tests.sql.segmented.registry import insert, rows

NOW = "2025-11-17T06:00:00+00:00"


def score(as_of: str) -> dict[str, Any]:
    return ScoreLeadsOperator(task_id="score", as_of=as_of).execute(context())


def predictions(client: bigquery.Client) -> list[dict[str, Any]]:
    return rows(client, "SELECT * FROM predictions.lead_score ORDER BY as_of, person_id")


def test_score_leads_when_a_champion_is_known_then_every_lead_of_that_time_is_scored_the_same_each_time(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    assert score(SNAPSHOT) == {"rows": 0, "model_version": None}
    assert predictions(bigquery_client) == []

    insert_history(bigquery_client, seed=1)
    frame, _, truth = leads(300, seed=5, signal=1.5)
    insert(bigquery_client, "features.lead", feature_rows(frame, NOW))
    version = TrainLeadScoreOperator(task_id="train", as_of=AS_OF).execute(context())["version"]
    assert score(NOW) == {"rows": 300, "model_version": version}
    found = predictions(bigquery_client)
    assert {row["as_of"].isoformat() for row in found} == {NOW}
    assert all(row["score"] == round(100 * row["probability"], 1) for row in found)
    assert all(1 <= len(row["reasons"]) <= 3 and row["model_version"] == version for row in found)
    best = sorted(found, key=lambda row: row["rank_pct"])[-60:]
    place = {person_id: i for i, person_id in enumerate(frame["person_id"])}
    assert truth[[place[row["person_id"]] for row in best]].mean() > 1.5 * truth.mean()

    assert score(NOW)["rows"] == 300
    assert predictions(bigquery_client) == found
    assert score(SNAPSHOT) == {"rows": 0, "model_version": None}
    tables = [t.table_id for t in bigquery_client.list_tables("predictions")]
    assert not [name for name in tables if name.startswith("staging")]

    bigquery_client.query_and_wait("ALTER TABLE features.lead RENAME COLUMN icp_score TO fit")
    try:
        with pytest.raises(SchemaMismatch, match="icp_score"):
            score(NOW)
    finally:
        bigquery_client.query_and_wait("ALTER TABLE features.lead RENAME COLUMN fit TO icp_score")
    assert predictions(bigquery_client) == found
