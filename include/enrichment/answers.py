"""enriched.answer, from the call ledgers of the waterfall's vendors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from include.enrichment.ledger_load import load_ledger
from include.enrichment.waterfall import policy
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery, storage


def load_answers(client: bigquery.Client, bucket: storage.Bucket, labels: Mapping[str, str]) -> dict[str, int]:
    """Load the ledgers of the waterfall's vendors, then bring enriched.answer to what raw.vendor_response says; rows loaded by vendor."""
    rules = policy()
    loaded = {
        vendor.name: load_ledger(client, bucket, vendor.name, vendor.operation, labels)["loaded"]
        for vendor in rules.vendors.values()
    }
    judged = {
        "accepted": ",".join(rules.email.statuses),
        "min_confidence": rules.email.min_confidence,
        "vendors": rules.names,
    }
    run(client, table("enriched.answer").sql(), labels, **judged)
    return loaded
