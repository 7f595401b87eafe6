"""
# score_leads

Takes the features of every lead at a point in time and scores them 0-100 with the champion of that time.

| | |
|---|---|
| Kind | convergent |
| Runs | when segmented.audience_member or ops.model_version changes |
| Reads | segmented.lead, clean.provider, enriched.contact, clean.event before as_of; ops.model_version, its files |
| Writes | features.lead and predictions.lead_score, the rows of exactly this as_of; ops.quality_result, ops.table_profile |
| Then | personalize_content |

Before the first champion there is nothing to score with: the log says so, predictions.lead_score has no rows for this
as_of, the DAG is green and announces all the same, and the campaign ranks by ICP score. Features are written in any
case: the first model learns from them.

## When it fails

* `SchemaMismatch`: features.lead is not what the champion was trained on; the message names the columns. Bring them
  back, or set that version's status to `rejected` in ops.model_version, then clear the task.
* `UnreadableModel` or a missing object: the version's folder in the lake was changed. Restore it, or reject the
  version.
* `gate_score` (GateFailed): the message lists the broken rules, the task's link **Data docs** opens the page with all of
  them. The campaign has not been told of these scores. Where fewer leads have one for a real reason, trigger with
  `accept_drift`: it passes once.
* Anything else (warehouse down): clear the failed task. Every task may run again and leaves the same rows.

## Backfill

Trigger with `as_of`. Where segmented.lead is newer than that, the features of the past can no longer be made: the
snapshot that is there stays, and is scored with the champion of its own time.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, asset, gated_params, tags
from include.airflow.promote import promote
from operators.gate import GateOperator
from operators.score_leads import ScoreLeadsOperator

with DAG(
    dag_id="score_leads",
    description="Scores every lead from 0 to 100 with the published model",
    doc_md=__doc__,
    schedule=(asset("segmented.audience_member") | asset("ops.model_version")),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "ml"},
    params=gated_params(),
    tags=tags(Stage.LEARN, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY),
) as dag:
    as_of = resolve_as_of()
    features = promote("features.lead", task_id="build_features", params={"as_of": AS_OF})
    score = ScoreLeadsOperator(task_id="score_leads", as_of=AS_OF, pool="bigquery")
    gate = GateOperator(task_id="gate_score", table_name="predictions.lead_score", as_of=AS_OF, pool="bigquery")

    as_of >> features >> score >> gate >> announce("predictions.lead_score", as_of)
