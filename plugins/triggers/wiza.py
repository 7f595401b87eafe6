"""Waits until Wiza is done with a set of reveals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from hooks.errors import VendorError
from hooks.wiza import WizaHook


class WizaRevealTrigger(BaseTrigger):
    """Fires once: when every reveal is complete, at the deadline, or when polling fails.

    The event is ``{"pending": n, "error": message or None, "progress": as given}``. It holds no answer: answers are about people, and events
    are stored in Airflow's database. The operator fetches them.

    :param progress: the operator's counts, with ``waiting``: request key -> Wiza's id of each reveal to wait for. They come
        back in the event, because ``dag.test()`` drops the kwargs of a deferral when there is an event.
    :param deadline: ISO 8601 moment with offset, absolute, so that a triggerer that restarts does not wait longer.
    :param poll_seconds: pause between two rounds over what is still pending.
    """

    def __init__(self, progress: dict[str, Any], deadline: str, poll_seconds: float, wiza_conn_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.progress = progress
        self.deadline = deadline
        self.poll_seconds = poll_seconds
        self.wiza_conn_id = wiza_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "triggers.wiza.WizaRevealTrigger",
            {
                "progress": self.progress,
                "deadline": self.deadline,
                "poll_seconds": self.poll_seconds,
                "wiza_conn_id": self.wiza_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        hook = WizaHook(self.wiza_conn_id)
        deadline = datetime.fromisoformat(self.deadline)
        pending = list(self.progress["waiting"].values())
        error: str | None = None
        try:
            transport = await hook.get_async_conn()
            try:
                while pending:
                    pending = [id_ for id_ in pending if not await hook.reveal_is_complete(transport, id_)]
                    if not pending or datetime.now(UTC) >= deadline:
                        break
                    await asyncio.sleep(self.poll_seconds)
            finally:
                await transport.aclose()
        except VendorError as failed:
            error = str(failed)
        yield TriggerEvent({"pending": len(pending), "error": error, "progress": self.progress})  # type: ignore[no-untyped-call]
