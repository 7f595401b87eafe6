"""Points in time against the clock: what is refused, what is capped, and in which form they come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.as_of import CLOCK_SKEW, FutureAsOf, iso, not_after, refuse_future

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2025-11-16T23:00:00+00:00", "2025-11-16T23:00:00+00:00"),
        ("2026-11-30T12:00:00", "2026-11-30T12:00:00+00:00"),
        ("2026-11-30T07:00:00.5-05:00", "2026-11-30T12:00:00+00:00"),
        ((NOW + CLOCK_SKEW).isoformat(), "2026-11-30T12:01:00+00:00"),  # another worker's clock
    ],
)
def test_refuse_future_when_the_time_has_passed_then_returns_it_in_utc(given: str, expected: str) -> None:
    assert refuse_future(given, NOW) == expected


@pytest.mark.parametrize(
    "given", ["2026-12-01T00:00:00+00:00", "2026-11-30T12:01:01", "2026-11-30T12:00:00-05:00", "2099-01-01"]
)
def test_refuse_future_when_the_time_has_not_come_then_says_what_time_it_is_and_what_to_do(given: str) -> None:
    with pytest.raises(FutureAsOf, match=r"it is 2026-11-30T12:00:00\+00:00 now.*or leave as_of empty"):
        refuse_future(given, NOW)


def test_not_after_when_the_time_has_not_come_then_is_now_and_else_itself() -> None:
    assert not_after("2026-12-01T00:00:00+00:00", NOW) == iso(NOW)
    assert not_after("2026-11-30T11:59:59+00:00", NOW) == "2026-11-30T11:59:59+00:00"
    assert not_after("2026-11-30T12:00:00+01:00", NOW) == iso(NOW - timedelta(hours=1))
