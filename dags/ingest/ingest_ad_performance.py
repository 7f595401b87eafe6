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
| | raw.ad_performance and ops.load_manifest |
| Then | whatever is scheduled on raw.ad_performance |

Each platform is a branch of its own, each day of it a mapped task named by the day. One that fails does not hold up the
others: what has come is announced, and the run fails. `docs/sources/ads.md` says what each platform publishes and needs.

Params: `day` (empty: the day of the interval) is the newest day; `restate_days` is how many days before it are read
again; `as_of` (empty: the end of the interval) is the point in time for later stages.

## When it fails

Clear the failed `pull_…` with its downstream; the other branches stay.

* **AuthFailed**: the message names the platform's reason. Renew the token in the connection, clear.
* **RateLimited**: it retries after 10 minutes by itself. Every day: another tool uses up the same allowance.
* **ReportNotReady** (Meta, The Trade Desk): it asks for the report again after 15 minutes. After three times: look at
  the platform's status page, then clear.
* **DamagedAnswer**: the platform has changed its answer, or The Trade Desk's template its columns. Nothing of the day was
  loaded, and the slice holds what it held before. The message names the place and the column; the answer is in the
  archive. Correct include/ad_performance.py or the template, clear.
* **BadRequest**: a field or a version of the API is gone. Correct the hook.
* `load_…`, `record_…` (warehouse down): clear. Every task may run again and writes the same.

A `note` "no rows" in ops.load_manifest: nothing was delivered, or the platform was late. The next runs read it again.

## Backfill

`airflow backfill create --dag-id ingest_ad_performance --from-date 2025-09-15 --to-date 2025-11-09
--reprocess-behavior completed --dag-run-conf '{"restate_days": 0}'`, in any order. Runs go one after another, because
their days overlap. Meta keeps 37 months. A day that a platform no longer has is still in the archive.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, ExceptionRetryPolicy, Param, RetryAction, RetryRule, task, task_group
from airflow.sdk.definitions.xcom_arg import XComArg

from include.airflow_as_of import announce
from include.airflow_defaults import (
    DEFAULT_ARGS,
    START_DATE,
    VENDOR_RETRY,
    Kind,
    Stage,
    System,
    Tier,
    as_of_param,
    tags,
)
from include.airflow_promote import promote
from include.airflow_schedules import interval_schedule
from operators.google_ads_to_parquet import GoogleAdsToParquetOperator
from operators.meta_ads_to_parquet import MetaAdsToParquetOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.ttd_to_parquet import TtdToParquetOperator

TABLE = "raw.ad_performance"
# Name of the platform, of its pool and of its source -> the operator that reads a day of it.
PLATFORMS: tuple[tuple[str, type[BaseOperator]], ...] = (
    ("google_ads", GoogleAdsToParquetOperator),
    ("meta_ads", MetaAdsToParquetOperator),
    ("ttd", TtdToParquetOperator),
)
NEWEST = "{{ params.day or (data_interval_start | ds) }}"
AS_OF = "{{ params.as_of or data_interval_end.isoformat() }}"
RETRY = ExceptionRetryPolicy(
    rules=[
        *VENDOR_RETRY.rules,
        RetryRule(
            exception="hooks.errors.ReportNotReady",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=15),
            reason="The platform is still making the report.",
        ),
        RetryRule(
            exception="include.answers.DamagedAnswer",
            action=RetryAction.FAIL,
            reason="An answer of another shape is no accident of the line.",
        ),
    ]
)


@task
def list_days(newest: str, restate_days: str) -> list[str]:
    """Return the days to read, oldest first."""
    last = date.fromisoformat(newest)
    return [str(last - timedelta(days=back)) for back in range(int(restate_days), -1, -1)]


def load_platform(platform: str, operator: type[BaseOperator], days: XComArg) -> Any:
    """Add the branch of one platform: its days, each pulled, loaded and recorded."""

    def of(key: str) -> str:
        return f"{{{{ ti.xcom_pull(task_ids='pull_{platform}', map_indexes=ti.map_index)['{key}'] }}}}"

    @task_group(group_id=platform, prefix_group_id=False, default_args={"map_index_template": of("day")})
    def load_day(day: str) -> None:
        pull = operator(task_id=f"pull_{platform}", day=day, pool=platform, map_index_template="{{ task.day }}")
        load = ParquetToBigQueryPartitionOperator(
            task_id=f"load_{platform}",
            table_name=TABLE,
            partition=of("day"),
            source_uri=of("source_uri"),
            slice_by={"platform": platform},
            pool="bigquery",
        )
        record = promote(
            "ops.load_manifest",
            sql="replace",
            task_id=f"record_{platform}",
            params={
                "dataset_table": ("STRING", TABLE),
                "partition": ("DATE", of("day")),
                "source": ("STRING", platform),
                "source_object": ("STRING", of("source_object")),
                "file_name": ("STRING", of("file_name")),
                "source_bytes": ("INT64", of("bytes")),
                "sha256": ("STRING", of("sha256")),
                "source_rows": ("INT64", of("rows")),
                "rows": ("INT64", of("rows")),
                "rejected_rows": ("INT64", "0"),  # one wrong row refuses its whole answer
                "note": ("STRING", of("note")),
            },
        )
        pull >> load >> record

    return load_day.expand(day=days)


with DAG(
    dag_id="ingest_ad_performance",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_ad_performance"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,  # two runs share days
    default_args=DEFAULT_ARGS | {"retry_policy": RETRY},
    params={
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            description="Newest day to read (YYYY-MM-DD). Empty: the day on which the run's interval begins.",
        ),
        "restate_days": Param(3, type="integer", minimum=0, maximum=60, description="Days before it to read again."),
        "as_of": as_of_param(),
    },
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.GOOGLE_ADS, System.META_ADS, System.TTD, System.BIGQUERY),
) as dag:
    days = list_days(NEWEST, "{{ params.restate_days }}")
    branches = [load_platform(platform, operator, days) for platform, operator in PLATFORMS]

    @task
    def confirm_platforms() -> None:
        """Make a run fail in which a platform failed, although the others are announced."""

    branches >> announce(TABLE, AS_OF, trigger_rule="all_done_min_one_success")
    branches >> confirm_platforms()
