"""Callbacks of Wiza, Apollo and Clay against a real object store: kept before the answer, forged ones not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage
from starlette.testclient import TestClient

from include.enrichment.callbacks import CallbackAddress, clay_signature, new_callback_address, wiza_auth_key
from include.events.inbox import raw_event_row
from services.webhooks.inbox import inbox
from services.webhooks.receiver import receiver
from services.webhooks.senders import apollo, clay, clay_dedup_key, clay_table, wiza
from services.webhooks.spool import Spool

SECRET, API_KEY, SIGNING = "callback-secret", "wiza-api-key", "whsec_test"
SENDERS = [wiza([API_KEY], [SECRET]), apollo([SECRET]), clay(["old", SIGNING]), clay_table([SECRET])]
WIZA_KEY = {"x-auth-key": wiza_auth_key(API_KEY)}
BODY = b'{ "status":{"code":200},"data":{"id":7,"email":"dana@brightsmile.example"} }'
RUN = b'{"webhookId":"wh_1","createdAt":"2026-06-16T17:50:00.000Z","data":{"routine_run_id":"run_abc123"}}'


@pytest.fixture
def client(lake: storage.Bucket, tmp_path: Path) -> Iterator[TestClient]:
    app = receiver(SENDERS, inbox(lake.client, lake.name, 4), 4, Spool(tmp_path))
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def _rows(lake: storage.Bucket) -> list[dict[str, Any]]:
    return [raw_event_row(blob.name, blob.download_as_bytes()) for blob in lake.list_blobs(prefix="inbox/")]


def _address(vendor: str) -> CallbackAddress:
    return new_callback_address("", vendor, SECRET)


@pytest.mark.parametrize(("vendor", "proof"), [("wiza", WIZA_KEY), ("apollo", {}), ("clay_table", {})])
def test_callback_when_its_address_is_ours_then_kept_under_the_reference_and_twice_is_once(
    client: TestClient, lake: storage.Bucket, vendor: str, proof: dict[str, str]
) -> None:
    address = _address(vendor)
    for _ in range(2):
        answer = client.post(address.url, content=BODY, headers=proof)
        assert (answer.status_code, answer.json()) == (200, {})
    [row] = _rows(lake)
    assert row["body"].encode() == BODY
    assert row["sender"] == vendor
    assert row["dedup_key"].startswith(f"{address.reference}-body-")
    assert WIZA_KEY["x-auth-key"] not in json.dumps(row)
    assert address.url.rsplit("/", 1)[1] not in json.dumps(row), "the token itself stays a secret"
    assert client.post(address.url, content=BODY + b" ", headers=proof).status_code == 200
    assert len(_rows(lake)) == 2, "another answer to the same request is another event"


@pytest.mark.parametrize("vendor", ["wiza", "apollo", "clay_table"])
def test_callback_when_forged_then_401_and_nothing_is_kept(
    client: TestClient, lake: storage.Bucket, caplog: pytest.LogCaptureFixture, vendor: str
) -> None:
    url = _address(vendor).url
    others = _address("apollo" if vendor != "apollo" else "wiza").url.rsplit("/", 1)[1]
    forged = [
        f"/webhooks/{vendor}/guessed",
        f"/webhooks/{vendor}/{others}",
        url[:-1] + ("A" if url[-1] != "A" else "B"),
    ]
    statuses = [client.post(path, content=BODY, headers=WIZA_KEY).status_code for path in forged]
    if vendor == "wiza":
        statuses += [client.post(url, content=BODY, headers=h).status_code for h in ({}, {"x-auth-key": "0" * 64})]
    assert set(statuses) == {401}
    assert list(lake.list_blobs()) == []
    assert client.get("/healthz").json()["events"][vendor] == {"forged": len(statuses)}
    assert "dana" not in caplog.text


def test_callback_when_the_address_lacks_the_token_or_has_one_too_many_then_404(client: TestClient) -> None:
    assert client.post("/webhooks/apollo", content=BODY).status_code == 404
    assert client.post("/webhooks/wiza", content=BODY, headers=WIZA_KEY).status_code == 404
    signed = {"X-Clay-Signature": clay_signature(SIGNING, RUN)}
    assert client.post("/webhooks/clay/token", content=RUN, headers=signed).status_code == 404


def test_clay_run_when_signed_then_kept_once_by_its_run_and_a_changed_body_is_refused(
    client: TestClient, lake: storage.Bucket
) -> None:
    signed = {"X-Clay-Signature": clay_signature(SIGNING, RUN)}
    assert [client.post("/webhooks/clay", content=RUN, headers=signed).status_code for _ in range(2)] == [200, 200]
    [row] = _rows(lake)
    assert (row["sender"], row["dedup_key"], row["body"].encode()) == ("clay", "run-run_abc123", RUN)
    for headers in (
        {},
        {"X-Clay-Signature": clay_signature("whsec_other", RUN)},
        {"X-Clay-Signature": signed["X-Clay-Signature"].removeprefix("sha256=")},
    ):
        assert client.post("/webhooks/clay", content=RUN, headers=headers).status_code == 401
    assert client.post("/webhooks/clay", content=RUN + b" ", headers=signed).status_code == 401
    assert len(_rows(lake)) == 1


@pytest.mark.parametrize(
    "body", [b'{"data": {}}', b'{"data": {"routine_run_id": "../x"}}', b'{"data": 5}', b"[1]", b""]
)
def test_clay_dedup_key_when_no_usable_run_then_hash_of_body(body: bytes) -> None:
    assert clay_dedup_key(body).startswith("body-")
