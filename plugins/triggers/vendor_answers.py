"""Waits until a vendor is done with a set of paid calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Protocol

from airflow.triggers.base import BaseTrigger, TriggerEvent

from hooks.http.errors import VendorError
from hooks.http.transport import AsyncTransport
from include.enrichment.vendors import UnknownVendor

PROGRESS_EVERY = timedelta(minutes=1)


# Vendors that answer later -> their hooks, each imported when it is waited for.
POLLED = {"clay": "hooks.clay.ClayHook", "wiza": "hooks.wiza.WizaHook"}


class Polled(Protocol):
    """What waiting needs of a hook."""

    async def get_async_conn(self) -> AsyncTransport: ...

    async def is_over(self, transport: AsyncTransport, ref: str, /) -> bool:
        """Whether waiting longer is pointless: done, failed, or unknown to the vendor."""


class VendorAnswersTrigger(BaseTrigger):
    """Fires once: when every call is complete, at the deadline, or when polling fails.

    The event is ``{"pending": n, "error": message or None, "progress": as given}``. It holds no answer: answers are about
    people, and events are stored in Airflow's database. The operator fetches them. Polling alone decides, so a callback
    that is lost delays nothing.

    :param vendor: one of POLLED; UnknownVendor for another one.
    :param progress: the operator's counts, with ``waiting``: call key -> [the vendor's id, people] of what to wait for.
        They come back in the event, because ``dag.test()`` drops the kwargs of a deferral when there is an event.
    :param deadline: ISO 8601 moment with offset, absolute, so that a triggerer that restarts does not wait longer. A
        stopped run at Clay says "in progress" for ever.
    :param poll_seconds: pause between two rounds over what is still pending.
    """

    def __init__(self, vendor: str, progress: dict[str, Any], deadline: str, poll_seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        _check(vendor)
        self.vendor = vendor
        self.progress = progress
        self.deadline = deadline
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "triggers.vendor_answers.VendorAnswersTrigger",
            {
                "vendor": self.vendor,
                "progress": self.progress,
                "deadline": self.deadline,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        deadline = datetime.fromisoformat(self.deadline)
        began = told = datetime.now(UTC)
        pending = [str(ref) for ref, _ in self.progress["waiting"].values()]
        error: str | None = None
        try:
            hook = _polled(self.vendor)
            transport = await hook.get_async_conn()
            try:
                while pending and datetime.now(UTC) < deadline:
                    # Also before the first look: a trigger that fires before the scheduler has taken note that its task left
                    # the worker costs that task a try.
                    await asyncio.sleep(self.poll_seconds)
                    pending = [ref for ref in pending if not await hook.is_over(transport, ref)]
                    now = datetime.now(UTC)
                    if pending and now - told >= PROGRESS_EVERY:
                        told = now
                        self.log.info(
                            "Waiting for %d answers of %s since %s, until %s.",
                            len(pending), self.vendor, began.isoformat(timespec="seconds"), self.deadline,
                        )  # fmt: skip
            finally:
                await transport.aclose()
        except VendorError as failed:
            error = str(failed)
        yield TriggerEvent({"pending": len(pending), "error": error, "progress": self.progress})  # type: ignore[no-untyped-call]


def _check(vendor: str) -> None:
    if vendor not in POLLED:
        raise UnknownVendor(
            f"{vendor!r} answers at once, or is no vendor: nothing can wait for it. Known are {', '.join(sorted(POLLED))}; add its "
            "hook to POLLED in triggers/vendor_answers.py (CONTRIBUTING.md)."
        )


def _polled(vendor: str) -> Polled:
    module, _, name = POLLED[vendor].rpartition(".")
    hook: Polled = getattr(import_module(module), name)()
    return hook
