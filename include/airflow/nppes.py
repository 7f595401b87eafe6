"""What the three NPPES ingest DAGs share: which failures a retry can mend, and templates of what tasks returned."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, Param, RetryAction, RetryRule

from include.airflow.defaults import VENDOR_RETRY, not_after_now

NPPES_RETRY = ExceptionRetryPolicy(
    rules=[
        *VENDOR_RETRY.rules,
        # Before the rule of FileNotPublished, of which it is one: the first rule that fits decides.
        RetryRule(
            exception="hooks.nppes.NoLongerPublished",
            action=RetryAction.FAIL,
            reason="CMS does not publish an older file after a later one.",
        ),
        RetryRule(
            exception="hooks.nppes.FileNotPublished",
            action=RetryAction.RETRY,
            retry_delay=timedelta(hours=3),
            reason="CMS publishes within two days of the usual one; it names no hour.",
        ),
        RetryRule(
            exception=[
                "include.nppes.publication.WrongDates",
                "include.nppes.publication.WrongMembers",
                "include.nppes.layout.HeaderContractError",
                "include.lake.zip_member.DamagedFile",
            ],
            action=RetryAction.FAIL,
            reason="The archived bytes do not change by themselves.",
        ),
    ]
)

# The last day of a run's data interval, ISO date.
LAST_DAY = "{{ (data_interval_end - macros.timedelta(days=1)).strftime('%Y-%m-%d') }}"
AS_OF = f"{{{{ params.as_of or {not_after_now('(data_interval_end + macros.timedelta(hours=6))')} }}}}"


def as_of_of_interval() -> Param:
    """Return the ``as_of`` parameter of an interval DAG, which AS_OF reads."""
    return Param(
        None,
        type=["null", "string"],
        format="date-time",
        description="Point in time (ISO 8601, UTC) for later stages. Empty: six hours after the interval's end, or now.",
    )


def output_of(task_id: str, key: str) -> str:
    """Return the template of one value of the dict that a task returned."""
    return f"{{{{ ti.xcom_pull(task_ids='{task_id}')['{key}'] }}}}"
