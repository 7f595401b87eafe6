"""
# activate_instantly

Tells Instantly whom to e-mail: new leads of the treatment arm, best first, up to the ISO week's room; changes of score
and content for leads that it has; the deletion of everybody who opted out. Sends only what differs (docs/activation.md).

| | |
|---|---|
| Kind | convergent |
| Runs | when predictions.creative changes |
| Reads | segmented.audience_member, predictions.lead_score and creative, enriched.contact, clean.suppression |
| Writes | Instantly; the call ledger (calls/instantly/ in the lake); activation.send, sync_state, rejection |
| Then | activate_ghl |

A point in time older than the newest send does nothing. `max_new_leads` holds for the ISO week of `as_of` over all runs.
`dry_run` logs what would be sent, sends nothing, writes nothing and starts nothing.

## When it fails

* `AuthFailed`: correct the password of instantly_default, clear the task. `OutOfCredits`: the plan takes no more leads.
* `RateLimited`, `VendorDown`, `ResponseLost`: it tries again by itself. Clearing it is always safe: what an answer that
  was lost did is looked up at Instantly before anything is planned.
* "refused n of m": the others are done. See activation.rejection, mend, run with `retry_rejected`.

## Backfill

None: sends belong to the present. Run it once and it converges.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, task

from include.airflow_as_of import AS_OF, announce, resolve_as_of
from include.airflow_defaults import (
    DEFAULT_ARGS,
    START_DATE,
    VENDOR_RETRY,
    Kind,
    Stage,
    System,
    Tier,
    as_of_param,
    asset,
    tags,
)
from operators.instantly_sync import BigQueryToInstantlyOperator
from operators.load_sends import LoadSendsOperator

with DAG(
    dag_id="activate_instantly",
    doc_md=__doc__,
    schedule=[asset("predictions.creative")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"owner": "growth"},
    render_template_as_native_obj=True,
    params={
        "as_of": as_of_param(),
        "dry_run": Param(False, type="boolean", description="Log what would be sent; send and write nothing."),
        "max_new_leads": Param(600, type="integer", minimum=0, description="New leads in one ISO week of as_of."),
        "retry_rejected": Param(False, type="boolean", description="Offer refused payloads again."),
    },
    tags=tags(Stage.ACTIVATE, Tier.ONE, Kind.CONVERGENT, System.INSTANTLY, System.BIGQUERY),
):
    as_of = resolve_as_of()
    send = BigQueryToInstantlyOperator(
        task_id="send_leads",
        as_of=AS_OF,
        max_new_leads="{{ params.max_new_leads }}",  # type: ignore[arg-type]
        plan_only="{{ params.dry_run }}",  # type: ignore[arg-type]
        retry_rejected="{{ params.retry_rejected }}",  # type: ignore[arg-type]
        pool="instantly",
        retry_policy=VENDOR_RETRY,
    )
    load = LoadSendsOperator(task_id="load_sends", destination="instantly", pool="bigquery", trigger_rule="all_done")

    @task.short_circuit
    def is_no_dry_run(dry_run: bool) -> bool:
        """Let the DAGs after this one run only when something was really done."""
        return not dry_run

    really = is_no_dry_run("{{ params.dry_run }}")  # type: ignore[arg-type]
    # The announcement waits for the send too, so that a failed send fails the run although its results are loaded.
    as_of >> send >> load
    [send, load] >> really >> announce("activation.send", as_of)
