"""An Airflow that stays up and runs one DAG for each line that it is sent: `python -m tests.dags.airflow_server`.

For tests. Airflow needs some 20 seconds of processor time before the first task of a process; here they are spent once.
Reads requests {env, dag_id, logical_date or null, conf} from stdin and answers {run, tasks, links, announced} on stdout, both
as lines of JSON. All that Airflow and the tasks print goes to stderr. Needs AIRFLOW_HOME. An error that is not a task's own
ends the process, with its traceback on stderr.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

DAGS = Path(__file__).resolve().parents[2] / "dags"


def prepare() -> None:
    """Make the database, as `airflow db migrate` does, and our pools, as `airflow pools import` does."""
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    from include.airflow.pools import pools_json

    initdb()
    for name, pool in json.loads(pools_json()).items():
        Pool.create_or_update_pool(name, **pool)


def answer(dag_id: str, logical_date: str | None, conf: dict[str, Any]) -> dict[str, Any]:
    """Run the DAG (without a logical date: as `airflow dags trigger` does) and return its state, its task instances', their links, and what assets it announced."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.asset import AssetEvent
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk import timezone
    from airflow.utils.session import create_session
    from sqlalchemy import select

    file = next(DAGS.rglob(f"{dag_id}.py"))
    bag = BundleDagBag(file, bundle_path=DAGS, bundle_name="dags-folder")
    if bag.import_errors:
        raise SystemExit(json.dumps(bag.import_errors))
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    for task in bag.dags[dag_id].tasks:
        task.retry_delay = timedelta(0)  # a test has no minutes
    bag.dags[
        dag_id
    ].deadline = None  # `test` of Airflow 3.3.2 takes what a DAG declares for the ids that a scheduler gives it
    at = timezone.parse(logical_date) if logical_date else None
    run = bag.dags[dag_id].test(logical_date=at, run_conf=conf)
    tasks = [
        {
            "task_id": ti.task_id,
            "map_index": ti.map_index,
            "state": str(ti.state),
            "name": ti.rendered_map_index,
            "tries": ti.try_number,
        }
        for ti in run.get_task_instances()
    ]
    # As the UI has them: from the DAG as Airflow stored it, which knows no class of ours.
    stored = SerializedDagModel.get_dag(dag_id)
    links = {
        f"{ti.task_id}/{name}": stored.get_task(ti.task_id).get_extra_links(ti, name)
        for ti in run.get_task_instances()
        for name in stored.get_task(ti.task_id).extra_links
    }
    # By the run's id, which has the time in it: another test may have run the same DAG for the same date.
    of_this_run = (AssetEvent.source_dag_id == dag_id, AssetEvent.source_run_id == run.run_id)
    with create_session() as session:
        announced = list(session.scalars(select(AssetEvent.extra).where(*of_this_run).order_by(AssetEvent.id)))
    return {"run": str(run.state), "tasks": tasks, "links": links, "announced": announced}


def main() -> None:
    # The pipes are kept for requests and answers: what a task reads or prints must not come between them.
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    prepare()
    for line in requests:
        request = json.loads(line)
        os.environ.clear()
        os.environ.update(request.pop("env"))
        found = answer(**request)
        sys.stdout.flush()
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
