"""What the call ledger knows, and the warehouse does not, into raw.vendor_response."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from include.enrichment.vendor_rows import LedgerRows, Refused, ledger_rows
from include.lake.call_ledger import CallLedger, Entry
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

TABLE = "raw.vendor_response"
STAGING = "raw.vendor_response_load"  # the name in merge.sql; the real one carries vendor, operation and DAG

ADVICE = (
    "Nothing of it is used, and its price is booked; the answer as received is in the call ledger. Hold it against the "
    "vendor's contract. When include/enrichment/vendors/ reads it, delete its row from raw.vendor_response: the next load reads it again."
)
CHARGE_ADVICE = (
    "The people in the answer are used, and the most that the call can have taken is booked. Hold it against the vendor's "
    "usage page; the answer as received is in the call ledger."
)
NAMED_KEYS = 5
KNOWN = """
-- @vendor STRING, @operation STRING
SELECT request_key, COALESCE(call_key, request_key) AS call_key, status, requested_date
FROM raw.vendor_response
WHERE vendor = @vendor AND operation = @operation
"""
REPEATED = """
-- @vendor STRING, @operation STRING
SELECT request_key, COUNT(*) AS times
FROM raw.vendor_response
WHERE vendor = @vendor AND operation = @operation
GROUP BY request_key HAVING COUNT(*) > 1
ORDER BY request_key
"""

log = logging.getLogger(__name__)


class RepeatedKeys(RuntimeError):
    """raw.vendor_response holds an answer more than once. The message names the request keys."""


def load_ledger(
    client: bigquery.Client, bucket: storage.Bucket, vendor: str, operation: str, labels: Mapping[str, str]
) -> dict[str, int]:
    """Bring raw.vendor_response to what the ledger of one operation says; return how many rows were loaded.

    What is odd in an answer is refused with its place, and stops nothing else.
    """
    ledger = CallLedger(bucket, vendor, operation)
    answered_calls, doubted = _known(client, vendor, operation, labels)
    read = [(entry, ledger_rows(entry)) for entry in ledger.entries(skip=answered_calls)]
    rows = [row for _, found in read for row in found.rows]
    withdrawn = sorted(doubted.keys() - {row["request_key"] for row in rows})
    # Before the rows: a load that dies in between tells of them again, to the same row and alert.
    _tell_refused(client, f"gs://{bucket.name}/{ledger.prefix}", read, labels)
    if withdrawn:
        which = {"vendor": vendor, "operation": operation, "request_keys": withdrawn}
        run(client, table(TABLE).sql("withdrawn"), labels, **which)
    if rows:
        # A request withdrawn and asked again has a younger claim than its row: look for it on the row's day too.
        days = [*doubted.values(), *(datetime.fromisoformat(row["requested_at"]).date() for row in rows)]
        _merge(client, f"{STAGING}_{vendor}_{operation}_{labels['dag']}", rows, days, labels)
    _check_keys(client, vendor, operation, labels)
    outcome_unknown = sum(row["status"] == "outcome_unknown" for row in rows)
    log.info("%s rows of %s loaded, %s of them outcome unknown; %s withdrawn", len(rows), ledger.prefix, outcome_unknown, len(withdrawn))  # fmt: skip # noqa: E501
    return {"loaded": len(rows), "outcome_unknown": outcome_unknown}


def _tell_refused(
    client: bigquery.Client, folder: str, read: Sequence[tuple[Entry, LedgerRows]], labels: Mapping[str, str]
) -> None:
    """Write what was refused of the answers into clean.rejected_row, and raise one alert for all of it."""
    refused = [(entry, one) for entry, found in read for one in found.refused]
    if not refused:
        return
    rows = [
        {
            "run_date": entry.requested_at.date().isoformat(),
            "source": entry.vendor,
            "row_key": one.request_key,
            "rule": one.field,
            "value": one.value,
            "reason": f"{entry.vendor} {entry.operation}: {one.field} {one.problem}. {_advice(one)}",
            "source_object": f"{folder}{entry.request_key}/response.json",
        }
        for entry, one in refused
    ]
    run(client, table("clean.rejected_row").sql("add_refused"), labels, rows=json.dumps(rows))
    (entry, first), count = refused[0], len(refused)
    advice = " ".join(dict.fromkeys(_advice(one) for _, one in refused))
    message = (
        f"{count} answers of {entry.vendor} {entry.operation} are refused, or their charge is, the first at request "
        f"{first.request_key}: {first.field} {first.problem}. All of them: clean.rejected_row, table_name {TABLE}. {advice}"
    )
    log.warning(message)
    run(
        client,
        table("ops.alert").sql("raise"),
        labels,
        raised_on=entry.requested_at.date(),
        source=entry.vendor,
        check_name="refused_answers",
        subject=f"{entry.operation} {first.request_key}",
        severity="warning",
        message=message,
    )


def _advice(one: Refused) -> str:
    return CHARGE_ADVICE if one.is_charge else ADVICE


def _known(
    client: bigquery.Client, vendor: str, operation: str, labels: Mapping[str, str]
) -> tuple[set[str], dict[str, date]]:
    """(keys of calls whose answer the warehouse has, which never changes; request key -> requested day of those outcome unknown)."""
    rows = list(run(client, KNOWN, labels, vendor=vendor, operation=operation))
    answered_calls = {row["call_key"] for row in rows if row["status"] != "outcome_unknown"}
    return answered_calls, {
        row["request_key"]: row["requested_date"] for row in rows if row["status"] == "outcome_unknown"
    }


def _check_keys(client: bigquery.Client, vendor: str, operation: str, labels: Mapping[str, str]) -> None:
    repeated = list(run(client, REPEATED, labels, vendor=vendor, operation=operation))
    if repeated:
        keys = ", ".join(f"{row['request_key']} ({row['times']} times)" for row in repeated[:NAMED_KEYS])
        raise RepeatedKeys(
            f"{TABLE}: {len(repeated)} answers of {vendor} {operation} are there more than once and would be counted so: {keys}. "
            "Two loads ran at the same time: see that each runs in the pool vendor_response, of one slot. Then delete the rows of "
            "these keys and clear this task: they are loaded again from the call ledger, and nothing is asked again."
        )


def _merge(
    client: bigquery.Client, staging: str, rows: list[dict[str, Any]], days: list[date], labels: Mapping[str, str]
) -> None:
    from google.cloud import bigquery

    # JSON travels as text and is parsed by the MERGE: a load would read a body that is a JSON string as text.
    schema = [
        bigquery.SchemaField(c.name, "STRING" if c.type == "JSON" else c.type, c.mode) for c in table(TABLE).columns
    ]
    load = bigquery.LoadJobConfig(
        schema=schema,
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        labels=dict(labels),
    )
    client.load_table_from_json(rows, staging, job_config=load).result()
    merge = table(TABLE).sql("merge").replace(STAGING, staging)
    run(client, merge, labels, first_date=min(days), last_date=max(days))
    client.delete_table(staging, not_found_ok=True)
