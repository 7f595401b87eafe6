"""Make sure that Instantly delivers every event to our receiver."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseHook, BaseOperator

from hooks.instantly import InstantlyHook

RECEIVER_PATH = "/webhooks/instantly"
SECRET_HEADER = "X-Webhook-Secret"  # noqa: S105 - a header's name
ALL_EVENTS = "all_events"  # automatic replies and labels of our own come only with this one
NAME = "gtm receiver"
SWITCHED_OFF = -1


class RegisterInstantlyWebhookOperator(BaseOperator):
    """Create the webhook for all events unless it is there. Returns its id; a second run changes nothing.

    The target is env ``GTM_WEBHOOK_URL`` (the receiver's base address) + ``/webhooks/instantly``; the secret that
    Instantly sends back in ``X-Webhook-Secret`` is ``webhook_secret`` in the connection's extra. A new secret makes a
    new webhook beside the old one: every event then comes twice, which costs nothing, until a person deletes the old.
    Raises RuntimeError when Instantly has switched the webhook off.
    """

    template_fields: Sequence[str] = ("instantly_conn_id",)
    ui_color = "#e8f0fe"

    def __init__(self, *, instantly_conn_id: str = InstantlyHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instantly_conn_id = instantly_conn_id

    def execute(self, context: Mapping[str, Any]) -> str:
        target = _target()
        headers = {SECRET_HEADER: _secret(self.instantly_conn_id)}
        hook = InstantlyHook(self.instantly_conn_id)
        to_us = [
            w for w in hook.iter_webhooks() if w["target_hook_url"] == target and w.get("event_type") == ALL_EVENTS
        ]
        current = [w for w in to_us if w.get("headers") == headers]
        outdated = [w["id"] for w in to_us if w.get("headers") != headers]
        if outdated:
            self.log.warning("delete these webhooks in Instantly, they carry another secret: %s", ", ".join(outdated))
        if not current:
            created = hook.create_webhook(target, ALL_EVENTS, name=NAME, headers=headers)
            self.log.info("created webhook %s to %s", created["id"], target)
            return str(created["id"])
        if all(w.get("status") == SWITCHED_OFF for w in current):
            raise RuntimeError(
                f"instantly webhook {current[0]['id']} is switched off after failed deliveries: mend the receiver "
                f"at {target}, resume the webhook in Instantly's settings, then replay what was missed (docs/webhooks.md)."
            )
        self.log.info("webhook %s is there", current[0]["id"])
        return str(current[0]["id"])


def _target() -> str:
    base = os.environ.get("GTM_WEBHOOK_URL", "").rstrip("/")
    if not base:
        raise RuntimeError("GTM_WEBHOOK_URL is not set: export the receiver's public base address (see .env.example).")
    return base + RECEIVER_PATH


def _secret(conn_id: str) -> str:
    secret = BaseHook.get_connection(conn_id).extra_dejson.get("webhook_secret", "")
    if not secret:
        raise RuntimeError(f"{conn_id}: extra has no webhook_secret: set the secret that the receiver expects.")
    return str(secret)
