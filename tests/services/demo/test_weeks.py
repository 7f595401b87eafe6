from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from services.demo.weeks import weeks

NAME = "NPPES_Data_Dissemination_{}_Weekly_V2.zip"


def folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).touch()
    return tmp_path


def test_weeks_when_two_files_then_two_cycles_on_the_mondays_after(tmp_path: Path) -> None:
    first, second = weeks(folder(tmp_path, NAME.format("111025_111625"), NAME.format("110325_110925"), "notes.txt"))
    assert (first.sunday, second.sunday) == (date(2025, 11, 9), date(2025, 11, 16))
    assert first.as_of.isoformat() == "2025-11-10T06:00:00+00:00"
    assert first.answers_as_of < second.as_of
    assert first.answers_as_of.isocalendar().week == first.as_of.isocalendar().week


def test_weeks_when_one_file_then_the_second_cycle_has_nothing_new(tmp_path: Path) -> None:
    assert [w.published for w in weeks(folder(tmp_path, NAME.format("081726_082326")))] == [True, False]


def test_weeks_when_many_files_then_the_newest_count(tmp_path: Path) -> None:
    names = [NAME.format(w) for w in ("102025_102625", "102725_110225", "110325_110925")]
    assert [w.sunday for w in weeks(folder(tmp_path, *names))] == [date(2025, 11, 2), date(2025, 11, 9)]


def test_weeks_when_no_weekly_file_then_error_shows_the_expected_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip"):
        weeks(folder(tmp_path, "npidata.csv"))
