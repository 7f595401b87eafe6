"""
# ingest_nppes_weekly

Loads one week of CMS's provider registry, as published, into its own slice of four RAW tables: who was new, changed or
deactivated in the week, with other names, further practice locations and endpoints.

| | |
|---|---|
| Kind | interval: a run owns the week that ends when it starts, and writes only the rows of source `nppes_weekly` in that week's partition, its Sunday |
| Runs | Monday 00:00 UTC; CMS publishes on Monday or Tuesday; waits up to two days, looking every 3 hours |
| Reads | the weekly V2 zip from connection `nppes_default`; our own archive, for a week that CMS no longer lists |
| Writes | gs://lake/raw/nppes/ (write-once), gs://lake/staged/nppes_*/ (scratch), raw.nppes_npi, raw.nppes_other_name, |
| | raw.nppes_practice_location, raw.nppes_endpoint, ops.load_manifest, its slice of clean.rejected_row |
| Then | clean_providers |

## When it fails

* `archive_zip`, FileNotPublished: CMS is late, or sent a page in place of the zip. The message lists what CMS's page
  has, also zips whose names have a new form (then correct `include/nppes/publication.py`). It looks again every 3 hours; once the
  file is there, clear the task. NoLongerPublished: CMS has gone on to later files and our archive has none for this week: leave it failed.
  AuthFailed: a firewall blocks us. VendorDown: wait, it retries.
* `archive_zip`, ArchiveConflict: somebody wrote into the archive. Do not load; the message says which object.
* `convert_*`, DamagedFile, WrongMembers or HeaderContractError: nothing of the member was loaded, nothing announced, and
  a retry cannot help. The message names the file, the line or the column. If CMS has published a sound file since, clear
  `archive_zip`: other bytes under the same name are kept beside the old ones. If CMS changed its layout, change
  `include/nppes/layout.py` and the table.
* `record_loads`, RowsMissing: the warehouse holds other rows than were converted. Clear the table's convert task.
* `archive_zip`, UndefinedError: the run was started by hand without a date. `airflow dags trigger ingest_nppes_weekly
  --logical-date <day>` takes the last whole week before that day.
* Anything else (warehouse down): clear the failed task. Every task may run again and writes the same.

An empty member (a header and no row) is loaded as zero rows, with a warning and a `note` in ops.load_manifest; so is a
header of an older layout that was read by mapping. A missing week is reported by `check_freshness`; CLEAN goes on.

## Backfill

`airflow backfill create --dag-id ingest_nppes_weekly --from-date 2025-11-03 --to-date 2025-11-24
--reprocess-behavior completed`, in any order, several at once.
"""

from __future__ import annotations

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

SOURCE = "nppes_weekly"
MONDAY = "{{ data_interval_start | ds }}"
SUNDAY = LAST_DAY

with DAG(
    dag_id="ingest_nppes_weekly",
    description="Loads CMS's weekly changes of the provider registry",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_nppes_weekly"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULT_ARGS | {"retry_policy": NPPES_RETRY},
    params={"as_of": as_of_of_interval()},
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.NPPES, System.BIGQUERY),
) as dag:
    archive = NppesToGcsOperator(
        task_id="archive_zip", kind="weekly", first_day=MONDAY, last_day=SUNDAY, pool="nppes", retries=16
    )
    converted, loads = {}, []
    for member in MEMBERS.values():
        convert = NppesZipToParquetOperator(
            task_id=f"convert_{member.name}", archived=archive.output, day=SUNDAY, member=member.name, source=SOURCE
        )
        load = ParquetToBigQueryPartitionOperator(
            task_id=f"load_{member.name}",
            table_name=member.table,
            partition=SUNDAY,
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
        partition=SUNDAY,
        source=SOURCE,
        pool="bigquery",
    )
    # Announced once, when all four are in: what reads one of them reads the others of the same week.
    loads >> record >> announce("raw.nppes_npi", AS_OF)
