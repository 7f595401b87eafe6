"""What becomes of RAW rows: who counts, what is filtered and why, and that order does not matter."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from google.cloud import bigquery

from include.tables import table
from tests.sql.clean.raw_rows import deactivated, dentist, load_week

A, B, C = "2000000002", "2000000010", "2000000028"


def converge(client: bigquery.Client) -> None:
    client.query_and_wait(table("clean.provider_candidate").sql())
    client.query_and_wait(table("clean.provider").sql())


def providers(client: bigquery.Client) -> dict[str, dict[str, Any]]:
    return {row["npi"]: dict(row) for row in client.query_and_wait("SELECT * FROM clean.provider")}


def balance(client: bigquery.Client) -> dict[tuple[str, str], int]:
    rows = client.query_and_wait("SELECT kind, reason, row_count FROM ops.balance WHERE table_name = 'clean.provider'")
    return {(row["kind"], row["reason"]): row["row_count"] for row in rows}


def test_provider_when_dentist_is_active_then_row_is_typed_and_normalised(bigquery_client: bigquery.Client) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist(A)])
    converge(bigquery_client)
    row = providers(bigquery_client)[A]
    assert row["phone_e164"] == "+15127654321"
    assert (row["address_line_1"], row["address_line_2"], row["zip5"], row["zip4"]) == (
        "100 MAIN ST",
        "STE 4",
        "78701",
        "4422",
    )
    assert (row["specialty"], row["taxonomy_codes"], row["credential"]) == ("general", ["1223G0001X"], "DDS")
    assert row["person_id"].startswith("p") and row["practice_id"].startswith("o")
    assert row["enumeration_date"].isoformat() == "2005-05-23"


def test_provider_when_dental_code_stands_in_slot_15_then_it_counts(bigquery_client: bigquery.Client) -> None:
    load_week(
        bigquery_client,
        "2025-11-09",
        [
            dentist(
                A, healthcare_provider_taxonomy_code_1="207Q00000X", healthcare_provider_taxonomy_code_15="125Q00000X"
            ),
            dentist(B, healthcare_provider_taxonomy_code_1="207Q00000X"),
        ],
    )
    converge(bigquery_client)
    assert {npi: row["specialty"] for npi, row in providers(bigquery_client).items()} == {A: "oral_medicine"}
    assert balance(bigquery_client)["filtered", "not_dental"] == 1


def test_provider_when_deactivated_by_a_bare_row_then_it_leaves_and_is_counted(
    bigquery_client: bigquery.Client,
) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist(A), dentist(B)])
    load_week(bigquery_client, "2025-11-16", [deactivated(A, "11/12/2025"), deactivated(C, "11/12/2025")])
    converge(bigquery_client)
    assert set(providers(bigquery_client)) == {B}
    counts = balance(bigquery_client)
    assert counts["filtered", "deactivated"] == 1
    assert counts["filtered", "deactivated_never_known"] == 1


def test_provider_when_reactivated_then_active_with_both_dates(bigquery_client: bigquery.Client) -> None:
    both = dentist(A, npi_deactivation_date="01/02/2020", npi_reactivation_date="03/04/2020")
    before = dentist(B, npi_deactivation_date="01/02/2020", npi_reactivation_date="03/04/2019")
    load_week(bigquery_client, "2025-11-09", [both, before])
    converge(bigquery_client)
    rows = providers(bigquery_client)
    assert set(rows) == {A}
    assert rows[A]["deactivation_date"].isoformat() == "2020-01-02"
    assert rows[A]["reactivation_date"].isoformat() == "2020-03-04"


@pytest.mark.parametrize("mask", ["<UNAVAIL>", "$$$$$$$$$", "********", "_________", ""])
def test_provider_when_licence_is_masked_then_it_is_missing(bigquery_client: bigquery.Client, mask: str) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist(A, provider_license_number_1=mask)])
    converge(bigquery_client)
    assert providers(bigquery_client)[A]["license_number"] is None


def test_provider_when_phone_is_impossible_then_null_and_published_value_kept(bigquery_client: bigquery.Client) -> None:
    field = "provider_business_practice_location_address_telephone_number"
    load_week(
        bigquery_client, "2025-11-09", [dentist(A, **{field: "1115550100"}), dentist(B, **{field: "15127654321"})]
    )
    converge(bigquery_client)
    rows = providers(bigquery_client)
    assert (rows[A]["phone_e164"], rows[A]["phone_published"]) == (None, "1115550100")
    assert rows[B]["phone_e164"] == "+15127654321"


def test_provider_when_refused_by_a_rule_then_absent_and_balance_holds(bigquery_client: bigquery.Client) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist(A), dentist(A), dentist(B), dentist(C)])
    bigquery_client.query_and_wait(table("clean.provider_candidate").sql())
    bigquery_client.query_and_wait(
        "INSERT INTO clean.rejected_row (run_date, table_name, row_key, rule, reason) "
        f"VALUES (DATE '2025-11-09', 'clean.provider', '{B}', 'r', 'x'), (DATE '2025-11-09', 'clean.provider', '{B}', 's', 'x')"
    )
    bigquery_client.query_and_wait(table("clean.provider").sql())
    assert set(providers(bigquery_client)) == {A, C}
    counts = balance(bigquery_client)
    assert counts["filtered", "superseded_or_repeated"] == 1
    assert counts["in", "raw.nppes_npi"] == sum(n for (kind, _), n in counts.items() if kind != "in") == 4


def test_provider_when_weeks_arrive_in_any_order_with_repeats_then_table_is_the_same(
    bigquery_client: bigquery.Client,
) -> None:
    weeks = {
        "2025-11-02": [dentist(A), dentist(B)],
        "2025-11-09": [dentist(A, provider_last_name_legal_name="CANINE"), deactivated(B, "11/05/2025")],
        "2025-11-16": [dentist(B, npi_deactivation_date="11/05/2025", npi_reactivation_date="11/13/2025"), dentist(C)],
    }
    seen = set()
    for order in itertools.permutations(weeks):
        bigquery_client.query_and_wait("TRUNCATE TABLE raw.nppes_npi")
        bigquery_client.query_and_wait("TRUNCATE TABLE clean.provider")
        load_week(bigquery_client, order[0], weeks[order[0]])
        converge(bigquery_client)
        for file_date in (*order[1:], order[0]):
            load_week(bigquery_client, file_date, weeks[file_date])
        converge(bigquery_client)
        seen.add(str(sorted(providers(bigquery_client).items())))
    assert len(seen) == 1
    assert "CANINE" in seen.pop()
