"""
# personalize_content

Picks one approved content block for everyone who is to be contacted, and writes down the probability with which it
was picked.

| | |
|---|---|
| Kind | convergent |
| Runs | when predictions.lead_score changes |
| Reads | segmented.audience_member (treatment), segmented.lead, predictions.lead_score, include/activation/content_blocks.yaml |
| Writes | predictions.creative, the rows of exactly this as_of |
| Then | activate_ghl, activate_instantly |

Nine in ten people get the block that the catalog's policy names for their score band and practice size; one in ten,
always the same people, gets any of the blocks allowed for them. Without a prediction the practice size's default
block is taken. A draft is never picked.

## When it fails

* `ValueError: content_blocks.yaml`: the catalog breaks a rule of its own; the message names the block. Mend the
  file.
* Anything else (warehouse down): clear the failed task. It may run again and leaves the same rows.

## Backfill

Trigger with `as_of`: the newest lead score known then is read.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, as_of_param, asset, tags
from operators.personalize_content import PersonalizeContentOperator

with DAG(
    dag_id="personalize_content",
    description="Picks an approved content block for each lead that is to be contacted",
    doc_md=__doc__,
    schedule=[asset("predictions.lead_score")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "ml"},
    params={"as_of": as_of_param()},
    tags=tags(Stage.PERSONALIZE, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY),
) as dag:
    as_of = resolve_as_of()
    choose = PersonalizeContentOperator(task_id="choose_content_blocks", as_of=AS_OF, pool="bigquery")

    as_of >> choose >> announce("predictions.creative", as_of)
