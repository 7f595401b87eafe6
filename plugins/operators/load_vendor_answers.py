"""Load every answer of the waterfall's vendors, and judge the e-mails in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.airflow.google import BigQueryHook, GCSHook
from include.enrichment.waterfall import policy
from include.settings import lake_bucket, project
from include.warehouse.run import run
from include.warehouse.tables import table
from operators.call_ledger_to_bigquery import load_ledger

if TYPE_CHECKING:
    from google.cloud import bigquery, storage


class LoadVendorAnswersOperator(BaseOperator):
    """Bring raw.vendor_response to what the call ledgers say, and enriched.answer to what raw.vendor_response says.

    Run it twice, or late: the same tables. Returns ``{vendor: rows loaded}``.
    """

    ui_color = "#e8f0fe"

    def __init__(self, *, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        client = BigQueryHook(gcp_conn_id=self.gcp_conn_id).get_client(project_id=project())
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        return load_answers(client, bucket, {"dag": self.dag_id, "task": self.task_id})


def load_answers(client: bigquery.Client, bucket: storage.Bucket, labels: Mapping[str, str]) -> dict[str, int]:
    """Do what LoadVendorAnswersOperator does."""
    rules = policy()
    loaded = {
        vendor.name: load_ledger(client, bucket, vendor.name, vendor.operation, labels)["loaded"]
        for vendor in rules.vendors.values()
    }
    judged = {"accepted": ",".join(rules.email.statuses), "min_confidence": rules.email.min_confidence}
    run(client, table("enriched.answer").sql(), labels, **judged)
    return loaded
