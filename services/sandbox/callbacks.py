"""Callbacks about one request each: Wiza's, Apollo's and Clay's. On time, late, lost, twice or with a false proof."""

import asyncio
import time
from dataclasses import dataclass, field, replace

import httpx

from services.sandbox.faults import CALLBACK_KINDS, Faults

RETRIES = 3
FALSE_PROOF = "0" * 64


@dataclass(frozen=True)
class Callback:
    """One callback. `due`: a monotonic time. `proof`: name and value of the header that proves it, or None."""

    vendor: str
    event_type: str
    due: float
    url: str
    body: bytes
    proof: tuple[str, str] | None = None


@dataclass
class Callbacks:
    """Posts callbacks in the background. Up to 3 more tries on a non-2xx; none after 403 and 404, as Wiza does it."""

    faults: Faults
    # One for all: a client of its own for each callback spends 20 ms of the processor on its TLS context.
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=10, trust_env=False))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def post(self, callback: Callback) -> None:
        task = asyncio.create_task(self._post(callback))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _post(self, callback: Callback) -> None:
        await asyncio.sleep(max(0.0, callback.due - time.monotonic()))
        fault = self.faults.take(callback.vendor, callback.event_type, CALLBACK_KINDS)
        kind = fault.kind if fault else ""
        if kind == "lost_webhook":
            return
        if fault and kind == "late_webhook":
            await asyncio.sleep(fault.seconds)
        if kind == "forged_webhook":
            callback = forged(callback)
        for _ in range(2 if kind == "duplicate_webhook" else 1):
            await _deliver(self.client, callback)


def forged(callback: Callback) -> Callback:
    """The same callback from somebody else: with a false proof, or at an address that was guessed."""
    if callback.proof is None:
        return replace(callback, url=callback.url[:-1] + ("B" if callback.url.endswith("A") else "A"))
    return replace(callback, proof=(callback.proof[0], FALSE_PROOF))


async def _deliver(client: httpx.AsyncClient, callback: Callback) -> None:
    headers = {"content-type": "application/json", **dict([callback.proof] if callback.proof else [])}
    for retry in range(RETRIES + 1):
        try:
            reply = await client.post(callback.url, content=callback.body, headers=headers)
        except httpx.HTTPError:
            reply = httpx.Response(503)
        if reply.is_success or reply.status_code in (403, 404):
            return
        await asyncio.sleep(0.1 * 2**retry)
