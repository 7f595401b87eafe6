"""The learning DAGs through Airflow: what is announced, and what is not, when a model is refused."""

from __future__ import annotations

from google.cloud import bigquery, storage

from tests.dags.airflow_process import Airflow, states
from tests.operators.learning import AS_OF, insert_history
from tests.sql.segmented.registry import contact, dentist, insert, npis, rows, segment

NOW = "2025-11-17T06:00:00+00:00"


def test_train_lead_score_when_model_is_refused_then_run_is_green_and_nothing_is_announced(
    airflow_env: Airflow, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    insert_history(bigquery_client, seed=3, signal=0.0)
    found = states(airflow_env, "train_lead_score", as_of=AS_OF)
    assert found["run"] == "success"
    assert (found["train_lead_score"], found["announce_model_version"]) == ("success", "skipped")
    assert [row["status"] for row in rows(bigquery_client, "SELECT * FROM ops.model_version")] == ["rejected"]


def test_learning_when_a_champion_is_found_then_leads_are_scored_and_get_their_block(
    airflow_env: Airflow, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    insert_history(bigquery_client, seed=1)
    insert(bigquery_client, "clean.provider", [dentist(npi, practice_id=f"o-{npi}") for npi in npis(20)])
    insert(bigquery_client, "enriched.contact", [contact(npi) for npi in npis(20)])
    segment(bigquery_client, NOW)
    for dag_id, as_of in (("train_lead_score", AS_OF), ("score_leads", NOW), ("personalize_content", NOW)):
        found = states(airflow_env, dag_id, as_of=as_of)
        assert set(found.values()) == {"success"}, found
    scores = rows(bigquery_client, "SELECT * FROM predictions.lead_score")
    assert len(scores) == 20
    creatives = rows(bigquery_client, "SELECT * FROM predictions.creative")
    assert {row["model_version"] for row in creatives} == {scores[0]["model_version"]}
