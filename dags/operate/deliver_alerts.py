"""
# deliver_alerts

Sends to the pager what stands in **ops.alert**: an alert once, again while it stands (an error after a day, a warning after
a week), and once more when it is gone. Tasks that fail tell the pager by themselves; this is for what fails nothing.

| | |
|---|---|
| Kind | interval: a run looks at what stands when its interval ends |
| Runs | every 15 minutes |
| Reads | ops.alert, ops.alert_delivery, include/quality/mutes.yaml |
| Writes | the pager (connection pager_default); ops.alert_delivery |

An alert is noted after the pager took it: after a crash in between it is sent twice, and never lost. `as_of` (empty: the end
of the interval, or now) is the time by which repeats and mutes are judged.

**Quiet.** A check that is right and cannot be mended yet is muted in include/quality/mutes.yaml, with a reason, a name and an end.
A mute past its end is an alert of its own (check_name `expired_mute`). docs/pager.md has more.

## When it fails

While it fails, alerts are only in ops.alert: look there with `SELECT * FROM ops.alert ORDER BY raised_on DESC`.

* **VendorDown**, **RateLimited**: the pager did not take a message; the others are sent and noted. The next run sends it.
* **AuthFailed**, **BadRequest**, **EndpointNotFound**: correct connection pager_default (docs/connections.md). The next run goes on.
* **ValueError** that names mutes.yaml: a mute lacks what the message says, and nothing is sent before that is mended.
* Anything else (warehouse down): the next run does all of it.

## Backfill

None: what was not sent is sent by the next run.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.defaults import (
    DEFAULT_ARGS,
    INTERVAL_AS_OF,
    START_DATE,
    Kind,
    Stage,
    System,
    Tier,
    as_of_param,
    deadline,
    tags,
)
from include.airflow.schedules import interval_schedule
from operators.deliver_alerts import DeliverAlertsOperator

with DAG(
    dag_id="deliver_alerts",
    description="Sends what stands in ops alert to the pager, and says when it is gone",
    doc_md=__doc__,
    schedule=interval_schedule("deliver_alerts"),
    start_date=START_DATE,
    catchup=False,
    # Two runs at once would send the same alert twice.
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={"as_of": as_of_param()},
    deadline=deadline(hours=1),
    tags=tags(Stage.OPERATE, Tier.ONE, Kind.INTERVAL, System.BIGQUERY),
):
    DeliverAlertsOperator(task_id="send_alerts", as_of=INTERVAL_AS_OF, pool="bigquery")
