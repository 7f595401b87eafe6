"""The runs that the demo starts beside the weekly file: found by CMS's names, with the intervals that own them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from services.demo.sources import board_run, monthly_runs, site_and_ad_runs
from services.demo.weeks import Week

WEEK = Week(date(2025, 11, 9), published=True)


def days(interval: tuple[object, object]) -> list[str]:
    return [str(moment) for moment in interval]


def test_monthly_runs_when_the_folder_holds_both_then_the_newest_of_each_with_its_month_from_the_15th(
    tmp_path: Path,
) -> None:
    for name in (
        "NPPES_Data_Dissemination_October_2025_V2.zip",
        "NPPES_Data_Dissemination_November_2025_V2.zip",
        "NPPES_Deactivated_NPI_Report_111025_V2.zip",
        "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip",
        "readme.txt",
    ):
        (tmp_path / name).touch()

    runs = {run.dag_id: run for run in monthly_runs(tmp_path, WEEK)}

    owned = ["2025-10-15 00:00:00+00:00", "2025-11-15 00:00:00+00:00"]
    assert {dag_id: days(run.interval) for dag_id, run in runs.items()} == {
        "ingest_nppes_monthly": owned,
        "ingest_nppes_deactivation": owned,
    }
    assert {run.conf["as_of"] for run in runs.values()} == {"2025-11-10T06:00:00+00:00"}


def test_monthly_runs_when_the_report_is_of_the_end_of_a_month_then_the_month_after_the_15th(tmp_path: Path) -> None:
    (tmp_path / "NPPES_Deactivated_NPI_Report_123125_V2.zip").touch()
    (run,) = monthly_runs(tmp_path, WEEK)
    assert days(run.interval) == ["2025-12-15 00:00:00+00:00", "2026-01-15 00:00:00+00:00"]


def test_monthly_runs_when_the_folder_has_weekly_files_only_then_none(tmp_path: Path) -> None:
    (tmp_path / "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip").touch()
    assert monthly_runs(tmp_path, WEEK) == []


def test_runs_of_a_week_own_its_monday_and_the_day_before_its_answers() -> None:
    assert days(board_run(WEEK).interval) == ["2025-11-09 13:00:00+00:00", "2025-11-10 13:00:00+00:00"]
    assert {tuple(days(run.interval)) for run in site_and_ad_runs(WEEK)} == {
        ("2025-11-15 12:00:00+00:00", "2025-11-16 12:00:00+00:00")
    }
