"""Find which NPI each board license belongs to, outside the warehouse, and bring the pairs back."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.boards.sources import board_sources
from include.settings import lake_bucket
from include.warehouse.run import run, run_job
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

TARGET = "clean.license_match"
INPUTS = ("licenses", "providers", "slots", "officials")
FOUND = ("npi", "license_key", "tier", "rule", "score", "runner_up", "evidence")


class LinkLicensesOperator(WarehouseOperator):
    """Export what is compared as Parquet, link it in DuckDB, and MERGE the pairs into clean.license_match.

    BigQuery has no probabilistic linkage, and half a million rows are a minute's work for one process. Run it again: the same
    table. Returns counts: licenses, providers, candidates, matches, officials.
    """

    ui_color = "#e8f0fe"

    def __init__(self, *, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        from include.linkage.licenses import Files, link

        client = warehouse(self.gcp_conn_id)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        run = re.sub(r"[^A-Za-z0-9_.-]", "-", str(context["ti"].run_id))
        work = f"work/{self.dag_id}/{run}/{self.task_id}"
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: self._exported(client, bucket, name, work, Path(folder)) for name in INPUTS}
            found = Path(folder) / "linked.parquet"
            officials = paths.pop("officials")
            rules = {source.state: source.number_rules for source in board_sources()}
            linked = link(Files(**paths), rules, found, officials)
            bucket.blob(f"{work}/linked.parquet").upload_from_filename(str(found))
        self._merge(client, f"gs://{bucket.name}/{work}/linked.parquet")
        self.log.info("%s", linked)
        return asdict(linked)

    def _exported(self, client: bigquery.Client, bucket: storage.Bucket, name: str, work: str, folder: Path) -> str:
        """Export one input to the lake and fetch it; returns the pattern of its files here."""
        for old in bucket.list_blobs(prefix=f"{work}/{name}/"):
            old.delete()
        job = run_job(client, table(TARGET).sql(name), self._labels())
        client.extract_table(
            job.destination, f"gs://{bucket.name}/{work}/{name}/*.parquet", job_config=self._extract()
        ).result()
        here = folder / name
        here.mkdir()
        for number, blob in enumerate(bucket.list_blobs(prefix=f"{work}/{name}/")):
            blob.download_to_filename(str(here / f"{number:05d}.parquet"))
        return str(here / "*.parquet")

    def _merge(self, client: bigquery.Client, uri: str) -> None:
        from google.cloud import bigquery

        target = table(TARGET)
        staging = f"{target.name}_load"
        load = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField.from_api_repr(c.schema()) for c in target.columns if c.name in FOUND],
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels=self._labels(),
        )
        options = bigquery.ParquetOptions()  # type: ignore[no-untyped-call]
        options.enable_list_inference = True
        load.parquet_options = options
        client.load_table_from_uri(uri, staging, job_config=load).result()
        # A table's name cannot be a query parameter; this one comes from the definition.
        run(client, target.sql().replace("{staging}", staging), self._labels())
        client.delete_table(staging, not_found_ok=True)

    def _extract(self) -> bigquery.ExtractJobConfig:
        from google.cloud import bigquery

        return bigquery.ExtractJobConfig(  # type: ignore[no-untyped-call]
            destination_format="PARQUET", labels=self._labels()
        )

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id, "table": TARGET.replace(".", "-")}
