"""Waits until a vendor is done with a set of paid calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from hooks.clay import ClayHook
from hooks.http.errors import VendorError
from hooks.http.transport import AsyncTransport
from hooks.wiza import WizaHook

TELL_EVERY = timedelta(minutes=1)


class VendorAnswersTrigger(BaseTrigger):
    """Fires once: when every call is complete, at the deadline, or when polling fails.

    The event is ``{"pending": n, "error": message or None, "progress": as given}``. It holds no answer: answers are about
    people, and events are stored in Airflow's database. The operator fetches them. Polling alone decides, so a callback
    that is lost delays nothing.

    :param vendor: wiza or clay.
    :param progress: the operator's counts, with ``waiting``: call key -> [the vendor's id, people] of what to wait for.
        They come back in the event, because ``dag.test()`` drops the kwargs of a deferral when there is an event.
    :param deadline: ISO 8601 moment with offset, absolute, so that a triggerer that restarts does not wait longer. A
        stopped run at Clay says "in progress" for ever.
    :param poll_seconds: pause between two rounds over what is still pending.
    """

    def __init__(self, vendor: str, progress: dict[str, Any], deadline: str, poll_seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
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
            hook = WizaHook() if self.vendor == "wiza" else ClayHook()
            transport = await hook.get_async_conn()
            try:
                while pending and datetime.now(UTC) < deadline:
                    # Also before the first look: a trigger that fires before the scheduler has taken note that its task left
                    # the worker costs that task a try.
                    await asyncio.sleep(self.poll_seconds)
                    pending = [ref for ref in pending if not await _is_over(hook, transport, ref)]
                    now = datetime.now(UTC)
                    if pending and now - told >= TELL_EVERY:
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


async def _is_over(hook: WizaHook | ClayHook, transport: AsyncTransport, ref: str) -> bool:
    if isinstance(hook, WizaHook):
        return await hook.reveal_is_complete(transport, int(ref))
    return await hook.run_is_over(transport, ref)
