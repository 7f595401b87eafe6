"""
# apply_tables

Creates the datasets and tables that `include/sql/*/*/table.yaml` defines, adds new columns and updates descriptions.

| | |
|---|---|
| Kind | convergent: a second run changes nothing |
| Runs | by hand or from a deployment, before any other DAG meets new tables |
| Reads | the definitions in the image |
| Writes | table definitions of every dataset; never data |

## When it fails

The message lists columns whose type, mode or partitioning in the warehouse differs from their definition, or columns that no definition knows. Nothing was
changed for those tables. Write the migration (copy to a new column, or recreate and backfill from RAW), then run this again.

## Backfill

None.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, tags
from operators.apply_tables import ApplyTablesOperator

with DAG(
    dag_id="apply_tables",
    description="Creates and updates datasets and tables as include/sql defines them; never changes data",
    doc_md=__doc__,
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=tags(Stage.OPERATE, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY),
) as dag:
    ApplyTablesOperator(task_id="apply_definitions", pool="bigquery")
