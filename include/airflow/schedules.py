"""Every time-driven schedule in one place, so that clashes are seen at a glance. Everything else runs on assets."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta

import pendulum
from airflow.timetables.interval import CronDataIntervalTimetable

# All UTC. An interval DAG owns the interval that ends when it runs.
CRONS = {
    "ingest_nppes_weekly": "0 0 * * 1",  # Monday to Monday: CMS publishes the week that ended on Sunday
    # The 15th to the 15th: CMS publishes both about the second Monday, which is the 14th at the latest.
    "ingest_nppes_monthly": "0 0 15 * *",
    "ingest_nppes_deactivation": "0 0 15 * *",
    "check_freshness": "0 9 * * *",  # a day, once the night's loads are done
    "deliver_alerts": "*/15 * * * *",  # a quarter of an hour is the longest that an alert waits
    "check_connections": "0 8 * * *",  # a day, before people start to work
    "ingest_board_licenses": "0 13 * * *",  # a day until 13:00: after the boards' nightly exports
    "ingest_ad_performance": "0 12 * * *",  # a day until 12:00: it has ended in every American time zone
    "ingest_site_visits": "0 12 * * *",
    "ingest_ga4": "0 12 * * *",
    "load_events": "0 0 * * *",  # a day, by the time of receipt
}


def interval_schedule(dag_id: str) -> CronDataIntervalTimetable | None:
    """Return the timetable of an interval DAG; None where ``GTM_SCHEDULES=manual`` says that only a person or a test starts runs."""
    if os.environ.get("GTM_SCHEDULES", "cron") == "manual":
        return None
    return _timetable(dag_id)


def interval_of(dag_id: str, day: date) -> tuple[datetime, datetime]:
    """Return start and end of the interval of ``dag_id`` that contains ``day``."""
    noon = pendulum.instance(datetime.combine(day, time(12), tzinfo=UTC))
    for days in range(1, 400):
        interval = _timetable(dag_id).infer_manual_data_interval(run_after=noon + timedelta(days=days))
        if interval.start <= noon < interval.end:
            return interval.start, interval.end
    raise ValueError(f"{dag_id}: no interval of {CRONS[dag_id]!r} contains {day}.")


def _timetable(dag_id: str) -> CronDataIntervalTimetable:
    return CronDataIntervalTimetable(CRONS[dag_id], timezone="UTC")
