"""
# enrich_contacts

Buys what is missing about dentists: e-mail, and what comes with it (LinkedIn, title, the practice's firmographics), from
Wiza, Clay and Apollo, one after the other until one answer is good enough; and the line type of their numbers from Twilio.
**It spends money.** Nothing is bought twice: each call is claimed in the call ledger (`calls/` in the lake) before it is
made. Who is enriched, by which vendor, on what budget: `include/enrichment/waterfall.yaml`, explained in docs/waterfall.md.

| | |
|---|---|
| Kind | convergent: asks for whom no usable e-mail is known, or one that is older than 180 days; Twilio after 365 |
| Runs | when clean.provider changes |
| Reads | clean.provider, clean.suppression, segmented.lead (ICP score), raw.vendor_response |
| Writes | `calls/`, raw.vendor_response, enriched.answer, contact, firmographics and provider_360, ops.enrichment_forecast, balance, vendor_order, vendor_usage, quality_result, table_profile, alert, clean.rejected_row |
| Spends | at most the budgets of waterfall.yaml, and `max_lookup_usd` USD at Twilio a run |
| Then | segment_leads |

Who has no organization at their place is asked for by name, city and state at the vendors that can answer that; who is
asked for nowhere is counted by reason, in ops.balance and in ops.enrichment_forecast.
Order of purchase: never asked first, then who signs for the practice, then small practices, then the newest records.
validate_contacts buys line types too, of dentists' own numbers, under the same request keys: neither buys what the other has.
`reconcile_*` first ends what an earlier run left open, free of charge. `plan_round_1` prints what the run will come to, and
stops it where that is over budget. A mapped task asks one vendor about at most 200 people; each answer is kept as it
comes, and loaded even when other chunks fail. Rounds 2 and 3 ask the next vendor for whom nothing good came.

## When it fails

* `plan_round_1` (**BudgetExceeded**): nothing was asked. The message has the figures. Lower `max_contacts`, or run with
  `approved_usd` as it says. `forecast_lookups`: the same with `max_lookup_usd`.
* **OutOfCredits**: the message says how many people are missing; what was bought is kept and loaded. Top up, clear the
  task.
* ops.alert, check_name `unexplained_credits`: a balance fell by more than our books say. Nothing fails. Look at the
  vendor's usage page: who else spends from the account, or which lost answer was charged.
* **AuthFailed**: correct the vendor's connection, clear the task. Nothing was asked.
* **EndpointNotFound**: the host of the connection is not the vendor's, or its contract changed. Nothing was asked: correct
  it, clear the task.
* **BadRequest**: too many of a chunk were refused (asking stopped; the refused ones are kept as failed), or a vendor does
  not show what it took. The message says which and what to check.
* **OutcomeUnknown**: calls went out and their answers were cut off; those people are *outcome unknown* and asked nowhere. No retry.
  The next run's `reconcile_*` finds out what it can: by callbacks (Wiza, Clay) and by the balance (Wiza, Apollo). For 90
  minutes after such a call the vendor may still be at work on it and charge for it, so the balance tells nothing yet and
  `reconcile_*` holds it; its log says until when: run again after that. What stays outcome unknown then is for a person: look it up
  at the vendor, then run with `outcome_unknown` = `resend` (may pay twice) or `drop` (go on without). Who:
  `SELECT * FROM raw.vendor_response WHERE status = 'outcome_unknown'`.
* **VendorDown**, **RateLimited**: the task tries again by itself; what was taken is read by its id. An answer that never
  comes ends at a deadline of 15 minutes and is read by the next try or run.
* `fail_if_any_failed` (**AnswersNotLoaded**): answers that are bought are not in the tables, as when only a failed `ask_*` was
  cleared. The message says how many and where. Clear `load_answers` and `load_lookups` with everything downstream.
* ops.alert, check_name `refused_answers`: what a vendor answered cannot be what it documents. Nothing of that one is used,
  its price is booked, and its person is asked for at the next vendor. Which field: clean.rejected_row.
* `load_*`, `promote_*` (warehouse down): clear it. Answers wait in the lake; nothing is asked again.
* `gate_answer`, `gate_contact`, `gate_firmographics`, `gate_provider_360` (GateFailed): the message lists the broken rules,
  the task's link **Data docs** opens the page with all of them; downstream has not been told, and nothing is asked again.
  Mend, then clear the promotion before the gate. Where answers or people are gone for a real reason, trigger with
  `accept_drift`, and `max_contacts` 0 to buy nothing.

## Backfill

None: a run for an old `as_of` buys nothing that a later run has bought. To rebuild raw.vendor_response,
empty it and run: the ledger is loaded again without a call.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, ExceptionRetryPolicy, Param, RetryAction, RetryRule, TaskGroup, task

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import (
    DEFAULT_ARGS,
    START_DATE,
    VENDOR_RETRY,
    Kind,
    Stage,
    System,
    Tier,
    asset,
    deadline,
    gated_params,
    tags,
)  # fmt: skip
from include.airflow.promote import promote
from include.enrichment import rules
from include.enrichment.waterfall import policy
from include.warehouse.tables import table
from operators.ask_vendor import AskVendorOperator
from operators.bigquery_to_chunks import BigQueryToChunksOperator
from operators.call_ledger_to_bigquery import CallLedgerToBigQueryOperator
from operators.confirm_answers import ConfirmAnswersOperator
from operators.gate import GateOperator
from operators.load_vendor_answers import LoadVendorAnswersOperator
from operators.plan_enrichment import PlanEnrichmentOperator
from operators.reconcile_vendor import OUTCOME_UNKNOWN, ReconcileVendorOperator
from operators.twilio_lookup import TwilioLookupOperator

RULES, EMAIL = policy(), policy().email
PARAMS = {
    **gated_params(),
    "max_contacts": Param(500, type="integer", minimum=0, maximum=rules.MAX_CHUNK_ROWS * rules.MAX_CHUNKS,
        description="Ask for at most so many people."),
    "approved_usd": Param(0, type="number", minimum=0,
        description="Go on although the plan may cost more than the budgets allow, up to so many USD."),
    "max_lookup_usd": Param(20, type="number", minimum=0,
        description="Most USD that Twilio Lookup may cost; a plan that could cost more is refused before any call."),
    "poll_seconds": Param(3, type="number", exclusiveMinimum=0,
        description="Pause before each look at pending answers, well above [workers] min_heartbeat_interval."),
    "outcome_unknown": Param("hold", type="string", enum=list(OUTCOME_UNKNOWN),
        description="Calls whose answers were lost: hold them, resend (may pay twice), or drop (go on without)."),
}  # fmt: skip
STOP_OVER_BUDGET = ExceptionRetryPolicy(rules=[RetryRule(
    exception="include.enrichment.rules.BudgetExceeded", action=RetryAction.FAIL, reason="The plan costs the same next time."
)])  # fmt: skip
RESEND = "{{ (params.outcome_unknown == 'resend') | tojson }}"
CHUNK_LABEL = "{{ task.chunk['label'] }}"


@task
def take_chunks(plan: dict[str, list[dict[str, Any]]], vendor: str) -> list[dict[str, Any]]:
    """Return one vendor's chunks of a round: only a task's own return value can be mapped over."""
    return plan[vendor]


@task(retry_policy=STOP_OVER_BUDGET)
def forecast_lookups(chunks: list[dict[str, Any]], max_usd: str) -> Any:
    """Let the chunks pass, or stop the run before any call: they could cost more than they may."""
    lookups = sum(chunk["rows"] for chunk in chunks)
    plan = rules.forecast(rules.LOOKUP, lookups, max_credits=0.0, max_usd=float(max_usd))
    print(f"{rules.LOOKUP.vendor}: {plan.calls} calls, at most {plan.usd:.2f} USD")
    return chunks


with DAG(
    dag_id="enrich_contacts",
    description="Buys missing e-mails and firmographics from Wiza, Clay and Apollo; spends money", doc_md=__doc__,
    schedule=[asset("clean.provider")], start_date=START_DATE, catchup=False, max_active_runs=1,
    default_args=DEFAULT_ARGS, params=PARAMS, deadline=deadline(hours=8),
    tags=tags(Stage.ENRICH, Tier.ONE, Kind.CONVERGENT, System.BIGQUERY, System.WIZA, System.APOLLO, System.CLAY,
              System.TWILIO),
) as dag:  # fmt: skip
    as_of = resolve_as_of()
    with TaskGroup("reconcile", prefix_group_id=False):
        reconciled = [ReconcileVendorOperator(
            task_id=f"reconcile_{vendor}", vendor=vendor, as_of=AS_OF, outcome_unknown="{{ params.outcome_unknown }}", pool=vendor,
            retry_policy=VENDOR_RETRY) for vendor in RULES.vendors]  # fmt: skip
    as_of >> reconciled
    before, rounds, asks = list[Any](reconciled), list[Any](), list[Any]()
    for number in range(1, len(EMAIL.order) + 1):
        with TaskGroup(f"round_{number}", prefix_group_id=False):
            plan = PlanEnrichmentOperator(
                task_id=f"plan_round_{number}", as_of=AS_OF, round_number=number, pool="bigquery", retry_policy=STOP_OVER_BUDGET,
                max_contacts="{{ params.max_contacts }}", approved_usd="{{ params.approved_usd }}",
                trigger_rule="none_failed",  # a vendor that is asked nothing in a round is skipped
            )  # fmt: skip
            before >> plan
            before = []
            for vendor in RULES.vendors:
                chunks = take_chunks.override(task_id=f"take_{vendor}_{number}")(plan.output, vendor)  # type: ignore[arg-type]
                before.append(AskVendorOperator.partial(
                    task_id=f"ask_{vendor}_{number}", vendor=vendor, poll_seconds="{{ params.poll_seconds }}", pool=vendor,
                    retry_policy=VENDOR_RETRY, map_index_template=CHUNK_LABEL,
                ).expand(chunk=chunks))  # fmt: skip
        rounds.append(plan)
        asks += before
    with TaskGroup("answers", prefix_group_id=False):
        # What was bought is loaded even when a chunk failed or was never asked.
        load = LoadVendorAnswersOperator(task_id="load_answers", trigger_rule="all_done", pool="bigquery")
        close = promote("ops.enrichment_forecast", sql="close", task_id="close_forecast")
    with TaskGroup("phones", prefix_group_id=False):
        plan_lookups = BigQueryToChunksOperator(
            task_id="plan_lookups", sql=table("enriched.contact").sql("lookup_candidates"), folder="lookups",
            query_params={
                "as_of": AS_OF, "max_lookups": str(rules.MAX_CHUNK_ROWS * rules.MAX_CHUNKS),
                "max_age_days": str(rules.LOOKUP_MAX_AGE_DAYS), "retry_age_days": str(rules.PACKAGE_RETRY_DAYS),
                "resend_unknown": RESEND, "phone_order": ",".join(RULES.orders["phone"]),
            },
            chunk_rows=rules.MAX_CHUNK_ROWS, max_chunks=rules.MAX_CHUNKS, pool="bigquery",
        )  # fmt: skip
        allowed = forecast_lookups(plan_lookups.output, max_usd="{{ params.max_lookup_usd }}")  # type: ignore[arg-type]
        look_up = TwilioLookupOperator.partial(
            task_id="look_up_phones", resend_unknown=RESEND, resend_param="outcome_unknown = resend", pool="twilio",
            retry_policy=VENDOR_RETRY, map_index_template=CHUNK_LABEL,
        ).expand(chunk=allowed)  # fmt: skip
        load_lookups = CallLedgerToBigQueryOperator(task_id="load_lookups", vendor=rules.LOOKUP.vendor, operation=rules.LOOKUP.name,
            trigger_rule="all_done", pool="vendor_response")  # fmt: skip
        usage = promote("ops.vendor_usage", params={"vendors": RULES.names})
    with TaskGroup("contacts", prefix_group_id=False):
        contact = promote("enriched.contact", params={
            "as_of": AS_OF, "email_order": ",".join(EMAIL.order),
            **{f"{name}_order": ",".join(RULES.orders[name]) for name in ("phone", "linkedin")},
            "max_age_days": str(EMAIL.max_age_days), "stale_after_days": str(EMAIL.stale_after_days),
        })  # fmt: skip
        count = promote("ops.balance", sql="contacts", task_id="count_contacts")
        company_order = ",".join(RULES.orders["firmographics"])
        firmographics = promote("enriched.firmographics", params={"firmographics_order": company_order})
        provider_360 = promote("enriched.provider_360")
        gates = {
            name: GateOperator(task_id=f"gate_{name}", table_name=f"enriched.{name}", as_of=AS_OF, pool="bigquery")
            for name in ("answer", "contact", "firmographics", "provider_360")}  # fmt: skip
    # Skipped chunks (nothing to ask) are fine, failed ones are not: then the run fails here, and nobody is told. A task that was
    # cleared bought more than was loaded before it: so ledger and tables are compared, too.
    confirm = ConfirmAnswersOperator(task_id="fail_if_any_failed", trigger_rule="none_failed", pool="bigquery")

    [rounds[0], asks >> load] >> plan_lookups
    look_up >> load_lookups >> contact >> count >> gates["contact"]
    load >> gates["answer"] >> [contact, firmographics]
    firmographics >> gates["firmographics"]
    [gates["contact"], gates["firmographics"]] >> provider_360 >> gates["provider_360"]
    load >> close
    load_lookups >> usage
    [*asks, look_up, *gates.values()] >> confirm >> announce("enriched.contact", as_of)
