from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from include.events.inbox import InboxEvent, day_prefix, object_name, raw_event_row, to_object

RECEIVED = datetime(2026, 11, 2, 23, 59, 59, 123456, tzinfo=UTC)


def event(body: bytes = b'{"a": "Zo\xc3\xab"}', received_at: datetime = RECEIVED) -> InboxEvent:
    return InboxEvent("ghl", "wh-1", received_at, {"user-agent": "x", "content-type": "application/json"}, body)


def test_object_name_when_event_then_received_date_sender_and_key() -> None:
    assert object_name(event()) == "inbox/2026-11-02/ghl/wh-1.json"
    assert object_name(event()).startswith(day_prefix(date(2026, 11, 2)))


def test_object_name_when_clock_is_of_another_zone_then_date_is_utc() -> None:
    west = RECEIVED.astimezone(timezone(timedelta(hours=-6)))
    east = datetime(2026, 11, 3, 5, tzinfo=timezone(timedelta(hours=9)))
    assert object_name(event(received_at=west)) == object_name(event())
    assert object_name(event(received_at=east)) == "inbox/2026-11-02/ghl/wh-1.json"


def test_raw_event_row_when_read_back_then_everything_that_was_received() -> None:
    row = raw_event_row(object_name(event()), to_object(event()))
    assert row == {
        "received_date": "2026-11-02",
        "sender": "ghl",
        "dedup_key": "wh-1",
        "received_at": "2026-11-02T23:59:59.123456+00:00",
        "headers": {"user-agent": "x", "content-type": "application/json"},
        "body": '{"a": "Zoë"}',
        "body_sha256": "2647a3203cfe8a10616bffd5573124dc971bbb921680fcf9b7ac6ae64c1d25e1",
        "verified": True,
    }


def test_to_object_when_body_is_not_utf8_then_its_bytes_are_kept_and_the_row_is_readable() -> None:
    odd = event(b"\xff{broken\x00")
    content = to_object(odd)
    assert base64.b64decode(json.loads(content)["body_base64"]) == odd.body
    assert raw_event_row(object_name(odd), content)["body"] == "\ufffd{broken\x00"


def test_to_object_when_same_event_then_same_bytes_whatever_the_order_of_headers() -> None:
    other = InboxEvent("ghl", "wh-1", RECEIVED, dict(reversed(list(event().headers.items()))), event().body)
    assert to_object(other) == to_object(event())


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"sender": "ghl"}', b"\xff"])
def test_raw_event_row_when_not_an_inbox_object_then_error_names_it_and_says_what_to_do(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"inbox/2026-11-02/ghl/x\.json: not an inbox object.*move the object away"):
        raw_event_row("inbox/2026-11-02/ghl/x.json", content)


def test_raw_event_row_when_body_was_changed_then_error() -> None:
    changed = json.loads(to_object(event())) | {"body": "{}"}
    with pytest.raises(ValueError, match="does not match its body_sha256"):
        raw_event_row(object_name(event()), json.dumps(changed).encode())


def test_raw_event_row_when_object_lies_under_another_date_then_error_says_its_right_name() -> None:
    with pytest.raises(ValueError, match=r"its name is inbox/2026-11-02/ghl/wh-1\.json"):
        raw_event_row("inbox/2026-11-03/ghl/wh-1.json", to_object(event()))
