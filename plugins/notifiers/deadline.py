"""Tell the person on call that a run has not ended in its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseNotifier

from hooks.pager import PagerHook
from include.quality.pager_message import Severity, missed_deadline

if TYPE_CHECKING:
    from airflow.sdk import Context


class DeadlineNotifier(BaseNotifier):
    """Sends DAG, run, point in time, owner, and since when it is late. The callback of a DeadlineAlert, in an executor's process.

    Airflow gives it the run as plain values, and no DAG: what it says of that comes as parameters, as JSON.

    :param owner: the team.
    :param severity: critical, error or warning.
    """

    def __init__(
        self,
        *,
        owner: str,
        severity: str,
        pager_conn_id: str = PagerHook.default_conn_name,
        context: Context | None = None,
    ) -> None:
        super().__init__(context)
        self.owner = owner
        self.severity = severity
        self.pager_conn_id = pager_conn_id

    def notify(self, context: Context) -> None:
        run, deadline = dict(context["dag_run"]), dict(context["deadline"])  # type: ignore[call-overload,typeddict-item]
        PagerHook(self.pager_conn_id).send(
            missed_deadline(
                dag_id=run["dag_id"],
                run_id=run["dag_run_id"],
                as_of=str(
                    (run.get("conf") or {}).get("as_of") or run.get("logical_date") or run.get("run_after") or ""
                ),
                owner=self.owner,
                severity=Severity(self.severity),
                deadline=str(deadline["deadline_time"]),
                state=str(run.get("state") or ""),
            )
        )
        self.log.info("The pager was told that %s is late.", run["dag_id"])
