"""Train a challenger for the lead score, judge it, and write it down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException
from google.cloud import bigquery, storage

from include.airflow.defaults import GCP_CONN_ID
from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.models.versions import (
    ModelVersion,
    known_versions,
    newest_champion,
    read_files,
    record_version,
    write_files,
)
from include.settings import lake_bucket
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Context

    from ml.challenge import Challenge, Champion


class TrainLeadScoreOperator(WarehouseOperator):
    """Train on the rows that are mature at `as_of`; store the version in the lake, its judgement in ops.model_version.

    Returns {version, status, reason}; status is champion or rejected. Skips when positives are too few, or when the
    newest earlier version came from the same rows. A rerun finds the same version and leaves the same bytes.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(self, *, as_of: str, gcp_conn_id: str = GCP_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, str]:
        from ml.challenge import challenge, data_sha256
        from ml.lead_score import MODEL, NotTrainable
        from ml.registry import RECORD, files_of, recipe_sha256, version_of

        refuse_future(self.as_of, datetime.now(UTC))
        client = warehouse(self.gcp_conn_id)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        rows = self._training_rows(client)
        recipe = recipe_sha256(data_sha256(rows))
        earlier = self._earlier_versions(client)
        if earlier and earlier[0].recipe_sha256 == recipe:
            raise AirflowSkipException(f"Nothing new: {earlier[0].version} came from the same {len(rows)} rows.")
        champion = _champion(bucket, earlier)
        try:
            judged = challenge(rows, champion)
        except NotTrainable as error:
            self.log.warning("%s", error)  # of a skip the task's log says only that there was one
            raise AirflowSkipException(str(error)) from error

        version = version_of(self.as_of, recipe)
        files = files_of(judged.model, version, self.as_of, judged.counts, judged.metrics, judged.verdict)
        path = write_files(bucket, f"models/{MODEL}/{version}/", files, RECORD)
        record_version(client, self._row(version, recipe, path, judged, champion), self._labels())
        log = self.log.info if judged.verdict.status == "champion" else self.log.warning
        log("lead_score %s is %s: %s", version, judged.verdict.status, judged.verdict.reason)
        return {"version": version, "status": judged.verdict.status, "reason": judged.verdict.reason}

    def _training_rows(self, client: bigquery.Client) -> pd.DataFrame:
        from ml.lead_score import MATURITY_DAYS

        sql = table("features.lead").sql("training_rows")
        rows = run(client, sql, self._labels(), as_of=self.as_of, maturity_days=MATURITY_DAYS)
        return rows.to_dataframe(create_bqstorage_client=False)

    def _earlier_versions(self, client: bigquery.Client) -> list[ModelVersion]:
        """Versions of earlier points in time only, so that a rerun of `as_of` meets the champion that it met before."""
        from ml.lead_score import MODEL

        at = datetime.fromisoformat(self.as_of)
        return [v for v in known_versions(client, MODEL, self.as_of, self._labels()) if v.trained_as_of < at]

    def _row(
        self, version: str, recipe: str, object_path: str, judged: Challenge, champion: Champion | None
    ) -> dict[str, Any]:
        """Column of ops.model_version -> value."""
        from ml.lead_score import MODEL

        return {
            "model": MODEL,
            "version": version,
            "status": judged.verdict.status,
            "reason": judged.verdict.reason,
            "trained_as_of": self.as_of,
            "recipe_sha256": recipe,
            "n_train": judged.counts["train"],
            "n_calibrate": judged.counts["calibrate"],
            "n_test": judged.counts["test"],
            "n_positive": judged.positives,
            "metrics": json.dumps(judged.metrics.as_dict(), sort_keys=True),
            "base_rate_brier": judged.base_rate_brier,
            "champion_version": champion.version if champion else None,
            "champion_brier": judged.champion_brier,
            "features": json.dumps([asdict(f) for f in judged.model.features]),
            "seed": judged.model.seed,
            "object_path": object_path,
        }

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id, "table": "ops-model_version"}


def _champion(bucket: storage.Bucket, versions: list[ModelVersion]) -> Champion | None:
    from ml.challenge import Champion
    from ml.registry import RECORD, model_from

    found = newest_champion(versions)
    return Champion(found.version, model_from(read_files(bucket, found.object_path, RECORD))) if found else None
