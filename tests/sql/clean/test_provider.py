"""What becomes of RAW rows: who counts, what is filtered and why, and that order does not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest
from google.cloud import bigquery

from include.nppes.publication import npi_check_digit
from include.warehouse.tables import table
from tests.sql.clean.raw_rows import converge, deactivated, dentist, load_rows, load_week, promote, stage, unload

A, B, C, D, E = "2000000002", "2000000010", "2000000028", "2000000036", "2000000044"


def providers(client: bigquery.Client) -> dict[str, dict[str, Any]]:
    return {row["npi"]: dict(row) for row in client.query_and_wait("SELECT * FROM clean.provider")}


def balance(client: bigquery.Client, table_name: str = "clean.provider") -> dict[tuple[str, str], int]:
    sql = f"SELECT kind, reason, row_count FROM ops.balance WHERE table_name = '{table_name}'"
    counts = {(row["kind"], row["reason"]): row["row_count"] for row in client.query_and_wait(sql)}
    assert sum(n for (kind, _), n in counts.items() if kind == "in") == sum(
        n for (kind, _), n in counts.items() if kind != "in"
    )
    return counts


def history(client: bigquery.Client, npi: str) -> list[tuple[str, str | None, str, str | None, str | None]]:
    sql = f"SELECT * FROM clean.provider_history WHERE npi = '{npi}' ORDER BY valid_from"
    return [
        (str(r["valid_from"]), r["valid_to"] and str(r["valid_to"]), r["status"], r["last_name"], r["ended_by"])
        for r in client.query_and_wait(sql)
    ]


PHONE = "provider_business_practice_location_address_telephone_number"
NOT_DENTAL = {"healthcare_provider_taxonomy_code_1": "207Q00000X"}
MASKS = ("<UNAVAIL>", "$$$$$$$$$", "********", "_________", "")
NPIS = iter(nine + npi_check_digit(nine) for nine in (f"20001{n:04}" for n in range(10_000)))
ACTIVE, SLOT_15, OTHER, ENDED, REACTIVATED, ENDED_AGAIN, IMPOSSIBLE, WITH_COUNTRY = islice(NPIS, 8)
TIED, TIED_ENDED, ENDED_BY_MONTHLY = islice(NPIS, 3)
BEHIND, UNMARKED, SURGEON, SPACED_DEGREE, SURGEON_TOO, PHYSICIAN, NO_DEGREE, CENTER, OTHER_CENTER = islice(NPIS, 9)
SURGERY, SURGERY_CENTER = "204E00000X", "261QS0112X"
MASKED = dict(zip(islice(NPIS, len(MASKS)), MASKS, strict=True))


@dataclass(frozen=True)
class Registry:
    """CLEAN as three files make it: the providers by NPI, and the balances of clean.provider_version and clean.provider."""

    providers: dict[str, dict[str, Any]]
    versions: dict[tuple[str, str], int]
    balance: dict[tuple[str, str], int]


def surgery(npi: str, credential: str, **fields: str) -> dict[str, Any]:
    """Return a row whose only taxonomy is that of oral surgeons among physicians."""
    code = {"healthcare_provider_taxonomy_code_1": SURGERY, "provider_credential_text": credential}
    return dentist(npi, **{**code, **fields})


def taxonomy_rows() -> list[dict[str, Any]]:
    """Return a row for each way in which a taxonomy is chosen, or is none of dentistry."""
    second = {
        "healthcare_provider_taxonomy_code_2": "1223X0400X", "provider_license_number_2": "777",
        "provider_license_number_state_code_2": "OK",
    }  # fmt: skip
    first, marked = "healthcare_provider_primary_taxonomy_switch_1", "healthcare_provider_primary_taxonomy_switch_2"
    center = {"entity_type_code": "2", "provider_organization_name_legal_business_name": "JAW CENTER",
              "healthcare_provider_taxonomy_code_1": SURGERY_CENTER, "provider_credential_text": ""}  # fmt: skip
    return [
        dentist(BEHIND, **second, **{first: "N", marked: "Y"}),
        dentist(UNMARKED, **second, **{first: "", marked: ""}),
        surgery(SURGEON, "DDS, MD"),
        surgery(SPACED_DEGREE, "D. M. D."),
        surgery(SURGEON_TOO, "D.D.S.", healthcare_provider_taxonomy_code_2="1223G0001X"),
        surgery(PHYSICIAN, "MD, MDS"),
        surgery(NO_DEGREE, ""),
        dentist(CENTER, **center, authorized_official_credential_text="D.M.D."),
        dentist(OTHER_CENTER, **center, authorized_official_credential_text="MBA"),
    ]


@pytest.fixture(scope="module")
def registry(emptied_warehouse: Callable[[], bigquery.Client]) -> Registry:
    """CLEAN after a week, a month that ends with it, and the week after; each test looks at NPIs of its own."""
    client = emptied_warehouse()
    both = {"npi_deactivation_date": "01/02/2020"}
    weekly = [
        dentist(ACTIVE),
        dentist(SLOT_15, healthcare_provider_taxonomy_code_15="125Q00000X", **NOT_DENTAL),
        dentist(OTHER, **NOT_DENTAL),
        dentist(ENDED),
        dentist(REACTIVATED, npi_reactivation_date="03/04/2020", **both),
        dentist(ENDED_AGAIN, npi_reactivation_date="03/04/2019", **both),
        dentist(IMPOSSIBLE, **{PHONE: "1115550100"}),
        dentist(WITH_COUNTRY, **{PHONE: "15127654321"}),
        *(dentist(npi, provider_license_number_1=mask) for npi, mask in MASKED.items()),
        *taxonomy_rows(),
        dentist(TIED, provider_last_name_legal_name="WEEKLY"),
        dentist(TIED_ENDED),
    ]
    monthly = [dentist(TIED, provider_last_name_legal_name="MONTHLY"), deactivated(TIED_ENDED, "11/05/2025")]
    tied = [dentist(TIED, provider_last_name_legal_name="OLD"), dentist(TIED_ENDED), dentist(ENDED_BY_MONTHLY)]
    load_week(client, "2025-11-02", tied)
    load_week(client, "2025-11-09", weekly)
    load_week(client, "2025-11-09", [*monthly, deactivated(ENDED_BY_MONTHLY, "11/05/2025")], source="nppes_monthly")
    load_week(client, "2025-11-16", [deactivated(ENDED, "11/12/2025"), deactivated(E, "11/12/2025")])
    converge(client)
    return Registry(providers(client), balance(client, "clean.provider_version"), balance(client))


def test_provider_when_dentist_is_active_then_row_is_typed_and_normalised(registry: Registry) -> None:
    row = registry.providers[ACTIVE]
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


def test_provider_when_dental_code_stands_in_slot_15_then_it_counts(registry: Registry) -> None:
    assert registry.providers[SLOT_15]["specialty"] == "oral_medicine"
    assert OTHER not in registry.providers
    assert registry.versions["filtered", "not_dental"] == 1


def test_provider_when_the_primary_taxonomy_is_behind_slot_1_then_it_counts_with_its_license(
    registry: Registry,
) -> None:
    row = registry.providers[BEHIND]
    assert (row["taxonomy_code"], row["specialty"], row["taxonomy_is_primary"]) == ("1223X0400X", "orthodontics", True)
    assert (row["license_number"], row["license_state"]) == ("777", "OK")
    assert row["taxonomy_codes"] == ["1223G0001X", "1223X0400X"]


def test_provider_when_no_taxonomy_is_marked_primary_then_the_first_slot_counts(registry: Registry) -> None:
    row = registry.providers[UNMARKED]
    assert (row["taxonomy_code"], row["taxonomy_is_primary"], row["license_number"]) == ("1223G0001X", False, "12345")


def test_provider_when_oral_surgery_is_coded_as_medicine_then_it_counts_with_a_dental_degree(
    registry: Registry,
) -> None:
    for npi in (SURGEON, SPACED_DEGREE):
        assert (registry.providers[npi]["specialty"], registry.providers[npi]["taxonomy_codes"]) == (
            "oral_surgery",
            [SURGERY],
        )
    assert registry.providers[SURGEON_TOO]["taxonomy_codes"] == [SURGERY, "1223G0001X"]
    assert (registry.providers[CENTER]["specialty"], registry.providers[CENTER]["entity_type"]) == (
        "clinic",
        "organization",
    )


def test_provider_when_oral_surgery_has_no_dental_degree_then_left_out_and_counted_apart(registry: Registry) -> None:
    assert not {PHYSICIAN, NO_DEGREE, OTHER_CENTER} & set(registry.providers)
    assert registry.versions["filtered", "oral_surgery_without_dental_degree"] == 3
    assert registry.versions["filtered", "not_dental"] == 1


def test_provider_when_deactivated_by_a_bare_row_then_it_leaves_and_is_counted(registry: Registry) -> None:
    assert ENDED not in registry.providers
    # ENDED, ENDED_AGAIN by its dates, and ENDED_BY_MONTHLY.
    assert registry.balance["filtered", "deactivated"] == 3
    assert registry.versions["filtered", "deactivated_never_known"] == 1


def test_provider_when_reactivated_then_active_with_both_dates(registry: Registry) -> None:
    row = registry.providers[REACTIVATED]
    assert ENDED_AGAIN not in registry.providers
    assert (str(row["deactivation_date"]), str(row["reactivation_date"])) == ("2020-01-02", "2020-03-04")


def test_provider_when_license_is_masked_then_it_is_missing(registry: Registry) -> None:
    assert {registry.providers[npi]["license_number"] for npi in MASKED} == {None}


def test_provider_when_phone_is_impossible_then_null_and_published_value_kept(registry: Registry) -> None:
    row = registry.providers[IMPOSSIBLE]
    assert (row["phone_e164"], row["phone_published"]) == (None, "1115550100")
    assert registry.providers[WITH_COUNTRY]["phone_e164"] == "+15127654321"


def test_provider_when_monthly_and_weekly_end_on_one_day_then_the_newest_file_counts_and_on_a_tie_the_weekly(
    registry: Registry,
) -> None:
    assert registry.providers[TIED]["last_name"] == "WEEKLY"
    assert TIED_ENDED in registry.providers and ENDED_BY_MONTHLY not in registry.providers


def test_provider_when_refused_by_a_rule_then_absent_and_balance_holds(bigquery_client: bigquery.Client) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist(A), dentist(A), dentist(B), dentist(C)])
    stage(bigquery_client)
    bigquery_client.query_and_wait(
        "INSERT INTO clean.rejected_row (run_date, table_name, row_key, rule, reason) "
        f"VALUES (DATE '2025-11-09', 'clean.provider', '{B}', 'r', 'x'), (DATE '2025-11-09', 'clean.provider', '{B}', 's', 'x')"
    )
    promote(bigquery_client)
    assert set(providers(bigquery_client)) == {A, C}
    counts = balance(bigquery_client)
    assert counts["filtered", "superseded_or_repeated"] == 1
    assert (counts["in", "clean.provider_version"], counts["rejected", "r"]) == (4, 1)

    # The rule is mended: who was refused is judged again without a new file.
    stage(bigquery_client)
    bigquery_client.query_and_wait("TRUNCATE TABLE clean.rejected_row")
    promote(bigquery_client)
    assert set(providers(bigquery_client)) == {A, B, C}


def test_provider_when_files_arrive_in_any_order_with_repeats_and_a_crash_then_all_tables_are_the_same(
    bigquery_client: bigquery.Client,
) -> None:
    files = {
        ("2025-11-02", "nppes_weekly"): [dentist(A), dentist(B)],
        ("2025-11-09", "nppes_monthly"): [
            dentist(A, provider_last_name_legal_name="CANINE"),
            deactivated(B, "11/05/2025"),
        ],
        ("2025-11-16", "nppes_weekly"): [
            dentist(B, npi_deactivation_date="11/05/2025", npi_reactivation_date="11/13/2025"),
            dentist(C),
        ],
    }
    first, second, third = files
    seen = set()
    for order, crash in (((first, second, third), False), ((third, first, second, first), True)):
        for file in files:
            unload(bigquery_client, *file)
        converge(bigquery_client)
        assert providers(bigquery_client) == {} and history(bigquery_client, A) == []
        for file in order:
            load_week(bigquery_client, file[0], files[file], source=file[1])
            if crash and file == third:
                stage(bigquery_client)  # and nothing after it: who is pending stays pending
        converge(bigquery_client)
        names = ("provider", "provider_history", "provider_version", "provider_pending")
        sql = " UNION ALL ".join(f"SELECT '{n}' AS name, TO_JSON_STRING(t) AS body FROM clean.{n} AS t" for n in names)
        seen.add(str(sorted((row["name"], row["body"]) for row in bigquery_client.query_and_wait(sql))))
    assert len(seen) == 1
    assert history(bigquery_client, A) == [
        ("2025-11-02", "2025-11-09", "active", "MOLAR", "changed"),
        ("2025-11-09", None, "active", "CANINE", None),
    ]
    assert [(row[0], row[2], row[4]) for row in history(bigquery_client, B)] == [
        ("2025-11-02", "active", "deactivated"),
        ("2025-11-09", "deactivated", "active"),
        ("2025-11-16", "active", None),
    ]


def test_provider_when_a_slice_is_loaded_with_other_bytes_or_goes_then_only_what_it_said_is_unsaid(
    bigquery_client: bigquery.Client,
) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist(A), dentist(B)])
    load_week(bigquery_client, "2025-11-16", [dentist(A, provider_last_name_legal_name="WRONG"), dentist(C)])
    converge(bigquery_client)
    # Never dental, and known to be something else later: not followed until a file shows it as dental.
    other = dentist(D, healthcare_provider_taxonomy_code_1="207Q00000X")
    load_week(bigquery_client, "2025-11-16", [dentist(A, provider_last_name_legal_name="CANINE"), other])
    converge(bigquery_client)
    assert {npi: row["last_name"] for npi, row in providers(bigquery_client).items()} == {A: "CANINE", B: "MOLAR"}
    assert history(bigquery_client, C) == history(bigquery_client, D) == []

    load_week(bigquery_client, "2025-11-02", [dentist(D)])
    converge(bigquery_client)
    assert [(row[0], row[2]) for row in history(bigquery_client, D)] == [
        ("2025-11-02", "active"),
        ("2025-11-16", "not_dental"),
    ]
    assert balance(bigquery_client)["filtered", "not_dental"] == 1


def test_provider_when_the_entity_type_switches_then_kept_flagged_and_said_in_history(
    bigquery_client: bigquery.Client,
) -> None:
    load_week(bigquery_client, "2025-11-09", [dentist(A)])
    company = dentist(A, entity_type_code="2", provider_organization_name_legal_business_name="MOLAR PC")
    load_week(bigquery_client, "2025-11-16", [company])
    converge(bigquery_client)
    row = providers(bigquery_client)[A]
    assert (row["entity_type"], row["person_id"], str(row["entity_switched_on"])) == (
        "organization",
        None,
        "2025-11-16",
    )
    assert [row[4] for row in history(bigquery_client, A)] == ["entity_switched", None]


def test_board_when_every_license_is_over_then_inactive_with_the_reason_and_counted_until_one_is_not(
    bigquery_client: bigquery.Client,
) -> None:
    def matched(npi: str, key: str, status: str) -> str:
        return f"('{npi}', '{key}', 'TX', 'dentist', 1, 'number', 9.0, '{status}')"

    load_week(bigquery_client, "2025-11-09", [dentist(A), dentist(B), dentist(C)])
    values = [
        matched(A, "1", "retired"),
        matched(A, "2", "deceased"),
        matched(B, "3", "retired"),
        matched(B, "4", "active"),
    ]
    bigquery_client.query_and_wait(
        "INSERT INTO clean.license_match (npi, license_key, license_state, profession, tier, rule, score, status_class) VALUES "
        + ", ".join(values)
    )
    converge(bigquery_client)
    rows = providers(bigquery_client)
    assert {npi: row["inactive_reason"] for npi, row in rows.items()} == {A: "board_deceased", B: None, C: None}
    assert {npi for npi, row in rows.items() if row["is_active"]} == {B, C}
    assert balance(bigquery_client)["out", "board_deceased"] == 1

    # A file about A alone does not make A active, not even until the boards are looked at again.
    load_week(bigquery_client, "2025-11-16", [dentist(A, provider_first_name="DEE")])
    stage(bigquery_client)
    bigquery_client.query_and_wait(table("clean.provider").sql())
    assert providers(bigquery_client)[A]["is_active"] is False
    bigquery_client.query_and_wait("UPDATE clean.license_match SET status_class = 'active' WHERE license_key = '1'")
    bigquery_client.query_and_wait(table("clean.provider").sql("board"))
    assert providers(bigquery_client)[A]["is_active"] is True
    assert balance(bigquery_client)["out", "active"] == 3


def test_provider_when_the_newest_report_lists_an_npi_then_it_leaves_unless_a_newer_file_says_otherwise(
    bigquery_client: bigquery.Client,
) -> None:
    def report(day: str, *npis: str) -> None:
        rows = [{"npi": npi, "nppes_deactivation_date": "11/07/2025"} for npi in npis]
        load_rows(bigquery_client, "raw.nppes_deactivation", day, rows, "nppes_deactivation")

    load_week(bigquery_client, "2025-11-09", [dentist(A), dentist(B), dentist(C)])
    load_week(bigquery_client, "2025-11-16", [dentist(B)])
    report("2025-11-10", A, B, D)
    converge(bigquery_client)
    assert set(providers(bigquery_client)) == {B, C}
    assert balance(bigquery_client)["filtered", "deactivated"] == 1

    # The next report no longer lists A, and lists C, who has come back since.
    report("2025-12-08", C)
    back = dentist(C, npi_deactivation_date="11/07/2025", npi_reactivation_date="11/20/2025")
    load_week(bigquery_client, "2025-11-23", [back])
    converge(bigquery_client)
    assert set(providers(bigquery_client)) == {A, B, C}


def test_provider_when_an_organization_has_other_names_then_those_of_the_newest_file_that_tells_of_it(
    bigquery_client: bigquery.Client,
) -> None:
    def name(npi: str, text: str, kind: str) -> dict[str, str]:
        column = "provider_other_organization_name"
        return {"npi": npi, column: text, f"{column}_type_code": kind}

    hidden = {"provider_other_organization_name": "<UNAVAIL>", "provider_other_organization_name_type_code": "6"}
    clinic = dentist(A, entity_type_code="2", provider_organization_name_legal_business_name="D MOLAR, PC", **hidden)
    load_week(bigquery_client, "2025-11-09", [clinic, dentist(B, **hidden)])
    names = [name(A, "Smile Co", "3"), name(A, "Smile Co", "5"), name(A, "Ivory", "5"), name(A, "MOLAR DDS INC", "4")]
    load_rows(bigquery_client, "raw.nppes_other_name", "2025-11-09", [*names, name(A, "<UNAVAIL>", "3")])
    converge(bigquery_client)
    row = providers(bigquery_client)[A]
    assert (row["brand_names"], row["former_names"]) == (["Smile Co", "Ivory"], ["MOLAR DDS INC"])

    # Told of again without a name: it has none any more. In the layout of before 2025 the main file names it.
    before_2025 = {"provider_other_organization_name": "OLD BRAND", "provider_other_organization_name_type_code": "3"}
    load_week(bigquery_client, "2025-11-16", [clinic, dentist(B, entity_type_code="2", **before_2025)])
    converge(bigquery_client)
    rows = providers(bigquery_client)
    assert (rows[A]["brand_names"], rows[A]["former_names"]) == ([], [])
    assert rows[B]["brand_names"] == ["OLD BRAND"]
    assert rows[A]["row_hash"] != row["row_hash"]


def test_provider_when_a_file_repeats_a_row_then_it_is_no_change_whatever_its_last_update_date_says(
    bigquery_client: bigquery.Client,
) -> None:
    load_week(bigquery_client, "2025-11-02", [dentist(A), dentist(B)])
    same_date = dentist(B, provider_other_organization_name="x", provider_last_name_legal_name="CANINE")
    load_week(bigquery_client, "2025-11-09", [dentist(A, last_update_date="11/04/2025"), same_date])
    converge(bigquery_client)
    first = providers(bigquery_client)
    load_week(bigquery_client, "2025-11-09", [dentist(A), same_date], source="nppes_monthly")
    load_week(bigquery_client, "2025-11-16", [same_date, same_date, dentist(A, certification_date="11/12/2025")])
    converge(bigquery_client)
    rows = providers(bigquery_client)

    assert {npi: str(row["changed_on"]) for npi, row in rows.items()} == {A: "2025-11-02", B: "2025-11-09"}
    assert {npi: str(row["source_file_date"]) for npi, row in rows.items()} == dict.fromkeys((A, B), "2025-11-16")
    assert [row["row_hash"] for row in rows.values()] == [first[npi]["row_hash"] for npi in rows]


def test_vanished_npis_when_a_monthly_lacks_them_undeactivated_then_one_alert_a_file_and_nobody_is_deleted(
    bigquery_client: bigquery.Client,
) -> None:
    def alerts() -> list[tuple[str, str]]:
        bigquery_client.query_and_wait(table("ops.alert").sql("vanished_npis"))
        rows = bigquery_client.query_and_wait("SELECT * FROM ops.alert ORDER BY raised_on")
        assert {(r["source"], r["check_name"], r["subject"], r["severity"]) for r in rows} <= {
            ("nppes_monthly", "vanished_npis", "raw.nppes_npi", "error")
        }
        rows = bigquery_client.query_and_wait("SELECT * FROM ops.alert ORDER BY raised_on")
        return [(str(row["raised_on"]), row["message"]) for row in rows]

    load_week(bigquery_client, "2025-11-02", [dentist(A), dentist(B), dentist(C), dentist(D)])
    load_week(bigquery_client, "2025-11-09", [deactivated(B, "11/05/2025"), dentist(E)])
    assert alerts() == []
    load_week(bigquery_client, "2025-11-09", [dentist(A)], source="nppes_monthly")
    load_week(bigquery_client, "2025-12-07", [dentist(A)], source="nppes_monthly")
    reported = [{"npi": D, "nppes_deactivation_date": "11/07/2025"}]
    load_rows(bigquery_client, "raw.nppes_deactivation", "2025-11-10", reported, "nppes_deactivation")
    converge(bigquery_client)

    found = alerts()
    assert [day for day, _ in found] == ["2025-11-09", "2025-12-07"]
    assert (
        f"1 NPIs of earlier files are missing from the monthly file of 2025-11-09 and were not deactivated, such as {C}."
        in found[0][1]
    )
    assert E in found[1][1]
    assert {A, C, E} <= set(providers(bigquery_client))
    # A mended monthly file takes the alert back.
    load_week(bigquery_client, "2025-11-09", [dentist(A), dentist(C)], source="nppes_monthly")
    load_week(bigquery_client, "2025-12-07", [dentist(A), dentist(C), dentist(E)], source="nppes_monthly")
    assert alerts() == []
