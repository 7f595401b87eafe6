"""
# activate_ghl

Keeps the CRM's contacts as the warehouse says: everybody whom Instantly contacts and everybody who engaged, with score,
grade, segment and content block; do-not-disturb for whoever opted out. Sends only contacts that differ.

| | |
|---|---|
| Kind | convergent |
| Runs | when activate_instantly has sent (activation.send), so that a contact is there before the first reply; when opt-outs arrive (clean.suppression), whatever became of Instantly |
| Reads | activation.sync_state, clean.event, clean.suppression, segmented.lead, predictions.lead_score and creative |
| Writes | Go High Level; the call ledger (calls/ghl/ in the lake); activation.send, sync_state, rejection; opt-outs that a contact shows: the inbox, clean.suppression |

Opt-outs go first. Tags that people set stay: ours are added and removed one by one, also where people made the contact
before we did. Works at the newest point in time that anything was sent for, or a newer one of the event; with an
older `as_of` param only opt-outs are sent. `dry_run` logs what would be sent and writes nothing.

## When it fails

* `AuthFailed`: correct the password of ghl_default, or give its token the scopes in docs/connections.md; clear the task.
* `RateLimited`, `VendorDown`: it tries again by itself and sends only the rest. Clearing it is always safe.
* "refused n opt-outs": urgent, these persons may still be contacted. Do what the message says.
* "refused n of m": the others are done. See activation.rejection, mend, run with `retry_rejected`.
* "Only opt-outs were sent": the message says why. "messages are made of": the gate of such a table failed; mend that DAG
  first, then run this one. "allows duplicate contacts": contacts would be made twice; switch it off in Go High Level as
  the message says, then run this one.

## Backfill

None: run it once and it converges.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, task

from include.airflow.as_of import AS_OF, resolve_as_of
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
from operators.bigquery_to_ghl import BigQueryToGhlOperator
from operators.load_sends import LoadSendsOperator

with DAG(
    dag_id="activate_ghl",
    description="Sends contacts, scores and opt-outs that changed to the CRM (Go High Level)",
    doc_md=__doc__,
    schedule=asset("activation.send") | asset("clean.suppression"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"owner": "growth"},
    render_template_as_native_obj=True,
    params={
        "as_of": as_of_param(),
        "dry_run": Param(False, type="boolean", description="Log what would be sent; send and write nothing."),
        "retry_rejected": Param(False, type="boolean", description="Offer refused payloads again."),
    },
    deadline=deadline(hours=3, owner="growth"),
    tags=tags(Stage.ACTIVATE, Tier.ONE, Kind.CONVERGENT, System.GHL, System.BIGQUERY),
):
    as_of = resolve_as_of()
    send = BigQueryToGhlOperator(
        task_id="send_contacts",
        as_of=AS_OF,
        as_of_given="{{ params.as_of is not none }}",  # type: ignore[arg-type]
        plan_only="{{ params.dry_run }}",  # type: ignore[arg-type]
        retry_rejected="{{ params.retry_rejected }}",  # type: ignore[arg-type]
        pool="ghl",
        retry_policy=VENDOR_RETRY,
    )
    load = LoadSendsOperator(
        task_id="load_sends",
        destination="ghl",
        plan_only="{{ params.dry_run }}",  # type: ignore[arg-type]
        pool="bigquery",
        trigger_rule="all_done",
    )

    @task
    def fail_if_any_failed() -> None:
        """End the run as failed when a send failed although its results are loaded."""

    as_of >> send >> load
    [send, load] >> fail_if_any_failed()
