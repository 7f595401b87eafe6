"""
# ingest_board_licenses

Reads the state dental boards, each declared in `include/boards/<state>.yaml`, into **raw.board_license**: the rows as
published, with the status in our words beside them. Every state is a chain of its own, named in the grid; one that
fails does not hold up the others. `docs/sources/boards.md` says what each board publishes and what usually goes wrong.

| | |
|---|---|
| Kind | interval: a run owns the day on which it reads, and of that day the rows of the states that it loads |
| Runs | daily 13:00 UTC, after the boards' nightly exports; weekly boards (NJ, MA) on Mondays, monthly ones on the 5th |
| Reads | the boards' sites, connections `board_<state>_default`; NC: raw.nppes_npi for the license numbers to look up |
| Writes | gs://lake/raw/board_<state>/ (write-once), gs://lake/staged/ (scratch), raw.board_license, ops.load_manifest, |
| | its slices of clean.rejected_row |
| Then | whatever is scheduled on raw.board_license |

A skipped chain means that the board has published nothing new. Params: `states` reads these only, due or not (CA is
read only so: its terms are not cleared). `refetch` asks the site although the day is archived. `smallest_share` is the
least share of the edition before that a new one must have.

## When it fails

Look at the name of the mapped task: it is the state. Clear that task with its downstream; the other states stay.

* `archive_file` **RobotsDisallow**, or **AuthFailed** "refuses us": stop reading that board and ask it; take its state
  out with `scheduled: false`. **AuthFailed** "session" (FL): sign in, renew the connection's password, clear.
* `archive_file` **UnexpectedAnswer** or **PageChanged**: the site shows another page than the declared one. Compare,
  correct `include/boards/<state>.yaml`. **EndpointNotFound**: the file or data set has moved. **VendorDown**: wait, it retries.
* `archive_file` **FileOfAnotherDay**: an old run was cleared, and the board has today's file only, or a later day is
  archived already. Leave it failed.
* Any board that a machine cannot reach: download the file in a browser, put it at
  `gs://lake/delivered/board_<state>/<day>/<any name>`, clear `archive_file`. It counts before what the day has.
* `convert_file` **BoardHeaderError**: the message is the exact difference in columns; correct the declaration, clear
  `convert_file`. **DamagedFile**: nothing was loaded. Run again with `{"states": ["TX"], "refetch": true}`.
* `check_size`: far fewer rows than in the edition before, which stays loaded: look at the file, and if it is right run
  with `{"states": ["TX"], "smallest_share": 0}`.
* `record_load` **RowsMissing**: the slice holds other rows than were converted. Clear `convert_file`.

An unknown status word is loaded as `unknown`, never as active, and stands in the note of ops.load_manifest: add it to
the declaration, then clear `convert_file`.

## Backfill

`airflow backfill create --dag-id ingest_board_licenses --from-date … --to-date … --reprocess-behavior completed
--dag-run-conf '{"states": ["TX", "NJ"]}'`: from the archive only, in any order. It never asks a board, which has
today's file only, and skips the days on which nothing was archived.
"""

from __future__ import annotations

from datetime import date, timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, ExceptionRetryPolicy, Param, RetryAction, RetryRule, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from include.airflow.as_of import announce
from include.airflow.defaults import (
    DEFAULT_ARGS,
    INTERVAL_AS_OF,
    INTERVAL_END,
    START_DATE,
    VENDOR_RETRY,
    Kind,
    Stage,
    System,
    Tier,
    as_of_param,
    tags,
)
from include.airflow.promote import promote
from include.airflow.schedules import interval_schedule
from include.boards.sources import board_sources, due_states
from operators.board_file_to_parquet import BoardFileToParquetOperator
from operators.board_to_gcs import BoardToGcsOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from operators.record_loads import RecordLoadsOperator

TABLE = "raw.board_license"
DAY = f"{{{{ {INTERVAL_END} | ds }}}}"
RETRY = ExceptionRetryPolicy(
    rules=[
        *VENDOR_RETRY.rules,
        RetryRule(
            exception="hooks.http.errors.VendorDown",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=30),
            reason="A board's site is one machine somewhere; leave it alone for a while.",
        ),
        RetryRule(
            exception=[
                "hooks.board.RobotsDisallow",
                "include.boards.pages.PageChanged",
                "include.boards.rows.BoardHeaderError",
                "include.lake.zip_member.DamagedFile",
                "operators.board_to_gcs.FileOfAnotherDay",
            ],
            action=RetryAction.FAIL,
            reason="The site's rules and the archived bytes do not change by themselves.",
        ),
    ]
)


def of(task_id: str, key: str) -> str:
    """Return the template of one value that a task of the same state returned."""
    return f"{{{{ ti.xcom_pull(task_ids='{task_id}', map_indexes=ti.map_index)['{key}'] }}}}"


STATE = of("archive_file", "state")
SOURCE = of("archive_file", "source")


@task
def list_states(day: str) -> list[str]:
    """Return the states to read: those of the param, or else those that are due."""
    return due_states(date.fromisoformat(day), get_current_context()["params"]["states"])


@task(trigger_rule="all_done")
def as_of_if_any(as_of: str) -> str:
    """Return the run's point in time; skip what follows when no state was loaded."""
    if not get_current_context()["ti"].xcom_pull(task_ids="record_load"):
        raise AirflowSkipException("No board had anything new, or none could be loaded.")
    return as_of


@task_group(prefix_group_id=False, default_args={"map_index_template": STATE})
def load_state(state: str) -> None:
    """Load one board's edition of the day."""
    archive = BoardToGcsOperator(
        task_id="archive_file",
        state=state,
        file_date=DAY,
        ask_site="{{ dag_run.run_type != 'backfill' }}",
        refetch="{{ params.refetch }}",
        map_index_template="{{ task.state }}",
        pool="board",
    )
    convert = BoardFileToParquetOperator(task_id="convert_file", archived=archive.output, file_date=DAY)
    check = promote(
        TABLE,
        sql="check_size",
        task_id="check_size",
        params={
            "partition": DAY,
            "source": SOURCE,
            "rows": of("convert_file", "rows"),
            "is_whole": of("archive_file", "is_whole"),
            "smallest_share": "{{ params.smallest_share }}",
        },
    )
    load = ParquetToBigQueryPartitionOperator(
        task_id="load_slice",
        table_name=TABLE,
        partition=DAY,
        source_uri=of("convert_file", "source_uri"),
        slice_by={"source": SOURCE},
        pool="bigquery",
    )
    record = RecordLoadsOperator(
        task_id="record_load",
        archived=archive.output,
        loads={TABLE: convert.output},
        partition=DAY,
        source=SOURCE,
        pool="bigquery",
    )
    archive >> convert >> check >> load >> record


with DAG(
    dag_id="ingest_board_licenses",
    description="Loads the license lists of the state dental boards",
    doc_md=__doc__,
    schedule=interval_schedule("ingest_board_licenses"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"retry_policy": RETRY},
    params={
        "as_of": as_of_param(),
        "states": Param([], type="array", items={"enum": [source.state for source in board_sources()]},
            description="Read these states only, due or not. Empty: every scheduled one that is due."),
        "refetch": Param(False, type="boolean", description="Ask the site although the day is archived."),
        "smallest_share": Param(0.8, type="number", minimum=0, maximum=1,
            description="Fewest rows that an edition must have, as a share of the one before."),
    },
    tags=tags(Stage.INGEST, Tier.TWO, Kind.INTERVAL, System.BOARD, System.BIGQUERY),
) as dag:  # fmt: skip
    states = load_state.expand(state=list_states(DAY))
    # One event for all states: what is scheduled on the table need not begin again with each of them.
    as_of = as_of_if_any(INTERVAL_AS_OF)
    announce(TABLE, as_of)
    states >> [as_of, EmptyOperator(task_id="confirm_states", trigger_rule="none_failed")]
