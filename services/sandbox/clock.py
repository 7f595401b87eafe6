"""The world's clock. It stands still until the caller moves it; what falls due on the way happens in time order."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime

Act = Callable[[datetime], None]


class Clock:
    """`now` is world time (UTC). Acts at the same moment happen in the order of their keys, never of scheduling."""

    def __init__(self, start: str) -> None:
        self.now = instant(start)
        self._agenda: list[tuple[datetime, str, int, Act]] = []
        self._count = 0

    def schedule(self, at: datetime, key: str, act: Act) -> None:
        """Lets `act(moment)` happen at `at`, or now if that has passed. `key` must be unique for the moment."""
        self._count += 1
        heapq.heappush(self._agenda, (max(at, self.now), key, self._count, act))

    def move_to(self, moment: datetime) -> int:
        """Moves the clock, lets everything due happen, and gives the number of acts. ValueError if it lies behind."""
        if moment < self.now:
            raise ValueError(f"the clock shows {iso(self.now)} and cannot go back to {iso(moment)}")
        acts = 0
        while self._agenda and self._agenda[0][0] <= moment:
            self.now, _, _, act = heapq.heappop(self._agenda)
            act(self.now)
            acts += 1
        self.now = moment
        return acts

    def pending(self) -> int:
        return len(self._agenda)


def instant(text: str) -> datetime:
    """An ISO time with zone, in UTC. ValueError if it has none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write 2025-11-10T06:00:00Z")
    return moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """UTC with milliseconds and Z, as the vendors write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
