"""The receiver against a real object store: what it answers, and what it has kept when it answers."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from starlette.testclient import TestClient

from include.event_inbox import raw_event_row
from services.embedded.process import free_port
from services.webhooks.inbox import inbox
from services.webhooks.receiver import MAXIMUM_BODY_BYTES, receiver
from services.webhooks.senders import ghl, instantly

KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SECRET = "instantly-test-secret"
SENDERS = [ghl([PUBLIC]), instantly([SECRET])]
BODY = '{ "webhookId":"wh-1","type":"ContactCreate", "email":"dana@brightsmile.example","name":"Zoë \\u00e9" }'.encode()


def _signed(body: bytes) -> dict[str, str]:
    return {"X-GHL-Signature": base64.b64encode(KEY.sign(body)).decode(), "Content-Type": "application/json"}


@pytest.fixture
def client(lake: storage.Bucket) -> Iterator[TestClient]:
    with TestClient(receiver(SENDERS, inbox(lake.client, lake.name, 4), 4), raise_server_exceptions=False) as running:
        yield running


@pytest.fixture
def cut_off_client() -> Iterator[TestClient]:
    """A receiver whose store does not answer."""
    down = storage.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://127.0.0.1:{free_port()}"},
    )
    with TestClient(receiver(SENDERS, inbox(down, "gone", 4), 4), raise_server_exceptions=False) as running:
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


def test_post_when_bucket_does_not_exist_then_429(lake: storage.Bucket) -> None:
    with TestClient(receiver(SENDERS, inbox(lake.client, "no-such-bucket", 4), 4)) as client:
        assert client.post("/webhooks/ghl", content=BODY, headers=_signed(BODY)).status_code == 429


def test_post_when_sender_is_unknown_then_404(client: TestClient) -> None:
    assert client.post("/webhooks/nobody", content=BODY).status_code == 404
