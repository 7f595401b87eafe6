"""
# check_connections

Asks every vendor whether our connection to it works, before the day's runs need it: is the host right, is the key good,
does its scope suffice. **It spends nothing**: each vendor is asked by a free call.

| | |
|---|---|
| Kind | interval: a run tells how things stand when it runs |
| Runs | daily at 08:00 UTC; by hand after a key or a host was changed |
| Reads | the connections `<vendor>_default`, and `pager_default` for what its channel needs: nothing is sent to it |
| Writes | nothing |

## When it fails

One task for each connection, named after it in the grid; the others go on. **ConnectionBroken** says what is wrong:

* "The key was refused", "The key's scope or the plan does not include": correct the connection's password or let the
  vendor's administrator widen the key (docs/connections.md), clear the task.
* "Whoever answers there does not take this call", "has no host": correct the connection's host.
* "extra ... must": the connection's extra lacks what the message names.
* "allows duplicate contacts": a setting of the Go High Level location; switch it off there as the message says.
* "The vendor is failing", "The connection failed": the vendor is down; its status page tells more. The task has tried
  three times; clear it later.

An error that is no ConnectionBroken: the connection does not exist in this environment. Create it, or take the vendor
out of use.

State boards are not in it: they are sites to be read politely, and `ingest_board_licenses` asks them every day.

## Backfill

None: the past cannot be asked.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, tags
from include.airflow.schedules import interval_schedule
from operators.check_connection import HOOKS, CheckConnectionOperator

SYSTEMS = [
    System.NPPES, System.WIZA, System.APOLLO, System.CLAY, System.TWILIO, System.USPS, System.ADDY, System.GHL, System.INSTANTLY,
    System.GOOGLE_ADS, System.META_ADS, System.TTD, System.LEADFEEDER,
]  # fmt: skip

with DAG(
    dag_id="check_connections",
    description="Asks every vendor, free of charge, whether our connection works",
    doc_md=__doc__,
    schedule=interval_schedule("check_connections"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=tags(Stage.OPERATE, Tier.TWO, Kind.INTERVAL, *SYSTEMS),
):
    # In no vendor's pool: its slots may be held for an hour by work that waits, and this is one call.
    CheckConnectionOperator.partial(task_id="check_connection", map_index_template="{{ task.conn_id }}").expand(
        conn_id=sorted(HOOKS)
    )
