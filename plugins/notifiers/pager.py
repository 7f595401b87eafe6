"""Tell the person on call that a task failed for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from hooks.pager import PagerHook
from include.as_of import iso, newest_carried
from include.quality.pager_message import failure

if TYPE_CHECKING:
    from airflow.sdk import Context


class PagerNotifier(BaseNotifier):
    """Sends a failed task's DAG, run, point in time, owner, error, log and what to do, as urgent as the DAG's tier.

    Every DAG has it in its default arguments. It runs where the task ran; where the task's process died, in the DAG processor.
    An error that the pager raises is logged there, and the task stays failed for its own reason. An error whose class says
    `is_told_by_alerts` is left to deliver_alerts.

    :param pager_conn_id: the connection that says where messages go.
    """

    def __init__(self, *, pager_conn_id: str = PagerHook.default_conn_name, context: Context | None = None) -> None:
        super().__init__(context)
        self.pager_conn_id = pager_conn_id

    def notify(self, context: Context) -> None:
        error = context.get("exception")
        if getattr(error, "is_told_by_alerts", False):
            self.log.info("%s stands in ops.alert: deliver_alerts tells of it.", type(error).__name__)
            return
        ti, dag = context["ti"], context["dag"]
        PagerHook(self.pager_conn_id).send(
            failure(
                dag_id=ti.dag_id,
                task_id=ti.task_id,
                map_index=-1 if ti.map_index is None else ti.map_index,
                run_id=ti.run_id,
                as_of=as_of(context),
                owner=str(context["task"].owner),
                tags=frozenset(str(tag) for tag in dag.tags),
                error=error,
                page=dag.doc_md or "",
                link=ti.log_url,
            )
        )
        self.log.info("The pager was told of %s.%s.", ti.dag_id, ti.task_id)


def as_of(context: Any) -> str:
    """Return the point in time that the run works at, as far as its context has it: ISO 8601, or nothing."""
    if given := (context.get("params") or {}).get("as_of"):
        return str(given)
    if carried := newest_carried(context.get("triggering_asset_events") or {}):
        return carried
    run = context.get("dag_run")
    due = context.get("data_interval_end") or getattr(run, "logical_date", None) or getattr(run, "run_after", None)
    return iso(due) if due else ""
