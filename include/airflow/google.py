"""The provider's hooks and operator for BigQuery and Cloud Storage, with waits that are logged and that end."""

from __future__ import annotations

from typing import Any

from airflow.providers.google.cloud.hooks import bigquery as provider_bigquery
from airflow.providers.google.cloud.hooks import gcs as provider_gcs
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
from google.cloud import bigquery, storage

from include.settings import project
from include.warehouse.google_waits import log_waits

# Where datasets are made and jobs run, if the connection's `location` says nothing else.
DEFAULT_LOCATION = "US"


def warehouse(gcp_conn_id: str) -> bigquery.Client:
    """Return a client of the project's warehouse: its jobs run, and its datasets are made, at the connection's location."""
    hook = BigQueryHook(gcp_conn_id=gcp_conn_id)
    return hook.get_client(project_id=project(), location=location_of(hook))


def location_of(hook: provider_bigquery.BigQueryHook) -> str:
    """Return the extra `location` of a hook's connection, such as ``EU`` or ``europe-west3``; DEFAULT_LOCATION without one."""
    return hook.location if isinstance(hook.location, str) and hook.location else DEFAULT_LOCATION


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
        self.location = location_of(self.hook)
        return super()._submit_job(self.hook, job_id)

    def get_job_status(self, external_id: Any, context: Any) -> str:
        self.hook = self._hook()
        self.location = location_of(self.hook)
        return super().get_job_status(external_id, context)

    def _hook(self) -> BigQueryHook:
        return BigQueryHook(gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain)
