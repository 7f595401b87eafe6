"""Webhooks out: signed or with their secret header, in event-time order, over kept-alive connections.

Order holds per lead (a lane is a hash of the lead); several lanes run side by side, as no vendor promises more.
A failed delivery is tried again `webhook_tries` times in all with short real waits, then recorded as failed.
"""

import asyncio
import base64
import hashlib
import json
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from services.sandbox.faults import WEBHOOK_KINDS, Faults
from services.sandbox.plan import Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outgoing:
    """One event on its way. `lane` keeps the events of one lead in order."""

    at: datetime
    sender: str
    event_type: str
    lane: str
    url: str
    headers: dict[str, str]
    payload: dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """One delivery attempt; status_code None when no answer came."""

    outgoing: Outgoing
    retry: int
    status_code: int | None
    error: str | None
    milliseconds: float
    is_last: bool

    @property
    def succeeded(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


class Courier:
    """Collects events while the clock moves, delivers them when told to, and keeps the history of attempts."""

    def __init__(self, plan: Plan, faults: Faults) -> None:
        self.plan = plan
        self.faults = faults
        self.key = signing_key(plan.seed, plan.ghl_signing_key)
        self.history: list[Attempt] = []
        self._waiting: list[Outgoing] = []

    def post_ghl(self, at: datetime, lane: str, payload: dict[str, Any]) -> None:
        """Queues a Go High Level app event for the receiver. Nothing is sent when no receiver URL was given."""
        if self.plan.webhook_url:
            url = self.plan.webhook_url.rstrip("/") + "/webhooks/ghl"
            self._waiting.append(Outgoing(at, "ghl", payload["type"], lane, url, {}, payload))

    def post_instantly(
        self, at: datetime, lane: str, url: str, headers: dict[str, str], payload: dict[str, Any]
    ) -> None:
        """Queues an Instantly event for one registered webhook."""
        self._waiting.append(Outgoing(at, "instantly", payload["event_type"], lane, url, headers, payload))

    async def deliver(self) -> tuple[dict[str, int], int]:
        """Sends what is queued. ({sender: delivered}, failed)."""
        waiting, self._waiting = self._waiting, []
        lanes: list[list[Outgoing]] = [[] for _ in range(self.plan.webhook_lanes)]
        for outgoing in waiting:
            number = int(hashlib.sha256(outgoing.lane.encode()).hexdigest()[:8], 16) % len(lanes)
            lanes[number].append(outgoing)
        limits = httpx.Limits(max_connections=len(lanes), max_keepalive_connections=len(lanes))
        async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as client:
            counts = await asyncio.gather(*(self._deliver_lane(client, lane) for lane in lanes))
        total: Counter[str] = sum(counts, Counter())
        failed = total.pop("failed", 0)
        return dict(total), failed

    async def _deliver_lane(self, client: httpx.AsyncClient, lane: list[Outgoing]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for outgoing in lane:
            fault = self.faults.take(outgoing.sender, outgoing.event_type, WEBHOOK_KINDS)
            if fault and fault.kind == "lost_webhook":
                self.history.append(Attempt(outgoing, 0, None, "lost on the way", 0.0, is_last=True))
                counts["failed"] += 1
                continue
            if fault and fault.kind == "late_webhook":
                await asyncio.sleep(fault.seconds)
            for _ in range(2 if fault and fault.kind == "duplicate_webhook" else 1):
                succeeded = await self._deliver_one(client, outgoing)
                counts[outgoing.sender if succeeded else "failed"] += 1
        return counts

    async def _deliver_one(self, client: httpx.AsyncClient, outgoing: Outgoing) -> bool:
        body = json.dumps(outgoing.payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"content-type": "application/json", **outgoing.headers}
        if outgoing.sender == "ghl":
            headers["X-GHL-Signature"] = base64.b64encode(self.key.sign(body)).decode()
        for retry in range(self.plan.webhook_tries):
            is_last = retry == self.plan.webhook_tries - 1
            attempt = await _attempt(client, outgoing, headers, body, retry, is_last)
            self.history.append(attempt)
            if attempt.succeeded:
                return True
            if not is_last:
                await asyncio.sleep(self.plan.webhook_retry_seconds * 2**retry)
        log.warning(
            "%s %s was not delivered: %s", outgoing.sender, outgoing.event_type, attempt.error or attempt.status_code
        )
        return False


async def _attempt(
    client: httpx.AsyncClient, outgoing: Outgoing, headers: dict[str, str], body: bytes, retry: int, is_last: bool
) -> Attempt:
    try:
        reply = await client.post(outgoing.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        return Attempt(outgoing, retry, None, type(error).__name__, 0.0, is_last)
    milliseconds = reply.elapsed.total_seconds() * 1000
    return Attempt(
        outgoing, retry, reply.status_code, None if reply.is_success else reply.text[:200], milliseconds, is_last
    )


def signing_key(seed: int, file: Path | None) -> Ed25519PrivateKey:
    """The sandbox's own Ed25519 key: from a PEM file, or else made from the seed."""
    if file is None:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"sandbox ghl webhook key {seed}".encode()).digest())
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file} holds {type(key).__name__}; --ghl-signing-key needs an Ed25519 private key in PEM")
    return key


def public_key(key: Ed25519PrivateKey) -> str:
    """The public half as base64 of its SPKI DER, the form in which Go High Level publishes its own."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
