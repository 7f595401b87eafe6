"""
# clean_providers

Brings **clean.provider** to the state that RAW implies: active dental providers only, typed, normalised, one row per NPI. The monthly
file is the base, the weekly ones are deltas: the newest row of each NPI counts. A missing week or month only makes it older.

| | |
|---|---|
| Kind | convergent: a fold over all of RAW; the order in which weeks were loaded does not matter |
| Runs | when raw.nppes_npi or raw.nppes_deactivation changes |
| Reads | raw.nppes_npi, raw.nppes_other_name (brand names), raw.nppes_deactivation |
| Writes | clean.provider_candidate, clean.provider, clean.rejected_row, ops.balance, ops.quality_result, ops.alert (vanished_npis) |
| Then | enrich_contacts |

## When it fails

* `gate_candidates` (GateFailed): the message lists the broken rules (such as a state that lost a third), or says that too many rows were refused. clean.provider still serves the
  last good state. Look at clean.rejected_row, the newest partition of raw.nppes_npi and ops.load_manifest; if the file is bad, re-run
  `ingest_nppes_weekly` for that week, then clear this task.
* `gate_provider`: rows in do not equal rows out + rejected + filtered: `SELECT * FROM ops.balance WHERE table_name = 'clean.provider'`.
  Downstream has not been told. Clear from `stage_candidates`.
* Anything else (warehouse down): clear the failed task. Every task may run again.

It does not fail for NPIs that vanished from a monthly file without a deactivation: they stay in clean.provider, and
`SELECT * FROM ops.alert WHERE check_name = 'vanished_npis'` has their number and five of them. Many mean a cut file.

## Backfill

Nothing to backfill here. Re-run the `ingest_nppes_*` DAGs for the dates, in any order; this DAG converges after them.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow_as_of import AS_OF, announce, resolve_as_of
from include.airflow_defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, as_of_param, asset, tags
from include.airflow_promote import promote
from operators.gate import GateOperator

with DAG(
    dag_id="clean_providers",
    doc_md=__doc__,
    schedule=asset("raw.nppes_npi") | asset("raw.nppes_deactivation"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={"as_of": as_of_param()},
    tags=tags(Stage.CLEAN, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY, System.NPPES),
) as dag:
    as_of = resolve_as_of()
    stage = promote("clean.provider_candidate", task_id="stage_candidates")
    gate_candidates = GateOperator(
        task_id="gate_candidates",
        table_name="clean.provider_candidate",
        as_of=AS_OF,
        row_key="npi",
        rejects_for="clean.provider",
        pool="bigquery",
    )
    promoted = promote("clean.provider")
    gate_provider = GateOperator(task_id="gate_provider", table_name="clean.provider", as_of=AS_OF, pool="bigquery")

    alert = promote("ops.alert", sql="vanished_npis", task_id="alert_vanished_npis")

    as_of >> alert
    as_of >> stage >> gate_candidates >> promoted >> gate_provider >> announce("clean.provider", as_of)
