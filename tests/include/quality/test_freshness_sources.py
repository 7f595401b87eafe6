"""Freshness: a source that is overdue, and a hole between two files, are alarms; a source that is not used is none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from include.quality.freshness_sources import SOURCES, Source, freshness_alerts
from include.warehouse.tables import table

SUNDAY = date(2025, 11, 9)
WEEKS = {SUNDAY - timedelta(days=7 * back) for back in range(5)}


def alerts(loaded: set[date], day: date) -> list[tuple[str, str]]:
    found = freshness_alerts({"nppes_weekly": loaded}, day)
    return [(alert.severity, alert.subject) for alert in found if alert.source == "nppes_weekly"]


def test_freshness_when_the_next_week_may_still_come_then_no_alert() -> None:
    assert alerts(WEEKS, SUNDAY + timedelta(days=9)) == []


def test_freshness_when_the_next_week_is_overdue_then_error_says_since_when_and_where_to_look() -> None:
    (alert,) = [a for a in freshness_alerts({"nppes_weekly": WEEKS}, date(2025, 11, 19)) if a.source == "nppes_weekly"]
    assert (alert.severity, alert.subject) == ("error", "raw.nppes_npi")
    assert "2025-11-09, 10 days before 2025-11-19" in alert.message
    assert "ingest_nppes_weekly" in alert.message


def test_freshness_when_a_week_is_missing_between_two_then_error_names_it() -> None:
    hole = SUNDAY - timedelta(days=14)
    assert alerts(WEEKS - {hole}, SUNDAY) == [("error", f"raw.nppes_npi {hole}")]


def test_freshness_when_a_hole_is_older_than_any_publisher_keeps_then_no_alert() -> None:
    assert alerts({SUNDAY - timedelta(days=700), *WEEKS}, SUNDAY) == [
        ("error", f"raw.nppes_npi {SUNDAY - timedelta(days=7 * back)}") for back in (8, 7, 6, 5)
    ]


def test_freshness_when_a_past_day_is_looked_at_then_later_loads_do_not_count() -> None:
    assert alerts({SUNDAY, SUNDAY + timedelta(days=28)}, SUNDAY + timedelta(days=20)) == [("error", "raw.nppes_npi")]


def test_freshness_when_a_day_between_two_may_still_come_late_then_no_alert_until_its_time_has_passed() -> None:
    came = date(2025, 11, 12)
    ga4 = {"ga4": {came - timedelta(days=back) for back in (0, 1, 2, 4, 5)}}  # the 9th is missing

    def on(day: date) -> list[str]:
        return [alert.subject for alert in freshness_alerts(ga4, day) if alert.source == "ga4"]

    assert on(date(2025, 11, 13)) == []
    assert on(date(2025, 11, 14)) == ["raw.ga4_events 2025-11-09"]


@pytest.mark.parametrize("source", [source for source in SOURCES if source.every == 1], ids=lambda source: source.name)
def test_freshness_when_one_day_of_a_daily_source_is_missing_then_error_names_it(source: Source) -> None:
    days = {SUNDAY - timedelta(days=back) for back in range(15)}
    hole = SUNDAY - timedelta(days=9)
    found = [alert for alert in freshness_alerts({source.name: days - {hole}}, SUNDAY) if alert.source == source.name]
    assert [(alert.severity, alert.subject) for alert in found] == [("error", f"{source.table} {hole}")]


def test_freshness_when_a_source_was_never_loaded_then_a_warning_only() -> None:
    found = freshness_alerts({}, SUNDAY)
    assert {alert.severity for alert in found} == {"warning"}
    assert [alert.source for alert in found] == [source.name for source in SOURCES]


def test_sender_when_it_falls_silent_then_error_says_where_to_look() -> None:
    def of_instantly(day: date) -> list[tuple[str, str, str]]:
        found = freshness_alerts({"event_instantly": {SUNDAY, SUNDAY - timedelta(days=3)}}, day)
        return [(a.severity, a.subject, a.message) for a in found if a.source == "event_instantly"]

    assert of_instantly(SUNDAY + timedelta(days=5)) == []
    ((severity, subject, message),) = of_instantly(SUNDAY + timedelta(days=6))
    assert (severity, subject) == ("error", "raw.event")
    assert "2025-11-09, 6 days before 2025-11-15" in message and "docs/webhooks.md" in message


def test_sources_name_every_sender_that_raw_event_knows() -> None:
    (column,) = [column for column in table("raw.event").columns if column.name == "sender"]
    assert {f"event_{name}" for name in column.description.split(" | ")} == {
        source.name for source in SOURCES if source.name.startswith("event_")
    }


def test_sources_name_tables_and_dags_that_exist() -> None:
    from pathlib import Path

    files = {path.stem for path in Path(__file__).resolve().parents[3].glob("dags/*/*.py")}
    assert len({source.name for source in SOURCES}) == len(SOURCES)
    for source in SOURCES:
        assert isinstance(source, Source)
        assert table(source.table).name == source.table
        assert source.dag_id in files
        assert source.longest_gap >= source.every
