"""How a vendor's callback proves itself: what the receiver checks, and the addresses that the pipeline hands out.

Wiza and Apollo are given an address of their own for every request. Its last part is a token: a random reference, and a
code that only we can make of it. So an address cannot be guessed, and the receiver knows its own without a store.

Wiza also sends a fixed header, and Clay signs the body. None of the three signs the time: what stops a replay is that
the same delivery has the same key in the inbox. Polling ends every wait, so that a lost callback delays
nothing; a callback tells which call was taken when the answer that named it was lost. What it says is read again from
the vendor by id (Wiza, Clay), or is held against the request that its reference belongs to (Apollo).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

REFERENCE_CHARACTERS = 22  # 16 random bytes


@dataclass(frozen=True, slots=True)
class CallbackAddress:
    """Where a vendor shall send one answer. reference: keep it with the request; the event carries it back."""

    url: str
    reference: str


def new_callback_address(receiver_url: str, vendor: str, secret: str) -> CallbackAddress:
    """Return an address that nobody can guess, for one request to ``vendor``.

    receiver_url: the receiver's public base address. secret: one of the receiver's CALLBACK_SECRETS.
    """
    if not secret:
        raise ValueError(f"{vendor}_default: extra has no callback_secret: set one of the receiver's CALLBACK_SECRETS")
    reference = secrets.token_urlsafe(16)
    url = f"{receiver_url.rstrip('/')}/webhooks/{vendor}/{reference}{_code(secret, vendor, reference)}"
    return CallbackAddress(url, reference)


def reference_of_token(active_secrets: Sequence[str], vendor: str, token: str) -> str | None:
    """Return the reference in a token of ours for ``vendor``; None when none of the secrets made it."""
    reference, code = token[:REFERENCE_CHARACTERS], token[REFERENCE_CHARACTERS:]
    given = code.encode("utf-8", errors="surrogateescape")
    # Every active secret is compared, so the time taken does not tell which one was nearly right.
    matches = sum(hmac.compare_digest(given, _code(secret, vendor, reference).encode()) for secret in active_secrets)
    return reference if matches else None


def wiza_auth_key(api_key: str) -> str:
    """Return what Wiza sends in ``x-auth-key``: SHA-256 of the API key, hex. It does not cover the body."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def clay_signature(secret: str, body: bytes) -> str:
    """Return what Clay sends in ``X-Clay-Signature``: HMAC-SHA256 of the raw body."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _code(secret: str, vendor: str, reference: str) -> str:
    content = f"{vendor}/{reference}".encode("utf-8", errors="surrogateescape")
    return base64.urlsafe_b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).rstrip(b"=").decode()
