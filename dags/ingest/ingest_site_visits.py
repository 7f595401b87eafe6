"""
# ingest_site_visits

Reads who visited our site: the companies that Leadfeeder recognized into **raw.company_visit**, and the persons of an
export from RB2B, if somebody has put one into the lake, into **raw.visitor_profile**.

| | |
|---|---|
| Kind | interval: a run owns its day, and of that day and the `restate_days` before it Leadfeeder's slice, which it replaces whole |
| Runs | daily at 12:00 UTC, when the day has ended in every American time zone |
| Reads | connection `leadfeeder_default`; gs://lake/drop/rb2b/<day>/*.csv |
| Writes | gs://lake/raw/leadfeeder/<day>/ and raw/rb2b/<day>/ (write-once), gs://lake/staged/ (scratch), its slices of |
| | raw.company_visit, raw.visitor_profile, ops.load_manifest and ops.alert (emptied_slice) |
| Then | whatever is scheduled on those tables |

RB2B has no API that lists visitors: its webhook is the usual way, and an export fills what it lost. Without an export for
the day its branch is skipped, and that is well. `docs/sources/site-visits.md` says how to take one.

Params: `day` (empty: the day of the interval) is the newest day; `restate_days` is how many days before it are read
again, because a tenth of the visits is recognized late; `accept_empty` lets an answer of Leadfeeder without visits empty
a day that had some; `as_of` is the point in time for later stages.

## When it fails

* `pull_leadfeeder` **AuthFailed**: renew the token in the connection, clear. **OutOfCredits**: the account has no paid
  plan any more. **RateLimited**: it retries by itself.
* `pull_leadfeeder` or `read_rb2b` **DamagedAnswer**: the message names the page or the line. Nothing was loaded, and the
  slice holds what it held. For RB2B: take the export again, and do not open it in a spreadsheet; replace the file in
  `drop/`, clear. For Leadfeeder: it has changed its answer, correct include/marketing/site_visits.py.
* `check_leadfeeder` "no rows came for a day that had some": the slice holds what it held; see ops.alert, check_name
  `emptied_slice`. If Leadfeeder's own page is empty, too, run with `{"day": "…", "restate_days": 0, "accept_empty": true}`.
* `record_…` **RowsMissing**: the slice holds other rows than were read. Clear `pull_leadfeeder` or `read_rb2b`.
* `load_…`, `record_…` (warehouse down): clear. Every task may run again and writes the same.

## Backfill

`airflow backfill create --dag-id ingest_site_visits --from-date 2025-09-15 --to-date 2025-11-09
--reprocess-behavior completed --dag-run-conf '{"restate_days": 0}'`, in any order. Runs go one after another, because
their days overlap.
"""

from __future__ import annotations

from airflow.sdk import DAG, task_group

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
from include.airflow.restated_days import (
    ANSWER_RETRY,
    AS_OF,
    NEWEST,
    check_not_emptied,
    days_to_read,
    restated_days_params,
)
from include.airflow.schedules import interval_schedule
from operators.leadfeeder_to_parquet import LeadfeederToParquetOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.rb2b_export_to_parquet import Rb2bExportToParquetOperator
from operators.record_loads import RecordLoadsOperator

VISITS, PROFILES = "raw.company_visit", "raw.visitor_profile"


def of(task_id: str, key: str, map_index: str = "ti.map_index") -> str:
    """Return the template of one value that a task returned, by default for the same day."""
    return f"{{{{ ti.xcom_pull(task_ids='{task_id}', map_indexes={map_index})['{key}'] }}}}"


with DAG(
    dag_id="ingest_site_visits",
    description="Loads the companies (Leadfeeder) and people (RB2B) that visited our site",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_site_visits"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,  # two runs share days
    default_args=DEFAULT_ARGS | {"retry_policy": ANSWER_RETRY},
    params=restated_days_params(2),
    tags=tags(Stage.INGEST, Tier.THREE, Kind.INTERVAL, System.LEADFEEDER, System.BIGQUERY),
) as dag:
    DAY = "{{ ti.xcom_pull(task_ids='list_days')[ti.map_index] }}"

    @task_group(prefix_group_id=False, default_args={"map_index_template": DAY})
    def load_leadfeeder_day(day: str) -> None:
        pull = LeadfeederToParquetOperator(task_id="pull_leadfeeder", day=day, pool="leadfeeder")
        check = check_not_emptied("leadfeeder", VISITS, of("pull_leadfeeder", "day"), of("pull_leadfeeder", "rows"))
        load = ParquetToBigQueryPartitionOperator(
            task_id="load_leadfeeder",
            table_name=VISITS,
            partition=of("pull_leadfeeder", "day"),
            source_uri=of("pull_leadfeeder", "source_uri"),
            slice_by={"source": "leadfeeder"},
            pool="bigquery",
        )
        record = RecordLoadsOperator(
            task_id="record_leadfeeder",
            archived=pull.output,
            loads={VISITS: pull.output},
            partition=of("pull_leadfeeder", "day"),
            source="leadfeeder",
            pool="bigquery",
        )
        pull >> check >> load >> record

    load_leadfeeder_day.expand(day=days_to_read()) >> announce(VISITS, AS_OF)

    read = Rb2bExportToParquetOperator(task_id="read_rb2b", day=NEWEST)
    load_profiles = ParquetToBigQueryPartitionOperator(
        task_id="load_rb2b",
        table_name=PROFILES,
        partition=NEWEST,
        source_uri=of("read_rb2b", "source_uri", map_index="-1"),
        slice_by={"source": "rb2b"},
        pool="bigquery",
    )
    record_profiles = RecordLoadsOperator(
        task_id="record_rb2b",
        archived=read.output,
        loads={PROFILES: read.output},
        partition=NEWEST,
        source="rb2b",
        pool="bigquery",
    )
    read >> load_profiles >> record_profiles >> announce(PROFILES, AS_OF)
