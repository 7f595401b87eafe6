from __future__ import annotations

from datetime import date

import pytest

from include.airflow.schedules import CRONS, interval_of, interval_schedule


@pytest.mark.parametrize("day", [date(2025, 11, 3), date(2025, 11, 5), date(2025, 11, 9)])
def test_interval_of_when_any_day_of_the_week_then_monday_to_monday(day: date) -> None:
    start, end = interval_of("ingest_nppes_weekly", day)
    assert (start.isoformat(), end.isoformat()) == ("2025-11-03T00:00:00+00:00", "2025-11-10T00:00:00+00:00")


def test_interval_of_when_daily_then_that_day() -> None:
    start, end = interval_of("load_events", date(2025, 11, 9))
    assert (start.date(), end.date()) == (date(2025, 11, 9), date(2025, 11, 10))


def test_interval_schedule_when_manual_then_nothing_starts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_SCHEDULES", "manual")
    assert {interval_schedule(dag_id) for dag_id in CRONS} == {None}
    monkeypatch.setenv("GTM_SCHEDULES", "cron")
    assert None not in {interval_schedule(dag_id) for dag_id in CRONS}
