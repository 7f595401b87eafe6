"""The activation tables of a destination, as an operator works with them."""

from __future__ import annotations

from airflow.sdk import BaseOperator

from include.activation.send_store import SendStore
from include.airflow.google import GCSHook, warehouse
from include.settings import lake_bucket


def send_store(operator: BaseOperator, gcp_conn_id: str, destination: str) -> SendStore:
    """Return the activation tables of one destination, with the operator's labels on every job."""
    return SendStore(
        client=warehouse(gcp_conn_id),
        bucket=GCSHook(gcp_conn_id=gcp_conn_id).get_conn().bucket(lake_bucket()),
        destination=destination,
        labels={"dag": operator.dag_id, "task": operator.task_id, "table": "activation-send"},
    )
