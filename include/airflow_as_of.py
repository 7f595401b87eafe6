"""How a point in time travels from DAG to DAG: as a param, or in the extra of an asset event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from airflow.sdk import Metadata, get_current_context, task
from airflow.sdk.definitions.xcom_arg import XComArg

from include.airflow_defaults import asset

# Template of the value that `resolve_as_of` returned, for operators with templated fields.
AS_OF = "{{ ti.xcom_pull(task_ids='resolve_as_of') }}"


@task
def resolve_as_of() -> str:
    """Return the run's point in time as ISO 8601 UTC.

    In order: the ``as_of`` param; the newest ``as_of`` that a triggering asset event carries; the time that the run was due.
    """
    context = get_current_context()
    given = context["params"].get("as_of")
    if given:
        return _iso(datetime.fromisoformat(given))
    carried = [
        event.extra["as_of"]
        for events in context["triggering_asset_events"].values()
        for event in events
        if "as_of" in event.extra
    ]
    if carried:
        return max(_iso(datetime.fromisoformat(value)) for value in carried)
    run = context["dag_run"]
    return _iso(run.logical_date or run.run_after)


def announce(table_name: str, as_of: str | XComArg, trigger_rule: str = "all_success") -> XComArg:
    """Return the task that tells the DAGs scheduled on ``table_name`` that it is good as of ``as_of``."""
    target = asset(table_name)

    @task(task_id=f"announce_{target.name.split('.')[1]}", outlets=[target], trigger_rule=trigger_rule)
    def emit(at: str) -> Iterator[Metadata]:
        yield Metadata(target, extra={"as_of": at})

    result: XComArg = emit(as_of)  # type: ignore[arg-type]  # Airflow resolves an XComArg before the call
    return result


def _iso(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")
