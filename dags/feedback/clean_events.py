"""
# clean_events

Brings **clean.event** and **clean.suppression** to the state that **raw.event** implies: one vocabulary for all
senders, each event once, with the person behind it; then whom we may no longer contact.

| | |
|---|---|
| Kind | convergent: a fold over all of RAW; order and repeats of partitions do not matter |
| Runs | when raw.event changes |
| Reads | raw.event, clean.opt_out_decision (what people read in bodies that no rule reads), enriched.contact and activation.sync_state (who an address or a contact id belongs to) |
| Writes | clean.event, clean.rejected_row, ops.balance, ops.alert (unread_opt_out), clean.suppression, ops.quality_result, ops.table_profile |
| Then | activate_instantly, activate_ghl (opt-outs at once); train_lead_score |

`as_of` dates the quality results and is handed on: neither table depends on it.

## When it fails

Opt-outs reach clean.suppression here and every activation reads it: mend this before the next activation runs.

* `gate_event` (GateFailed): the message lists the broken rules, the task's link **Data docs** opens the page with all of
  them. A row of raw.event that is neither event nor refused nor filtered, or an event that is there twice: `SELECT * FROM
  ops.balance WHERE table_name = 'clean.event'`, then clear from `promote_event`: it rebuilds all of it from RAW. Events
  that are gone: look for the partition of raw.event that was emptied; if that is right, trigger with `accept_drift`.
  Suppression was updated all the same.
* Anything else (warehouse down, another transaction on clean.rejected_row or ops.balance at the same moment): clear
  the task.

`ops.alert`, check_name `unread_opt_out`, severity error: a body that may hold an opt-out was not read. Read it today and
decide (docs/webhooks.md); the alert stays until then.

New rows in clean.rejected_row with rule `event_type_unknown` fail nothing: a vendor sends a type that we do not know,
or somebody made a label in Instantly. Add it to `include/sql/clean/event/query.sql`; the next run turns the kept rows
into events.

## Backfill

Nothing to backfill here. Re-run `load_events` for the dates, in any order; this DAG converges after them.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import (
    DEFAULT_ARGS,
    START_DATE,
    Kind,
    Stage,
    System,
    Tier,
    asset,
    deadline,
    gated_params,
    tags,
)
from include.airflow.promote import promote
from operators.gate import GateOperator

with DAG(
    dag_id="clean_events",
    description="Turns received events into canonical ones, and into the suppression list",
    doc_md=__doc__,
    schedule=[asset("raw.event")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=gated_params(),
    deadline=deadline(hours=2),
    tags=tags(Stage.FEEDBACK, Tier.ONE, Kind.CONVERGENT, System.BIGQUERY, System.WEBHOOKS),
) as dag:
    as_of = resolve_as_of()
    events = promote("clean.event")
    # The law first: an opt-out is suppressed also when the counts do not balance.
    suppression = promote("clean.suppression")
    gate = GateOperator(task_id="gate_event", table_name="clean.event", as_of=AS_OF, pool="bigquery")

    as_of >> events >> suppression >> [gate, announce("clean.suppression", as_of)]
    gate >> announce("clean.event", as_of)
