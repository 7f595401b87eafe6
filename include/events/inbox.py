"""The inbox of received webhooks: one write-once GCS object per event, and the raw.event row that it becomes.

The receiver (`services/webhooks`) writes the objects and `load_events` reads them; only this file knows their form.
Object name: ``inbox/<received_date>/<sender>/<dedup_key>.json``, received_date in UTC by the receiver's wall clock.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

PREFIX = "inbox"


@dataclass(frozen=True)
class InboxEvent:
    """One authentic event as it arrived. ``body`` is the exact bytes, ``headers`` the few that are kept, lower case."""

    sender: str
    dedup_key: str
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes


def object_name(event: InboxEvent) -> str:
    """Return the name that the event's object has; two deliveries of one event on one day have the same name."""
    received_date = event.received_at.astimezone(UTC).date()
    return f"{day_prefix(received_date)}{event.sender}/{event.dedup_key}.json"


def day_prefix(received_date: date) -> str:
    """Return the prefix under which all objects of one received date lie, with its closing slash."""
    return f"{PREFIX}/{received_date.isoformat()}/"


def to_object(event: InboxEvent) -> bytes:
    """Return the object's content: JSON, UTF-8.

    ``body`` is the text as received. A body that is not UTF-8 is kept whole in ``body_base64``, with ``body`` as its
    readable form. ``body_sha256`` is always over the received bytes.
    """
    content: dict[str, Any] = {
        "sender": event.sender,
        "dedup_key": event.dedup_key,
        "received_at": event.received_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "headers": dict(sorted(event.headers.items())),
        "body": event.body.decode("utf-8", errors="replace"),
        "body_sha256": hashlib.sha256(event.body).hexdigest(),
    }
    if content["body"].encode() != event.body:
        content["body_base64"] = base64.b64encode(event.body).decode("ascii")
    return json.dumps(content, ensure_ascii=False).encode()


def stored_event(name: str, content: bytes) -> InboxEvent:
    """Return the event that the object ``name`` holds, its body byte for byte.

    Raises ValueError, naming the object and what is wrong, when the object is not one that the receiver wrote.
    """
    try:
        stored = json.loads(content)
        body = base64.b64decode(stored["body_base64"]) if "body_base64" in stored else stored["body"].encode()
        received_at = datetime.fromisoformat(stored["received_at"]).astimezone(UTC)
        sender, dedup_key, headers = stored["sender"], stored["dedup_key"], dict(stored["headers"])
        body_sha256 = stored["body_sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{name}: not an inbox object ({type(error).__name__}: {error}). Only the receiver may write "
            f"under {PREFIX}/: move the object away, then clear the task."
        ) from error
    if hashlib.sha256(body).hexdigest() != body_sha256:
        raise ValueError(f"{name}: body does not match its body_sha256: the object was changed after it was written.")
    event = InboxEvent(sender, dedup_key, received_at, headers, body)
    if object_name(event) != name:
        raise ValueError(f"{name}: its sender, dedup_key and received_at say that its name is {object_name(event)}.")
    return event


def raw_event_row(name: str, content: bytes) -> dict[str, Any]:
    """Return the raw.event row (JSON types) of the object ``name``; ``body`` is readable, whatever its bytes were.

    ``verified`` is true because only authentic events are ever written to the inbox. Raises ValueError as stored_event.
    """
    event = stored_event(name, content)
    return {
        "received_date": event.received_at.date().isoformat(),
        "sender": event.sender,
        "dedup_key": event.dedup_key,
        "received_at": event.received_at.isoformat(timespec="microseconds"),
        "headers": dict(event.headers),
        "body": event.body.decode("utf-8", errors="replace"),
        "body_sha256": hashlib.sha256(event.body).hexdigest(),
        "verified": True,
    }


def row_of_object(name: str, content: bytes) -> dict[str, Any]:
    """Return the raw.event row of whatever lies under the day's prefix.

    What the receiver did not write, or what was changed since, becomes a row of its own that is not ``verified``: it counts
    for nothing, somebody is told (include/sql/clean/event/query.sql), and it holds up none of the day's opt-outs.
    """
    try:
        return raw_event_row(name, content)
    except ValueError as error:
        day, _, rest = name.removeprefix(f"{PREFIX}/").partition("/")
        sender, _, key = rest.rpartition("/")
        return {
            "received_date": day,
            "sender": sender.partition("/")[0] or "unknown",
            "dedup_key": f"foreign-{hashlib.sha256(name.encode()).hexdigest()}",
            "received_at": f"{day}T00:00:00+00:00",
            "headers": {"object": key, "refused": str(error)[:500]},
            "body": content.decode("utf-8", errors="replace"),
            "body_sha256": hashlib.sha256(content).hexdigest(),
            "verified": False,
        }
