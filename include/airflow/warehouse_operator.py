"""What every operator is that runs statements in the warehouse."""

from __future__ import annotations

from airflow.sdk import BaseOperator

from include.airflow.google import warehouse
from include.warehouse.run import cancel_running


class WarehouseOperator(BaseOperator):
    """An operator whose jobs end with its task: killed, or out of time, it cancels what it waits for.

    A subclass has ``gcp_conn_id``, the connection of its warehouse.
    """

    gcp_conn_id: str

    def on_kill(self) -> None:
        cancel_running(warehouse(self.gcp_conn_id))
