"""
# ingest_nppes_deactivation

Loads CMS's monthly report of all deactivated NPIs, as published, into its own partition of **raw.nppes_deactivation**.

| | |
|---|---|
| Kind | interval: a run owns the month up to the 14th, and writes only the partition of the day in the report's name; the latest, should CMS publish two |
| Runs | on the 15th at 00:00 UTC; CMS publishes about the second Monday of the month; waits up to five days, looking every 3 hours |
| Reads | the report, a spreadsheet in a zip (about 350,000 rows), from connection `nppes_default`; our own archive, for one that CMS no longer lists |
| Writes | gs://lake/raw/nppes/ (write-once), gs://lake/staged/nppes_deactivation/ (scratch), raw.nppes_deactivation, |
| | ops.load_manifest, its slice of clean.rejected_row |
| Then | clean_providers |

## When it fails

* `archive_zip`, FileNotPublished: CMS is late, or sent a page in place of the zip. The message lists what CMS's page
  has, also zips whose names have a new form (then correct `include/nppes/publication.py`). It looks again every 3 hours; once the
  report is there, clear the task. NoLongerPublished: CMS has gone on to later reports and our archive has none of this month: leave it failed.
  AuthFailed: a firewall blocks us. VendorDown: wait, it retries.
* `archive_zip`, UndefinedError: the run was started by hand without a date. `airflow dags trigger ingest_nppes_deactivation
  --logical-date <day>` takes the last whole month (15th to 15th) before that day.
* `archive_zip`, ArchiveConflict: somebody wrote into the archive. Do not load; the message says which object.
* `convert_report`, HeaderContractError: the sheet is not laid out as it was (a merged header, another column); the message
  says what differs. DamagedFile, WrongMembers, WrongDates: it is not the report that its name says. Nothing was loaded, and
  a retry cannot help. If CMS has published a sound one since, clear `archive_zip`. If CMS changed its layout, change
  `include/nppes/deactivation.py`.
* `record_loads`, RowsMissing: the warehouse holds other rows than were converted. Clear `convert_report`.
* Anything else (warehouse down): clear the failed task. Every task may run again and writes the same.

A report may be missing: each lists all deactivated NPIs, and the weekly files bring them too; `check_freshness` reports it.

## Backfill

`airflow backfill create --dag-id ingest_nppes_deactivation --from-date 2025-11-15 --to-date 2026-02-15
--reprocess-behavior completed`, in any order. CMS lists only the newest report: older ones come from our archive.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.as_of import announce
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, tags
from include.airflow.nppes import AS_OF, LAST_DAY, NPPES_RETRY, as_of_of_interval, output_of
from include.airflow.schedules import interval_schedule
from operators.nppes_report_to_parquet import NppesReportToParquetOperator
from operators.nppes_to_gcs import NppesToGcsOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.record_loads import RecordLoadsOperator

TABLE = "raw.nppes_deactivation"
SOURCE = "nppes_deactivation"
FIRST_DAY = "{{ data_interval_start | ds }}"
FILE_DATE = output_of("archive_zip", "file_date")

with DAG(
    dag_id="ingest_nppes_deactivation",
    description="Loads CMS's monthly report of deactivated NPIs",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_nppes_deactivation"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULT_ARGS | {"retry_policy": NPPES_RETRY},
    params={"as_of": as_of_of_interval()},
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.NPPES, System.BIGQUERY),
) as dag:
    archive = NppesToGcsOperator(
        task_id="archive_zip", kind="deactivation", first_day=FIRST_DAY, last_day=LAST_DAY, pool="nppes", retries=40
    )
    convert = NppesReportToParquetOperator(task_id="convert_report", archived=archive.output)
    load = ParquetToBigQueryPartitionOperator(
        task_id="load_report",
        table_name=TABLE,
        partition=FILE_DATE,
        source_uri=output_of("convert_report", "source_uri"),
        slice_by={"source": SOURCE},
        pool="bigquery",
    )
    record = RecordLoadsOperator(
        task_id="record_loads",
        archived=archive.output,
        loads={TABLE: convert.output},
        partition=FILE_DATE,
        source=SOURCE,
        pool="bigquery",
    )
    convert >> load >> record >> announce(TABLE, AS_OF)
