"""File names, the listing page, members and the check digit."""

from __future__ import annotations

from datetime import date

import pytest

from include.nppes.publication import (
    FileKind,
    Member,
    NotAnNppesFile,
    NppesFile,
    UnsupportedVersion,
    WrongDates,
    WrongMembers,
    archive_object,
    archive_prefix,
    archived_files,
    data_member,
    file_of_interval,
    monthly_file_date,
    npi_check_digit,
    npi_is_valid,
    parse_file_name,
    published_files,
    report_member,
)

WEEKLY = "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip"


@pytest.mark.parametrize(
    ("name", "kind", "first_day", "day"),
    [
        (WEEKLY, FileKind.WEEKLY, date(2025, 11, 3), date(2025, 11, 9)),
        (WEEKLY.lower(), FileKind.WEEKLY, date(2025, 11, 3), date(2025, 11, 9)),
        ("NPPES_Data_Dissemination_August_2026_V2.zip", FileKind.MONTHLY, None, date(2026, 8, 1)),
        ("NPPES_Deactivated_NPI_Report_081026_V2.zip", FileKind.DEACTIVATION, None, date(2026, 8, 10)),
        ("NPPES_Deactivated_NPI_Report_100923.zip", FileKind.DEACTIVATION, None, date(2023, 10, 9)),
    ],
)
def test_parse_file_name_when_published_then_says_kind_and_days(
    name: str, kind: FileKind, first_day: date | None, day: date
) -> None:
    assert parse_file_name(name) == NppesFile(day, kind, name, first_day)


@pytest.mark.parametrize(
    "name",
    ["NPPES_Data_Dissemination_110325_110925_Weekly.zip", "NPPES_Data_Dissemination_August_2025.zip"],
)
def test_parse_file_name_when_v1_then_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedVersion, match=f"'{name}' is a V1 file.*_V2.zip"):
        parse_file_name(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("npidata.zip", "not an NPPES download"),
        ("NPPES_Data_Dissemination_110325_110825_Weekly_V2.zip", "does not cover seven days"),
        ("NPPES_Data_Dissemination_139925_110925_Weekly_V2.zip", "'139925' is not a day"),
        ("NPPES_Data_Dissemination_Augst_2026_V2.zip", "'Augst_2026' is not a month"),
        ("NPPES_Data_Dissemination_August_2026_V3.zip", "'August_2026_V3' is not a month"),
    ],
)
def test_parse_file_name_when_not_cms_then_error_says_why(name: str, reason: str) -> None:
    with pytest.raises(NotAnNppesFile, match=reason):
        parse_file_name(name)


def test_published_files_when_page_mixes_versions_then_v2_only_oldest_first_each_once() -> None:
    page = f"""
      <a href='./NPPES_Data_Dissemination_111025_111625_Weekly_V2.zip'>Weekly</a>
      <A HREF="./{WEEKLY}">Weekly</A> <a href="{WEEKLY}?x=1">again</a>
      <a href="./NPPES_Data_Dissemination_110325_110925_Weekly.zip">V1</a>
      <a name="top">no link</a> <a href="/NPPES_Readme.pdf">readme</a>
      <a href="https://download.cms.gov/nppes/NPPES_Data_Dissemination_November_2025_V2.zip">Monthly</a>
    """
    assert [file.name for file in published_files(page)] == [
        "NPPES_Data_Dissemination_November_2025_V2.zip",
        WEEKLY,
        "NPPES_Data_Dissemination_111025_111625_Weekly_V2.zip",
    ]


@pytest.mark.parametrize("wanted", ["npidata", "othername", "pl", "endpoint"])
def test_data_member_when_all_four_are_there_then_the_data_file_of_that_name(wanted: str) -> None:
    kinds = ("npidata", "othername", "pl", "endpoint")
    names = [f"sub/{kind.upper()}_pfile_20251103-20251109{end}.CSV" for kind in kinds for end in ("", "_FileHeader")]
    member = data_member([*names, "NPPES_Data_Dissemination_Readme.pdf"], wanted)
    assert member.name == f"sub/{wanted.upper()}_pfile_20251103-20251109.CSV"
    assert (member.first_day, member.last_day) == (date(2025, 11, 3), date(2025, 11, 9))


@pytest.mark.parametrize(
    ("members", "found"),
    [
        (["pl_pfile_20251103-20251109.csv"], "no member.*pl_pfile_20251103-20251109.csv"),
        (["npidata_pfile_20251103-20251109.csv", "npidata_pfile_20251110-20251116.csv"], "2 members"),
        (["npidata_pfile_20251332-20251109.csv"], "two days as yyyymmdd"),
    ],
)
def test_data_member_when_not_exactly_one_then_error_lists_members(members: list[str], found: str) -> None:
    with pytest.raises(WrongMembers, match=found):
        data_member(members)


def test_report_member_when_not_one_spreadsheet_then_error_lists_members() -> None:
    sheet = "NPPES Deactivated NPI Report 20251110.xlsx"
    assert report_member(["readme.pdf", sheet]) == sheet
    for members, found in (([], "no member named <report>.xlsx"), ([sheet, "a/b.XLSX"], "2 members")):
        with pytest.raises(WrongMembers, match=found):
            report_member(members)


def listed(*names: str) -> list[NppesFile]:
    return [parse_file_name(name) for name in names]


NOVEMBER = "NPPES_Data_Dissemination_November_2025_V2.zip"
REPORTS = ("NPPES_Deactivated_NPI_Report_101325_V2.zip", "NPPES_Deactivated_NPI_Report_111025_V2.zip")


@pytest.mark.parametrize(
    ("kind", "first", "last", "name"),
    [
        (FileKind.WEEKLY, date(2025, 11, 3), date(2025, 11, 9), WEEKLY),
        (FileKind.WEEKLY, date(2025, 11, 10), date(2025, 11, 16), None),
        (FileKind.MONTHLY, date(2025, 10, 15), date(2025, 11, 14), NOVEMBER),
        (FileKind.MONTHLY, date(2025, 11, 15), date(2025, 12, 14), None),
        (FileKind.DEACTIVATION, date(2025, 10, 15), date(2025, 11, 14), REPORTS[1]),
        (FileKind.DEACTIVATION, date(2025, 10, 1), date(2025, 11, 14), REPORTS[1]),
        (FileKind.DEACTIVATION, date(2025, 10, 11), date(2025, 11, 9), REPORTS[0]),
        (FileKind.DEACTIVATION, date(2025, 9, 11), date(2025, 10, 10), None),
    ],
)
def test_file_of_interval_when_asked_then_the_one_of_these_days_and_never_a_later_one(
    kind: FileKind, first: date, last: date, name: str | None
) -> None:
    found = file_of_interval(listed(WEEKLY, NOVEMBER, *REPORTS), kind, first, last)
    assert (found.name if found else None) == name


def test_monthly_file_date_when_it_ends_in_its_month_then_that_day() -> None:
    (file,) = listed(NOVEMBER)
    assert monthly_file_date(file, Member("m", date(2005, 5, 23), date(2025, 11, 9)), "z") == date(2025, 11, 9)


@pytest.mark.parametrize("last_day", [date(2025, 12, 7), date(2035, 11, 9), date(2025, 10, 12)])
def test_monthly_file_date_when_it_ends_elsewhere_then_refused_and_both_are_named(last_day: date) -> None:
    (file,) = listed(NOVEMBER)
    with pytest.raises(WrongDates, match=f"gs://l/z: m.csv covers until {last_day}, but the file of November 2025"):
        monthly_file_date(file, Member("m.csv", date(2005, 5, 23), last_day), "gs://l/z")


def test_archived_files_when_names_carry_versions_then_each_published_file_once() -> None:
    (weekly,) = listed(WEEKLY)
    stem = archive_prefix(weekly)
    assert archive_object(weekly) == f"{stem}zip" == f"raw/nppes/2025-11-09/{WEEKLY}"
    assert archived_files([f"{stem}zip", f"{stem}0a1b2c3d.zip", "raw/nppes/2025-11-09/notes.txt"]) == [weekly]


# Real NPIs of organizations, from CMS's file of November 2020.
@pytest.mark.parametrize("npi", ["1497758544", "1366445397", "1326041336", "1831192061", "1609879857"])
def test_npi_when_real_then_valid_and_every_other_last_digit_is_not(npi: str) -> None:
    others = {npi[:9] + digit for digit in "0123456789"} - {npi}

    assert npi_check_digit(npi[:9]) == npi[9]
    assert npi_is_valid(npi)
    assert not any(npi_is_valid(other) for other in others)


@pytest.mark.parametrize(
    "text", ["", "149775854", "14977585440", "149775854X", "1497758544.0", "3497758546", "１４９７７５８５４４"]
)
def test_npi_when_not_ten_ascii_digits_from_one_or_two_then_invalid(text: str) -> None:
    assert not npi_is_valid(text)
