"""Load what the call ledger knows of sends into the activation tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airflow.defaults import GCP_CONN_ID
from include.airflow.sends import send_store
from include.airflow.warehouse_operator import WarehouseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoadSendsOperator(WarehouseOperator):
    """MERGE every answered call of a destination into sync_state, rejection and send. Run it twice: the same tables.

    Returns ``{"sent": n, "rejected": n, "calls_outcome_unknown": n}``.

    :param destination: ``instantly`` or ``ghl``.
    :param plan_only: a dry run: write nothing, and skip what comes after.
    """

    ui_color = "#e6f4ea"
    template_fields: Sequence[str] = ("destination", "plan_only")

    def __init__(
        self, *, destination: str, plan_only: bool = False, gcp_conn_id: str = GCP_CONN_ID, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.plan_only = plan_only
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        if self.plan_only:
            raise AirflowSkipException("Dry run: nothing was sent, so nothing is loaded.")
        store = send_store(self, self.gcp_conn_id, self.destination)
        counts = store.load(store.unloaded())
        self.log.info("%s: %s", self.destination, counts)
        if counts["calls_outcome_unknown"]:
            self.log.warning(
                "Calls with an unknown outcome: the next activation of %s asks the vendor first.", self.destination
            )
        return counts
