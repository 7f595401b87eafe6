"""See that everything that was bought is in the tables, before anybody is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.enrichment.rules import LOOKUP
from include.enrichment.vendor_rows import vendor_rows
from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger, Entry
from include.settings import lake_bucket
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery


class AnswersNotLoaded(AirflowFailException):
    """Answers are bought and are not in the tables. Nobody was told of them. A retry would load nothing, so there is none."""


class ConfirmAnswersOperator(WarehouseOperator):
    """Compare the call ledgers with the tables, whatever the tasks of the run say: a load that is green was green before a
    later task was cleared and bought more.

    Every answer in the ledger must be in raw.vendor_response, and all of those in enriched.answer and enriched.contact. Of
    Twilio's, which another DAG buys too, those of this run. Returns ``{"answers": n}``. Raises AnswersNotLoaded.
    """

    ui_color = "#e8f0fe"

    def __init__(self, *, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        client = warehouse(self.gcp_conn_id)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        run_id = str(context["run_id"])
        bought = [(vendor.name, vendor.operation, None) for vendor in policy().vendors.values()]
        missing: list[str] = []
        answers = 0
        for vendor, operation, only_run in [*bought, (LOOKUP.vendor, LOOKUP.name, run_id)]:
            ledger = CallLedger(bucket, vendor, operation)
            keys = ledger.answered()
            answers += len(keys)
            lost = [
                entry
                for key in sorted(keys - self._loaded(client, vendor, operation))
                if (entry := ledger.entry(key)) is not None and _belongs_in_the_table(entry, only_run)
            ]
            if lost:
                missing.append(
                    f"{len(lost)} of {vendor} {operation} in raw.vendor_response (the first: {lost[0].request_key})"
                )
        rows = run(client, table("enriched.contact").sql("not_folded"), self._labels(), vendors=policy().names)
        missing += [f"{row['missing']} in {row['table_name']}" for row in rows]
        if missing:
            raise AnswersNotLoaded(
                f"Answers that are bought are missing: {'; '.join(missing)}. Nobody was told of enriched.contact. Clear "
                "load_answers and load_lookups with everything downstream of them: nothing is asked again."
            )
        self.log.info("All %s answers in the call ledgers are in the tables", answers)
        return {"answers": answers}

    def _loaded(self, client: bigquery.Client, vendor: str, operation: str) -> set[str]:
        sql = table("raw.vendor_response").sql("answered")
        return {row["call_key"] for row in run(client, sql, self._labels(), vendor=vendor, operation=operation)}

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id.replace(".", "-"), "table": "raw-vendor_response"}


def _belongs_in_the_table(entry: Entry, only_run: str | None) -> bool:
    """Whether an answered entry makes a row: not one of another run, and not a call whose people were all left out."""
    if only_run is not None and entry.purpose.get("run_id") != only_run:
        return False
    return bool(vendor_rows(entry))
