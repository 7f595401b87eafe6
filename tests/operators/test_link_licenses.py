from __future__ import annotations

from typing import Any

from google.cloud import bigquery, storage

from operators.gate import GateOperator
from operators.link_licenses import LinkLicensesOperator
from tests.operators.context import context
from tests.sql.clean.raw_rows import dentist as published_dentist
from tests.sql.clean.raw_rows import load_week
from tests.sql.clean.test_license import fold, texan
from tests.sql.segmented.registry import AS_OF, dentist, insert, rows

MINE, OTHER = "2000000002", "2000000010"


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
    assert any("licence number stands in NPPES" in text for text in found[0]["evidence"])
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
