"""Made-up rows of clean.provider and enriched.contact for tests of everything after them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from google.cloud import bigquery

from include.warehouse.tables import table

AS_OF = "2025-11-10T06:00:00+00:00"


def person_id(npi: str) -> str:
    """Return the stable id of the person behind an individual NPI."""
    return "p" + hashlib.sha256(f"npi:{npi}".encode()).hexdigest()[:20]


def dentist(npi: str, **fields: Any) -> dict[str, Any]:
    """Return a row of clean.provider for an active general dentist; ``fields`` replace columns."""
    return {
        "npi": npi,
        "entity_type": "individual",
        "person_id": person_id(npi),
        "practice_id": "o-main",
        "first_name": "DANA",
        "last_name": f"MOLAR{npi[-3:]}",
        "sole_proprietor": False,
        "taxonomy_code": "1223G0001X",
        "taxonomy_codes": ["1223G0001X"],
        "specialty": "general",
        "address_line_1": "100 MAIN ST",
        "city": "AUSTIN",
        "state": "TX",
        "zip5": "78701",
        "country": "US",
        "phone_e164": "+15127654321",
        "enumeration_date": "2015-11-10",
        "is_active": True,
        "source_file_date": "2025-11-09",
        "source_object": "gs://lake/raw/week.zip",
        "source_line": 2,
        "row_hash": npi,
        **fields,
    }


def organization(npi: str, **fields: Any) -> dict[str, Any]:
    """Return a row of clean.provider for an active clinic."""
    return {
        **dentist(npi),
        "entity_type": "organization",
        "person_id": None,
        "first_name": None,
        "last_name": None,
        "organization_name": "MAIN STREET DENTAL LLC",
        "specialty": "clinic",
        "taxonomy_code": "261QD0000X",
        "taxonomy_codes": ["261QD0000X"],
        **fields,
    }


def contact(npi: str, **fields: Any) -> dict[str, Any]:
    """Return a row of enriched.contact with a verified e-mail."""
    return {
        "npi": npi,
        "person_id": person_id(npi),
        "email": f"dana.{npi}@main-street.example",
        "email_status": "valid",
        "email_type": "work",
        "usable_email": True,
        "credits": 2.0,
        "cost_usd": 0.1,
        **fields,
    }


def insert(client: bigquery.Client, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Append ``rows`` to a table."""
    config = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField.from_api_repr(field) for field in table(name).schema()],
        write_disposition="WRITE_APPEND",
    )
    if rows:
        client.load_table_from_json(list(rows), name, job_config=config).result()


def run(client: bigquery.Client, name: str, sql: str = "query", as_of: str = AS_OF) -> None:
    """Run one statement of a table's folder at ``as_of``."""
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("as_of", "TIMESTAMP", as_of)])
    client.query_and_wait(table(name).sql(sql), job_config=config)


def segment(client: bigquery.Client, as_of: str = AS_OF) -> None:
    """Do what the DAG segment_leads does."""
    for name in ("segmented.lead", "segmented.audience", "segmented.holdout", "segmented.audience_member"):
        run(client, name, as_of=as_of)


def rows(client: bigquery.Client, sql: str) -> list[dict[str, Any]]:
    """Return a query's rows."""
    return [dict(row) for row in client.query_and_wait(sql)]


def npis(count: int) -> list[str]:
    """Return ``count`` ten-digit numbers that begin with 2."""
    return [f"2{number:09d}" for number in range(count)]
