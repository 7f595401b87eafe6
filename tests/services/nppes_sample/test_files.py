"""The sample registry: CMS's layout to the byte, the same bytes for the same seed, and the dirt that it promises."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import phonenumbers
import pytest

from include.nppes.layout import NPIDATA_COLUMNS
from include.nppes.publication import data_member, npi_is_valid, parse_file_name
from services.nppes_sample.files import csv_bytes, write_months, write_weeks

PHONE = "Provider Business Practice Location Address Telephone Number"
STATE = "Provider Business Practice Location Address State Name"


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_weeks(tmp_path_factory.mktemp("nppes"), seed=7, weeks=3)


@pytest.fixture(scope="module")
def five_weeks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_weeks(tmp_path_factory.mktemp("five_weeks"), seed=7, weeks=5)


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_months(tmp_path_factory.mktemp("months"), seed=7, weeks=5)


def rows_of(path: Path, kind: str = "npidata") -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.startswith(f"{kind}_pfile") and "FileHeader" not in n)
        return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8"), newline="")))


def test_write_weeks_when_run_twice_then_same_bytes(zips: list[Path], tmp_path: Path) -> None:
    again = write_weeks(tmp_path, seed=7, weeks=3)
    other_seed = write_weeks(tmp_path / "other", seed=8, weeks=1)

    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in zips]
    assert other_seed[0].read_bytes() != zips[0].read_bytes()


def test_write_weeks_when_more_weeks_asked_then_earlier_weeks_unchanged(zips: list[Path], tmp_path: Path) -> None:
    assert write_weeks(tmp_path, seed=7, weeks=1)[0].read_bytes() == zips[0].read_bytes()


def test_zip_when_written_then_names_and_members_are_those_of_cms(zips: list[Path]) -> None:
    assert [p.name for p in zips[:2]] == [
        "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip",
        "NPPES_Data_Dissemination_111025_111625_Weekly_V2.zip",
    ]
    with zipfile.ZipFile(zips[0]) as archive:
        names = archive.namelist()
    period = "20251103-20251109"
    kinds = ("npidata", "othername", "pl", "endpoint")
    assert names == [f"{kind}_pfile_{period}{end}.csv" for kind in kinds for end in ("", "_FileHeader")]
    assert data_member(names).last_day == parse_file_name(zips[0].name).day


def test_npidata_when_written_then_every_value_is_quoted_and_lines_end_in_lf(zips: list[Path]) -> None:
    with zipfile.ZipFile(zips[1]) as archive:
        text = archive.read("npidata_pfile_20251110-20251116.csv").decode("utf-8")
    lines = text.splitlines(keepends=True)

    assert "\r" not in text
    assert next(csv.reader(lines[:1])) == list(NPIDATA_COLUMNS)
    assert all(line.startswith('"') and line.endswith('"\n') for line in lines)
    assert {line.count('","') for line in lines} == {329}


def test_csv_bytes_when_column_unknown_then_error() -> None:
    with pytest.raises(ValueError, match="Provider Gender Code"):
        csv_bytes(NPIDATA_COLUMNS, [{"Provider Gender Code": "M"}])


def test_first_week_when_read_then_holds_the_promised_people_and_places(zips: list[Path]) -> None:
    made = [row for row in rows_of(zips[0]) if row["NPI"].startswith("2")]
    people = [row for row in made if row["Entity Type Code"] == "1"]
    clinics = [row for row in made if row["Entity Type Code"] == "2"]

    assert 4200 <= len(people) <= 4500
    assert 800 <= len(clinics) <= 1200
    assert len({row[STATE] for row in people}) == 10
    assert 0.07 < sum(not is_dental(row) for row in people + clinics) / len(made) < 0.09
    shared = {row["Provider First Line Business Practice Location Address"] for row in clinics}
    assert sum(row["Provider First Line Business Practice Location Address"] in shared for row in people) > 2000


def test_phones_when_read_then_valid_except_the_zeros(zips: list[Path]) -> None:
    made = [row for row in rows_of(zips[0]) if row["NPI"].startswith("2") and row[PHONE]]
    refused = {row[PHONE] for row in made if not phonenumbers.is_valid_number(phonenumbers.parse(row[PHONE], "US"))}

    assert refused == {"0000000000"}
    assert all(row[PHONE][3:6] != "555" for row in made)


def test_every_week_when_read_then_has_three_bad_check_digits_and_six_duplicates(zips: list[Path]) -> None:
    for path in zips:
        rows = [tuple(row.values()) for row in rows_of(path)]
        assert sum(not npi_is_valid(row[0]) for row in rows) == 3
        assert len(rows) - len(set(rows)) == 6


def test_first_week_when_read_then_carries_the_dirt_it_promises(zips: list[Path]) -> None:
    rows = rows_of(zips[0])
    values = {value for row in rows for value in row.values()}

    assert "193400000X MULTIPLE SINGLE SPECIALTY GROUP" in values
    assert {"<UNAVAIL>", "$$$$$$$$$", "********", "_________"} <= values
    assert any(", " in value for value in values)
    assert any("  " in value for value in values)
    bare = [row for row in rows if not row["Entity Type Code"]]
    assert {tuple(key for key, value in row.items() if value) for row in bare} == {("NPI", "NPI Deactivation Date")}
    assert sum(bool(row["NPI Reactivation Date"]) for row in rows) >= 9
    no_primary = [row for row in rows if row["Healthcare Provider Primary Taxonomy Switch_1"] == "X"]
    assert no_primary


def test_second_week_when_read_then_is_a_delta_of_the_first(zips: list[Path]) -> None:
    first = {row["NPI"]: row for row in rows_of(zips[0])}
    second = {row["NPI"]: row for row in rows_of(zips[1]) if npi_is_valid(row["NPI"])}
    known = [npi for npi in second if npi in first]
    gone = [npi for npi in known if not second[npi]["Entity Type Code"]]
    back = [npi for npi in known if not first[npi]["Entity Type Code"]]

    assert len(gone) == 25
    assert all(first[npi]["Entity Type Code"] == "1" for npi in gone)
    assert len(back) == 5
    assert all(second[npi]["NPI Deactivation Date"] and second[npi]["NPI Reactivation Date"] for npi in back)
    assert len(known) - len(gone) - len(back) == 170
    assert sum(second[npi]["Entity Type Code"] == "1" for npi in second if npi not in first) == 350
    moved = [npi for npi in known if second[npi][STATE] and is_moved(first[npi], second[npi])]
    assert 80 <= len(moved) <= 110


def test_later_weeks_when_a_person_comes_back_then_both_dates_are_there(zips: list[Path]) -> None:
    back = [row for row in rows_of(zips[2]) if row["NPI Reactivation Date"] >= "11/17/2025"]

    assert len({row["NPI"] for row in back}) == 5
    assert all(row["NPI Deactivation Date"] for row in back)


def test_other_names_when_a_clinic_hides_its_brand_then_the_member_names_it(zips: list[Path]) -> None:
    hidden = {row["NPI"] for row in rows_of(zips[0]) if row["Provider Other Organization Name"] == "<UNAVAIL>"}
    named = {row["NPI"] for row in rows_of(zips[0], "othername")}

    assert len(named) > 300
    assert {npi for npi in hidden if npi_is_valid(npi)} == named


def test_months_when_written_then_named_by_cms_and_only_after_a_week_that_ends_before_a_second_monday(
    months: list[Path],
) -> None:
    assert [p.name for p in months] == [
        "NPPES_Data_Dissemination_November_2025_V2.zip",
        "NPPES_Deactivated_NPI_Report_111025_V2.zip",
        "NPPES_Data_Dissemination_December_2025_V2.zip",
        "NPPES_Deactivated_NPI_Report_120825_V2.zip",
    ]
    assert [parse_file_name(p.name).day.isoformat() for p in months[1::2]] == ["2025-11-10", "2025-12-08"]
    with zipfile.ZipFile(months[0]) as archive:
        names = archive.namelist()
    kinds = ("npidata", "othername", "pl", "endpoint")
    assert names == [f"{kind}_pfile_20050523-20251109{end}.csv" for kind in kinds for end in ("", "_FileHeader")]


def test_months_when_read_then_each_npi_once_as_the_weeks_left_it(months: list[Path], five_weeks: list[Path]) -> None:
    left: dict[str, dict[str, str]] = {}
    for path in five_weeks:
        left |= {row["NPI"]: row for row in rows_of(path) if npi_is_valid(row["NPI"])}
    monthly = rows_of(months[2])

    assert [row["NPI"] for row in monthly] == sorted(left)
    assert {row["NPI"]: row for row in monthly} == left
    for kind in ("othername", "pl", "endpoint"):
        first_week = [row for row in rows_of(five_weeks[0], kind) if npi_is_valid(row["NPI"])]
        assert sorted(map(str, rows_of(months[0], kind))) == sorted(map(str, first_week))


def test_months_when_read_then_the_report_lists_the_deactivated_newest_first(months: list[Path]) -> None:
    deactivated = [row for row in rows_of(months[2]) if not row["Entity Type Code"]]
    with zipfile.ZipFile(months[3]) as archive:
        (name,) = archive.namelist()
        sheet = archive.read(name)
    with zipfile.ZipFile(io.BytesIO(sheet)) as parts:
        texts = re.findall("<t>(.*?)</t>", parts.read("xl/sharedStrings.xml").decode())

    assert name == "NPPES Deactivated NPI Report 20251208.xlsx"
    assert texts[:3] == ["NPPES Deactivated Records as of Dec 08 2025", "NPI", "NPPES Deactivation Date"]
    npis = [text for text in texts if npi_is_valid(text)]
    assert set(npis) == {row["NPI"] for row in deactivated}
    on = {row["NPI"]: row["NPI Deactivation Date"] for row in deactivated}
    assert [on[npi][6:] + on[npi][:5] for npi in npis] == sorted((d[6:] + d[:5] for d in on.values()), reverse=True)


def test_months_when_written_twice_then_the_same_bytes(months: list[Path], tmp_path: Path) -> None:
    assert [p.read_bytes() for p in write_months(tmp_path, seed=7, weeks=1)] == [p.read_bytes() for p in months[:2]]


def is_dental(row: dict[str, str]) -> bool:
    code = row["Healthcare Provider Taxonomy Code_1"]
    return code.startswith(("1223", "1224", "124Q", "125", "126", "261QD", "2922"))


def is_moved(before: dict[str, str], after: dict[str, str]) -> bool:
    zip_code = "Provider Business Practice Location Address Postal Code"
    return bool(before[zip_code]) and before[zip_code][:5] != after[zip_code][:5]
