"""The receiver's web application: POST /webhooks/<sender>, POST /webhooks/<sender>/<token>, GET /healthz."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from include.events.inbox import InboxEvent
from services.webhooks.inbox import CannotStore, Inbox
from services.webhooks.senders import Sender
from services.webhooks.spool import Spool

logger = logging.getLogger(__name__)

MAXIMUM_BODY_BYTES = 5 * 1024 * 1024
# Kept as evidence. Never a header that holds a secret: Instantly's proof is the secret itself, GHL's a signature.
KEPT_HEADERS = ("content-type", "user-agent", "x-ghl-signature", "x-clay-signature", "x-request-id")
# Beyond this many waiting writes an answer would come too late; asking for another delivery is the honest one.
MAXIMUM_WAITING = 2000


DRAIN_SECONDS = 30


def receiver(senders: Sequence[Sender], inbox: Inbox, writers: int, spool: Spool) -> Starlette:
    """Return the application; ``writers`` is the number of threads that write to the inbox at once.

    :param spool: keeps what the inbox did not take of a sender that delivers nothing twice.
    """
    known = {sender.name: sender for sender in senders}
    counts: Counter[tuple[str, str]] = Counter()
    losing: set[str] = set()  # senders that deliver nothing twice and whose newest event was kept nowhere
    slots: list[anyio.CapacityLimiter] = []  # made inside the event loop, at the first event

    async def receive(request: Request) -> Response:
        sender = known.get(request.path_params["sender"])
        token = request.path_params.get("token")
        if sender is None or (token is None) != (sender.reference is None):
            return JSONResponse({"error": "unknown sender"}, status_code=404)
        try:
            body = await _capped_body(request)
        except ClientDisconnect:
            return _refused(sender, "cut_off", 400)
        if body is None:
            return _refused(sender, "too_large", 413)
        proofs = request.headers.getlist(sender.proof_header) if sender.proof_header else [""]
        reference = sender.reference(token) if sender.reference and token else ""
        if reference is None or len(proofs) != 1 or not sender.is_authentic(proofs[0], body):
            return _refused(sender, "forged", 401)
        if not slots:
            slots.append(anyio.CapacityLimiter(writers))
        headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
        # The reference first, so that an answer is found by it: `<reference>-<body hash>`.
        dedup_key = f"{reference}-{sender.dedup_key(body)}" if reference else sender.dedup_key(body)
        event = InboxEvent(sender.name, dedup_key, datetime.now(UTC), headers, body)
        if slots[0].statistics().tasks_waiting >= MAXIMUM_WAITING:
            return await _put_off(sender, event, "overloaded")
        try:
            is_new = await to_thread.run_sync(inbox.store, event, limiter=slots[0])
        except CannotStore as error:
            logger.error("not stored: %s", error)
            return await _put_off(sender, event, "not_stored")
        counts[sender.name, "stored" if is_new else "duplicate"] += 1
        losing.discard(sender.name)
        return JSONResponse({})

    async def _put_off(sender: Sender, event: InboxEvent, outcome: str) -> Response:
        """Ask for another delivery, or keep the event on disk where there is none."""
        if sender.nack_status is not None:
            return _refused(sender, outcome, sender.nack_status)
        await to_thread.run_sync(spool.keep, event)
        counts[sender.name, "spooled"] += 1
        losing.discard(sender.name)
        return JSONResponse({})

    def _refused(sender: Sender, outcome: str, status: int) -> Response:
        counts[sender.name, outcome] += 1
        logger.warning("%s event refused: %s (HTTP %d)", sender.name, outcome, status)
        return JSONResponse({"error": outcome}, status_code=status)

    async def failed(request: Request, error: Exception) -> Response:
        # A fault of our own must not lose an event either: 500 is final for GHL.
        sender = known.get(request.path_params.get("sender", ""))
        if sender is None:
            return JSONResponse({}, status_code=500)
        if sender.nack_status is None:
            # RB2B delivers nothing again, and any other answer than 200 switches it off until a person turns it on: then all
            # that comes later is lost, too. So this one is lost, and /healthz says it to whoever watches us.
            losing.add(sender.name)
            logger.error("%s event lost: %s", sender.name, type(error).__name__)
        return _refused(sender, "failed", sender.nack_status or 200)

    async def healthz(request: Request) -> Response:
        outcomes: dict[str, dict[str, int]] = {name: {} for name in known}
        for (name, outcome), count in sorted(counts.items()):
            outcomes[name][outcome] = count
        status = f"events are lost: {', '.join(sorted(losing))}" if losing else "ok"
        return JSONResponse({"status": status, "events": outcomes}, status_code=503 if losing else 200)

    async def drain() -> None:
        while True:
            await to_thread.run_sync(spool.drain, inbox.store)
            await anyio.sleep(DRAIN_SECONDS)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drain)
            yield
            tasks.cancel_scope.cancel()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/webhooks/{sender}", receive, methods=["POST"]),
            Route("/webhooks/{sender}/{token}", receive, methods=["POST"]),
            Route("/healthz", healthz, methods=["GET"]),
        ],
        exception_handlers={Exception: failed},
    )


async def _capped_body(request: Request) -> bytes | None:
    """Return the raw body, or None as soon as it is longer than the cap."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAXIMUM_BODY_BYTES:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAXIMUM_BODY_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
