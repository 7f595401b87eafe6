"""What a task says while BigQuery or Cloud Storage keeps it waiting, and when it stops.

Google's clients retry in silence, for ten minutes and more, and have no limit at all for one answer. An adapter under the
client sees every request: so each wait is a line in the log, once a minute at least, and has an end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from requests.adapters import HTTPAdapter

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
# As long as the clients' own retry; the minute ring of retries, which the task has, goes on from there.
PATIENCE = timedelta(minutes=10)
# A statement may hold its answer back while it runs.
ANSWER_WITHIN = timedelta(minutes=30)
CONNECT_SECONDS = 10.0
# Longer than any pause of the clients' retries: what failed before that is another wait.
FORGET_AFTER = timedelta(minutes=2)
AWAY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


class NoAnswer(requests.exceptions.ConnectionError):
    """One request that got no answer; the clients try again. The message names the service and since when it is away."""


class ServiceAway(Exception):
    """The service was away until the deadline: no client tries again. The message names it, since when, and what to do."""


@dataclass(frozen=True)
class Away:
    """Since when a service has not answered, and when that was last seen."""

    since: datetime
    seen: datetime


class WaitingAdapter(HTTPAdapter):
    """Sends a client's requests to one service. Logs every wait for it, and ends it.

    :param service: the service's name in the log.
    :param patience: how long the service may be away before ServiceAway is raised.
    :param every: pause between two lines on one request.
    """

    def __init__(
        self,
        service: str,
        *,
        patience: timedelta = PATIENCE,
        answer_within: timedelta = ANSWER_WITHIN,
        every: timedelta = EVERY,
    ) -> None:
        super().__init__()
        self._service = service
        self._patience = patience
        self._answer_within = answer_within
        self._every = every
        self._away: Away | None = None
        self._asked: dict[str, datetime] = {}
        self._told = datetime.now(UTC)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the response. Raises NoAnswer, to be tried again, or ServiceAway, after the deadline."""
        started = datetime.now(UTC)
        what = _what(self._service, request)
        self._tell_of_job(request, what, started)
        if not args and kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_SECONDS, self._answer_within.total_seconds())
        until = f"{started + self._answer_within:%H:%M:%S} UTC"
        try:
            with logged_each(self._every, lambda: f"Waiting for {what} since {started:%H:%M:%S}, until {until}."):
                response = super().send(request, *args, **kwargs)
        except requests.exceptions.SSLError:
            raise
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise NoAnswer(self._note_failure(what, started, type(error).__name__)) from error
        if response.status_code in AWAY_STATUSES:
            self._note_failure(what, started, f"HTTP {response.status_code}")
        else:
            self._away = None
        return response

    def _note_failure(self, what: str, started: datetime, reason: str) -> str:
        """Log a failed request and return the line. Raises ServiceAway when the service's time is over."""
        now, known = datetime.now(UTC), self._away
        goes_on = known is not None and started - known.seen < FORGET_AFTER
        self._away = away = Away(known.since if known and goes_on else started, now)
        until = away.since + self._patience
        said = f"{what} does not answer ({reason}) since {away.since:%H:%M:%S} UTC"
        if now >= until:
            raise ServiceAway(
                f"{said}, and its {self._patience.total_seconds():.0f} s are over. Is it up, and is the connection's "
                "address right? Nothing is half written; clear the task when it answers."
            )
        log.warning("%s; it is asked again until %s UTC at the latest.", said, f"{until:%H:%M:%S}")
        return f"{said}; deadline {until:%H:%M:%S}"

    def _tell_of_job(self, request: requests.PreparedRequest, what: str, now: datetime) -> None:
        """Log, once a minute, that a job is asked for again and again: it runs for long."""
        path = _path(request)
        if request.method != "GET" or not ("/jobs/" in path or "/queries/" in path):
            return
        if path not in self._asked:
            self._asked = {path: now}
            self._told = now
        elif now - self._told >= self._every:
            self._told = now
            log.info(
                "Waiting for %s since %s UTC, until the task's execution_timeout.",
                what,
                f"{self._asked[path]:%H:%M:%S}",
            )


def log_waits(session: requests.Session, service: str, **limits: timedelta) -> None:
    """Make a client's session log its waits for ``service`` and end them."""
    adapter = WaitingAdapter(service, **limits)
    session.mount("https://", adapter)
    session.mount("http://", adapter)


@contextmanager
def logged_each(every: timedelta, line: Callable[[], str]) -> Iterator[None]:
    """Log ``line()`` each time that ``every`` has passed within the block."""
    is_over = threading.Event()

    def tell() -> None:
        while not is_over.wait(every.total_seconds()):
            log.info(line())

    threading.Thread(target=tell, daemon=True, name="logged_each").start()
    try:
        yield
    finally:
        is_over.set()


def _what(service: str, request: requests.PreparedRequest) -> str:
    """Name a request without its query and without an object's name, which may be about a person."""
    host = (request.url or "").split("/")[2]
    return f"{service} at {host} ({request.method} {_path(request).split('/o/')[0]})"


def _path(request: requests.PreparedRequest) -> str:
    return request.path_url.split("?")[0]
