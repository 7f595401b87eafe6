from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from google.cloud import bigquery, storage

from include.models.versions import VersionConflict
from operators.train_lead_score import TrainLeadScoreOperator
from tests.operators.context import context
from tests.operators.learning import AS_OF, NEXT, insert_history
from tests.sql.segmented.registry import rows


def train(as_of: str = AS_OF) -> dict[str, str]:
    return TrainLeadScoreOperator(task_id="train", as_of=as_of).execute(context())


def stored(lake: storage.Bucket) -> dict[str, bytes]:
    return {blob.name: blob.download_as_bytes() for blob in lake.list_blobs(prefix="models/")}


def test_train_lead_score_when_truth_can_be_learned_then_champion_is_stored_once_and_the_next_has_to_beat_it(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    insert_history(bigquery_client, seed=1)
    first = train()
    row = rows(bigquery_client, "SELECT * FROM ops.model_version")[0]
    files = stored(lake)
    assert first["status"] == row["status"] == "champion"
    assert row["metrics"]["brier"] < row["base_rate_brier"] and row["metrics"]["auc"] > 0.6
    assert (row["n_train"], row["n_calibrate"], row["n_test"], row["metrics"]["n"]) == (420, 140, 140, 140)
    assert row["object_path"] == f"gs://{lake.name}/models/lead_score/{first['version']}/"
    assert {name.rpartition("/")[2] for name in files} == {"model.txt", "model.json", "card.md", "calibration.svg"}

    assert train() == first
    assert stored(lake) == files
    assert rows(bigquery_client, "SELECT * FROM ops.model_version") == [row]
    with pytest.raises(AirflowSkipException, match=f"Nothing new: {first['version']}"):
        train(NEXT)

    insert_history(bigquery_client, seed=2, n=1500, signal=0.0, start="2025-11-17T14:00Z", name="b")
    second = train(NEXT)
    row = rows(bigquery_client, "SELECT * FROM ops.model_version ORDER BY trained_as_of")[1]
    assert row["champion_version"] == first["version"]
    assert (
        f"{row['metrics']['brier']:.6f} against {row['champion_brier']:.6f} of champion {first['version']}"
        in row["reason"]
    )
    assert train(NEXT) == second

    lake.blob(f"models/lead_score/{first['version']}/model.txt").upload_from_string(b"changed")
    with pytest.raises(VersionConflict, match="model.txt holds other bytes"):
        train()


def test_train_lead_score_when_features_are_noise_then_version_is_stored_as_rejected(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    insert_history(bigquery_client, seed=3, signal=0.0)
    judged = train()
    row = rows(bigquery_client, "SELECT * FROM ops.model_version")[0]
    assert judged["status"] == row["status"] == "rejected"
    assert f"{row['metrics']['brier']:.6f} against {row['base_rate_brier']:.6f} of the base rate" in row["reason"]
    card = lake.blob(f"models/lead_score/{judged['version']}/card.md").download_as_text()
    assert card.startswith(f"# lead_score {judged['version']}: rejected")
    model = json.loads(lake.blob(f"models/lead_score/{judged['version']}/model.json").download_as_text())
    assert model["metrics"]["n"] == 140


def test_train_lead_score_when_positives_are_few_or_none_then_skips_and_stores_nothing(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    with pytest.raises(AirflowSkipException, match="0 positive responses"):
        train()
    insert_history(bigquery_client, seed=4, n=60)
    with pytest.raises(AirflowSkipException, match="positive responses among the mature rows"):
        train()
    assert rows(bigquery_client, "SELECT * FROM ops.model_version") == []
    assert stored(lake) == {}
