"""The receiver as a process of its own, as every environment starts it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.cloud import storage

from services.embedded.process import ROOT, Service, answers, free_port, python, start

KEY = Ed25519PrivateKey.generate()
ENVIRONMENT = {
    "GHL_WEBHOOK_PUBLIC_KEYS": base64.b64encode(
        KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
    "INSTANTLY_WEBHOOK_SECRETS": "retired-secret, live-secret",
    "WIZA_API_KEYS": "wiza-key",
    "CLAY_SIGNING_SECRETS": "whsec_test",
    "CALLBACK_SECRETS": "callback-secret",
    "RB2B_PATH_SECRETS": "rb2b-path",
}
EVENTS = 1500


@pytest.fixture
def service(lake: storage.Bucket, tmp_path: Path) -> Iterator[Service]:
    port = free_port()
    command = [python("services"), "-m", "services.webhooks", "--port", str(port)]
    running = start(
        "receiver", command, port=port, log=tmp_path / "receiver.log", env=ENVIRONMENT, healthy=answers("/healthz")
    )
    yield running
    running.stop(grace_seconds=5)


def test_receiver_when_burst_of_events_then_each_is_stored_within_seconds_and_log_names_nobody(
    service: Service, lake: storage.Bucket
) -> None:
    def deliver(client: httpx.Client, number: int) -> int:
        if number % 2:
            body = json.dumps({"webhookId": f"wh-{number}", "email": "dana@brightsmile.example"}).encode()
            signature = base64.b64encode(KEY.sign(body)).decode()
            return client.post("/webhooks/ghl", content=body, headers={"X-GHL-Signature": signature}).status_code
        event = {"event_type": "email_sent", "timestamp": f"t{number}", "lead_email": "dana@brightsmile.example"}
        return client.post("/webhooks/instantly", json=event, headers={"X-Webhook-Secret": "live-secret"}).status_code

    started = time.monotonic()
    with httpx.Client(base_url=service.url, timeout=30) as client, ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(lambda number: deliver(client, number), range(EVENTS)))
    seconds = time.monotonic() - started
    assert statuses == [200] * EVENTS
    assert sum(1 for _ in lake.list_blobs(prefix="inbox/")) == EVENTS
    # 3 s on two idle cores; the margin is for a machine that does other work as well.
    assert seconds < 60
    assert "dana" not in service.log.read_text()


@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
def test_receiver_when_a_sender_has_no_secret_then_it_does_not_start_and_says_which(missing: str) -> None:
    environment = {**os.environ, **ENVIRONMENT, "GTM_LAKE_BUCKET": "b", "GTM_PROJECT": "p", missing: " , "}
    command = [python("services"), "-m", "services.webhooks", "--port", str(free_port())]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert f"{missing} is empty" in done.stderr
