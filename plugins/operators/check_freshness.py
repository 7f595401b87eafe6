"""Raise an alarm for every source that has not come in its usual gap."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from include.airflow.defaults import GCP_CONN_ID
from include.airflow.google import warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.quality.freshness_sources import SENDER, SENDER_LOOK_BACK, freshness_alerts
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from airflow.sdk import Context

CHECK = "freshness"


class SourcesSilent(AirflowFailException):
    """Sources have not come. They stand in ops.alert, and deliver_alerts tells of each: the pager is not told twice, and a mute
    holds for both.
    """

    is_told_by_alerts = True


class CheckFreshnessOperator(WarehouseOperator):
    """Compare ops.load_manifest, and the senders in raw.event, with the usual gaps in include/quality/freshness_sources.py, and replace the
    alerts of the day and before in ops.alert.

    Returns the number of alerts by severity. Raises SourcesSilent, after the alerts are stored, when one is an error:
    silence of a source must be seen.

    :param day: the day that is looked at, ISO date.
    """

    template_fields: Sequence[str] = ("day",)
    ui_color = "#fef7e0"

    def __init__(self, *, day: str, gcp_conn_id: str = GCP_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        client = warehouse(self.gcp_conn_id)
        day = date.fromisoformat(self.day)
        loaded: dict[str, set[date]] = defaultdict(set)
        labels = {"dag": self.dag_id, "task": self.task_id, "table": "ops-alert"}
        for row in run(client, table("ops.load_manifest").sql("partitions"), labels):
            loaded[row["source"]].add(row["partition"])
        senders = table("raw.event").sql("senders")
        for row in run(client, senders, labels, first_date=day - SENDER_LOOK_BACK, last_date=day):
            loaded[f"{SENDER}{row['sender']}"].add(row["received_date"])
        alerts = freshness_alerts(loaded, day)
        found = json.dumps([asdict(alert) for alert in alerts])
        run(client, table("ops.alert").sql("replace"), labels, raised_on=day, check_name=CHECK, alerts=found)
        for alert in alerts:
            self.log.warning("%s: %s", alert.severity, alert.message)
        errors = [alert.message for alert in alerts if alert.severity == "error"]
        if errors:
            raise SourcesSilent(f"{len(errors)} source(s) have not come:\n  - " + "\n  - ".join(errors))
        return {"error": 0, "warning": len(alerts)}
