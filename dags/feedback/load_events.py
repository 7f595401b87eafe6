"""
# load_events

Lands one day of webhook events, as the receiver stored them, in **raw.event**.

| | |
|---|---|
| Kind | interval: a run owns one received date (UTC, by the receiver's clock) and replaces exactly that partition |
| Runs | daily at midnight UTC, for the day that has ended |
| Reads | gs://<lake>/inbox/<received date>/ |
| Writes | its partition of raw.event; ops.load_manifest, also for a day without an event |
| Then | clean_events |

Params: `received_date` (empty: the day of the interval) loads another day, also the one that still runs; `as_of`
(empty: the end of the interval, or now where the day is still on) is the point in time that the DAGs after this one work
at. One in the future is refused: the day is loaded, and nothing is announced.

## When it fails

An object that somebody other than the receiver wrote or changed stops nothing: it is a row that is not `verified`, is refused
as `not_verified`, and is named in `ops.alert` (check_name `unread_opt_out`). Move it out of `inbox/`, keep it, run the day again.

* Anything (store or warehouse down): clear the task. It replaces its whole partition in one statement, so it
  may run any number of times, beside the runs of other days. Events are safe in the inbox meanwhile.

No rows for a day on which mails went out (check_freshness raises an alert for a sender that is silent for longer than is
usual): the receiver was down or a vendor switched its webhook off. Look at the
receiver's `/healthz`, then run `register_webhooks`. docs/webhooks.md says how to get back what was missed.

## Backfill

Any range, in any order, several at once: `airflow backfill create --dag-id load_events --from-date … --to-date …
--reprocess-behavior completed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow.sdk import DAG, Metadata, Param, task

from include.airflow.as_of import past
from include.airflow.defaults import (
    DEFAULT_ARGS,
    INTERVAL_AS_OF,
    INTERVAL_START,
    START_DATE,
    Kind,
    Stage,
    System,
    Tier,
    as_of_param,
    asset,
    tags,
)
from include.airflow.schedules import interval_schedule
from operators.inbox_to_bigquery import InboxToBigQueryOperator

RAW_EVENT = asset("raw.event")
RECEIVED_DATE = f"{{{{ params.received_date or ({INTERVAL_START} | ds) }}}}"

with DAG(
    dag_id="load_events",
    description="Loads one day of webhook events into raw.event",
    doc_md=__doc__,
    schedule=interval_schedule("load_events"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULT_ARGS,
    params={
        "received_date": Param(
            None,
            type=["null", "string"],
            format="date",
            description="Day of receipt (YYYY-MM-DD, UTC) to load. Empty: the day of the run's interval.",
        ),
        "as_of": as_of_param(),
    },
    tags=tags(Stage.FEEDBACK, Tier.TWO, Kind.INTERVAL, System.BIGQUERY, System.WEBHOOKS),
) as dag:
    load = InboxToBigQueryOperator(task_id="load_inbox", received_date=RECEIVED_DATE, pool="bigquery")

    @task(outlets=[RAW_EVENT])
    def announce_event(partition: str, as_of: str, rows: int) -> Iterator[Metadata]:
        """Tell clean_events which partition changed, and at what time to work."""
        extra: dict[str, Any] = {"as_of": past(as_of), "partition": partition, "rows": rows}
        yield Metadata(RAW_EVENT, extra=extra)

    announce_event(RECEIVED_DATE, INTERVAL_AS_OF, load.output)  # type: ignore[arg-type]
