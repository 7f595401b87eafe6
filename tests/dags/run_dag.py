"""Run one DAG through Airflow and print its task states: `python -m tests.dags.run_dag DAG_ID CONF_JSON`.

For tests, as a process of its own, because Airflow reads its configuration when it is imported. Needs AIRFLOW_HOME with
a migrated database, and the environment that the DAG itself needs.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

DAGS = Path(__file__).resolve().parents[2] / "dags"


def main(dag_id: str, conf: str) -> int:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    file = next(DAGS.rglob(f"{dag_id}.py"))
    bag = BundleDagBag(file, bundle_path=DAGS, bundle_name="dags-folder")
    if bag.import_errors:
        print(json.dumps({"errors": bag.import_errors}))
        return 2
    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    sync_bag_to_db(bag, "dags-folder", None)
    for task in bag.dags[dag_id].tasks:
        task.retry_delay = timedelta(0)  # a test has no minutes
    run = bag.dags[dag_id].test(run_conf=json.loads(conf))
    states = [
        {"task_id": ti.task_id, "map_index": ti.map_index, "state": str(ti.state), "name": ti.rendered_map_index}
        for ti in run.get_task_instances()
    ]
    print("STATES " + json.dumps({"run": str(run.state), "tasks": states}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
