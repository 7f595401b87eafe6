"""The money rule: a paid call or a send is written down before it is made, and its answer before it is read.

One write-once object for each step, under ``calls/<vendor>/<operation>/<request_key>/`` in the lake bucket:

    intent.json     we are about to ask                    (no other object yet: the call is outcome unknown)
    started.json    the vendor took it and gave this id    (its answer can be fetched by that id)
    cut_off.json    the request went out, and its answer was lost on the way: the vendor may well have taken it
    response.json   the answer, or the refusal, as received; it repeats the intent, so that one read tells all

A worker may die between any two steps. Whoever runs next claims the same key and learns which step was reached;
no vendor of ours has idempotency keys, so a call with an unknown outcome is never made again by itself.

The objects hold people's names and addresses: the bucket's access rules are theirs.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Literal

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage

State = Literal["new", "has_response", "outcome_unknown"]
Status = Literal["responded", "failed", "outcome_unknown"]
READERS = 8
_NAME = re.compile(r"[A-Za-z0-9_.\-]+")


class LedgerConflict(Exception):
    """Two calls were made for one request key: something paid twice, or a key does not tell two requests apart."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be done now for one request.

    new: the intent is ours and fresh, so make the call. has_response: read it, do not call.
    outcome_unknown: an earlier caller stopped half-way; with a vendor_ref, fetch the answer by it, without one, do not call.
    """

    request_key: str
    state: State
    vendor_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """All that the ledger knows about one request: a row of raw.vendor_response.

    request and body are JSON text, body exactly as received; body, vendor_ref and responded_at are None until known.
    purpose: what the call was made for (run_id, segment, callback_reference …), {} for a call that tells none.
    was_cut_off: an open call whose request went out for certain; False also where its caller died and could not tell.
    """

    vendor: str
    operation: str
    request_key: str
    person_key: str | None
    status: Status
    http_status: int | None
    vendor_ref: str | None
    request: str
    body: str | None
    credits: float
    cost_usd: float
    requested_at: datetime
    responded_at: datetime | None
    purpose: Mapping[str, str] = field(default_factory=dict)
    was_cut_off: bool = False


class CallLedger:
    """The calls of one vendor operation. clock: the present moment, aware; only recorded, never decided on."""

    def __init__(
        self,
        bucket: storage.Bucket,
        vendor: str,
        operation: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        for name in (vendor, operation):
            _require_name(name)
        self._bucket = bucket
        self._vendor = vendor
        self._operation = operation
        self._clock = clock
        # Our own intents of calls under way: their answers repeat them, and need not read them back.
        self._intents: dict[str, dict[str, Any]] = {}
        self.prefix = f"calls/{vendor}/{operation}/"

    def claim(
        self,
        request_key: str,
        request: Mapping[str, Any],
        person_key: str | None = None,
        purpose: Mapping[str, str] | None = None,
    ) -> Claim:
        """Write the intent unless it exists, and return what may be done.

        request: what will be asked, as JSON; kept with the answer. person_key: NPI, so that a person can be erased.
        purpose: what the call is for, as short texts without a person; kept with the answer.
        """
        _require_name(request_key)
        intent: dict[str, Any] = {
            "vendor": self._vendor,
            "operation": self._operation,
            "request_key": request_key,
            "person_key": person_key,
            "request": dict(request),
            "purpose": dict(purpose or {}),
            "requested_at": self._now(),
            "claim_id": uuid.uuid4().hex,
            "resent_at": [],
        }
        if self._written_once(request_key, "intent", intent):
            self._intents[request_key] = intent
            return Claim(request_key, "new")
        found = self._read(request_key, "intent")
        if found is not None and found["claim_id"] == intent["claim_id"]:
            return Claim(request_key, "new")  # our own write, repeated by the client after a lost answer
        if self._object(request_key, "response").exists():
            return Claim(request_key, "has_response")
        started = self._read(request_key, "started")
        return Claim(request_key, "outcome_unknown", started["vendor_ref"] if started else None)

    def reopen(self, request_key: str, *, asked_before: datetime) -> Claim:
        """Allow a call with an unknown outcome to be made again, because a person decided so. Keeps the first requested_at.

        asked_before: a call that was made, or made again, at that moment or later may be on its way in another task, so it
        stays outcome unknown. Raises LedgerConflict when the vendor's id is known: fetch the answer by it instead of paying again.
        """
        if self._object(request_key, "started").exists() or self._object(request_key, "response").exists():
            raise LedgerConflict(f"{self.prefix}{request_key} has an id or an answer: fetch it, do not ask again")
        blob = self._bucket.get_blob(self._path(request_key, "intent"))
        if blob is None:
            raise LedgerConflict(f"{self.prefix}{request_key} was never asked: claim it")
        intent = json.loads(blob.download_as_bytes())
        if datetime.fromisoformat([intent["requested_at"], *intent["resent_at"]][-1]) >= asked_before:
            return Claim(request_key, "outcome_unknown")
        self._intents.pop(request_key, None)  # the answer must repeat this intent, with its resent_at
        intent["resent_at"].append(self._now())
        blob.upload_from_string(_json(intent), content_type="application/json", if_generation_match=blob.generation)
        return Claim(request_key, "new")

    def withdraw(self, request_key: str) -> None:
        """Forget a call that the vendor certainly did not make: refused before work began, or never sent.

        Never for a call that may have been made: leave that one outcome unknown.
        """
        if self._object(request_key, "response").exists():
            raise LedgerConflict(f"{self.prefix}{request_key} has an answer: it cannot be withdrawn")
        self._intents.pop(request_key, None)
        # The id goes first: a crash in between leaves an intent alone, which is outcome unknown and so still safe.
        for step in ("started", "cut_off", "intent"):
            try:
                self._object(request_key, step).delete()
            except NotFound:
                continue

    def record_started(self, request_key: str, vendor_ref: str) -> None:
        """Write down the vendor's id of an asynchronous call. Again with the same id: nothing happens."""
        if self._written_once(request_key, "started", {"vendor_ref": vendor_ref, "started_at": self._now()}):
            return
        before = self._read(request_key, "started")
        if before is None or before["vendor_ref"] != vendor_ref:
            known = before["vendor_ref"] if before else "nothing"
            raise LedgerConflict(
                f"{self.prefix}{request_key} was started as {known} and again as {vendor_ref}: asked twice"
            )

    def record_cut_off(self, request_key: str) -> None:
        """Write down that the request went out and its answer was lost on the way."""
        self._written_once(request_key, "cut_off", {"cut_off_at": self._now()})

    def record_response(
        self,
        request_key: str,
        body: str | None,
        *,
        status: Literal["responded", "failed"] = "responded",
        http_status: int | None = 200,
        vendor_ref: str | None = None,
        credits: float = 0.0,
        cost_usd: float = 0.0,
    ) -> bool:
        """Write the answer. Returns False when one is there already: the first one stays.

        body: JSON text exactly as received, None when there is none. status `failed`: the vendor refused this request
        for good. Raises LedgerConflict for a request that was never claimed.
        """
        intent = self._intents.pop(request_key, None) or self._read(request_key, "intent")
        if intent is None:
            raise LedgerConflict(f"{self.prefix}{request_key} has no intent: claim a request before calling")
        answer = {
            "status": status,
            "http_status": http_status,
            "vendor_ref": vendor_ref,
            "body": body,
            "credits": credits,
            "cost_usd": cost_usd,
            "responded_at": self._now(),
        }
        return self._written_once(request_key, "response", {**intent, **answer})

    def entry(self, request_key: str) -> Entry | None:
        """All that is known about one request, None when it was never claimed."""
        answer = self._read(request_key, "response")
        if answer is not None:
            return self._entry(request_key, answer)
        intent = self._read(request_key, "intent")
        if intent is None:
            return None
        started = self._read(request_key, "started")
        pending = {
            "status": "outcome_unknown",
            "vendor_ref": started["vendor_ref"] if started else None,
            "was_cut_off": self._object(request_key, "cut_off").exists(),
        }
        return self._entry(request_key, {**intent, **pending})

    def open(self) -> Iterator[Entry]:
        """Every request without an answer, in order of key; vendor_ref is None where not even the vendor's id is known."""
        steps: dict[str, set[str]] = {}
        for key, step in self._steps():
            steps.setdefault(key, set()).add(step)
        for key in [key for key, found in steps.items() if "response.json" not in found]:
            entry = self.entry(key)
            if entry is not None and entry.status == "outcome_unknown":
                yield entry

    def answered(self) -> set[str]:
        """The keys of all requests that have an answer."""
        return {key for key, step in self._steps() if step == "response.json"}

    def booked_since(self, moment: datetime) -> float:
        """Credits of the answers that were written after a moment of the lake's clock."""
        blobs = self._bucket.list_blobs(prefix=self.prefix)
        keys = [
            blob.name.removeprefix(self.prefix).partition("/")[0]
            for blob in blobs
            if blob.name.endswith("/response.json") and blob.time_created > moment
        ]
        with ThreadPoolExecutor(READERS) as pool:
            return sum(entry.credits for entry in pool.map(self.entry, keys) if entry is not None)

    def entries(self, skip: Collection[str] = ()) -> Iterator[Entry]:
        """Every request in the ledger but the keys in `skip`, in order of key."""
        keys = [key for key, _ in groupby(self._steps(), lambda found: found[0]) if key not in skip]
        with ThreadPoolExecutor(READERS) as pool:
            for entry in pool.map(self.entry, keys):
                if entry is not None:  # withdrawn since it was listed
                    yield entry

    def _steps(self) -> Iterator[tuple[str, str]]:
        """(request key, name of the object) of all there is, in order."""
        for blob in self._bucket.list_blobs(prefix=self.prefix):
            key, _, step = blob.name.removeprefix(self.prefix).partition("/")
            yield key, step

    def _entry(self, request_key: str, known: Mapping[str, Any]) -> Entry:
        responded_at = known.get("responded_at")
        return Entry(
            vendor=self._vendor,
            operation=self._operation,
            request_key=request_key,
            person_key=known["person_key"],
            status=known["status"],
            http_status=known.get("http_status"),
            vendor_ref=known.get("vendor_ref"),
            request=_json(known["request"]),
            body=known.get("body"),
            credits=float(known.get("credits", 0.0)),
            cost_usd=float(known.get("cost_usd", 0.0)),
            requested_at=datetime.fromisoformat(known["requested_at"]),
            responded_at=datetime.fromisoformat(responded_at) if responded_at else None,
            purpose=known.get("purpose", {}),
            was_cut_off=known.get("was_cut_off", False),
        )

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat()

    def _path(self, request_key: str, step: str) -> str:
        return f"{self.prefix}{request_key}/{step}.json"

    def _object(self, request_key: str, step: str) -> storage.Blob:
        return self._bucket.blob(self._path(request_key, step))

    def _read(self, request_key: str, step: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._object(request_key, step).download_as_bytes())
        except NotFound:
            return None
        return found

    def _written_once(self, request_key: str, step: str, value: Mapping[str, Any]) -> bool:
        try:
            self._object(request_key, step).upload_from_string(
                _json(value), content_type="application/json", if_generation_match=0
            )
        except PreconditionFailed:
            return False
        return True


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a ledger object: use letters, digits, '_', '-' and '.'")
