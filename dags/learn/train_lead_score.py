"""
# train_lead_score

Trains a challenger for the lead score on what became of first e-mails, and publishes it only when it is not worse
than the champion.

| | |
|---|---|
| Kind | convergent |
| Runs | when clean.event changes |
| Reads | features.lead (snapshots from before each send), clean.event, ops.model_version and the champion's files |
| Writes | ops.model_version (a row per judged version), gs://<lake>/models/lead_score/<version>/ (written once) |
| Then | score_leads, but only after a new champion |

Only e-mails that had three days to be answered count. A version's folder holds model.txt, model.json, card.md and
calibration.svg.

## What the colours mean

* All green: there is a new champion.
* `train_lead_score` green, `announce_model_version` skipped: the challenger was **rejected**. Its row in
  ops.model_version and a warning in the log name both Brier scores. Nothing to do at night, for the old champion goes
  on. In the morning read its card.md.
* `train_lead_score` skipped: too few positive responses yet, or no new rows since the last version; the log says
  which. Nothing to do.

## When it fails

* `VersionConflict`: the same rows gave other bytes than those stored, as another processor architecture may. The
  stored version stays; clear the task on a usual worker.
* `SchemaMismatch`: features.lead lost a column that the champion reads. Bring it back, or set that version's status
  to `rejected`.
* Anything else (warehouse down): clear the task. A rerun gives the same version and the same bytes.

## Backfill

Trigger with `as_of`. The challenger then meets the champion of that time; it never takes the place of a newer one.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, as_of_param, asset, tags
from operators.train_lead_score import TrainLeadScoreOperator


@task.short_circuit
def is_champion(judged: dict[str, str]) -> bool:
    """Skip the announcement of a rejected version."""
    return judged["status"] == "champion"


with DAG(
    dag_id="train_lead_score",
    description="Trains the lead score on what became of e-mails; publishes it if it is no worse",
    doc_md=__doc__,
    schedule=[asset("clean.event")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "ml"},
    params={"as_of": as_of_param()},
    tags=tags(Stage.LEARN, Tier.THREE, Kind.CONVERGENT, System.BIGQUERY),
) as dag:
    as_of = resolve_as_of()
    train = TrainLeadScoreOperator(task_id="train_lead_score", as_of=AS_OF, pool="bigquery")

    published = is_champion(train.output)  # type: ignore[arg-type]  # Airflow resolves an XComArg before the call

    as_of >> train >> published >> announce("ops.model_version", as_of)
