"""The point in time that a run works at, against the clock. The caller reads the clock, at the edge of a DAG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

# Two workers' clocks may differ by this much: what one of them just announced is not in the future.
CLOCK_SKEW = timedelta(minutes=1)


class FutureAsOf(ValueError):
    """An ``as_of`` that has not come yet; the message says by how much, why that is refused and what to do."""


def iso(moment: datetime) -> str:
    """Return ``moment`` as ISO 8601 in UTC, to the second; a moment without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")


def newest_carried(events: Mapping[Any, Iterable[Any]]) -> str | None:
    """Return the newest ``as_of`` in the extras of a run's asset events, in the form of ``iso``; None when none has one."""
    carried = [
        iso(datetime.fromisoformat(event.extra["as_of"]))
        for of_asset in events.values()
        for event in of_asset
        if "as_of" in event.extra
    ]
    return max(carried, default=None)


def refuse_future(as_of: str, now: datetime) -> str:
    """Return ``as_of`` in the form of ``iso``. Raises FutureAsOf when it is later than ``now``."""
    moment = iso(datetime.fromisoformat(as_of))
    if datetime.fromisoformat(moment) > now + CLOCK_SKEW:
        raise FutureAsOf(
            f"as_of {moment} is in the future: it is {iso(now)} now. Nothing was done, because features, scores and models "
            "of that time would stand in the way of every run until then. Give a time that has passed, or leave as_of empty."
        )
    return moment


def not_after(as_of: str, now: datetime) -> str:
    """Return the earlier of ``as_of`` and ``now`` in the form of ``iso``."""
    return iso(min(datetime.fromisoformat(iso(datetime.fromisoformat(as_of))), now))
