"""
# ingest_ad_performance

Reads what every ad of Google Ads, Meta and The Trade Desk delivered and cost, day by day, into **raw.ad_performance**.
Platforms restate a day for some days, so each run reads its own day and the three before it again.

| | |
|---|---|
| Kind | interval: a run owns its day, and of that day and the `restate_days` before it each platform's slice, which it replaces whole |
| Runs | daily at 12:00 UTC, when the day has ended in every American time zone |
| Reads | connections `google_ads_default`, `meta_ads_default`, `ttd_default` |
| Writes | gs://lake/raw/<platform>/<day>/ (write-once), gs://lake/staged/ad_performance/ (scratch), its slices of |
| | raw.ad_performance, ops.load_manifest and ops.alert (emptied_slice) |
| Then | whatever is scheduled on raw.ad_performance |

Each platform is a branch of its own, each day of it a mapped task named by the day. One that fails does not hold up the
others: what has come is announced, and the run fails. `docs/sources/ads.md` says what each platform publishes and needs.

Params: `day` (empty: the day of the interval) is the newest day; `restate_days` is how many days before it are read
again; `accept_empty` lets an answer without rows empty a day that had some; `as_of` (empty: the end of the interval, or now) is
the point in time for later stages.

## When it fails

Clear the failed `pull_…` with its downstream; the other branches stay.

* **AuthFailed**: the message names the platform's reason. Renew the token in the connection, clear.
* **RateLimited**: it retries after 10 minutes by itself. Every day: another tool uses up the same allowance.
* **ReportNotReady** (Meta, The Trade Desk): it asks for the report again after 15 minutes. After three times: look at
  the platform's status page, then clear.
* **DamagedAnswer**: the platform has changed its answer, or The Trade Desk's template its columns. Nothing of the day was
  loaded, and the slice holds what it held before. The message names the place and the column; the answer is in the
  archive. Correct include/marketing/ad_performance.py or the template, clear.
* **BadRequest**: a field or a version of the API is gone. Correct the hook.
* `check_…` "no rows came for a day that had some": the platform has lost them, or not found them yet. The slice holds
  what it held, and `SELECT * FROM ops.alert WHERE check_name = 'emptied_slice'` names the day. Often the next run finds
  the rows, and the alert leaves. If the platform's own page is empty, too, run with `{"day": "…", "restate_days": 0,
  "accept_empty": true}`.
* `record_…` **RowsMissing**: the slice holds other rows than were read. Clear `pull_…`.
* `load_…`, `record_…` (warehouse down): clear. Every task may run again and writes the same.

A `note` "no rows" in ops.load_manifest: nothing was delivered so far, or the platform is late. The next runs read it again.

## Backfill

`airflow backfill create --dag-id ingest_ad_performance --from-date 2025-09-15 --to-date 2025-11-09
--reprocess-behavior completed --dag-run-conf '{"restate_days": 0}'`, in any order. Runs go one after another, because
their days overlap. Meta keeps 37 months. A day that a platform no longer has is still in the archive.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryRule, task, task_group
from airflow.sdk.definitions.xcom_arg import XComArg

from include.airflow.as_of import announce
from include.airflow.defaults import (
    DEFAULT_ARGS,
    START_DATE,
    Kind,
    Stage,
    System,
    Tier,
    tags,
)
from include.airflow.restated_days import ANSWER_RETRY, AS_OF, check_not_emptied, days_to_read, restated_days_params
from include.airflow.schedules import interval_schedule
from operators.ad_report_to_parquet import HOOKS, AdReportToParquetOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.record_loads import RecordLoadsOperator

TABLE = "raw.ad_performance"
RETRY = ExceptionRetryPolicy(
    rules=[
        *ANSWER_RETRY.rules,
        RetryRule(
            exception="hooks.http.errors.ReportNotReady",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=15),
            reason="The platform is still making the report.",
        ),
    ]
)


def load_platform(platform: str, days: XComArg) -> Any:
    """Add the branch of one platform: its days, each pulled, loaded and recorded."""

    def of(key: str) -> str:
        return f"{{{{ ti.xcom_pull(task_ids='pull_{platform}', map_indexes=ti.map_index)['{key}'] }}}}"

    @task_group(group_id=platform, prefix_group_id=False, default_args={"map_index_template": of("day")})
    def load_day(day: str) -> None:
        pull = AdReportToParquetOperator(
            task_id=f"pull_{platform}", platform=platform, day=day, map_index_template="{{ task.day }}"
        )
        check = check_not_emptied(platform, TABLE, of("day"), of("rows"))
        load = ParquetToBigQueryPartitionOperator(
            task_id=f"load_{platform}",
            table_name=TABLE,
            partition=of("day"),
            source_uri=of("source_uri"),
            slice_by={"platform": platform},
            pool="bigquery",
        )
        record = RecordLoadsOperator(
            task_id=f"record_{platform}",
            archived=pull.output,
            loads={TABLE: pull.output},
            partition=of("day"),
            source=platform,
            slice_field="platform",
            pool="bigquery",
        )
        pull >> check >> load >> record

    return load_day.expand(day=days)


with DAG(
    dag_id="ingest_ad_performance",
    description="Loads what each ad of Google Ads, Meta and The Trade Desk delivered and cost, by day",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_ad_performance"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,  # two runs share days
    default_args=DEFAULT_ARGS | {"retry_policy": RETRY},
    params=restated_days_params(3),
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.GOOGLE_ADS, System.META_ADS, System.TTD, System.BIGQUERY),
) as dag:
    days = days_to_read()
    branches = [load_platform(platform, days) for platform in HOOKS]

    @task
    def confirm_platforms() -> None:
        """Make a run fail in which a platform failed, although the others are announced."""

    branches >> announce(TABLE, AS_OF, trigger_rule="all_done_min_one_success")
    branches >> confirm_platforms()
