"""
# validate_contacts

Asks whether published addresses and telephone numbers are true: USPS for US addresses (territories and military mail among them), Addy for those of
New Zealand and Australia, Twilio for numbers. What they say stands beside the published value in **clean.address** and
**clean.phone**, with the key of the answer. Every spelling of an address is one question; nothing is asked twice within a year.

| | |
|---|---|
| Kind | convergent: asks about what has no answer, or one older than 365 days |
| Runs | when clean.provider changes |
| Reads | clean.address, clean.phone, clean.provider, clean.provider_location, raw.vendor_response |
| Writes | `calls/`, raw.vendor_response, clean.address and clean.phone (what validators say; other columns are not touched) |
| Spends | at most `max_line_types` times 0.008 USD at Twilio; validations are free |

Line types are bought only where they change a decision: the number of exactly one dentist, published at one place, no fax, not
toll-free. If it is a mobile it is the dentist's own: an identifier, and one that may be texted. What enrich_contacts has bought is
not bought again, and the other way round: both name the request alike in the call ledger.

USPS allows 60 calls an hour to a new account. The hook keeps to the pace of connection `usps_default`, chunk after chunk:
500 addresses take eight hours at that quota, and minutes at a raised one: then raise `max_addresses` too. A backlog is worked off by starting
the DAG by hand.

## When it fails

Nothing waits for this DAG: clean.provider is promoted before and without it. Whatever was not answered stays `pending`, and the
next run asks. What was answered is loaded and promoted, even when other chunks failed.

* `validate_us_addresses`, `validate_foreign_addresses`, `validate_phones` **VendorDown**, **RateLimited**: the task tries again by itself, then the run fails. No
  need to act: the next run goes on.
* **AuthFailed**, **EndpointNotFound**: correct connection `usps_default`, `addy_default` or `twilio_default`, clear the task.
* **BadRequest**: more than 5 % of a chunk were refused, so it is not about rows: the vendor's contract changed. The message has its words.
* `look_up_phones` **OutcomeUnknown**: paid calls whose answers were lost; as in enrich_contacts. Clear the task to go on without them, or run with
  `resend_unknown`, which may pay twice.
* `load_*` **RepeatedKeys**: two loads ran at once, outside of the pool `vendor_response`. The message names the keys and what to do.
* `load_*` or `promote_*` (warehouse down): clear it. Answers wait in the lake; nothing is asked again.

## Backfill

None: answers are about now. To rebuild clean.address and clean.phone, empty raw.vendor_response and run: the ledger is loaded again
without a call.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.xcom_arg import XComArg

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
    tags,
)
from include.airflow.promote import promote
from include.contacts.checks import ADDY_ADDRESS, CHECK_MAX_AGE_DAYS, PHONE_VALIDATION, USPS_ADDRESS, USPS_CHUNK_ROWS
from include.enrichment.rules import (
    LOOKUP,
    LOOKUP_MAX_AGE_DAYS,
    MAX_CHUNK_ROWS,
    MAX_CHUNKS,
    PACKAGE_RETRY_DAYS,
    PaidOperation,
)
from include.warehouse.tables import table
from operators.bigquery_to_chunks import BigQueryToChunksOperator
from operators.call_ledger_to_bigquery import CallLedgerToBigQueryOperator
from operators.twilio_lookup import TwilioLookupOperator
from operators.validate_contacts import ValidateContactsOperator

PARAMS = {
    "as_of": as_of_param(),
    "max_addresses": Param(500, type="integer", minimum=0, maximum=USPS_CHUNK_ROWS * MAX_CHUNKS,
        description="Ask USPS about at most so many addresses, and Addy too."),
    "max_phones": Param(2000, type="integer", minimum=0, maximum=MAX_CHUNK_ROWS * MAX_CHUNKS,
        description="Let Twilio validate at most so many numbers, free of charge."),
    "max_line_types": Param(500, type="integer", minimum=0, maximum=MAX_CHUNK_ROWS * MAX_CHUNKS,
        description="Buy at most so many line types, 0.008 USD each."),
    "resend_unknown": Param(False, type="boolean",
        description="Buy a line type again where a call went out and no answer ever came. May pay twice."),
}  # fmt: skip
RESEND = "{{ params.resend_unknown | tojson }}"
CHUNK_LABEL = "{{ task.chunk['label'] }}"


def plan(name: str, table_name: str, sql: str, chunk_rows: int, **query_params: str) -> XComArg:
    """Return the chunks of rows to ask about."""
    planned = BigQueryToChunksOperator(
        task_id=f"plan_{name}", sql=table(table_name).sql(sql), folder=name, chunk_rows=chunk_rows, max_chunks=MAX_CHUNKS,
        query_params={"as_of": AS_OF, **query_params}, pool="bigquery",
    )  # fmt: skip
    return planned.output


def ask(name: str, asked: PaidOperation, chunks: XComArg, **options: Any) -> MappedOperator:
    """Return the tasks that let the operation's vendor validate a chunk each, in its pool."""
    return ValidateContactsOperator.partial(
        task_id=f"validate_{name}", validator=asked.vendor, pool=asked.vendor, retry_policy=VENDOR_RETRY,
        map_index_template=CHUNK_LABEL, **options,
    ).expand(chunk=chunks)  # fmt: skip


def load(name: str, asked: PaidOperation) -> CallLedgerToBigQueryOperator:
    """Return the task that loads what was answered, even when a chunk failed or was never asked."""
    return CallLedgerToBigQueryOperator(
        task_id=f"load_{name}",
        vendor=asked.vendor,
        operation=asked.name,
        trigger_rule="all_done",
        pool="vendor_response",
    )


def promoted(task_id: str, table_name: str, sql: str) -> BaseOperator:
    """Return the task that puts the loaded answers beside the published values, however many there are."""
    return promote(table_name, sql=sql, task_id=task_id, trigger_rule="all_done")


with DAG(
    dag_id="validate_contacts",
    description="Asks USPS, Addy and Twilio whether published addresses and phone numbers are true",
    doc_md=__doc__,
    schedule=[asset("clean.provider")],
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=PARAMS,
    tags=tags(Stage.CLEAN, Tier.THREE, Kind.CONVERGENT, System.BIGQUERY, System.USPS, System.ADDY, System.TWILIO),
) as dag:
    as_of = resolve_as_of()
    asks, loads = [], []
    for name, asked, rows, options in (
        # At USPS's first quota a chunk takes 100 minutes.
        ("us_addresses", USPS_ADDRESS, USPS_CHUNK_ROWS, {"execution_timeout": timedelta(hours=3)}),
        ("foreign_addresses", ADDY_ADDRESS, MAX_CHUNK_ROWS, {}),
    ):
        chunks = plan(
            name, "clean.address", "candidates", rows,
            validator=asked.vendor,
            max_addresses="{{ params.max_addresses }}",
            max_age_days=str(CHECK_MAX_AGE_DAYS),
        )  # fmt: skip
        as_of >> chunks
        asks.append(ask(name, asked, chunks, **options))
        loads.append(asks[-1] >> load(name, asked))
    to_validate = plan(
        "phones", "clean.phone", "candidates", MAX_CHUNK_ROWS,
        max_phones="{{ params.max_phones }}",
        max_age_days=str(CHECK_MAX_AGE_DAYS),
    )  # fmt: skip
    phones = ask("phones", PHONE_VALIDATION, to_validate)
    to_buy = plan(
        "line_types", "clean.phone", "line_candidates", MAX_CHUNK_ROWS,
        max_lookups="{{ params.max_line_types }}",
        max_age_days=str(LOOKUP_MAX_AGE_DAYS),
        retry_age_days=str(PACKAGE_RETRY_DAYS),
        resend_unknown=RESEND,
    )  # fmt: skip
    lines = TwilioLookupOperator.partial(
        task_id="look_up_phones", resend_unknown=RESEND, pool="twilio", retry_policy=VENDOR_RETRY, map_index_template=CHUNK_LABEL
    ).expand(chunk=to_buy)  # fmt: skip

    as_of >> promote("clean.phone", sql="marked", task_id="mark_phones") >> to_validate
    # Validity is known before line types are bought: no money for a number that is none.
    phones >> load("phones", PHONE_VALIDATION) >> promoted("promote_validity", "clean.phone", "looked_up") >> to_buy
    address = promoted("promote_address", "clean.address", "validated")
    phone = promoted("promote_phone", "clean.phone", "looked_up")
    loads >> address
    lines >> load("line_types", LOOKUP) >> phone
    [*asks, phones, lines, address, phone] >> EmptyOperator(task_id="fail_if_any_failed", trigger_rule="none_failed")
