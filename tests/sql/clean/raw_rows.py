"""Made-up rows of raw.nppes_npi for tests of what CLEAN makes of them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from google.cloud import bigquery

from include.nppes.provider_fold import mapping_version
from include.warehouse.tables import table
from operators.standardize_contacts import StandardizeContactsOperator

DENTIST = {
    "entity_type_code": "1",
    "provider_last_name_legal_name": "MOLAR",
    "provider_first_name": "DANA",
    "provider_credential_text": "D.D.S.",
    "provider_first_line_business_practice_location_address": "100 Main Street",
    "provider_second_line_business_practice_location_address": "Suite 4",
    "provider_business_practice_location_address_city_name": "Austin",
    "provider_business_practice_location_address_state_name": "TX",
    "provider_business_practice_location_address_postal_code": "787014422",
    "provider_business_practice_location_address_country_code_if_outside_u_s": "US",
    "provider_business_practice_location_address_telephone_number": "5127654321",
    "provider_enumeration_date": "05/23/2005",
    "last_update_date": "07/08/2007",
    "provider_sex_code": "F",
    "is_sole_proprietor": "X",
    "healthcare_provider_taxonomy_code_1": "1223G0001X",
    "provider_license_number_1": "12345",
    "provider_license_number_state_code_1": "TX",
    "healthcare_provider_primary_taxonomy_switch_1": "Y",
}


def dentist(npi: str, **fields: str) -> dict[str, Any]:
    """Return a row of an active general dentist; ``fields`` replace columns."""
    return {"npi": npi, **DENTIST, **fields}


def location(npi: str, line_1: str, **parts: str) -> dict[str, Any]:
    """Return a row of raw.nppes_practice_location at ``line_1``, for the rest at the address of DENTIST; ``parts`` replace columns."""
    main, further = "provider_business_practice_location_address_", "provider_secondary_practice_location_address_"
    second = DENTIST["provider_second_line_business_practice_location_address"]
    rest = ("city_name", "state_name", "postal_code", "country_code_if_outside_u_s", "telephone_number")
    lines = {f"{further}address_line_1": line_1, f"{further}address_line_2": second}
    copied = {further + part: DENTIST[main + part] for part in rest}
    return {"npi": npi, **lines, **copied, **{further + part: value for part, value in parts.items()}}


def deactivated(npi: str, on: str) -> dict[str, Any]:
    """Return a row as CMS publishes a deactivation: nothing but NPI and date (MM/DD/YYYY)."""
    return {"npi": npi, "npi_deactivation_date": on}


def load_week(
    client: bigquery.Client, file_date: str, rows: list[dict[str, Any]], source: str = "nppes_weekly"
) -> None:
    """Replace one source's slice of a partition of raw.nppes_npi by ``rows``, as the ingest DAGs do."""
    columns = [c.name for c in table("raw.nppes_npi").columns]
    load_rows(client, "raw.nppes_npi", file_date, [dict.fromkeys(columns, "") | row for row in rows], source)


def load_rows(
    client: bigquery.Client, name: str, file_date: str, rows: list[dict[str, Any]], source: str = "nppes_weekly"
) -> None:
    """Replace one source's slice of a partition of a RAW table of NPPES by ``rows``, and its row in ops.load_manifest."""
    of_file = {
        "file_date": file_date,
        "source": source,
        "source_object": f"gs://lake/raw/nppes/{file_date}/{source}.zip#member.csv",
    }
    body = [{**row, **of_file, "line": line} for line, row in enumerate(rows, start=2)]
    client.query_and_wait(f"DELETE FROM {name} WHERE file_date = DATE '{file_date}' AND source = '{source}'")
    schema = [bigquery.SchemaField.from_api_repr(field) for field in table(name).schema()]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(body, name, job_config=config).result()
    text = json.dumps(rows, sort_keys=True).encode()
    told = {
        "dataset_table": ("STRING", name),
        "partition": ("DATE", file_date),
        "source": ("STRING", source),
        "source_object": ("STRING", f"gs://lake/raw/nppes/{file_date}/{source}.zip"),
        "file_name": ("STRING", f"{source}.zip"),
        "source_bytes": ("INT64", len(text)),
        "sha256": ("STRING", hashlib.sha256(text).hexdigest()),
        "source_rows": ("INT64", len(rows)),
        "rows": ("INT64", len(rows)),
        "rejected_rows": ("INT64", 0),
        "note": ("STRING", ""),
    }
    run(client, table("ops.load_manifest").sql("replace"), **told)


def unload(client: bigquery.Client, file_date: str, source: str = "nppes_weekly") -> None:
    """Take a source's slice of a partition out of RAW and out of ops.load_manifest."""
    for name in ("nppes_npi", "nppes_other_name", "nppes_practice_location", "nppes_deactivation"):
        client.query_and_wait(f"DELETE FROM raw.{name} WHERE file_date = DATE '{file_date}' AND source = '{source}'")
    client.query_and_wait(
        f"DELETE FROM ops.load_manifest WHERE `partition` = DATE '{file_date}' AND source = '{source}'"
    )


def stage(client: bigquery.Client) -> None:
    """Do what clean_providers does before its gate."""
    run(client, table("clean.provider_version").sql(), mapping=("STRING", mapping_version()))
    StandardizeContactsOperator(task_id="standardize_contacts").execute({})
    run(client, table("clean.provider_candidate").sql())


def converge(client: bigquery.Client) -> None:
    """Do what clean_providers does when no rule of the gate is broken."""
    stage(client)
    promote(client)


def promote(client: bigquery.Client) -> None:
    """Do what clean_providers does after its gate."""
    run(client, table("clean.provider").sql())
    run(client, table("clean.provider").sql("board"))


def run(client: bigquery.Client, sql: str, **parameters: tuple[str, Any]) -> None:
    """Run a statement or script with typed parameters, name -> (type, value)."""
    given = [bigquery.ScalarQueryParameter(name, *value) for name, value in parameters.items()]
    client.query_and_wait(sql, job_config=bigquery.QueryJobConfig(query_parameters=given))
