"""The receiver against a real object store: what it answers, and what it has kept when it answers."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from starlette.testclient import TestClient

from include.events.inbox import InboxEvent, object_name, raw_event_row
from services.embedded.process import free_port
from services.webhooks import receiver as receiver_module
from services.webhooks.inbox import inbox
from services.webhooks.receiver import MAXIMUM_BODY_BYTES, receiver
from services.webhooks.senders import ghl, instantly, rb2b, rb2b_dedup_key
from services.webhooks.spool import Spool

KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SECRET = "instantly-test-secret"
PATH_SECRET = "rb2b-path-secret"
SENDERS = [ghl([PUBLIC]), instantly([SECRET]), rb2b(["retired", PATH_SECRET])]
SIGNERS = [("ghl", 429), ("instantly", 503)]
BODY = '{ "webhookId":"wh-1","type":"ContactCreate", "email":"dana@brightsmile.example","name":"Zoë \\u00e9" }'.encode()


# As RB2B documents it: keys with spaces, and a time that is no valid one.
VISIT = json.dumps({
    "LinkedIn URL": "https://www.linkedin.com/in/dana-made-up", "First Name": "Dana", "Business Email": "dana@brightsmile.example",
    "City": "Austin", "State": "TX", "Zipcode": "78701", "Seen At": "2026-11-02T16:00:00:00.000+00.00",
    "Captured URL": "https://www.ours.example/pricing",
}).encode()  # fmt: skip


def _signed(body: bytes) -> dict[str, str]:
    return {"X-GHL-Signature": base64.b64encode(KEY.sign(body)).decode(), "Content-Type": "application/json"}


@pytest.fixture
def client(lake: storage.Bucket, tmp_path: Path) -> Iterator[TestClient]:
    app = receiver(SENDERS, inbox(lake.client, lake.name, 4), 4, Spool(tmp_path))
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


@pytest.fixture
def cut_off_client(tmp_path: Path) -> Iterator[TestClient]:
    """A receiver whose store does not answer."""
    down = storage.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://127.0.0.1:{free_port()}"},
    )
    app = receiver(SENDERS, inbox(down, "gone", 4), 4, Spool(tmp_path))
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def _rows(lake: storage.Bucket) -> list[dict[str, Any]]:
    return [raw_event_row(blob.name, blob.download_as_bytes()) for blob in lake.list_blobs(prefix="inbox/")]


def _counts(client: TestClient, sender: str) -> dict[str, int]:
    counts: dict[str, int] = client.get("/healthz").json()["events"][sender]
    return counts


def test_post_when_ghl_event_is_signed_then_200_empty_object_and_body_kept_byte_for_byte(
    client: TestClient, lake: storage.Bucket
) -> None:
    answer = client.post("/webhooks/ghl", content=BODY, headers=_signed(BODY))
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, "application/json", "{}")
    [row] = _rows(lake)
    assert row["body"].encode() == BODY
    assert (row["sender"], row["dedup_key"], row["verified"]) == ("ghl", "wh-1", True)
    assert sorted(row["headers"]) == ["content-type", "user-agent", "x-ghl-signature"]


def test_post_when_instantly_event_then_stored_and_the_secret_is_not(client: TestClient, lake: storage.Bucket) -> None:
    body = b'{"event_type":"a label of our own","timestamp":"2026-11-02T16:00:00Z"}'
    assert client.post("/webhooks/instantly", content=body, headers={"X-Webhook-Secret": SECRET}).status_code == 200
    [blob] = lake.list_blobs(prefix="inbox/")
    content = blob.download_as_bytes()
    assert SECRET.encode() not in content
    assert raw_event_row(blob.name, content)["body"].encode() == body


def test_post_when_event_is_delivered_again_then_200_and_one_object(client: TestClient, lake: storage.Bucket) -> None:
    answers = [client.post("/webhooks/ghl", content=BODY, headers=_signed(BODY)).status_code for _ in range(3)]
    assert answers == [200, 200, 200]
    assert len(_rows(lake)) == 1
    assert _counts(client, "ghl") == {"stored": 1, "duplicate": 2}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/webhooks/ghl", {}),
        ("/webhooks/ghl", {"X-GHL-Signature": "N/A"}),
        ("/webhooks/ghl", _signed(BODY + b" ")),
        ("/webhooks/ghl", {"X-WH-Signature": _signed(BODY)["X-GHL-Signature"]}),
        ("/webhooks/ghl", {"X-Webhook-Secret": SECRET}),
        ("/webhooks/instantly", {}),
        ("/webhooks/instantly", {"X-Webhook-Secret": SECRET[:-1]}),
        ("/webhooks/instantly", _signed(BODY)),
    ],
)
def test_post_when_proof_is_missing_or_wrong_then_401_counted_and_body_not_kept(
    client: TestClient, lake: storage.Bucket, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str]
) -> None:
    with caplog.at_level(logging.DEBUG, logger="services.webhooks"):
        answer = client.post(path, content=BODY, headers=headers)
    assert answer.status_code == 401
    assert list(lake.list_blobs()) == []
    assert _counts(client, path.rsplit("/", 1)[-1]) == {"forged": 1}
    assert "forged" in caplog.text
    assert "dana" not in caplog.text
    assert SECRET not in caplog.text


def test_post_when_two_proofs_then_401_though_one_is_good(client: TestClient) -> None:
    both = [("X-Webhook-Secret", SECRET), ("X-Webhook-Secret", "guess")]
    assert client.post("/webhooks/instantly", content=BODY, headers=both).status_code == 401


@pytest.mark.parametrize("body", [b"not json \xff\xfe", b"", b"[]", b'"text"'])
def test_post_when_authentic_body_cannot_be_parsed_then_200_and_kept(
    client: TestClient, lake: storage.Bucket, body: bytes
) -> None:
    assert client.post("/webhooks/ghl", content=body, headers=_signed(body)).status_code == 200
    [blob] = lake.list_blobs()
    stored = json.loads(blob.download_as_bytes())
    kept = base64.b64decode(stored["body_base64"]) if "body_base64" in stored else stored["body"].encode()
    assert kept == body


def test_post_when_body_is_over_the_cap_then_413_and_at_the_cap_then_200(
    client: TestClient, lake: storage.Bucket
) -> None:
    fits = b'"' + b"x" * (MAXIMUM_BODY_BYTES - 2) + b'"'
    over = fits + b" "
    assert client.post("/webhooks/ghl", content=over, headers=_signed(over)).status_code == 413
    # A chunked request declares no length, so the cap must hold while reading too.
    assert client.post("/webhooks/ghl", content=iter([over]), headers=_signed(over)).status_code == 413
    assert list(lake.list_blobs()) == []
    assert client.post("/webhooks/ghl", content=fits, headers=_signed(fits)).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/webhooks/ghl", _signed(BODY), 429), ("/webhooks/instantly", {"X-Webhook-Secret": SECRET}, 503)],
)
def test_post_when_store_is_down_then_the_status_that_makes_this_sender_come_again(
    cut_off_client: TestClient, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str], status: int
) -> None:
    assert cut_off_client.post(path, content=BODY, headers=headers).status_code == status
    assert _counts(cut_off_client, path.rsplit("/", 1)[-1]) == {"not_stored": 1}
    assert "dana" not in caplog.text


def test_post_when_bucket_does_not_exist_then_429(lake: storage.Bucket, tmp_path: Path) -> None:
    with TestClient(receiver(SENDERS, inbox(lake.client, "no-such-bucket", 4), 4, Spool(tmp_path))) as client:
        assert client.post("/webhooks/ghl", content=BODY, headers=_signed(BODY)).status_code == 429


def test_post_when_sender_is_unknown_then_404(client: TestClient) -> None:
    assert client.post("/webhooks/nobody", content=BODY).status_code == 404


def _proof(sender: str) -> dict[str, str]:
    return _signed(BODY) if sender == "ghl" else {"X-Webhook-Secret": SECRET}


@pytest.mark.parametrize(("sender", "status"), SIGNERS)
def test_post_when_too_much_is_waiting_then_another_delivery_is_asked_for_and_nothing_is_kept(
    client: TestClient, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch, sender: str, status: int
) -> None:
    monkeypatch.setattr(receiver_module, "MAXIMUM_WAITING", 0)
    answer = client.post(f"/webhooks/{sender}", content=BODY, headers=_proof(sender))
    assert (answer.status_code, answer.json()) == (status, {"error": "overloaded"})
    assert _counts(client, sender) == {"overloaded": 1}
    assert list(lake.list_blobs()) == []
    monkeypatch.setattr(receiver_module, "MAXIMUM_WAITING", 1)
    assert client.post(f"/webhooks/{sender}", content=BODY, headers=_proof(sender)).status_code == 200


@pytest.mark.parametrize(("sender", "status"), SIGNERS)
def test_post_when_the_fault_is_ours_then_another_delivery_is_asked_for(
    lake: storage.Bucket, tmp_path: Path, sender: str, status: int
) -> None:
    def broken(body: bytes) -> str:
        raise RuntimeError("a fault of ours")

    senders = [replace(known, dedup_key=broken) for known in SENDERS]
    app = receiver(senders, inbox(lake.client, lake.name, 4), 4, Spool(tmp_path))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.post(f"/webhooks/{sender}", content=BODY, headers=_proof(sender)).status_code == status
        assert _counts(client, sender) == {"failed": 1}
        assert client.post(f"/webhooks/rb2b/{PATH_SECRET}", content=VISIT).status_code == 200


def test_post_when_rb2b_knows_the_address_then_exactly_200_and_kept_once(
    client: TestClient, lake: storage.Bucket
) -> None:
    answers = [client.post(f"/webhooks/rb2b/{secret}", content=VISIT) for secret in (PATH_SECRET, "retired")]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "{}")] * 2
    [row] = _rows(lake)
    assert (row["sender"], row["dedup_key"], row["body"].encode()) == ("rb2b", rb2b_dedup_key(VISIT), VISIT)
    assert PATH_SECRET not in json.dumps(row)
    assert rb2b_dedup_key(VISIT.replace(b"pricing", b"demo")) != rb2b_dedup_key(VISIT)
    assert rb2b_dedup_key(b'{"Seen At": "now"}').startswith("body-")


@pytest.mark.parametrize("path", ["", "/", "/guess", f"/{PATH_SECRET}x", f"/{PATH_SECRET[:-1]}", f"/{PATH_SECRET}/x"])
def test_post_when_rb2b_address_is_wrong_then_refused_and_nothing_is_kept(
    client: TestClient, lake: storage.Bucket, path: str
) -> None:
    assert client.post(f"/webhooks/rb2b{path}", content=VISIT).status_code in (401, 404)
    assert list(lake.list_blobs()) == []


def test_post_when_store_is_down_then_rb2b_event_waits_on_disk_until_the_store_is_back(
    cut_off_client: TestClient, lake: storage.Bucket, tmp_path: Path
) -> None:
    body = VISIT.replace(b"Dana", b"Dana \xff")  # not UTF-8: the disk keeps the bytes as they came
    assert cut_off_client.post(f"/webhooks/rb2b/{PATH_SECRET}", content=body).status_code == 200
    assert _counts(cut_off_client, "rb2b") == {"spooled": 1}
    assert list(lake.list_blobs()) == []
    (tmp_path / "strange.event").write_bytes(b"no event")
    spool = Spool(tmp_path)
    assert spool.drain(inbox(lake.client, "no-such-bucket", 1).store) == 0
    assert len(list(tmp_path.glob("*.event"))) == 2
    assert spool.drain(inbox(lake.client, lake.name, 1).store) == 1
    [row] = _rows(lake)
    assert (row["sender"], row["body_sha256"]) == ("rb2b", hashlib.sha256(body).hexdigest())
    assert [file.name for file in tmp_path.glob("*")] == ["strange.event"]


def test_post_when_rb2b_event_can_be_kept_nowhere_then_health_says_so_until_one_is_kept_again(
    cut_off_client: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/webhooks/rb2b/{PATH_SECRET}"
    taken = [tmp_path / f"{hashlib.sha256(_name_of(VISIT, day).encode()).hexdigest()}.part" for day in (0, 1)]
    for part in taken:  # a folder where the file must go: the disk does not take it
        part.mkdir()
    assert cut_off_client.post(path, content=VISIT).status_code == 200  # any other answer switches RB2B off
    health = cut_off_client.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (503, "events are lost: rb2b")
    assert _counts(cut_off_client, "rb2b") == {"failed": 1}
    assert "rb2b event lost" in caplog.text
    for part in taken:
        part.rmdir()
    assert cut_off_client.post(path, content=VISIT).status_code == 200
    assert cut_off_client.get("/healthz").json()["status"] == "ok"
    assert _counts(cut_off_client, "rb2b") == {"failed": 1, "spooled": 1}


def _name_of(body: bytes, days_from_now: int) -> str:
    at = datetime.now(UTC) + timedelta(days=days_from_now)
    return object_name(InboxEvent("rb2b", rb2b_dedup_key(body), at, {}, body))


def test_receiver_when_it_starts_then_what_waited_on_disk_reaches_the_store(
    lake: storage.Bucket, tmp_path: Path
) -> None:
    Spool(tmp_path).keep(InboxEvent("rb2b", "k1", datetime(2026, 11, 2, 16, tzinfo=UTC), {}, VISIT))
    (tmp_path / "0.event").mkdir()  # the first one cannot be read
    with TestClient(receiver(SENDERS, inbox(lake.client, lake.name, 4), 4, Spool(tmp_path))):
        deadline = time.monotonic() + 20
        while len(list(tmp_path.glob("*.event"))) > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
    assert [row["dedup_key"] for row in _rows(lake)] == ["k1"]
