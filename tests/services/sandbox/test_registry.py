"""Reading the registry zips: which rows become people, and what damage does."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from registry_files import MEMBER_1, WEEK_1, Provider, dentists, npi, write_zip

from services.sandbox.registry import has_check_digit, rows, sources

ADA = Provider(npi(1), "ADA", "ABBOT")


def read(folder: Path) -> list[str]:
    return [row.npi for source in sources(folder) for _, row in rows(source)]


def test_rows_when_a_dental_code_is_in_the_second_slot_then_the_row_is_kept(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, [ADA, replace(ADA, npi=npi(2), taxonomy="207R00000X")])
    ((period, row),) = [item for source in sources(tmp_path) for item in rows(source)]
    assert (period, row.npi, row.specialty, row.phone) == ("20251109-20251103", npi(1), "general", "5125550100")
    assert (row.state, row.zip5, row.is_person, row.is_active) == ("TX", "78701", True, True)


@pytest.mark.parametrize(
    ("credential", "taxonomy", "expected"),
    [("D.D.S., MD", "204E00000X", [npi(1)]), ("D M D", "204E00000X", [npi(1)]), ("MD, MDS", "204E00000X", []),
     ("", "204E00000X", []), ("MD", "1223S0112X", [npi(1)])],
)  # fmt: skip
def test_rows_when_oral_surgery_is_coded_as_medicine_then_kept_with_a_dental_degree(
    tmp_path: Path, credential: str, taxonomy: str, expected: list[str]
) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, [replace(ADA, taxonomy=taxonomy, credential=credential)])
    assert read(tmp_path) == expected


@pytest.mark.parametrize("bad", ["2000000000", "1234567890", "123", "abcdefghij", ""])
def test_rows_when_check_digit_is_wrong_then_nobody_has_that_npi(tmp_path: Path, bad: str) -> None:
    assert not has_check_digit(bad)
    write_zip(tmp_path, WEEK_1, MEMBER_1, [replace(ADA, npi=bad)])
    assert read(tmp_path) == []


def test_check_digit_when_it_is_the_published_example_then_true() -> None:
    assert has_check_digit("1234567893")


def test_rows_when_zip_is_truncated_then_the_world_lives_on(tmp_path: Path) -> None:
    path = write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(50))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert read(tmp_path) == []


def test_rows_when_a_line_has_a_column_too_many_then_only_that_line_is_missed(tmp_path: Path) -> None:
    path = write_zip(tmp_path, WEEK_1, MEMBER_1, [ADA, replace(ADA, npi=npi(2)), replace(ADA, npi=npi(3))])
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(MEMBER_1).decode().splitlines()
    lines[2] += ',"EXTRA"'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER_1, "\n".join(lines))
    assert read(tmp_path) == [npi(1), npi(3)]


def test_sources_when_folder_does_not_exist_then_empty(tmp_path: Path) -> None:
    assert sources(tmp_path / "later") == []
