"""Give the addresses and telephones of pending NPIs their standard form, before the NPIs are folded."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from include.airflow.google import warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.contacts.postal_address import Published
from include.contacts.standard import address_rows, phone_rows
from include.warehouse.run import run
from include.warehouse.tables import Table, table

if TYPE_CHECKING:
    from google.cloud import bigquery


class StandardizeContactsOperator(WarehouseOperator):
    """Read the published practice addresses and telephones of clean.provider_pending; write clean.address and clean.phone.

    Each distinct text is parsed once, addresses on all cores. What validators and look-ups said of a text stays. Run it again:
    the same rows. Returns how many of each were read; nothing of them goes to XCom or to the log.
    """

    ui_color = "#e8f0fe"

    def __init__(self, *, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        client = warehouse(self.gcp_conn_id)
        addresses = [Published(*row.values()) for row in self._run(client, table("clean.address").sql("unread"))]
        self._keep(client, table("clean.address"), address_rows(addresses))
        phones = [(row["phone"], row["country"]) for row in self._run(client, table("clean.phone").sql("unread"))]
        self._keep(client, table("clean.phone"), phone_rows(phones))
        self.log.info("%d addresses and %d telephones read", len(addresses), len(phones))
        return {"addresses": len(addresses), "phones": len(phones)}

    def _keep(self, client: bigquery.Client, target: Table, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        self._load(client, table(f"{target.name}_standard"), rows)
        self._run(client, target.sql("keep_standard"))

    def _load(self, client: bigquery.Client, staging: Table, rows: list[dict[str, Any]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from google.cloud import bigquery

        types = {"STRING": pa.string(), "BOOL": pa.bool_(), "INT64": pa.int64()}
        schema = pa.schema([(column.name, types[column.type]) for column in staging.columns])
        parquet = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), parquet)
        parquet.seek(0)
        config = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField.from_api_repr(field) for field in staging.schema()],
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels={"dag": self.dag_id, "task": self.task_id},
        )
        client.load_table_from_file(parquet, staging.name, job_config=config).result()

    def _run(self, client: bigquery.Client, sql: str) -> Any:
        return run(client, sql, {"dag": self.dag_id, "task": self.task_id})
