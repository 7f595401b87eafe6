"""Load what the call ledger knows, and the warehouse does not, into raw.vendor_response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.enrichment.ledger_load import TABLE, load_ledger
from include.settings import lake_bucket


class CallLedgerToBigQueryOperator(WarehouseOperator):
    """MERGE every ledger entry without a final row in the warehouse, and delete rows with an unknown outcome whose claim was withdrawn.

    Run it twice, or late: the same table. It runs in the pool ``vendor_response``: two DAGs load Twilio's answers, and two
    MERGEs that insert the same key at the same time both insert it. Raises RepeatedKeys where that has happened.

    Returns ``{"loaded": n, "outcome_unknown": n}``.

    :param vendor: ledger's vendor, for example ``wiza``.
    :param operation: ledger's operation, for example ``individual_reveal``.
    """

    template_fields: Sequence[str] = ("vendor", "operation")
    ui_color = "#e8f0fe"

    def __init__(
        self, *, vendor: str, operation: str, gcp_conn_id: str = "google_cloud_default", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor
        self.operation = operation
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        client = warehouse(self.gcp_conn_id)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        labels = {"dag": self.dag_id, "task": self.task_id, "table": TABLE.replace(".", "-")}
        return load_ledger(client, bucket, self.vendor, self.operation, labels)
