"""Pacing to a vendor's published rate, inside one process. Across workers the vendor's Airflow pool is the limit."""

import threading
import time
from collections.abc import Callable, Iterator


class TokenBucket:
    """Lets `rate` calls a second through on average, and at most `burst` at once.

    It hands out waiting times and does not sleep itself, so that threads and coroutines share one arithmetic.
    clock: seconds from any fixed start, monotonic.
    """

    def __init__(self, rate: float, burst: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        if rate <= 0:
            raise ValueError(f"requests_per_second must be above 0, not {rate}: correct the connection's extra")
        if burst < 1:
            raise ValueError(f"burst must be at least 1 call, not {burst}")
        self.rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._seen = clock()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Take one token and return the seconds to wait before using it; 0.0 means now.

        Tokens may go below zero: each later caller then waits behind the earlier ones.
        """
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._seen) * self.rate)
            self._seen = now
            self._tokens -= 1.0
            return max(0.0, -self._tokens / self.rate)


def poll_pauses(deadline: float) -> Iterator[float]:
    """Yield the pauses between looks at something that is being made: 0.5, 1, 2 … 15, 15 s, `deadline` seconds in all."""
    waited, pause = 0.0, 0.5
    while waited < deadline:
        yield pause
        waited += pause
        pause = min(pause * 2, 15.0)
