"""Score every lead of one point in time with the champion of that time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from include.airflow.defaults import GCP_CONN_ID
from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.models.versions import known_versions, newest_champion, read_files
from include.settings import lake_bucket
from include.warehouse.as_of_rows import replace_rows
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from airflow.sdk import Context


class ScoreLeadsOperator(WarehouseOperator):
    """Replace predictions.lead_score at `as_of` with the champion's scores of features.lead at `as_of`.

    The champion is the newest one trained at or before `as_of`; while there is none, nothing is predicted.
    Raises SchemaMismatch when features.lead is not what the champion was trained on. Returns {rows, model_version}.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(self, *, as_of: str, gcp_conn_id: str = GCP_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from ml.lead_score import MODEL

        refuse_future(self.as_of, datetime.now(UTC))
        client = warehouse(self.gcp_conn_id)
        champion = newest_champion(known_versions(client, MODEL, self.as_of, self._labels()))
        if champion is None:
            self.log.info("No champion of %s as of %s yet: no predictions; leads rank by ICP score.", MODEL, self.as_of)
            rows, version = [], None
        else:
            rows, version = self._predictions(client, champion.version, champion.object_path), champion.version
        target = table("predictions.lead_score")
        replace_rows(client, target, self.as_of, rows, self._labels())
        self.log.info("%d leads scored as of %s by %s", len(rows), self.as_of, version)
        return {"rows": len(rows), "model_version": version}

    def _predictions(self, client: bigquery.Client, version: str, object_path: str) -> list[dict[str, Any]]:
        from ml.lead_score import scored
        from ml.registry import RECORD, model_from

        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        model = model_from(read_files(bucket, object_path, RECORD))
        leads = run(client, table("predictions.lead_score").sql("features"), self._labels(), as_of=self.as_of)
        frame = leads.to_dataframe(create_bqstorage_client=False)
        if frame.empty:
            return []
        records = scored(model, frame).assign(model_version=version).to_dict("records")
        return [{str(name): value for name, value in record.items()} for record in records]

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id, "table": "predictions-lead_score"}
