"""File names, the listing page, members and the check digit."""

from __future__ import annotations

from datetime import date

import pytest

from include.nppes import (
    FileKind,
    NotAnNppesFile,
    NppesFile,
    UnsupportedVersion,
    WrongMembers,
    npi_check_digit,
    npi_is_valid,
    npidata_member,
    parse_file_name,
    published_files,
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


def test_npidata_member_when_header_file_beside_it_then_the_data_file() -> None:
    member = npidata_member(
        [
            "npidata_pfile_20251103-20251109_FileHeader.csv",
            "sub/NPIDATA_pfile_20251103-20251109.CSV",
            "othername_pfile_20251103-20251109.csv",
        ]
    )
    assert member.name == "sub/NPIDATA_pfile_20251103-20251109.CSV"
    assert (member.first_day, member.last_day) == (date(2025, 11, 3), date(2025, 11, 9))


@pytest.mark.parametrize(
    ("members", "found"),
    [
        (["pl_pfile_20251103-20251109.csv"], "no member.*pl_pfile_20251103-20251109.csv"),
        (["npidata_pfile_20251103-20251109.csv", "npidata_pfile_20251110-20251116.csv"], "2 members"),
    ],
)
def test_npidata_member_when_not_exactly_one_then_error_lists_members(members: list[str], found: str) -> None:
    with pytest.raises(WrongMembers, match=found):
        npidata_member(members)


# Real NPIs of organisations, from CMS's file of November 2020.
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
