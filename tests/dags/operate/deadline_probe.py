"""What a scheduler does with a deadline of ours: `python -m tests.dags.operate.deadline_probe`. Prints what it saw as JSON.

Airflow's own ``test`` of a DAG knows no deadlines, so the scheduler's steps are taken here, in a database of their own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DAG_ID, DAGS = "clean_events", Path(__file__).resolve().parents[3] / "dags"


def main() -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.dag_version import DagVersion
    from airflow.models.deadline import Deadline
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk import timezone
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, State
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import func, select

    initdb()
    for _ in range(2):  # parsed again: the same version
        bag = BundleDagBag(DAGS / "feedback" / f"{DAG_ID}.py", bundle_path=DAGS, bundle_name="dags-folder")
        DagBundlesManager().sync_bundles_to_db()
        sync_bag_to_db(bag, "dags-folder", None)
    seen: dict[str, Any] = {}
    with create_session() as session:
        seen["versions"] = session.scalar(select(func.count()).select_from(DagVersion))
        dag = SerializedDagModel.get_dag(DAG_ID, session=session)
        assert dag
        runs = [
            dag.create_dagrun(
                run_id=name, run_after=timezone.utcnow(), run_type=DagRunType.MANUAL, state=DagRunState.QUEUED,
                triggered_by=DagRunTriggeredByType.TEST, session=session, logical_date=None, data_interval=None,
            )
            for name in ("in_time", "late")
        ]  # fmt: skip
        session.flush()
        in_time = runs[0]
        in_time.dag = dag
        for instance in in_time.get_task_instances(session=session):
            instance.set_state(State.SUCCESS, session=session)
        in_time.state = DagRunState.RUNNING
        in_time.update_state(session=session)
        seen["ended"] = str(in_time.state)
        (left,) = session.scalars(select(Deadline))
        seen["hours"] = round((left.deadline_time - runs[1].queued_at).total_seconds() / 3600, 2)
        left.handle_miss(session)
        seen["callback"] = {"kind": type(left.callback).__name__, "path": left.callback.data["path"]}
        seen["kwargs"] = left.callback.data["kwargs"]
    print(json.dumps(seen, default=str))


if __name__ == "__main__":
    main()
