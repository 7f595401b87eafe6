"""The world's clock: order, no going back, no dependence on when something was scheduled."""

from datetime import timedelta

import pytest

from services.sandbox.clock import Clock, instant, iso

START = "2025-11-10T06:00:00Z"


def test_move_to_when_acts_are_due_then_they_happen_in_time_order_and_later_ones_wait() -> None:
    clock, seen = Clock(START), []
    for hours in (3, 1, 2, 30):
        clock.schedule(
            clock.now + timedelta(hours=hours), f"h{hours}", lambda at, hours=hours: seen.append((hours, at))
        )
    assert clock.move_to(clock.now + timedelta(days=1)) == 3
    assert [hours for hours, _ in seen] == [1, 2, 3]
    assert iso(seen[0][1]) == "2025-11-10T07:00:00.000Z"
    assert (iso(clock.now), clock.pending()) == ("2025-11-11T06:00:00.000Z", 1)


@pytest.mark.parametrize("keys", [("a", "b"), ("b", "a")])
def test_move_to_when_two_acts_share_a_moment_then_their_keys_order_them(keys: tuple[str, str]) -> None:
    clock, seen = Clock(START), []
    for key in keys:
        clock.schedule(clock.now, key, lambda _, key=key: seen.append(key))
    clock.move_to(clock.now)
    assert seen == ["a", "b"]


def test_move_to_when_an_act_schedules_another_that_is_due_then_it_happens_too() -> None:
    clock, seen = Clock(START), []
    clock.schedule(clock.now, "first", lambda at: clock.schedule(at + timedelta(hours=1), "second", seen.append))
    clock.move_to(clock.now + timedelta(hours=2))
    assert [iso(at) for at in seen] == ["2025-11-10T07:00:00.000Z"]


def test_move_to_when_the_moment_lies_behind_then_refused() -> None:
    clock = Clock(START)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.move_to(clock.now - timedelta(seconds=1))


def test_instant_when_text_has_no_zone_then_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        instant("2025-11-10T06:00:00")
