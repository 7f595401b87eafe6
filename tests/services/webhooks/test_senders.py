"""Proof and identity of each sender, against the contract's own vectors."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.webhooks.senders import Sender, ghl, ghl_dedup_key, instantly, instantly_dedup_key

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text())["vectors"]


def _sender(vector: dict[str, Any]) -> Sender:
    if vector["vendor"] == "instantly":
        return instantly([vector["key"]["secret"]])
    return ghl([vector["key"]["public_spki_der_base64"]])


def _spki(key: Any) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_is_authentic_when_contract_vector_then_verdict_is_the_contracts(vector: dict[str, Any]) -> None:
    sender = _sender(vector)
    assert sender.proof_header == vector["header"].lower()
    accepted = sender.is_authentic(vector["header_value"] or "", vector["body"].encode())
    assert accepted == (vector["expect"] == "accept")


def test_ghl_when_two_keys_are_active_then_either_signature_is_accepted_and_a_third_is_not() -> None:
    keys = [Ed25519PrivateKey.generate() for _ in range(3)]
    sender = ghl([_spki(key) for key in keys[:2]])
    verdicts = [sender.is_authentic(base64.b64encode(key.sign(b"{}")).decode(), b"{}") for key in keys]
    assert verdicts == [True, True, False]


def test_ghl_when_key_is_rsa_then_refused_with_its_position() -> None:
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(ValueError, match="key 2 is .*not Ed25519"):
        ghl([_spki(Ed25519PrivateKey.generate()), _spki(rsa)])


def test_ghl_when_key_is_not_base64_then_error_says_which_and_what_to_do() -> None:
    with pytest.raises(ValueError, match="key 1 is not base64 of an SPKI key: copy it again"):
        ghl(["not a key"])


def test_instantly_when_secrets_rotate_then_every_active_one_is_accepted_and_no_other() -> None:
    sender = instantly(["old-secret", "new-secret"])
    verdicts = [sender.is_authentic(p, b"{}") for p in ("old-secret", "new-secret", "old", "", "old-secret,new-secret")]
    assert verdicts == [True, True, False, False, False]


def test_nack_status_when_ghl_then_429_and_when_instantly_then_503() -> None:
    assert (ghl([_spki(Ed25519PrivateKey.generate())]).nack_status, instantly(["s"]).nack_status) == (429, 503)


def test_ghl_dedup_key_when_webhook_id_then_that_whatever_else_changed() -> None:
    assert (
        ghl_dedup_key(b'{"webhookId": "wh-0003", "a": 1}')
        == ghl_dedup_key(b'{"a":2,"webhookId":"wh-0003"}')
        == "wh-0003"
    )


@pytest.mark.parametrize(
    "body", [b'{"_id": "inv1"}', b'{"webhookId": "../../x"}', b'{"webhookId": 7}', b"[1]", b"\xff{", b""]
)
def test_ghl_dedup_key_when_no_usable_id_then_hash_of_body(body: bytes) -> None:
    key = ghl_dedup_key(body)
    assert key.startswith("body-")
    assert key != ghl_dedup_key(body + b" ")


EVENT = {
    "event_type": "email_opened", "campaign_id": "c1", "lead_email": "a@b.example", "step": 1, "variant": 2,
    "email_id": "e1", "timestamp": "2026-11-02T16:00:00.000Z",
}  # fmt: skip


def test_instantly_dedup_key_when_order_and_other_fields_differ_then_equal() -> None:
    again = {"person_id": "p1", **dict(reversed(EVENT.items()))}
    assert instantly_dedup_key(json.dumps(EVENT).encode()) == instantly_dedup_key(json.dumps(again).encode())


def test_instantly_dedup_key_when_known_event_then_sha256_of_the_joined_fields() -> None:
    # printf 'email_opened|c1|a@b.example|1|2|e1|2026-11-02T16:00:00.000Z' | sha256sum
    expected = "a4ec3ca9bdccd0783fd3c307fadf91e65af98e2b340cf5f921209fee0103cc0a"
    assert instantly_dedup_key(json.dumps(EVENT).encode()) == expected


@pytest.mark.parametrize("field", list(EVENT))
def test_instantly_dedup_key_when_an_identity_field_differs_then_different(field: str) -> None:
    other = {**EVENT, field: "other"}
    assert instantly_dedup_key(json.dumps(EVENT).encode()) != instantly_dedup_key(json.dumps(other).encode())


def test_instantly_dedup_key_when_no_time_then_hash_of_body() -> None:
    timeless = {k: v for k, v in EVENT.items() if k != "timestamp"}
    assert instantly_dedup_key(json.dumps(timeless).encode()).startswith("body-")
