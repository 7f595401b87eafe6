"""
# enrich_contacts

Buys what is missing about dentists: e-mail and LinkedIn from Wiza, the line type of their numbers from Twilio.
**It spends money.** Nothing is bought twice: each request is claimed in the call ledger (`calls/` in the lake) before
it is made.

| | |
|---|---|
| Kind | convergent: asks for whom nothing is known, or an answer is older than 180 days (Wiza) or 365 days (Twilio) |
| Runs | when clean.provider changes |
| Reads | clean.provider, clean.suppression, raw.vendor_response |
| Writes | `calls/`, raw.vendor_response, enriched.contact, ops.quality_result |
| Spends | at most `max_credits` Wiza credits and `max_lookup_usd` USD at Twilio a run |
| Then | segment_leads |

Order of purchase: never asked first, then who signs for the practice, then small practices, then the newest records.
validate_contacts buys line types too, of dentists' own numbers, under the same request keys: neither buys what the other has.
First, what an earlier run bought and did not fetch is fetched by its ids, free of charge, and loaded.
A mapped task asks for at most 200 people; each answer is kept as it comes, and loaded even when other chunks fail.

## When it fails

* `forecast_reveals` or `forecast_lookups` (BudgetExceeded): nothing was asked. Lower `max_contacts` or raise the
  budget param.
* `reveal_contacts` **OutOfCredits**: the message says how many people are missing; what was bought is kept and loaded.
  Top up, clear the task.
* **AuthFailed**: correct connection `wiza_default` or `twilio_default`, clear the task. Nothing was asked.
* **WrongAddress**: the host of the connection is not the vendor's, or its contract changed. Nothing was asked: correct
  it, clear the task.
* **BadRequest**: too many of a chunk were refused (asking stopped; the refused ones are kept as failed), or Wiza does
  not show reveals that it took (`settle_reveals`, `reveal_contacts`). The message says which and what to check.
* **LeftInDoubt**: calls went out and their answers were cut off; those people are *in doubt* and are not asked again.
  After three in a row the chunk stops asking. No retry: clear the task to go on without them. To ask again, which may
  pay twice, run with `resend_in_doubt`. Who: `SELECT * FROM raw.vendor_response WHERE status = 'in_doubt'`.
* **VendorDown**, **RateLimited**: the task tries again by itself; reveals that were started are fetched by their ids.
* `load_*` or `promote_contact` (warehouse down): clear it. Answers wait in the lake; nothing is asked again.
* `gate_contact` (GateFailed): the message lists the broken rules; downstream has not been told.

## Backfill

None: a run for an old `as_of` buys nothing that a later run has bought. To rebuild raw.vendor_response,
empty it and run: the ledger is loaded again without a call.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, ExceptionRetryPolicy, Param, RetryAction, RetryRule, task

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
from include.airflow_promote import promote
from include.enrichment import LOOKUP, MAX_CHUNK_ROWS, MAX_CHUNKS, PACKAGE_RETRY_DAYS, REVEAL, PaidOperation, forecast
from include.tables import table
from operators.bigquery_to_chunks import BigQueryToChunksOperator
from operators.call_ledger_to_bigquery import CallLedgerToBigQueryOperator
from operators.gate import GateOperator
from operators.twilio_lookup import TwilioLookupOperator
from operators.wiza_reveal import WizaRevealOperator, WizaSettleOperator

PARAMS = {
    "as_of": as_of_param(),
    "max_contacts": Param(1200, type="integer", minimum=0, maximum=MAX_CHUNK_ROWS * MAX_CHUNKS,
        description="Ask Wiza for at most so many people."),
    "max_credits": Param(3000, type="number", minimum=0,
        description="Most Wiza credits that the run may take; a plan that could take more is refused before any call."),
    "max_lookup_usd": Param(20, type="number", minimum=0,
        description="Most USD that Twilio Lookup may cost; a plan that could cost more is refused before any call."),
    "poll_seconds": Param(5, type="number", exclusiveMinimum=0,
        description="Pause between two looks at the reveals that are still pending."),
    "resend_in_doubt": Param(False, type="boolean",
        description="Ask again where a call went out and no answer ever came. May pay twice."),
}  # fmt: skip
OVER_BUDGET = RetryRule(
    exception="include.enrichment.BudgetExceeded", action=RetryAction.FAIL, reason="The plan costs the same next time."
)
RESEND = "{{ params.resend_in_doubt | tojson }}"
CHUNK_LABEL = "{{ task.chunk['label'] }}"


@task(retry_policy=ExceptionRetryPolicy(rules=[OVER_BUDGET]))
def forecast_calls(chunks: list[dict[str, Any]], operation: str, most_credits: str, most_usd: str) -> Any:
    """Let the chunks pass, or stop the run before any call: they could cost more than they may."""
    paid = {REVEAL.name: REVEAL, LOOKUP.name: LOOKUP}[operation]
    calls = sum(chunk["rows"] for chunk in chunks)
    plan = forecast(paid, calls, most_credits=float(most_credits), most_usd=float(most_usd))
    print(f"{paid.vendor}: {plan.calls} calls, at most {plan.credits:g} credits and {plan.usd:.2f} USD")
    return chunks


def _load(task_id: str, paid: PaidOperation) -> CallLedgerToBigQueryOperator:
    """Load what was bought, even when a chunk failed or was never asked."""
    return CallLedgerToBigQueryOperator(
        task_id=task_id, vendor=paid.vendor, operation=paid.name, trigger_rule="all_done", pool="bigquery"
    )


with DAG(
    dag_id="enrich_contacts",
    doc_md=__doc__,
    schedule=[asset("clean.provider")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=PARAMS,
    tags=tags(Stage.ENRICH, Tier.ONE, Kind.CONVERGENT, System.BIGQUERY, System.WIZA, System.TWILIO),
) as dag:
    as_of = resolve_as_of()
    # What an earlier run bought and did not fetch or load comes first: else its people would be bought again.
    settle = WizaSettleOperator(task_id="settle_reveals", pool="wiza", retry_policy=VENDOR_RETRY)
    load_settled = _load("load_settled_reveals", REVEAL)
    plan_reveals = BigQueryToChunksOperator(
        task_id="plan_reveals",
        sql=table("enriched.contact").sql("reveal_candidates"),
        query_params={
            "as_of": ("TIMESTAMP", AS_OF),
            "max_contacts": ("INT64", "{{ params.max_contacts }}"),
            "max_age_days": ("INT64", str(REVEAL.max_age_days)),
            "resend_in_doubt": ("BOOL", RESEND),
        },
        folder="reveals",
        chunk_rows=MAX_CHUNK_ROWS,
        max_chunks=MAX_CHUNKS,
        pool="bigquery",
    )
    allowed_reveals = forecast_calls.override(task_id="forecast_reveals")(
        plan_reveals.output,  # type: ignore[arg-type]
        REVEAL.name,
        most_credits="{{ params.max_credits }}",
        most_usd="inf",
    )
    reveal = WizaRevealOperator.partial(
        task_id="reveal_contacts",
        resend_in_doubt=RESEND,
        poll_seconds="{{ params.poll_seconds }}",
        pool="wiza",
        retry_policy=VENDOR_RETRY,
        map_index_template=CHUNK_LABEL,
    ).expand(chunk=allowed_reveals)
    load_reveals = _load("load_reveals", REVEAL)
    plan_lookups = BigQueryToChunksOperator(
        task_id="plan_lookups",
        sql=table("enriched.contact").sql("lookup_candidates"),
        query_params={
            "as_of": ("TIMESTAMP", AS_OF),
            "max_lookups": ("INT64", str(MAX_CHUNK_ROWS * MAX_CHUNKS)),
            "max_age_days": ("INT64", str(LOOKUP.max_age_days)),
            "retry_age_days": ("INT64", str(PACKAGE_RETRY_DAYS)),
            "resend_in_doubt": ("BOOL", RESEND),
        },
        folder="lookups",
        chunk_rows=MAX_CHUNK_ROWS,
        max_chunks=MAX_CHUNKS,
        pool="bigquery",
    )
    allowed_lookups = forecast_calls.override(task_id="forecast_lookups")(
        plan_lookups.output,  # type: ignore[arg-type]
        LOOKUP.name,
        most_credits="0",
        most_usd="{{ params.max_lookup_usd }}",
    )
    look_up = TwilioLookupOperator.partial(
        task_id="look_up_phones",
        resend_in_doubt=RESEND,
        pool="twilio",
        retry_policy=VENDOR_RETRY,
        map_index_template=CHUNK_LABEL,
    ).expand(chunk=allowed_lookups)
    load_lookups = _load("load_lookups", LOOKUP)
    promoted = promote("enriched.contact")
    gate = GateOperator(task_id="gate_contact", table_name="enriched.contact", as_of=AS_OF)
    # Skipped chunks (nothing to ask) are fine, failed ones are not: then the run fails here, and nobody is told.
    confirm_calls = EmptyOperator(task_id="confirm_calls", trigger_rule="none_failed")

    [as_of, settle, settle >> load_settled] >> plan_reveals
    [allowed_reveals, reveal >> load_reveals] >> plan_lookups
    look_up >> load_lookups >> promoted >> gate
    [reveal, look_up, gate] >> confirm_calls >> announce("enriched.contact", as_of)
