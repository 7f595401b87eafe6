"""What the demo loads besides the weekly file: NPPES's monthly files, the boards, and what site and ads tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from include.nppes.publication import FileKind, NotAnNppesFile, NppesFile, parse_file_name
from services.demo.weeks import Week
from services.embedded.runs import Interval

MONTHLY_DAGS = {
    FileKind.MONTHLY: "ingest_nppes_monthly",
    FileKind.DEACTIVATION: "ingest_nppes_deactivation",
}


@dataclass(frozen=True)
class SourceRun:
    """One run of an interval DAG; ``conf`` as a person would give it."""

    dag_id: str
    interval: Interval
    conf: dict[str, Any] = field(default_factory=dict)


def monthly_runs(nppes_dir: Path, week: Week) -> list[SourceRun]:
    """Return the runs for the newest monthly file and deactivation report in the folder; none where it holds none."""
    newest: dict[FileKind, NppesFile] = {}
    for file in sorted(file for path in nppes_dir.iterdir() if (file := _nppes_file(path.name))):
        newest[file.kind] = file
    return [
        SourceRun(dag_id, _from_the_15th(newest[kind].day), week.conf)
        for kind, dag_id in MONTHLY_DAGS.items()
        if kind in newest
    ]


def board_run(week: Week) -> SourceRun:
    """Return the run that reads every board that is due on the Monday of contact; 13:00 is when their day ends."""
    return SourceRun("ingest_board_licenses", _day_until(week.as_of.date(), time(13)))


def site_and_ad_runs(week: Week) -> list[SourceRun]:
    """Return the runs that read what a day before the week's Sunday brought in the ads, and the days that GA4 may still change."""
    until = _day_until(week.answers_as_of.date(), time(12))
    return [
        SourceRun("ingest_ad_performance", until, {"restate_days": 0}),
        SourceRun("ingest_site_visits", until, {"restate_days": 0}),
        SourceRun("ingest_ga4", until),
    ]


def _day_until(day: date, at: time) -> Interval:
    end = datetime.combine(day, at, tzinfo=UTC)
    return end - timedelta(days=1), end


def _from_the_15th(day: date) -> Interval:
    """The month from a 15th to the next that contains the day: what CMS's monthly files are scheduled by."""
    this = datetime(day.year, day.month, 15, tzinfo=UTC)
    start = this if day.day >= 15 else (this - timedelta(days=31)).replace(day=15)
    return start, (start + timedelta(days=31)).replace(day=15)


def _nppes_file(name: str) -> NppesFile | None:
    try:
        return parse_file_name(name)
    except NotAnNppesFile:
        return None
