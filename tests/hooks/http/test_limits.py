"""The token bucket with a clock that the test moves."""

from __future__ import annotations

import pytest

from hooks.http.limits import TokenBucket


def test_reserve_when_calls_come_at_once_then_each_waits_behind_the_one_before() -> None:
    bucket = TokenBucket(rate=2.0, clock=lambda: 0.0)
    assert [bucket.reserve() for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]


def test_reserve_when_calls_are_slower_than_the_rate_then_never_waits() -> None:
    moments = iter([0.0, 0.0, 1.0, 2.0, 3.0])
    bucket = TokenBucket(rate=1.0, clock=lambda: next(moments))
    assert [bucket.reserve() for _ in range(4)] == [0.0, 0.0, 0.0, 0.0]


def test_reserve_after_a_long_rest_then_allows_the_burst_and_no_more() -> None:
    now = [0.0]
    bucket = TokenBucket(rate=1.0, burst=2.0, clock=lambda: now[0])
    now[0] = 1000.0
    assert [bucket.reserve() for _ in range(3)] == [0.0, 0.0, 1.0]


def test_bucket_with_a_rate_of_zero_then_refuses() -> None:
    with pytest.raises(ValueError, match="requests_per_second must be above 0"):
        TokenBucket(rate=0.0)
