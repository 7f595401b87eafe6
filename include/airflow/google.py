"""The provider's hooks and operator for BigQuery and Cloud Storage, with waits that are logged and that end."""

from __future__ import annotations

from typing import Any

from airflow.providers.google.cloud.hooks import bigquery as provider_bigquery
from airflow.providers.google.cloud.hooks import gcs as provider_gcs
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
from google.cloud import bigquery, storage

from include.warehouse.google_waits import log_waits


class BigQueryHook(provider_bigquery.BigQueryHook):
    """The provider's hook; its clients say what they wait for."""

    def get_client(self, *args: Any, **kwargs: Any) -> bigquery.Client:
        client = super().get_client(*args, **kwargs)
        log_waits(client._http, "BigQuery")
        return client


class GCSHook(provider_gcs.GCSHook):
    """The provider's hook; its client says what it waits for."""

    def get_conn(self) -> storage.Client:
        known = self._conn
        client = super().get_conn()
        if client is not known:
            log_waits(client._http, "Cloud Storage")
        return client


class InsertJobOperator(BigQueryInsertJobOperator):
    """The provider's operator on our hook: submits a job, or finds the one that an earlier try left, and waits for it."""

    def _submit_job(self, hook: provider_bigquery.BigQueryHook, job_id: str) -> Any:
        self.hook = self._hook()
        return super()._submit_job(self.hook, job_id)

    def get_job_status(self, external_id: Any, context: Any) -> str:
        self.hook = self._hook()
        return super().get_job_status(external_id, context)

    def _hook(self) -> BigQueryHook:
        return BigQueryHook(gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain)
