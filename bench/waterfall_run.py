"""One run of the waterfall's operators in this process, without Airflow: ``python -m bench.waterfall_run RUN_ID CONF_JSON``.

Needs the environment of the operators: the cloud's addresses and the vendors' connections. conf: as_of, max_contacts,
approved_usd, outcome_unknown. What it does is what the DAG enrich_contacts does up to load_answers; a deferral is waited for here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import TaskDeferred

from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger
from operators.ask_vendor import AskVendorOperator
from operators.load_vendor_answers import LoadVendorAnswersOperator
from operators.plan_enrichment import PlanEnrichmentOperator
from operators.reconcile_vendor import MAY_WORK_SECONDS, ReconcileVendorOperator

if TYPE_CHECKING:
    from google.cloud import storage


def run(
    run_id: str, *, as_of: str, max_contacts: int, approved_usd: float = 1e9, outcome_unknown: str = "hold"
) -> None:
    """Settle, then plan and ask round after round, then load."""
    context = {"run_id": run_id}
    rules = policy()
    for vendor in rules.vendors:
        ReconcileVendorOperator(
            task_id=f"reconcile_{vendor}", vendor=vendor, as_of=as_of, outcome_unknown=outcome_unknown
        ).execute(context)
    for number in range(1, len(rules.email.order) + 1):
        plan = PlanEnrichmentOperator(
            task_id=f"plan_round_{number}",
            as_of=as_of,
            round_number=number,
            max_contacts=max_contacts,
            approved_usd=approved_usd,
        )
        for vendor, chunks in plan.execute(context).items():
            for chunk in chunks:
                asked(AskVendorOperator(task_id="ask", vendor=vendor, chunk=chunk, poll_seconds=0.2), context)
    LoadVendorAnswersOperator(task_id="load_answers").execute(context)


def asked(operator: AskVendorOperator, context: dict[str, Any]) -> dict[str, Any]:
    """Execute, wait in the trigger as it would come back from the triggerer's database, and complete."""
    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        arguments = json.loads(json.dumps(deferred.trigger.serialize()[1]))
        trigger = type(deferred.trigger)(**arguments)
    return operator.execute_complete(context, event=asyncio.run(_first_event(trigger)))


def let_time_pass(bucket: storage.Bucket, ledger: CallLedger) -> None:
    """Date the open calls back, as if so many seconds had gone by that the vendor is certainly done with them."""
    for entry in ledger.open():
        blob = bucket.blob(f"{ledger.prefix}{entry.request_key}/intent.json")
        intent = json.loads(blob.download_as_bytes())
        intent["requested_at"] = (entry.requested_at - timedelta(seconds=MAY_WORK_SECONDS)).isoformat()
        blob.upload_from_string(json.dumps(intent), content_type="application/json")


async def _first_event(trigger: Any) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    run(sys.argv[1], **json.loads(sys.argv[2]))
