"""Request limits in real time: so many requests in a sliding window, or in one that opens on the first request."""

import time
from collections import deque
from collections.abc import Callable


class Window:
    """At most `limit` requests in any `seconds`; a refused request does not count."""

    def __init__(self, limit: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.seconds = seconds
        self._now = now
        self._taken: deque[float] = deque()

    def has_room(self) -> bool:
        return self.remaining() > 0

    def take(self) -> None:
        self._taken.append(self._now())

    def remaining(self) -> int:
        """How many more requests fit now."""
        horizon = self._now() - self.seconds
        while self._taken and self._taken[0] <= horizon:
            self._taken.popleft()
        return max(0, self.limit - len(self._taken))


class OpeningWindow:
    """At most `limit` requests in `seconds` from the first one on, then the next first one opens it anew.

    None: no limit, but requests are counted. A refused request does not count.
    """

    def __init__(self, limit: int | None, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.seconds = seconds
        self._now = now
        self._opened = float("-inf")
        self._used = 0

    def has_room(self) -> bool:
        return self.limit is None or self.used() < self.limit

    def take(self) -> None:
        if self.used() == 0:
            self._opened = self._now()
        self._used += 1

    def used(self) -> int:
        if self._now() - self._opened >= self.seconds:
            self._used = 0
        return self._used

    def reset_in(self) -> float:
        """Seconds until the window closes."""
        return max(0.0, self._opened + self.seconds - self._now())
