"""
# ingest_nppes_monthly

Loads CMS's monthly full replacement of the provider registry, as published, into its own slice of four RAW tables. It is
the base that the weekly files change: CLEAN takes the newest row of each NPI, whichever file brought it.

| | |
|---|---|
| Kind | interval: a run owns the month up to the 14th, and writes only the rows of source `nppes_monthly` in one partition: the last day that the file covers, usually the Sunday before the second Monday |
| Runs | on the 15th at 00:00 UTC; CMS publishes about the second Monday of the month; waits up to five days, looking every 3 hours |
| Reads | the monthly V2 zip (about 1 GB, 9 million NPIs) from connection `nppes_default`; our own archive, for a month that CMS no longer lists |
| Writes | gs://lake/raw/nppes/ (write-once), gs://lake/staged/nppes_*/ (scratch), raw.nppes_npi, raw.nppes_other_name, |
| | raw.nppes_practice_location, raw.nppes_endpoint, ops.load_manifest, its slice of clean.rejected_row |
| Then | clean_providers, which also raises ops.alert for NPIs that vanished from the file without a deactivation |

## When it fails

* `archive_zip`, FileNotPublished: CMS is late, or sent a page in place of the zip. The message lists what CMS's page
  has, also zips whose names have a new form (then correct `include/nppes/publication.py`). It looks again every 3 hours; once the
  file is there, clear the task. NoLongerPublished: CMS has gone on to later months and our archive has none for this one: leave it failed.
  AuthFailed: a firewall blocks us. VendorDown: wait, it retries; a cut download goes on where it broke.
* `archive_zip`, WrongDates: the file's members cover a month that its name does not say, such as one in the future.
  DamagedFile, WrongMembers: it is no zip of CMS's. Nothing was loaded. Once CMS's page has the right file, clear the task.
* `archive_zip`, UndefinedError: the run was started by hand without a date. `airflow dags trigger ingest_nppes_monthly
  --logical-date <day>` takes the last whole month (15th to 15th) before that day.
* `archive_zip`, ArchiveConflict: somebody wrote into the archive. Do not load; the message says which object.
* `convert_*`, DamagedFile, WrongMembers or HeaderContractError, and everything after it: as in `ingest_nppes_weekly`.

A month may be missing: the weekly files carry every change, so CLEAN goes on; `check_freshness` reports it.

## Backfill

`airflow backfill create --dag-id ingest_nppes_monthly --from-date 2025-11-15 --to-date 2026-02-15
--reprocess-behavior completed`, in any order. CMS lists only the newest month: older ones come from our archive.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from include.airflow.as_of import announce
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, tags
from include.airflow.nppes import AS_OF, LAST_DAY, NPPES_RETRY, as_of_of_interval, output_of
from include.airflow.schedules import interval_schedule
from include.nppes.layout import MEMBERS
from operators.nppes_to_gcs import NppesToGcsOperator
from operators.nppes_zip_to_parquet import NppesZipToParquetOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.record_loads import RecordLoadsOperator

SOURCE = "nppes_monthly"
FIRST_DAY = "{{ data_interval_start | ds }}"
FILE_DATE = output_of("archive_zip", "file_date")  # only the file tells until when it covers

with DAG(
    dag_id="ingest_nppes_monthly",
    description="Loads CMS's monthly full replacement of the provider registry",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_nppes_monthly"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"retry_policy": NPPES_RETRY},
    params={"as_of": as_of_of_interval()},
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.NPPES, System.BIGQUERY),
) as dag:
    archive = NppesToGcsOperator(
        task_id="archive_zip",
        kind="monthly",
        first_day=FIRST_DAY,
        last_day=LAST_DAY,
        pool="nppes",
        retries=40,
        execution_timeout=timedelta(hours=3),
    )
    converted, loads = {}, []
    for member in MEMBERS.values():
        convert = NppesZipToParquetOperator(
            task_id=f"convert_{member.name}", archived=archive.output, day=FILE_DATE, member=member.name, source=SOURCE
        )
        load = ParquetToBigQueryPartitionOperator(
            task_id=f"load_{member.name}",
            table_name=member.table,
            partition=FILE_DATE,
            source_uri=output_of(convert.task_id, "source_uri"),
            slice_by={"source": SOURCE},
            pool="bigquery",
        )
        convert >> load
        converted[member.table] = convert.output
        loads.append(load)
    record = RecordLoadsOperator(
        task_id="record_loads",
        archived=archive.output,
        loads=converted,
        partition=FILE_DATE,
        source=SOURCE,
        pool="bigquery",
    )
    # Announced once, when all four are in: what reads one of them reads the others of the same file.
    loads >> record >> announce("raw.nppes_npi", AS_OF)
