"""
# segment_leads

Turns dentists into leads: an ICP score of 0 to 100 with its reasons (docs/icp-score.md), state and ZIP3 segment,
practice size band; then the members of each declared audience, with 10 % held out of every experiment for good.

| | |
|---|---|
| Kind | convergent |
| Runs | when enriched.contact changes |
| Reads | clean.provider, enriched.contact |
| Writes | segmented.lead, segmented.audience, segmented.holdout (insert only), segmented.audience_member, ops.balance, ops.quality_result, ops.table_profile |
| Then | score_leads |

A point in time older than the tables' own changes nothing. Who is held out never changes, also not when a share does.

## When it fails

* `gate_lead` (GateFailed): the message lists the broken rules, the task's link **Data docs** opens the page with all of
  them. Nobody was drawn into the holdout, and downstream has not been told. Mend CLEAN, ENRICHED or the points, then clear
  from `promote_lead`. Where leads are gone for a real reason, trigger with `accept_drift`: drift then only warns, once.
* Every other task is one BigQuery script that may run again: read the job's error in the log, mend, clear the failed task.

Nothing outside the warehouse was touched; nobody is contacted here, but scoring and activation wait for it.

## Backfill

None is needed: one run brings the tables to what CLEAN and ENRICHED imply now. To add or change an audience, edit
include/sql/segmented/audience/query.sql and trigger the DAG.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, asset, gated_params, tags
from include.airflow.promote import promote
from operators.gate import GateOperator

with DAG(
    dag_id="segment_leads",
    description="Scores leads against the ideal customer profile, builds audiences, draws the 10 % holdout",
    doc_md=__doc__,
    schedule=[asset("enriched.contact")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"owner": "growth"},
    params=gated_params(),
    tags=tags(Stage.SEGMENT, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY),
):
    at = {"as_of": AS_OF}
    as_of = resolve_as_of()
    lead = promote("segmented.lead", params=at)
    # Before the holdout, which is for good.
    gate = GateOperator(task_id="gate_lead", table_name="segmented.lead", as_of=AS_OF, pool="bigquery")
    audience = promote("segmented.audience")
    holdout = promote("segmented.holdout", params=at)
    member = promote("segmented.audience_member", params=at)

    as_of >> lead >> gate
    as_of >> audience
    count = promote("ops.balance", sql="segments", task_id="count_segments")
    [gate, audience] >> holdout >> member >> count >> announce("segmented.audience_member", as_of)
