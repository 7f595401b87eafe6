"""
# activate_instantly

Tells Instantly whom to e-mail: new leads of the treatment arm, best first, up to the ISO week's room; changes of score
and content for leads that it has. Everybody who opted out goes on its block list, with or without a lead, and is deleted
there. Sends only what differs (docs/activation.md).

| | |
|---|---|
| Kind | convergent |
| Runs | when predictions.creative changes; when opt-outs arrive (clean.suppression) |
| Reads | segmented.audience_member, predictions.lead_score and creative, enriched.contact, clean.suppression; for addresses to block enriched.answer and raw.event, too |
| Writes | Instantly; the call ledger (calls/instantly/ in the lake); activation.send, sync_state, rejection, block_list |
| Then | activate_ghl, unless this run fails |

Opt-outs go first. Works at the newest point in time that anything was sent for, or a newer one of the event; with an
older `as_of` param only opt-outs are sent. `max_new_leads` holds for that point's ISO week over all runs. `dry_run` logs
what would be sent, sends nothing, writes nothing and starts nothing.

## When it fails

* `AuthFailed`: correct the password of instantly_default, clear the task. `OutOfCredits`: the plan takes no more leads.
* `RateLimited`, `VendorDown`, `ResponseLost`: it tries again by itself. Clearing it is always safe: what an answer that
  was lost did is looked up at Instantly before anything is planned.
* "refused n opt-outs", "do not stand on Instantly's block list": urgent, these persons may still get e-mail. Do what the
  message says.
* "a campaign that does not run": somebody paused it, so it gets no leads; opt-outs are done. Resume it at Instantly.
* "refused n of m": the others are done. See activation.rejection, mend, run with `retry_rejected`.
* "Only opt-outs were sent": the gate of a table that messages are made of failed. Mend that DAG first, then run this one.

## Backfill

None: sends belong to the present. Run it once and it converges.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import (
    DEFAULT_ARGS,
    START_DATE,
    VENDOR_RETRY,
    Kind,
    Stage,
    System,
    Tier,
    as_of_param,
    asset,
    deadline,
    tags,
)
from operators.bigquery_to_instantly import BigQueryToInstantlyOperator
from operators.load_sends import LoadSendsOperator

with DAG(
    dag_id="activate_instantly",
    description="Sends the week's new e-mail contacts and all opt-outs to Instantly",
    doc_md=__doc__,
    schedule=asset("predictions.creative") | asset("clean.suppression"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"owner": "growth"},
    render_template_as_native_obj=True,
    params={
        "as_of": as_of_param(),
        "dry_run": Param(False, type="boolean", description="Log what would be sent; send and write nothing."),
        "max_new_leads": Param(400, type="integer", minimum=0, description="New leads in one ISO week of as_of."),
        "retry_rejected": Param(False, type="boolean", description="Offer refused payloads again."),
    },
    deadline=deadline(hours=3, owner="growth"),
    tags=tags(Stage.ACTIVATE, Tier.ONE, Kind.CONVERGENT, System.INSTANTLY, System.BIGQUERY),
):
    as_of = resolve_as_of()
    send = BigQueryToInstantlyOperator(
        task_id="send_leads",
        as_of=AS_OF,
        as_of_given="{{ params.as_of is not none }}",  # type: ignore[arg-type]
        max_new_leads="{{ params.max_new_leads }}",  # type: ignore[arg-type]
        plan_only="{{ params.dry_run }}",  # type: ignore[arg-type]
        retry_rejected="{{ params.retry_rejected }}",  # type: ignore[arg-type]
        pool="instantly",
        retry_policy=VENDOR_RETRY,
    )
    load = LoadSendsOperator(
        task_id="load_sends",
        destination="instantly",
        plan_only="{{ params.dry_run }}",  # type: ignore[arg-type]
        pool="bigquery",
        trigger_rule="all_done",
    )

    # The announcement waits for the send too, so that a failed send fails the run although its results are loaded. A dry
    # run skips the load, and so the announcement.
    as_of >> send >> load
    [send, load] >> announce("activation.send", as_of)
