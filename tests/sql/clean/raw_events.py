"""Made-up rows of raw.event, and what CLEAN holds after a promotion."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from google.cloud import bigquery

from include.warehouse.tables import table

DANA, EVAN = "p" + "a" * 20, "p" + "b" * 20
CLEAN_TABLES = ("clean.event", "clean.suppression", "clean.rejected_row", "ops.balance", "ops.alert")


def raw_row(sender: str, key: str, body: str, received_at: str, verified: bool = True) -> dict[str, Any]:
    """One row of raw.event; ``received_at`` is ISO 8601 in UTC and gives the partition."""
    return {
        "received_date": received_at[:10],
        "sender": sender,
        "dedup_key": key,
        "received_at": received_at,
        "headers": {},
        "body": body,
        "body_sha256": hashlib.sha256(body.encode()).hexdigest(),
        "verified": verified,
    }


def instantly(
    key: str, event_type: str, received_at: str = "2026-11-02T18:00:00+00:00", **fields: Any
) -> dict[str, Any]:
    """An Instantly event of Dana's; ``fields`` add to the payload or replace parts of it, None takes one out."""
    payload = {
        "timestamp": "2026-11-02T16:00:00.000Z",
        "event_type": event_type,
        "campaign_id": "c1",
        "lead_email": "dana@brightsmile.example",
        **fields,
    }
    body = json.dumps({name: value for name, value in payload.items() if value is not None})
    return raw_row("instantly", key, body, received_at)


def ghl(
    key: str, event_type: str | None, received_at: str = "2026-11-02T18:00:00+00:00", **fields: Any
) -> dict[str, Any]:
    """A Go High Level event; ``event_type`` None leaves the type out."""
    payload = {"webhookId": key, "timestamp": "2026-11-02T17:00:00.000Z", **fields}
    return raw_row("ghl", key, json.dumps(payload | ({"type": event_type} if event_type else {})), received_at)


def replace_partitions(client: bigquery.Client, rows: list[dict[str, Any]]) -> None:
    """Make ``rows`` the only rows of their received dates."""
    days = [bigquery.ArrayQueryParameter("days", "DATE", sorted({row["received_date"] for row in rows}))]
    config = bigquery.QueryJobConfig(query_parameters=days)
    client.query_and_wait("DELETE FROM raw.event WHERE received_date IN UNNEST(@days)", job_config=config)
    schema = [bigquery.SchemaField.from_api_repr(field) for field in table("raw.event").schema()]
    load = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(rows, "raw.event", job_config=load).result()


def converge(client: bigquery.Client) -> None:
    """Run what clean_events runs; no row of raw.event may get lost, whatever the test is about."""
    for name in ("clean.event", "clean.suppression"):
        client.query_and_wait(table(name).sql())
    client.query_and_wait(
        "ASSERT (SELECT SUM(IF(kind = 'in', row_count, -row_count)) FROM ops.balance WHERE table_name = 'clean.event') = 0"
    )


def clean(client: bigquery.Client, *rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Load ``rows``, converge, and return clean.event by dedup_key."""
    replace_partitions(client, list(rows))
    converge(client)
    return {row["dedup_key"]: dict(row) for row in client.query_and_wait("SELECT * FROM clean.event")}


def state(client: bigquery.Client) -> dict[str, list[str]]:
    """Return every row of the tables that clean_events writes, as sorted JSON lines."""
    return {
        name: sorted(json.dumps(dict(row), default=str, sort_keys=True) for row in client.list_rows(name))
        for name in CLEAN_TABLES
    }


def balance(client: bigquery.Client) -> dict[tuple[str, str], int]:
    rows = client.query_and_wait("SELECT kind, reason, row_count FROM ops.balance WHERE table_name = 'clean.event'")
    return {(row["kind"], row["reason"]): row["row_count"] for row in rows}


def alerts(client: bigquery.Client) -> dict[str, str]:
    """Return the bodies that may hold an unread opt-out: subject -> severity."""
    rows = client.query_and_wait("SELECT subject, severity FROM ops.alert WHERE check_name = 'unread_opt_out'")
    return {row["subject"]: row["severity"] for row in rows}


def know_contact(client: bigquery.Client, person_id: str, email: str, ghl_id: str | None = None) -> None:
    """Make ``person_id`` the owner of an address, and of a GHL contact."""
    client.query_and_wait(
        "INSERT INTO enriched.contact (npi, person_id, email, usable_email, credits, cost_usd) "
        "VALUES (@npi, @p, @email, TRUE, 0, 0)",
        job_config=_strings(npi=email, p=person_id, email=email),
    )
    if ghl_id:
        client.query_and_wait(
            "INSERT INTO activation.sync_state "
            "(destination, person_id, payload_hash, remote_id, synced_at, status, sent_at) "
            "VALUES ('ghl', @p, 'h', @id, TIMESTAMP '2026-11-01', 'active', TIMESTAMP '2026-11-01')",
            job_config=_strings(p=person_id, id=ghl_id),
        )


def _strings(**values: str) -> bigquery.QueryJobConfig:
    parameters = [bigquery.ScalarQueryParameter(name, "STRING", value) for name, value in values.items()]
    return bigquery.QueryJobConfig(query_parameters=parameters)
