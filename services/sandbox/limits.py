"""Request limits in real time: so many requests in a sliding window."""

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
