"""What the receiver must know of each sender: its proof, its event identity, and how to ask it to try again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from include.enrichment.callbacks import clay_signature, reference_of_token, wiza_auth_key

GHL_SIGNATURE_HEADER = "x-ghl-signature"
INSTANTLY_SECRET_HEADER = "x-webhook-secret"
WIZA_AUTH_HEADER = "x-auth-key"
CLAY_SIGNATURE_HEADER = "x-clay-signature"
# No vendor publishes a set of fields that identifies an event of Instantly or RB2B; these are ours (docs/webhooks.md).
RB2B_IDENTITY = ("LinkedIn URL", "Captured URL", "Seen At")
INSTANTLY_IDENTITY = ("event_type", "campaign_id", "lead_email", "step", "variant", "email_id", "timestamp")
_SAFE_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SAFE_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Sender:
    """One vendor that pushes events to us.

    proof_header: the header that carries the proof, lower case; None when the sender proves nothing but its address.
    is_authentic: (value of that header, raw body) -> whether the sender made this request.
    reference: token in the address -> the reference of the request that it was made for, None when it is not ours.
        Only for senders who are given an address of their own for every request.
    dedup_key: raw body -> the event's identity, equal for every delivery of one event, safe in an object name.
    nack_status: the HTTP status that makes this sender deliver again later; None when it never does, and switches itself
        off at any answer but 200: what cannot be stored is then kept on the receiver's own disk.
    """

    name: str
    proof_header: str | None
    is_authentic: Callable[[str, bytes], bool]
    dedup_key: Callable[[bytes], str]
    nack_status: int | None
    reference: Callable[[str], str | None] | None = None


def ghl(public_keys: Sequence[str]) -> Sender:
    """Return Go High Level, whose events are signed by one of ``public_keys`` (base64 of Ed25519 SPKI DER).

    Only `X-GHL-Signature` counts: the older RSA header `X-WH-Signature` is past its end date and is never a fallback.
    Not able to store is 429, because under one of the vendor's two published retry rules a 5xx loses the event.
    Raises ValueError when a key is not an Ed25519 public key.
    """
    keys = [_ed25519_key(position, text) for position, text in enumerate(public_keys, start=1)]

    def is_authentic(proof: str, body: bytes) -> bool:
        try:
            signature = base64.b64decode(proof, validate=True)
        except (binascii.Error, ValueError):
            return False  # the vendor also sends the text N/A
        return any(_verifies(key, signature, body) for key in keys)

    return Sender("ghl", GHL_SIGNATURE_HEADER, is_authentic, ghl_dedup_key, nack_status=429)


def instantly(secrets: Sequence[str]) -> Sender:
    """Return Instantly, which signs nothing and sends back the header that we set when we created the webhook."""
    active = [secret.encode() for secret in secrets]

    def is_authentic(proof: str, body: bytes) -> bool:
        given = proof.encode("utf-8", errors="surrogateescape")
        # Every active secret is compared, so the time taken does not tell which one was nearly right.
        return sum(hmac.compare_digest(given, secret) for secret in active) > 0

    return Sender("instantly", INSTANTLY_SECRET_HEADER, is_authentic, instantly_dedup_key, nack_status=503)


def wiza(api_keys: Sequence[str], secrets: Sequence[str]) -> Sender:
    """Return Wiza, which sends a hash of our API key. It covers no body: read the reveal again before trusting it."""
    active = [wiza_auth_key(key).encode() for key in api_keys]

    def is_authentic(proof: str, body: bytes) -> bool:
        given = proof.lower().encode("utf-8", errors="surrogateescape")
        return sum(hmac.compare_digest(given, key) for key in active) > 0

    return Sender("wiza", WIZA_AUTH_HEADER, is_authentic, _body_key, 503, _reference_of(secrets, "wiza"))


def apollo(secrets: Sequence[str]) -> Sender:
    """Return Apollo, which proves nothing: only the address that it was given for one request does."""
    return Sender("apollo", None, _needs_no_proof, _body_key, 503, _reference_of(secrets, "apollo"))


def clay_table(secrets: Sequence[str]) -> Sender:
    """Return the HTTP API column of a Clay table, whose calls are unsigned: only the address of each row proves it."""
    return Sender("clay_table", None, _needs_no_proof, _body_key, 503, _reference_of(secrets, "clay_table"))


def clay(signing_secrets: Sequence[str]) -> Sender:
    """Return Clay's "run finished", signed over the raw body. It signs no time: a replay is stopped by the run's id."""

    def is_authentic(proof: str, body: bytes) -> bool:
        given = proof.encode("utf-8", errors="surrogateescape")
        return sum(hmac.compare_digest(given, clay_signature(secret, body).encode()) for secret in signing_secrets) > 0

    return Sender("clay", CLAY_SIGNATURE_HEADER, is_authentic, clay_dedup_key, nack_status=503)


def rb2b(path_secrets: Sequence[str]) -> Sender:
    """Return RB2B, which signs nothing and sends no header of ours: the address itself carries one of ``path_secrets``."""
    active = [secret.encode() for secret in path_secrets]

    def reference(token: str) -> str | None:
        given = token.encode("utf-8", errors="surrogateescape")
        # Every active secret is compared, so the time taken does not tell which one was nearly right.
        return "" if sum(hmac.compare_digest(given, secret) for secret in active) > 0 else None

    return Sender("rb2b", None, _needs_no_proof, rb2b_dedup_key, None, reference)


def rb2b_dedup_key(body: bytes) -> str:
    """Return the sha256 of the person, the page and the time, joined by ``|``; the body's hash when one is missing."""
    visit = _object(body)
    values = [visit.get(name) for name in RB2B_IDENTITY]
    if not all(isinstance(value, str) and value for value in values):
        return _body_key(body)
    return hashlib.sha256("|".join(map(str, values)).encode("utf-8", errors="surrogatepass")).hexdigest()


def _needs_no_proof(proof: str, body: bytes) -> bool:
    return True


def _reference_of(secrets: Sequence[str], vendor: str) -> Callable[[str], str | None]:
    return lambda token: reference_of_token(secrets, vendor, token)


def clay_dedup_key(body: bytes) -> str:
    """Return ``run-<routine_run_id>``, the same on every delivery; the body's hash when it has none (a test event)."""
    data = _object(body).get("data")
    run_id = data.get("routine_run_id") if isinstance(data, dict) else None
    return f"run-{run_id}" if isinstance(run_id, str) and _SAFE_RUN.fullmatch(run_id) else _body_key(body)


def ghl_dedup_key(body: bytes) -> str:
    """Return the event's ``webhookId``, the same on every retry; the body's hash when it has none (some invoices)."""
    webhook_id = _object(body).get("webhookId")
    if isinstance(webhook_id, str) and _SAFE_KEY.fullmatch(webhook_id):
        return webhook_id
    return _body_key(body)


def instantly_dedup_key(body: bytes) -> str:
    """Return the sha256 of the fields that identify the event, joined by ``|``; Instantly sends no event id.

    Without a type or a time two different events could share that hash, so then it is the body's hash.
    """
    event = _object(body)
    if not event.get("event_type") or not event.get("timestamp"):
        return _body_key(body)
    values = ["" if event.get(field) is None else str(event[field]) for field in INSTANTLY_IDENTITY]
    return hashlib.sha256("|".join(values).encode("utf-8", errors="surrogatepass")).hexdigest()


def _object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``, or an empty one: a body that cannot be parsed is stored all the same."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _body_key(body: bytes) -> str:
    return f"body-{hashlib.sha256(body).hexdigest()}"


def _ed25519_key(position: int, text: str) -> Ed25519PublicKey:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise ValueError(f"GHL public key {position} is not base64 of an SPKI key: copy it again.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"GHL public key {position} is {type(key).__name__}, not Ed25519: RSA is not accepted.")
    return key


def _verifies(key: Ed25519PublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body)
    except InvalidSignature:
        return False
    return True
