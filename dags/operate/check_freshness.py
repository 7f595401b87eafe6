"""
# check_freshness

Looks every day whether each source has come in its usual gap. A source that fell silent raises an alert, not nothing.

| | |
|---|---|
| Kind | interval: a run looks at the day on which its interval ends |
| Runs | daily at 09:00 UTC, after the night's loads |
| Reads | ops.load_manifest; raw.event, for the days on which each sender was heard; the usual gaps are in include/quality/freshness_sources.py |
| Writes | its alerts in ops.alert, in place of those of the days before |
| Then | deliver_alerts sends them; the pager is not told of the failed task, too |

## When it fails

**SourcesSilent** is its alarm: a source is overdue, a file between two loaded ones is missing, or a sender of webhooks is
not heard any more. The message names the source, the newest data, and the DAG that loads it. docs/sources.md says for each
source when it is published and what to do. Once the data is loaded, clear the task, or wait for the next day: the alert
leaves. A publisher that changed its rhythm for good: change its gap in include/quality/freshness_sources.py. One that is known to be late:
mute it (docs/pager.md).

A source that was never loaded is a warning in ops.alert and does not fail the run.

## Backfill

Any day, in any order. A past day is judged by what the manifest holds now, and its alerts leave with the next day's look.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.defaults import DEFAULT_ARGS, INTERVAL_END, START_DATE, Kind, Stage, System, Tier, tags
from include.airflow.schedules import interval_schedule
from operators.check_freshness import CheckFreshnessOperator

with DAG(
    dag_id="check_freshness",
    description="Raises an alert for each source that fell silent",
    doc_md=__doc__,
    schedule=interval_schedule("check_freshness"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=2,
    default_args=DEFAULT_ARGS,
    tags=tags(Stage.OPERATE, Tier.TWO, Kind.INTERVAL, System.BIGQUERY),
):
    CheckFreshnessOperator(task_id="check_sources", day=f"{{{{ {INTERVAL_END} | ds }}}}", pool="bigquery")
