"""
### segment_leads

Turns dentists into leads: an ICP score of 0 to 100 with its reasons (docs/icp-score.md), state and ZIP3 segment,
practice size band; then the members of each declared audience, with 10 % held out of every experiment for good.

**Reads** `clean.provider`, `enriched.contact`. **Writes** `segmented.lead`, `segmented.audience`, `segmented.holdout`
(insert only), `segmented.audience_member`.

**Schedule**: whenever `enriched.contact` was brought up to date. Kind: convergent; the point in time comes with the
asset event or the param `as_of`. A point in time older than the tables' own changes nothing.

**When it fails**: every task is one BigQuery statement that is all or nothing: read the job's error in the log, mend,
clear the failed task. Nothing outside the warehouse was touched. Nobody is contacted here, but activation waits for it.

**Backfill**: none is needed: one run brings the tables to what CLEAN and ENRICHED imply now. To add or change an
audience, edit `include/sql/segmented/audience/query.sql` and trigger the DAG. Who is held out never changes, also not
when a share does.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow_as_of import AS_OF, announce, resolve_as_of
from include.airflow_defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, as_of_param, asset, tags
from include.airflow_promote import promote

with DAG(
    dag_id="segment_leads",
    doc_md=__doc__,
    schedule=[asset("enriched.contact")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"owner": "growth"},
    params={"as_of": as_of_param()},
    tags=tags(Stage.SEGMENT, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY),
):
    at = {"as_of": ("TIMESTAMP", AS_OF)}
    as_of = resolve_as_of()
    lead = promote("segmented.lead", params=at)
    audience = promote("segmented.audience")
    holdout = promote("segmented.holdout", params=at)
    member = promote("segmented.audience_member", params=at)

    as_of >> [lead, audience] >> holdout >> member >> announce("segmented.audience_member", as_of)
