"""What the DAGs share that read a day of a vendor and, because vendors restate their figures, the days before it again."""

from __future__ import annotations

from datetime import date, timedelta

from airflow.sdk import ExceptionRetryPolicy, Param, RetryAction, RetryRule, task
from airflow.sdk.definitions.xcom_arg import XComArg

from include.airflow.defaults import INTERVAL_AS_OF, INTERVAL_START, VENDOR_RETRY, as_of_param
from include.airflow.promote import PromoteOperator, promote

NEWEST = f"{{{{ params.day or ({INTERVAL_START} | ds) }}}}"
AS_OF = INTERVAL_AS_OF
ANSWER_RETRY = ExceptionRetryPolicy(
    rules=[
        *VENDOR_RETRY.rules,
        RetryRule(
            exception="include.lake.answers.DamagedAnswer",
            action=RetryAction.FAIL,
            reason="An answer or a file of another shape is no accident of the line.",
        ),
    ]
)


def restated_days_params(restate_days: int) -> dict[str, Param]:
    """Return the parameters of such a DAG.

    :param restate_days: how many days before the newest a run reads again, unless it is told otherwise.
    """
    return {
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            description="Newest day to read (YYYY-MM-DD). Empty: the day on which the run's interval begins.",
        ),
        "restate_days": Param(
            restate_days, type="integer", minimum=0, maximum=60, description="Days before it to read again."
        ),
        "accept_empty": Param(False, type="boolean", description="Let a day that had rows become empty."),
        "as_of": as_of_param(),
    }


def days_to_read() -> XComArg:
    """Return the task that lists the days of a run, oldest first."""
    days: XComArg = list_days(NEWEST, "{{ params.restate_days }}")  # type: ignore[assignment]
    return days


@task
def list_days(newest: str, restate_days: str) -> list[str]:
    """Return the newest day and those before it, oldest first."""
    last = date.fromisoformat(newest)
    return [str(last - timedelta(days=back)) for back in range(int(restate_days), -1, -1)]


def check_not_emptied(source: str, table_name: str, day: str, rows: str) -> PromoteOperator:
    """Return the task that fails where a day that had rows would become empty, unless the run accepts it.

    :param day, rows: templates of the day and of how many rows it has now.
    """
    return promote(
        "ops.alert",
        sql="emptied_slice",
        task_id=f"check_{source}",
        params={
            "dataset_table": table_name,
            "partition": day,
            "source": source,
            "rows": rows,
            "accept_empty": "{{ params.accept_empty | tojson }}",
        },
    )
