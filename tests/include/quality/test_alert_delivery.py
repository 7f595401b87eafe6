"""Which alerts are sent: once, again while they stand, once more when they are gone, not while they are muted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from include.quality.alert_delivery import Delivered, Delivery, Standing, due, messages
from include.quality.mutes import Mute

MONDAY = datetime(2025, 11, 10, 9, tzinfo=UTC)
SILENT = Standing("freshness", "ga4", "raw.ga4_events", "error", "ga4: the newest data is of 2025-11-01.")
ODD = Standing("refused_answers", "wiza", "reveal k1", "warning", "1 answer was refused.")
MUTE = Mute("freshness", "ga4", "*", "Property moves.", "Ann Lee", date(2025, 11, 10), date(2025, 11, 12))


def sent(alert: Standing, at: datetime) -> Delivered:
    return Delivered(alert.check_name, alert.source, alert.subject, alert.severity, alert.message, at)


def events(standing: list[Standing], before: list[Delivered], mutes: list[Mute], at: datetime) -> list[tuple[str, str]]:
    return [(one.event, one.alert.check_name) for one in due(standing, before, mutes, at)]


def days(alert: Standing, hours: int, mutes: list[Mute] | None = None) -> list[tuple[float, str]]:
    """Return (hour, event) of what is sent while an alert stands for so many hours, looked at each quarter of an hour, and then is gone."""
    before: list[Delivered] = []
    told = []
    for quarter in range(4 * hours + 2):
        at = MONDAY + timedelta(minutes=15 * quarter)
        stands = [alert] if quarter <= 4 * hours else []
        for one in due(stands, before, mutes or [], at):
            told.append((quarter / 4, one.event))
            before = [] if one.event == "resolved" else [sent(one.alert, at)]
    return told


def test_error_when_it_stands_for_three_days_then_one_message_a_day_and_one_at_its_end() -> None:
    assert days(SILENT, 71) == [(0, "raised"), (24, "repeated"), (48, "repeated"), (71.25, "resolved")]


def test_warning_when_it_stands_then_it_is_repeated_after_a_week() -> None:
    assert days(ODD, 24 * 8) == [(0, "raised"), (168, "repeated"), (192.25, "resolved")]


def test_warning_when_it_becomes_an_error_then_it_is_sent_at_once() -> None:
    worse = Standing(ODD.check_name, ODD.source, ODD.subject, "error", "m")
    assert events([worse], [sent(ODD, MONDAY)], [], MONDAY + timedelta(hours=1)) == [("raised", "refused_answers")]


def test_alert_when_it_is_muted_then_silent_until_the_mute_ends_and_then_both_are_sent() -> None:
    assert events([SILENT], [], [MUTE], MONDAY) == []
    assert events([SILENT], [], [MUTE], MONDAY + timedelta(days=2)) == []
    after = due([SILENT], [], [MUTE], MONDAY + timedelta(days=3))
    assert [(one.event, one.alert.check_name) for one in after] == [("raised", "expired_mute"), ("raised", "freshness")]
    assert "by Ann Lee ended on 2025-11-12 (Property moves.)" in after[0].alert.message
    assert events([SILENT], [], [MUTE], MONDAY - timedelta(days=1)) == [("raised", "freshness")]


def test_mute_past_its_end_when_it_is_taken_out_then_that_is_told() -> None:
    at = MONDAY + timedelta(days=3)
    (expired,) = due([], [], [MUTE], at)
    assert events([], [sent(expired.alert, at)], [], at + timedelta(hours=1)) == [("resolved", "expired_mute")]


def test_alert_when_it_was_sent_before_it_was_muted_and_is_gone_then_its_end_is_sent() -> None:
    assert events([], [sent(SILENT, MONDAY)], [MUTE], MONDAY + timedelta(hours=1)) == [("resolved", "freshness")]


def test_run_when_it_is_for_an_earlier_time_then_nothing_is_repeated() -> None:
    assert events([SILENT], [sent(SILENT, MONDAY)], [], MONDAY - timedelta(days=9)) == []


def test_messages_when_there_are_many_then_errors_one_by_one_and_the_warnings_in_one() -> None:
    warnings = [
        Delivery("raised", Standing("freshness", f"s{n}", f"s{n}", "warning", f"s{n} was never loaded."))
        for n in range(3)
    ]
    found = messages([Delivery("raised", SILENT), Delivery("resolved", ODD), *warnings])
    titles = [(message.title, message.severity, message.is_resolved, len(about)) for message, about in found]
    assert titles == [
        ("freshness: ga4, raw.ga4_events", "error", False, 1),
        ("refused_answers: wiza, reveal k1", "warning", True, 1),
        ("3 warnings in ops.alert", "warning", False, 3),
    ]
    assert "* freshness, s2: s2 was never loaded." in found[2][0].advice


def test_message_when_it_is_repeated_then_it_says_so_under_the_same_key() -> None:
    raised, repeated = (messages([Delivery(event, SILENT)])[0][0] for event in ("raised", "repeated"))
    assert raised.key == repeated.key == "alert/freshness/ga4/raw.ga4_events"
    assert repeated.title == "freshness: ga4, raw.ga4_events still stands"


def test_message_when_several_dates_raised_it_then_it_says_how_many_and_names_nobody() -> None:
    gone = Standing("vanished_npis", "nppes_monthly", "2000000002", "error", "3 NPIs, such as 2000000002.", dates=2)
    ((message, _),) = messages([Delivery("raised", gone)])
    assert message.title == "vanished_npis: nppes_monthly, [masked]"
    assert message.advice == "3 NPIs, such as [masked]. (raised for 2 dates; this is the newest)"
