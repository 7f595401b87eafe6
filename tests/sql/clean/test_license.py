"""What becomes of the rows of the boards: the newest edition, one row a license, statuses and numbers by declaration."""

from __future__ import annotations

from datetime import date
from typing import Any

from google.cloud import bigquery

from include.boards.license_fold import declarations, query
from include.boards.parquet import board_row
from include.boards.rows import Published
from include.boards.sources import board_source
from tests.sql.segmented.registry import insert, rows


def published(state: str, line: int, file_date: str = "2025-11-10", **values: str) -> dict[str, Any]:
    """Return the raw.board_license row that the loader makes of a made-up published one."""
    source = board_source(state)
    row = board_row(
        Published(line, values),
        source,
        next(iter(source.date_forms), ""),
        f"gs://lake/{state}",
        date.fromisoformat(file_date),
    )
    assert isinstance(row, dict)
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}


def texan(line: int, number: str, **values: str) -> dict[str, Any]:
    fields = {
        "LIC_NBR": number, "REC_TYPE": "Dentist", "LIC_STA_DESC": "Active", "FIRST_NME": "Dana", "MIDDLE_NME": "Q", "LAST_NME": "Molar",
        "ADDRESS1": "100  Main Street", "ADDRESS2": "Suite 4", "CITY": "Austin", "STATE": "TX", "ZIP": "78701-4422",
        "PHONE": "(512) 765-4321 x12", "LIC_ORIG_DTE": "06/01/2010",
    }  # fmt: skip
    return published("TX", line, **(fields | values))


def fold(client: bigquery.Client) -> dict[str, dict[str, Any]]:
    """Run the promotion; return clean.license by state, number and last name, and check that its books balance."""
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("boards", "STRING", declarations())]
    )
    client.query_and_wait(query(), job_config=config)
    (unbalanced,) = rows(
        client,
        "SELECT SUM(IF(kind = 'in', row_count, -row_count)) AS n FROM ops.balance WHERE table_name = 'clean.license'",
    )
    assert unbalanced["n"] == 0
    found = rows(client, "SELECT * FROM clean.license")
    return {
        f"{row['state']} {row['number_normal']} {row['last_name'] or row['organization_name']}": row for row in found
    }


def test_license_when_boards_publish_in_their_own_ways_then_one_row_a_license_typed_by_declaration(
    bigquery_client: bigquery.Client,
) -> None:
    nj = {"license_no": "22DI02183600", "license_type_name": "Dentist", "license_status_name": "Deceased"}
    co = {"licensenumber": "9876", "licensetype": "DEN", "lastname": "Cuspid", "firstname": "Lee"}
    ma = {"license_no": "DN12345", "license_type_name": "Dentist", "full_name": "SAM B. PREMOLAR JR, DMD"}
    il = {"license_number": "060001234", "description": "PROF SERVICE CORP", "license_status": "ACTIVE"}
    insert(
        bigquery_client,
        "raw.board_license",
        [
            texan(2, "1", LIC_STA_DESC="Expired"),  # replaced by its newer row below
            texan(3, "00123", FORMER_LAST_NME="Tooth"),
            texan(4, "124", LIC_STA_DESC="Gone fishing"),
            texan(5, "12X4", LAST_NME="Odd", FIRST_NME="Form"),
            # One number, two people: both stay, neither is the other.
            published("NJ", 2, **nj, first_name="Ann", last_name="Incisor", addr_zipcode="07030"),
            published("NJ", 3, **nj | {"license_status_name": "Active"}, first_name="Bob", last_name="Canine"),
            # One license, a row for each public action: the worst counts.
            published("CO", 1, **co, licensestatusdescription="Active"),
            published("CO", 2, **co, licensestatusdescription="Revoked"),
            published("MA", 2, **ma, license_status_name="Probation, Current; Expired"),
            published("MA", 3, **ma | {"full_name": "Wisdom, Pat Lou", "license_no": "DN200"}, license_status_name="Suspension: Expired"),
            published("IL", 1, **il, business="Y", business_name="BRIGHT DENTAL PC"),
            published("NC", 1, "2025-11-09", **{"Name": "Kim Root", "License #": "777 (Dentist)", "Status": "Active"}),
            published("NC", 1, "2025-11-10", **{"Name": "Jo Crown", "License #": "778 (Dentist)", "Status": "Retired"}),
        ],
    )  # fmt: skip
    bigquery_client.query_and_wait("UPDATE raw.board_license SET file_date = '2025-11-03' WHERE license_number = '1'")
    found = fold(bigquery_client)
    assert set(found) == {
        "TX 123 MOLAR", "TX 124 MOLAR", "TX 12X4 ODD", "NJ 21836 INCISOR", "NJ 21836 CANINE", "CO 9876 CUSPID",
        "MA 12345 PREMOLAR", "MA 200 WISDOM", "IL 60001234 BRIGHT DENTAL PC", "NC 777 ROOT", "NC 778 CROWN",
    }  # fmt: skip
    texas = found["TX 123 MOLAR"]
    assert (texas["license_number"], texas["number_in_form"], texas["former_last_name"]) == ("00123", True, "TOOTH")
    assert (texas["address_line_1"], texas["address_line_2"], texas["zip5"]) == ("100 MAIN STREET", "SUITE 4", "78701")
    assert (texas["phone_e164"], texas["middle_name"], texas["profession"]) == ("+15127654321", "Q", "dentist")
    assert (found["TX 124 MOLAR"]["status_class"], found["TX 124 MOLAR"]["status_known"]) == ("unknown", False)
    assert not found["TX 12X4 ODD"]["number_in_form"]
    pair = [found["NJ 21836 INCISOR"], found["NJ 21836 CANINE"]]
    assert [row["status_class"] for row in pair] == ["deceased", "active"]
    assert all(row["number_shared"] for row in pair) and not texas["number_shared"]
    assert (found["CO 9876 CUSPID"]["status_class"], found["CO 9876 CUSPID"]["published_rows"]) == ("disciplined", 2)
    parsed = {key: [found[key][part] for part in ("first_name", "middle_name", "name_suffix")] for key in found}
    assert parsed["MA 12345 PREMOLAR"] == ["SAM", "B.", "JR"]
    assert parsed["MA 200 WISDOM"] == ["PAT", "LOU", None]
    assert found["MA 200 WISDOM"]["status_class"] == "disciplined"
    assert found["IL 60001234 BRIGHT DENTAL PC"]["holder"] == "organization"

    # Who is not listed any more leaves; whose number was not asked for again stays.
    before = {key: row["row_hash"] for key, row in found.items()}
    insert(
        bigquery_client, "raw.board_license", [texan(2, "123", LIC_STA_DESC="Retired") | {"file_date": "2025-11-17"}]
    )
    later = fold(bigquery_client)
    assert {key for key in before if key not in later} == {"TX 124 MOLAR", "TX 12X4 ODD"}
    assert later["TX 123 MOLAR"]["status_class"] == "retired"
    assert all(later[key]["row_hash"] == before[key] for key in later if not key.startswith("TX"))


def test_license_when_a_suffix_is_a_figure_twice_or_cut_off_then_it_is_no_name(
    bigquery_client: bigquery.Client,
) -> None:
    texts = {
        "1": "Sample, Avery, 3RD", "2": "Avery Sample, 2nd", "3": "Sample, Avery, J", "4": "AVERY SAMPLE, JR, JR, DMD", "5": "Avery Sample J",
        "6": "Sample Jr, Avery Lou", "7": "Avery Sample IV", "8": "Sample, J", "9": "Avery Sample, Senior",
    }  # fmt: skip
    ma = {"license_type_name": "Dentist", "license_status_name": "Current"}
    lists = [
        published("MA", line, **ma, license_no=f"DN{key}00", full_name=text)
        for line, (key, text) in enumerate(texts.items(), 2)
    ]
    columns = [
        texan(2, "801", LAST_NME="Sample, 3rd", FIRST_NME="Avery"),
        texan(3, "802", LAST_NME="Sample Jr, Jr", FIRST_NME="Avery"),
    ]
    insert(bigquery_client, "raw.board_license", [*lists, *columns])
    fold(bigquery_client)
    found = {
        row["number_normal"]: (row["first_name"], row["middle_name"], row["last_name"], row["name_suffix"])
        for row in rows(bigquery_client, "SELECT * FROM clean.license")
    }
    assert found == {
        "100": ("AVERY", None, "SAMPLE", "III"), "200": ("AVERY", None, "SAMPLE", "II"), "300": ("AVERY", None, "SAMPLE", "JR"),
        "400": ("AVERY", None, "SAMPLE", "JR"), "500": ("AVERY", "SAMPLE", "J", None), "600": ("AVERY", "LOU", "SAMPLE", "JR"),
        "700": ("AVERY", None, "SAMPLE", "IV"), "800": ("J", None, "SAMPLE", None), "900": ("AVERY", None, "SAMPLE", "SR"),
        "801": ("AVERY", "Q", "SAMPLE", "III"), "802": ("AVERY", "Q", "SAMPLE", "JR"),
    }  # fmt: skip
