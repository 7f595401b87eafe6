"""Load what the call ledger knows, and the warehouse does not, into raw.vendor_response."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from include.airflow_promote import MAXIMUM_BYTES_BILLED
from include.call_ledger import CallLedger, Entry
from include.settings import lake_bucket, project
from include.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery

TABLE = "raw.vendor_response"
STAGING = "raw.vendor_response_load"  # the name in merge.sql; the real one carries vendor, operation and DAG


class CallLedgerToBigQueryOperator(BaseOperator):
    """MERGE every ledger entry without a final row in the warehouse, and delete rows in doubt whose claim was withdrawn.

    Run it twice, or late: the same table.

    Returns ``{"loaded": n, "in_doubt": n}``.

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
        client = BigQueryHook(gcp_conn_id=self.gcp_conn_id).get_client(project_id=project())
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        ledger = CallLedger(bucket, self.vendor, self.operation)
        settled, doubted = self._known(client)
        entries = list(ledger.entries(skip=settled))
        withdrawn = sorted(doubted.keys() - {entry.request_key for entry in entries})
        if withdrawn:
            self._delete(client, withdrawn)
        if entries:
            # A request withdrawn and asked again has a younger claim than its row: look for it on the row's day too.
            self._merge(client, entries, [*doubted.values(), *(entry.requested_at.date() for entry in entries)])
        in_doubt = sum(entry.status == "in_doubt" for entry in entries)
        self.log.info("%s entries of %s loaded, %s of them in doubt", len(entries), ledger.prefix, in_doubt)
        return {"loaded": len(entries), "in_doubt": in_doubt}

    def _known(self, client: bigquery.Client) -> tuple[set[str], dict[str, date]]:
        """(keys whose answer the warehouse has, which never changes; key -> requested day of those in doubt)."""
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter("vendor", "STRING", self.vendor),
                bigquery.ScalarQueryParameter("operation", "STRING", self.operation),
            ],
            maximum_bytes_billed=MAXIMUM_BYTES_BILLED,
            labels=self._labels(),
        )
        sql = (
            f"SELECT request_key, status, requested_date FROM {TABLE} "  # noqa: S608 - a constant
            "WHERE vendor = @vendor AND operation = @operation"
        )
        rows = list(client.query_and_wait(sql, job_config=config))
        settled = {row["request_key"] for row in rows if row["status"] != "in_doubt"}
        return settled, {row["request_key"]: row["requested_date"] for row in rows if row["status"] == "in_doubt"}

    def _delete(self, client: bigquery.Client, request_keys: list[str]) -> None:
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter("vendor", "STRING", self.vendor),
                bigquery.ScalarQueryParameter("operation", "STRING", self.operation),
                bigquery.ArrayQueryParameter("request_keys", "STRING", request_keys),
            ],
            maximum_bytes_billed=MAXIMUM_BYTES_BILLED,
            labels=self._labels(),
        )
        client.query_and_wait(table(TABLE).sql("withdrawn"), job_config=config)
        self.log.info("%s rows in doubt deleted: their claims were withdrawn", len(request_keys))

    def _merge(self, client: bigquery.Client, entries: list[Entry], days: list[date]) -> None:
        from google.cloud import bigquery

        # Two DAGs load Twilio's answers, and may do so at once: each through a table of its own.
        staging = f"{STAGING}_{self.vendor}_{self.operation}_{self.dag_id}"
        # JSON travels as text and is parsed by the MERGE: a load would read a body that is a JSON string as text.
        schema = [
            bigquery.SchemaField(c.name, "STRING" if c.type == "JSON" else c.type, c.mode) for c in table(TABLE).columns
        ]
        load = bigquery.LoadJobConfig(
            schema=schema,
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels=self._labels(),
        )
        client.load_table_from_json([_row(entry) for entry in entries], staging, job_config=load).result()
        merge = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter("first_date", "DATE", min(days)),
                bigquery.ScalarQueryParameter("last_date", "DATE", max(days)),
            ],
            maximum_bytes_billed=MAXIMUM_BYTES_BILLED,
            labels=self._labels(),
        )
        client.query_and_wait(table(TABLE).sql("merge").replace(STAGING, staging), job_config=merge)
        client.delete_table(staging, not_found_ok=True)

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id, "table": TABLE.replace(".", "-")}


def _row(entry: Entry) -> dict[str, Any]:
    """One entry as a row of newline-delimited JSON."""
    return {
        "vendor": entry.vendor,
        "operation": entry.operation,
        "request_key": entry.request_key,
        "person_key": entry.person_key,
        "status": entry.status,
        "http_status": entry.http_status,
        "vendor_ref": entry.vendor_ref,
        "request": entry.request,
        # Written anew: PARSE_JSON refuses a number with more digits than it can keep. The ledger has the exact text.
        "body": json.dumps(json.loads(entry.body), ensure_ascii=False) if entry.body else None,
        "credits": entry.credits,
        "cost_usd": entry.cost_usd,
        "requested_at": entry.requested_at.isoformat(),
        "responded_at": entry.responded_at.isoformat() if entry.responded_at else None,
        "requested_date": entry.requested_at.date().isoformat(),
    }
