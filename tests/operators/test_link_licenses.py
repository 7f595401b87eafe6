from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery, storage

from include.warehouse.tables import table
from operators.gate import GateFailed, GateOperator
from operators.link_licenses import LinkLicensesOperator
from tests.operators.context import context
from tests.sql.clean.raw_rows import dentist as published_dentist
from tests.sql.clean.raw_rows import load_week
from tests.sql.clean.test_license import fold, texan
from tests.sql.segmented.registry import AS_OF, dentist, insert, organization, rows

MINE, OTHER, CLINIC, CHAIN = "2000000002", "2000000010", "2000000028", "2000000036"


def linked() -> dict[str, Any]:
    return LinkLicensesOperator(task_id="link").execute(context())


def matches(client: bigquery.Client) -> list[dict[str, Any]]:
    return rows(client, "SELECT * FROM clean.license_match ORDER BY license_key")


def test_link_licenses_when_number_stands_in_nppes_then_matched_with_status_and_reasons_and_the_same_again(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    load_week(
        bigquery_client,
        "2025-11-09",
        [
            published_dentist(MINE, provider_license_number_1="TX 00123", provider_middle_name="Quinn"),
            published_dentist(OTHER, provider_license_number_1="", provider_last_name_legal_name="Stranger"),
        ],
    )
    source = {"source_object": "gs://lake/raw/nppes/2025-11-09/nppes_weekly.zip#member.csv"}
    people = [
        dentist(MINE, last_name="MOLAR", **source, source_line=2),
        dentist(OTHER, last_name="STRANGER", **source, source_line=3),
    ]
    insert(bigquery_client, "clean.provider", people)
    insert(
        bigquery_client,
        "raw.board_license",
        [texan(2, "00123", LIC_STA_DESC="Retired"), texan(3, "99", LAST_NME="Nobody")],
    )
    fold(bigquery_client)

    assert {name: linked()[name] for name in ("licenses", "providers", "matches")} == {
        "licenses": 2,
        "providers": 2,
        "matches": 1,
    }
    found = matches(bigquery_client)
    assert [(row["npi"], row["tier"], row["rule"], row["status_class"]) for row in found] == [
        (MINE, 1, "number", "retired")
    ]
    assert any("license number stands in NPPES" in text for text in found[0]["evidence"])
    balance = rows(
        bigquery_client, "SELECT kind, reason, row_count AS n FROM ops.balance WHERE table_name = 'clean.license_match'"
    )
    assert {(row["kind"], row["reason"]): row["n"] for row in balance} == {
        ("in", "clean.license"): 2, ("out", "clean.license_match"): 1, ("filtered", "no_npi_beyond_doubt"): 1,
    }  # fmt: skip
    linked()
    assert matches(bigquery_client) == found
    assert not [t.table_id for t in bigquery_client.list_tables("clean") if t.table_id.endswith("_load")]
    warned = {
        name: GateOperator(task_id="gate", table_name=name, as_of=AS_OF).execute(context())["warnings"]
        for name in ("clean.license", "clean.license_match")
    }
    # In a registry of two no name is rare, so the score is below 0: the gate lets it pass, and says so.
    assert warned == {"clean.license": 0, "clean.license_match": 1}


def test_link_licenses_when_the_number_is_on_an_organization_then_it_is_its_officials_and_closes_no_practice(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    clinic = {
        "entity_type_code": "2",
        "provider_license_number_1": "",
        "healthcare_provider_taxonomy_code_1": "261QD0000X",
    }
    load_week(
        bigquery_client,
        "2025-11-09",
        [
            published_dentist(MINE, provider_license_number_1="00123"),
            published_dentist(CLINIC, **clinic | {"provider_license_number_1": "TX 00123"}),
            published_dentist(CHAIN, **clinic | {"provider_license_number_1": "777"}),
        ],
    )
    source = {"source_object": "gs://lake/raw/nppes/2025-11-09/nppes_weekly.zip#member.csv"}
    official = {"authorized_official_first_name": "DANA", "authorized_official_last_name": "MOLAR"}
    owner = {"authorized_official_first_name": "KIM", "authorized_official_last_name": "CROWN"}
    insert(
        bigquery_client,
        "clean.provider",
        [
            dentist(MINE, last_name="MOLAR", **source, source_line=2),
            organization(CLINIC, **official, **source, source_line=3),
            organization(CHAIN, **owner, **source, source_line=4),
        ],
    )
    insert(
        bigquery_client,
        "raw.board_license",
        [
            texan(2, "00123"),
            texan(3, "777", FIRST_NME="Kim", LAST_NME="Crown", LIC_STA_DESC="Retired"),
            texan(4, "99", LAST_NME="Nobody"),
        ],
    )
    fold(bigquery_client)
    assert linked()["officials"] == 2
    found = sorted((row["npi"], row["tier"], row["rule"], row["status_class"]) for row in matches(bigquery_client))
    assert found == [
        (MINE, 1, "number", "active"),
        (CLINIC, 5, "official", "active"),
        (CHAIN, 5, "official", "retired"),
    ]
    sql = "SELECT kind, SUM(row_count) AS n FROM ops.balance WHERE table_name = 'clean.license_match' GROUP BY kind"
    assert {row["kind"]: row["n"] for row in rows(bigquery_client, sql)} == {"in": 3, "out": 2, "filtered": 1}
    GateOperator(task_id="gate", table_name="clean.license_match", as_of=AS_OF).execute(context())
    bigquery_client.query_and_wait(table("clean.provider").sql("board"))
    (clinic_row,) = rows(bigquery_client, f"SELECT is_active FROM clean.provider WHERE npi = '{CHAIN}'")
    assert clinic_row["is_active"]
    # The two kinds cannot be mixed up: an individual under rule official stops the gate.
    bigquery_client.query_and_wait("UPDATE clean.license_match SET rule = 'official' WHERE tier = 1")
    with pytest.raises(GateFailed, match="An organization that counts as a dentist"):
        GateOperator(task_id="gate", table_name="clean.license_match", as_of=AS_OF).execute(context())
