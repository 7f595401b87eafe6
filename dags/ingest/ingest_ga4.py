"""
# ingest_ga4

Brings Google Analytics' daily export, which Google writes into our BigQuery, to **raw.ga4_events**. Google restates a day
for up to 72 hours, so every run reads the last four days again.

| | |
|---|---|
| Kind | interval: a run owns the day on which its interval begins, and reads that day and the three before it |
| Runs | daily at 12:00 UTC, when the day has usually been published |
| Reads | `events_YYYYMMDD` in the dataset `GTM_GA4_DATASET`; never `events_intraday_YYYYMMDD`, which holds half a day |
| Writes | each day's partition of raw.ga4_events if the export holds something else, ops.load_manifest |
| Then | nothing yet waits for raw.ga4_events |

The grid says of each day: loaded, restated (it held other rows), unchanged, or not published.

## When it fails

* `load_day`, NotLinked: the dataset is not there. Link the GA4 property to the project, or correct GTM_GA4_DATASET.
* `load_day`, ExportContractError: Google removed or retyped a column; the message lists each, with what was expected.
  Nothing of that day was loaded, other days were. Change raw.ga4_events by a migration, then clear the task. Days from
  before Google added a column (`batch_*`: July 2024) are refused in the same way.
* `load_day`, EmptiedExport: Google's table of a day that had events has none, and the partition keeps what it held. Clear
  the task: Google may have written it anew. If the day is really empty, run with `{"accept_empty": true}`.
* A day stays `not published`: no failure, because it may come 72 hours late. After that check_freshness fails. Google never
  exports it later: docs/sources/ga4.md.
* Anything else (warehouse down): clear the failed task. Every task may run again and writes the same.

A column that Google added is a warning in the log and a `note` in ops.load_manifest; it is not loaded.

## Backfill

`airflow backfill create --dag-id ingest_ga4 --from-date 2025-11-03 --to-date 2025-11-10 --reprocess-behavior completed
--max-active-runs 1`, in any order. Runs of neighbouring days share three days, so several at once only wait for each other.
"""

from __future__ import annotations

from airflow.sdk import DAG, ExceptionRetryPolicy, Param, RetryAction, RetryRule

from include.airflow.as_of import announce
from include.airflow.defaults import (
    DEFAULT_ARGS,
    INTERVAL_END,
    INTERVAL_START,
    START_DATE,
    Kind,
    Stage,
    System,
    Tier,
    not_after_now,
    tags,
)
from include.airflow.schedules import interval_schedule
from operators.ga4_export_to_bigquery import Ga4ExportToBigQueryOperator

WINDOW_DAYS = 4
AS_OF = f"{{{{ {not_after_now(INTERVAL_END)} }}}}"

RETRY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=["include.marketing.ga4.NotLinked", "include.marketing.ga4.ExportContractError"],
            action=RetryAction.FAIL,
            reason="A retry changes neither the link nor the export's columns.",
        )
    ]
)


def day(back: int) -> str:
    """Return the template of the day that lies so many days before the newest one."""
    return f"{{{{ macros.ds_add({INTERVAL_START} | ds, -{back}) }}}}"


with DAG(
    dag_id="ingest_ga4",
    description="Loads the last four days of Google Analytics' export",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_ga4"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"retry_policy": RETRY},
    params={"accept_empty": Param(False, type="boolean", description="Let a day that had events become empty.")},
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.GA4, System.BIGQUERY),
) as dag:
    load = Ga4ExportToBigQueryOperator.partial(
        task_id="load_day",
        run_day=f"{{{{ {INTERVAL_END} | ds }}}}",
        accept_empty="{{ params.accept_empty }}",
        pool="bigquery",
        map_index_template="{{ task.day }} {{ task.outcome }}",
    ).expand(day=[day(back) for back in range(WINDOW_DAYS)])
    load >> announce("raw.ga4_events", AS_OF)
