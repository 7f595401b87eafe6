"""Send to the pager what stands in ops.alert, what still stands and what is gone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hooks.http.errors import VendorError
from hooks.pager import PagerHook
from include.airflow.defaults import GCP_CONN_ID
from include.airflow.google import warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.quality.alert_delivery import Delivered, Delivery, Standing, due, messages
from include.quality.mutes import mutes
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from airflow.sdk import Context
    from google.cloud import bigquery


class DeliverAlertsOperator(WarehouseOperator):
    """Send each alert once, again while it stands, and once more when it is gone; note each in ops.alert_delivery.

    The note is written after the pager took the message: after a crash in between the next run sends it again. Where the pager
    takes one message and not another, the one is noted, and then the task fails with the pager's error. Returns how many
    alerts were raised, repeated and resolved.

    :param as_of: the run's point in time, ISO 8601.
    """

    template_fields: Sequence[str] = ("as_of",)
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        as_of: str,
        gcp_conn_id: str = GCP_CONN_ID,
        pager_conn_id: str = PagerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.gcp_conn_id = gcp_conn_id
        self.pager_conn_id = pager_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        as_of = datetime.fromisoformat(refuse_future(self.as_of, datetime.now(UTC)))
        client = warehouse(self.gcp_conn_id)
        standing = [Standing(**row) for row in run(client, table("ops.alert").sql("standing"), self._labels())]
        before = [Delivered(**row) for row in run(client, table("ops.alert_delivery").sql("open"), self._labels())]
        pager, failed = PagerHook(self.pager_conn_id), list[VendorError]()
        sent: Counter[str] = Counter()
        for message, deliveries in messages(due(standing, before, mutes(), as_of)):
            try:
                pager.send(message)
            except VendorError as error:
                self.log.error("Not sent: %s: %s", message.title, error)
                failed.append(error)
                continue
            self._note(client, as_of, deliveries)
            sent.update(one.event for one in deliveries)
            self.log.info("Sent: %s", message.title)
        if failed:
            raise failed[0]
        return dict(sent)

    def _note(self, client: bigquery.Client, as_of: datetime, deliveries: Sequence[Delivery]) -> None:
        rows = json.dumps([one.as_row() for one in deliveries])
        sql = table("ops.alert_delivery").sql("add")
        run(client, sql, self._labels(), as_of=as_of, rows=rows)

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id, "table": "ops-alert_delivery"}
