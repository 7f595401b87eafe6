"""A warehouse in which a few dentists are ready to be contacted, for tests of activation against the sandbox."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from operators.bigquery_to_ghl import BigQueryToGhlOperator
from operators.bigquery_to_instantly import BigQueryToInstantlyOperator
from operators.load_sends import LoadSendsOperator
from tests.operators.context import context
from tests.sql.segmented.registry import AS_OF, contact, dentist, insert, person_id, rows, run

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

LATER = "2025-11-17T06:00:00+00:00"
AUDIENCE = "general-independent"
# The sandbox lives as long as the test session: nobody is used by two tests.
_numbers = itertools.count(1)


def ready(
    client: bigquery.Client,
    count: int,
    *,
    arm: str = "treatment",
    block: str = "growth-benchmark-report",
    **fields: Any,
) -> list[str]:
    """Make ``count`` new dentists who may be contacted, best first; return their NPIs. fields: of enriched.contact."""
    npis = [f"21{next(_numbers):08d}" for _ in range(count)]
    if not rows(client, "SELECT 1 AS n FROM segmented.audience LIMIT 1"):
        run(client, "segmented.audience")
    insert(client, "clean.provider", [dentist(npi, practice_id=f"o-{npi}", phone_e164=phone(npi)) for npi in npis])
    insert(client, "enriched.contact", [contact(npi, **fields) for npi in npis])
    insert(client, "segmented.lead", [_lead(npi, 90.0 - place / 100) for place, npi in enumerate(npis)])
    insert(client, "segmented.audience_member", [_member(npi, arm) for npi in npis])
    insert(client, "segmented.holdout", [_assignment(npi, arm) for npi in npis])
    choose(client, npis, block)
    return npis


def choose(client: bigquery.Client, npis: list[str], block: str, as_of: str = AS_OF) -> None:
    """Choose a content block for persons at ``as_of``."""
    chosen = {"as_of": as_of, "content_block_id": block, "reason": "default", "propensity": 0.9}
    insert(client, "predictions.creative", [{"person_id": person_id(npi), **chosen} for npi in npis])


def replace_email(client: bigquery.Client, npi: str, address: str) -> None:
    """Give a person another address, as enrich_contacts does when the first one failed."""
    _change(client, npi, "email", address)


def replace_phone(client: bigquery.Client, npi: str, number: str) -> None:
    """Give a person another phone number, as enrich_contacts does."""
    _change(client, npi, "phone_e164", number)


def score(client: bigquery.Client, npi: str, probability: float, rank_pct: float, as_of: str = AS_OF) -> None:
    """Predict for one person at ``as_of``."""
    predicted = {"probability": probability, "score": 100 * probability, "rank_pct": rank_pct, "model_version": "v1"}
    insert(
        client, "predictions.lead_score", [{"person_id": person_id(npi), "as_of": as_of, "reasons": [], **predicted}]
    )


def suppress(client: bigquery.Client, identifier_type: str, value: str, channel: str | None = None) -> None:
    """Put a person (by id) or an address on the suppression list; a person for every channel, unless one is named."""
    channel = channel or ("email" if identifier_type == "email" else "all")
    digest = hashlib.sha256(value.encode()).hexdigest() if identifier_type == "email" else value
    reason = {"channel": channel, "reason": "unsubscribed", "since": "2025-11-10T05:00:00+00:00"}
    insert(client, "clean.suppression", [{"identifier_type": identifier_type, "identifier_hash": digest, **reason}])


def judged(client: bigquery.Client, table_name: str, good: bool, as_of: str = AS_OF) -> None:
    """Write down how a table's gate ended at ``as_of``."""
    figure = {"metric": "row_count", "column_name": "", "category": "", "value": 1.0, "profile_date": as_of[:10]}
    run = {"as_of": as_of, "run_key": f"dag/run-{good}/gate", "table_name": table_name, "good": good}
    insert(client, "ops.table_profile", [run | figure])


def to_instantly(as_of: str = AS_OF, **fields: Any) -> dict[str, Any]:
    """Do what activate_instantly does, loading included also where sending fails."""
    operator = BigQueryToInstantlyOperator(task_id="send_leads", as_of=as_of, **({"max_new_leads": 100} | fields))
    try:
        return operator.execute(context())
    finally:
        load("instantly")


def to_ghl(as_of: str = AS_OF, **fields: Any) -> dict[str, Any]:
    """Do what activate_ghl does, loading included also where sending fails."""
    operator = BigQueryToGhlOperator(task_id="send_contacts", as_of=as_of, **fields)
    try:
        return operator.execute(context())
    finally:
        load("ghl")


def load(destination: str) -> dict[str, int]:
    return LoadSendsOperator(task_id="load_sends", destination=destination).execute(context())


def email(npi: str) -> str:
    return f"dana.{npi}@main-street.example"


def phone(npi: str) -> str:
    return f"+1512{int(npi) % 8_000_000 + 2_000_000}"


def calls(sandbox: Sandbox, vendor: str) -> dict[str, int]:
    """Calls that the sandbox saw, by operation."""
    with sandbox.admin as admin:
        ledger = admin.get("ledger").json()
    return {name: entry["calls"] for name, entry in ledger["vendors"].get(vendor, {}).get("operations", {}).items()}


def _change(client: bigquery.Client, npi: str, column: str, value: str) -> None:
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("npi", "STRING", npi),
            bigquery.ScalarQueryParameter("value", "STRING", value),
        ]
    )
    sql = f"UPDATE enriched.contact SET {column} = @value WHERE npi = @npi"  # noqa: S608
    client.query_and_wait(sql, job_config=config)


def _lead(npi: str, icp_score: float) -> dict[str, Any]:
    return {
        "person_id": person_id(npi),
        "npi": npi,
        "practice_id": f"o-{npi}",
        "company_name": "MAIN STREET DENTAL LLC",
        "specialty": "general",
        "state": "TX",
        "zip3": "787",
        "segment": "TX-787",
        "practice_size": 1,
        "practice_size_band": "solo",
        "has_email": True,
        "icp_score": icp_score,
        "icp_reasons": [],
        "as_of": AS_OF,
    }


def _member(npi: str, arm: str) -> dict[str, Any]:
    return {"audience_id": AUDIENCE, "person_id": person_id(npi), "arm": arm, "as_of": AS_OF}


def _assignment(npi: str, arm: str) -> dict[str, Any]:
    return {
        "person_id": person_id(npi),
        "experiment": "email_outreach",
        "arm": arm,
        "bucket": 5 if arm == "holdout" else 50,
        "assigned_as_of": AS_OF,
    }
