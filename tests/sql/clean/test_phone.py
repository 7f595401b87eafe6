"""Which numbers are validated, which line types are worth their price, and what answers make of clean.phone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from include.contacts.checks import phone_request
from include.contacts.phone_number import phone_key, phone_number
from include.enrichment.rules import lookup_request
from include.warehouse.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_OF = datetime(2025, 11, 10, 6, tzinfo=UTC)
OWN, SHARED, FAX, FREE, TWO = "5125550100", "5125550101", "5125550102", "8005550103", "5125550104"


def _phone(published: str, shared_by: int = 1, is_fax: bool = False) -> dict[str, Any]:
    found = phone_number(published)
    return {
        "phone_key": phone_key(published),
        "published": published,
        "country": "US",
        "phone_e164": found.e164,
        "reason": found.reason,
        "is_toll_free": found.toll_free,
        "is_fax": is_fax,
        "shared_by": shared_by,
    }


def _provider(npi: str, phone: str) -> dict[str, Any]:
    return {
        "npi": npi,
        "entity_type": "individual",
        "taxonomy_code": "1223G0001X",
        "taxonomy_codes": ["1223G0001X"],
        "specialty": "general",
        "phone_e164": f"+1{phone}",
        "is_active": True,
        "source_file_date": "2025-11-03",
        "source_object": "x",
        "source_line": 2,
        "row_hash": "h",
    }


def _answer(phone: str, operation: str, body: dict[str, Any], at: datetime = AS_OF) -> dict[str, Any]:
    row = {"phone_e164": f"+1{phone}", "after": None}
    key, asked = phone_request(row) if operation == "validation" else lookup_request(row)
    return {
        "vendor": "twilio",
        "operation": operation,
        "request_key": f"{key[:20]}{at:%Y%m%d}",
        "status": "responded",
        "http_status": 200,
        "request": json.dumps(asked),
        "body": json.dumps(body),
        "credits": 0.0,
        "cost_usd": 0.0,
        "requested_at": at.isoformat(),
        "responded_at": at.isoformat(),
        "requested_date": at.date().isoformat(),
    }


def _load(client: bigquery.Client, name: str, rows: Sequence[dict[str, Any]]) -> None:
    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table(name).columns]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(rows, name, job_config=config).result()


def _planned(client: bigquery.Client, sql: str) -> list[str]:
    numbers = {"max_phones": 100, "max_lookups": 100, "max_age_days": 365, "retry_age_days": 7}
    parameters: list[bigquery.ScalarQueryParameter] = [
        bigquery.ScalarQueryParameter(name, "INT64", value) for name, value in numbers.items()
    ]
    parameters.append(bigquery.ScalarQueryParameter("as_of", "TIMESTAMP", AS_OF))
    parameters.append(bigquery.ScalarQueryParameter("resend_unknown", "BOOL", False))
    used = [p for p in parameters if f"@{p.name}" in sql]
    found = client.query_and_wait(sql, job_config=bigquery.QueryJobConfig(query_parameters=used))
    return [row["phone_e164"].removeprefix("+1") for row in found]


def test_plans_when_numbers_differ_then_all_are_validated_and_only_a_dentists_own_line_is_bought(
    bigquery_client: bigquery.Client,
) -> None:
    phones = [_phone(OWN), _phone(f"({OWN[:3]}) 555-0100"), _phone(SHARED, shared_by=4), _phone(FAX, is_fax=True)]
    _load(bigquery_client, "clean.phone", [*phones, _phone(FREE), _phone(TWO), _phone("5")])
    owners = [("2000000001", OWN), ("2000000002", SHARED), ("2000000003", FAX), ("2000000004", FREE)]
    two = [("2000000005", TWO), ("2000000006", TWO)]
    _load(bigquery_client, "clean.provider", [_provider(*one) for one in [*owners, *two]])
    candidates, lines = (table("clean.phone").sql(name) for name in ("candidates", "line_candidates"))
    assert _planned(bigquery_client, candidates) == [OWN, SHARED, FAX, TWO, FREE]
    assert _planned(bigquery_client, lines) == [OWN]

    # What another DAG has bought tells validity too, and is not bought again; a number that is none is worth no money.
    bought = _answer(
        OWN,
        "line_type_intelligence",
        {"valid": True, "line_type_intelligence": {"type": "mobile", "carrier_name": "Bell"}},
    )
    invalid = _answer(SHARED, "validation", {"valid": False})
    old = _answer(FAX, "validation", {"valid": True}, AS_OF - timedelta(days=400))
    older_line = _answer(
        TWO,
        "line_type_intelligence",
        {"valid": True, "line_type_intelligence": {"type": "landline"}},
        AS_OF - timedelta(days=20),
    )
    newer = _answer(TWO, "validation", {"valid": False})
    _load(bigquery_client, "raw.vendor_response", [bought, invalid, old, older_line, newer])
    assert _planned(bigquery_client, candidates) == [FREE, FAX]
    assert _planned(bigquery_client, lines) == []

    bigquery_client.query_and_wait(table("clean.phone").sql("looked_up"))
    found = {row["published"]: dict(row.items()) for row in bigquery_client.query_and_wait("SELECT * FROM clean.phone")}
    told = {published: (row["is_valid"], row["line_type"], row["response_key"]) for published, row in found.items()}
    assert told[OWN] == told["(512) 555-0100"] == (True, "mobile", bought["request_key"])
    assert told[SHARED] == (False, None, invalid["request_key"])
    assert told[TWO] == (False, "landline", older_line["request_key"])  # the newest validity, the newest line type
    assert told["5"] == told[FREE] == (None, None, None)


def test_marks_when_a_number_is_at_two_places_or_a_fax_then_all_its_spellings_say_so(
    bigquery_client: bigquery.Client,
) -> None:
    spelled = f"({SHARED[:3]}) 555-0101"
    phones = [_phone(OWN, 0), _phone(SHARED, 0), _phone(spelled, 0), _phone(FAX, 0), _phone(TWO, 9, is_fax=True)]
    _load(bigquery_client, "clean.phone", phones)
    places = [
        ("2000000001", OWN, "o1"),
        ("2000000002", SHARED, "o1"),
        ("2000000003", SHARED, "o2"),
        ("2000000004", SHARED, "o2"),
    ]
    _load(
        bigquery_client, "clean.provider", [{**_provider(npi, phone), "practice_id": at} for npi, phone, at in places]
    )
    version = {
        "file_date": "2025-11-09",
        "source": "nppes_weekly",
        "source_object": "x",
        "line": 2,
        "npi": "2000000001",
        "kind": "dental",
    }
    _load(bigquery_client, "clean.provider_version", [{**version, "fax": f"1-{FAX}"}])
    bigquery_client.query_and_wait(table("clean.phone").sql("marked"))
    found = {
        row["published"]: (row["shared_by"], row["is_fax"])
        for row in bigquery_client.query_and_wait("SELECT * FROM clean.phone")
    }
    assert found == {OWN: (1, False), SHARED: (2, False), spelled: (2, False), FAX: (0, True), TWO: (0, False)}
