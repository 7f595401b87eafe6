"""
# ingest_nppes_weekly

Loads one week of CMS's provider registry, as published, into its own partition of **raw.nppes_npi**.

| | |
|---|---|
| Kind | interval: a run owns the week that ends when it starts, and writes only that week's partition, its Sunday |
| Runs | Monday 00:00 UTC; waits up to two days for CMS to publish, looking every 3 hours |
| Reads | the weekly V2 zip from connection `nppes_default`; our own archive, for a week that CMS no longer lists |
| Writes | gs://lake/raw/nppes/ (write-once), gs://lake/staged/nppes_npi/ (scratch), raw.nppes_npi, ops.load_manifest, |
| | its slice of clean.rejected_row |
| Then | clean_providers |

## When it fails

* `archive_zip`, FileNotPublished: CMS is late. The message lists what its page has. Once the file is there, clear the
  task. AuthFailed: a firewall blocks us. VendorDown: wait, it retries.
* `archive_zip`, ArchiveConflict: somebody wrote into the archive. Do not load; the message says which object.
* `convert_npidata`, DamagedFile, WrongMembers or HeaderContractError: nothing of the file was loaded, and a retry
  cannot help. The message names the file, the line or the column. If CMS has published a sound file since, clear
  `archive_zip`: other bytes under the same name are kept beside the old ones. If CMS changed its layout, change
  `include/nppes_layout.py` and the table.
* `check_partition`: the warehouse holds other rows than were converted. Clear from `convert_npidata`.
* Anything else (warehouse down): clear the failed task. Every task may run again and writes the same.

An empty week (a header and no row) is loaded as zero rows, with a warning and a `note` in ops.load_manifest.

## Backfill

`airflow backfill create --dag-id ingest_nppes_weekly --from-date 2025-11-03 --to-date 2025-11-24
--reprocess-behavior completed`, in any order, several at once.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, ExceptionRetryPolicy, Param, RetryAction, RetryRule

from include.airflow_as_of import announce
from include.airflow_defaults import (
    DEFAULT_ARGS,
    START_DATE,
    VENDOR_RETRY,
    Kind,
    Stage,
    System,
    Tier,
    tags,
)
from include.airflow_promote import promote
from include.airflow_schedules import interval_schedule
from operators.nppes_to_gcs import NppesToGcsOperator
from operators.nppes_zip_to_parquet import NppesZipToParquetOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.rejects_to_bigquery import RejectsToBigQueryOperator

TABLE = "raw.nppes_npi"
SOURCE = "nppes_weekly"
MONDAY = "{{ data_interval_start | ds }}"
SUNDAY = "{{ (data_interval_end - macros.timedelta(days=1)).strftime('%Y-%m-%d') }}"
AS_OF = "{{ params.as_of or (data_interval_end + macros.timedelta(hours=6)).isoformat() }}"

RETRY = ExceptionRetryPolicy(
    rules=[
        *VENDOR_RETRY.rules,
        RetryRule(
            exception="hooks.nppes.FileNotPublished",
            action=RetryAction.RETRY,
            retry_delay=timedelta(hours=3),
            reason="CMS publishes a week on the Monday or Tuesday after it.",
        ),
        RetryRule(
            exception=[
                "include.zip_member.DamagedFile",
                "include.nppes.WrongMembers",
                "include.nppes_layout.HeaderContractError",
            ],
            action=RetryAction.FAIL,
            reason="The archived bytes do not change by themselves.",
        ),
    ]
)


def of(task_id: str, key: str) -> str:
    """Return the template of one value of what a task returned."""
    return f"{{{{ ti.xcom_pull(task_ids='{task_id}')['{key}'] }}}}"


with DAG(
    dag_id="ingest_nppes_weekly",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_nppes_weekly"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULT_ARGS | {"retry_policy": RETRY},
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            description="Point in time (ISO 8601, UTC) for later stages. Empty: six hours after the week's end.",
        )
    },
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.NPPES, System.BIGQUERY),
) as dag:
    archive = NppesToGcsOperator(
        task_id="archive_zip",
        first_day=MONDAY,
        last_day=SUNDAY,
        pool="nppes",
        retries=16,
    )
    convert = NppesZipToParquetOperator(task_id="convert_npidata", archived=archive.output, day=SUNDAY)
    load = ParquetToBigQueryPartitionOperator(
        task_id="load_partition",
        table_name=TABLE,
        partition=SUNDAY,
        source_uri=of("convert_npidata", "source_uri"),
        pool="bigquery",
    )
    counts = {
        "partition": ("DATE", SUNDAY),
        "source_rows": ("INT64", of("convert_npidata", "rows_in")),
        "rows": ("INT64", of("convert_npidata", "rows")),
        "rejected_rows": ("INT64", of("convert_npidata", "rejected")),
    }
    check = promote(TABLE, sql="check_rows", task_id="check_partition", params=counts)
    rejects = RejectsToBigQueryOperator(
        task_id="record_rejects",
        table_name=TABLE,
        partition=SUNDAY,
        source=SOURCE,
        rejects_object=of("convert_npidata", "rejects_object"),
        source_object=of("convert_npidata", "member_object"),
        pool="bigquery",
    )
    manifest = promote(
        "ops.load_manifest",
        sql="replace",
        task_id="record_manifest",
        params={
            **counts,
            "dataset_table": ("STRING", TABLE),
            "source": ("STRING", SOURCE),
            "source_object": ("STRING", of("convert_npidata", "source_object")),
            "file_name": ("STRING", of("archive_zip", "file_name")),
            "source_bytes": ("INT64", of("archive_zip", "bytes")),
            "sha256": ("STRING", of("archive_zip", "sha256")),
            "note": ("STRING", of("convert_npidata", "note")),
        },
    )
    archive >> convert >> load >> check >> rejects >> manifest >> announce(TABLE, AS_OF)
