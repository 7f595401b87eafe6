"""Load every answer of the waterfall's vendors, and judge the e-mails in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.enrichment.answers import load_answers
from include.settings import lake_bucket

if TYPE_CHECKING:
    pass


class LoadVendorAnswersOperator(WarehouseOperator):
    """Bring raw.vendor_response to what the call ledgers say, and enriched.answer to what raw.vendor_response says.

    Run it twice, or late: the same tables. Returns ``{vendor: rows loaded}``.
    """

    ui_color = "#e8f0fe"

    def __init__(self, *, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        client = warehouse(self.gcp_conn_id)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        return load_answers(client, bucket, {"dag": self.dag_id, "task": self.task_id})
