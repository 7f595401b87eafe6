"""How a point in time travels from DAG to DAG: as a param, or in the extra of an asset event."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from airflow.sdk import Metadata, get_current_context, task
from airflow.sdk.definitions.xcom_arg import XComArg
from airflow.sdk.exceptions import AirflowFailException

from include.airflow.defaults import asset
from include.as_of import FutureAsOf, iso, newest_carried, not_after, refuse_future

log = logging.getLogger(__name__)

# Template of the value that `resolve_as_of` returned, for operators with templated fields.
AS_OF = "{{ ti.xcom_pull(task_ids='resolve_as_of') }}"


@task
def resolve_as_of() -> str:
    """Return the run's point in time as ISO 8601 UTC.

    In order: the ``as_of`` param; the newest ``as_of`` that a triggering asset event carries; the time that the run was due.
    A param in the future fails the task. What an event carries is never taken for more than now: an opt-out behind it must
    not wait.
    """
    context = get_current_context()
    given = context["params"].get("as_of")
    if given:
        return past(given)
    run = context["dag_run"]
    due = newest_carried(context["triggering_asset_events"]) or iso(run.logical_date or run.run_after)
    as_of = not_after(due, datetime.now(UTC))
    if as_of != due:
        log.warning("The run is for %s, which is in the future: it works at %s, which is now.", due, as_of)
    return as_of


def past(as_of: str) -> str:
    """Return ``as_of`` as ISO 8601 UTC. Fails the task, without a retry, when it is in the future."""
    try:
        return refuse_future(as_of, datetime.now(UTC))
    except FutureAsOf as error:
        raise AirflowFailException(str(error)) from error


def announce(table_name: str, as_of: str | XComArg, trigger_rule: str = "all_success") -> XComArg:
    """Return the task that tells the DAGs scheduled on ``table_name`` that it is good as of ``as_of``."""
    target = asset(table_name)

    @task(task_id=f"announce_{target.name.split('.')[1]}", outlets=[target], trigger_rule=trigger_rule)
    def emit(at: str) -> Iterator[Metadata]:
        yield Metadata(target, extra={"as_of": past(at)})

    result: XComArg = emit(as_of)  # type: ignore[arg-type]  # Airflow resolves an XComArg before the call
    return result
