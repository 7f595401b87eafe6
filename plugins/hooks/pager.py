"""The pager: where the team is told, chosen by one connection.

Contracts. Slack, incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks): POST to
https://hooks.slack.com/services/T…/B…/…, `text`; the answer is `ok` as plain text. PagerDuty, Events API v2
(https://developer.pagerduty.com/docs/send-alert-event): POST /v2/enqueue with `routing_key`, `event_action` trigger or resolve,
`dedup_key` of at most 255 characters, `payload` with `summary` of at most 1024, `source`, `severity` (critical, error, warning,
info); 202. Anything else: our own JSON.

A message that is sent twice is harmless, so a call is repeated after any answer that is none.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import AuthFailed, VendorDown, VendorError
from hooks.http.transport import Call, Endpoint, Reply, Transport, outcome_of
from include.quality.pager_message import Message, Severity

if TYPE_CHECKING:
    from airflow.sdk import Connection

VENDOR = "pager"
ATTEMPTS = 3  # a task that failed must not wait for long to be told so
CALLS_PER_SECOND = 1.0  # what Slack allows a webhook
FORMAT_OF_HOST = {
    "hooks.slack.com": "slack",
    "events.pagerduty.com": "pagerduty",
    "events.eu.pagerduty.com": "pagerduty",
}


class PagerHook(BaseHook):
    """Sends a message to where the connection says. Its type decides:

    `fs`: extra `path`, a file that gets one JSON object a line. `smtp`: as Airflow's provider has it, with extra `from_email` and
    `to` (a list). `http`: host is the base address, and Slack, PagerDuty or our own JSON follows from it; extra `format` (slack,
    pagerduty or json) decides where it does not. Password: what follows /services/ in Slack's address; PagerDuty's
    routing key; a bearer token for any other, if it wants one.
    """

    conn_name_attr = "pager_conn_id"
    default_conn_name = "pager_default"
    conn_type = "http"
    hook_name = "Pager"

    def __init__(self, pager_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.pager_conn_id = pager_conn_id

    def get_conn(self) -> Connection:
        return self.get_connection(self.pager_conn_id)

    def send(self, message: Message) -> None:
        """Send one message. Raises one of hooks.http.errors, without a secret in its text, where it may not have arrived."""
        connection = self.get_conn()
        _channel(connection)(connection, message)

    def test_connection(self) -> tuple[bool, str]:
        """Look whether the connection has what its channel needs, and send nothing."""
        try:
            connection = self.get_conn()
            channel = _channel(connection)
            if channel is _to_file:
                _path(connection)
            elif channel is _to_mail:
                _recipients(connection)
            else:
                _request(connection, Message("test", Severity.WARNING, "test"))
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, f"{connection.conn_type} has all that it needs; nothing was sent"


def _channel(connection: Connection) -> Callable[[Connection, Message], None]:
    channel = CHANNELS.get(str(connection.conn_type))
    if channel is None:
        raise ValueError(
            f"connection {connection.conn_id} is of type {connection.conn_type!r}: the pager knows {', '.join(CHANNELS)}"
        )
    return channel


def _to_file(connection: Connection, message: Message) -> None:
    line = json.dumps({"sent_at": datetime.now(UTC).isoformat(timespec="seconds"), **as_json(message)}) + "\n"
    path = _path(connection)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One write: lines of tasks that fail at the same time do not mix.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        advice = f"{path} cannot be written ({error.strerror}): correct extra path of connection {connection.conn_id}."
        raise VendorDown(VENDOR, "write_file", None, advice) from error


def _to_mail(connection: Connection, message: Message) -> None:
    import smtplib

    from airflow.providers.smtp.hooks.smtp import SmtpHook

    to = _recipients(connection)
    body = f"<pre>{html.escape(message.text())}</pre>"
    try:
        with SmtpHook(smtp_conn_id=connection.conn_id) as mail:
            mail.send_email_smtp(to=to, subject=_summary(message), html_content=body)
    except smtplib.SMTPAuthenticationError as error:
        advice = f"The mail server refused the login: correct connection {connection.conn_id}."
        raise AuthFailed(VENDOR, "send_mail", error.smtp_code, advice) from error
    except (OSError, smtplib.SMTPException) as error:
        advice = f"The mail server did not take it ({type(error).__name__}): see connection {connection.conn_id}."
        raise VendorDown(VENDOR, "send_mail", None, advice) from error


def _to_web(connection: Connection, message: Message) -> None:
    endpoint, call = _request(connection, message)
    transport = Transport(endpoint, attempts=ATTEMPTS, outcome=_taken)
    try:
        transport.send(call)
    finally:
        transport.close()


CHANNELS: dict[str, Callable[[Connection, Message], None]] = {"fs": _to_file, "smtp": _to_mail, "http": _to_web}


def _taken(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    # Slack answers `ok`, which is no JSON. What it says when it refuses is in our words, too: a body may repeat what was sent.
    if response.is_success:
        return Reply(response.status_code, "", None)
    return outcome_of(vendor, call, response)


def _request(connection: Connection, message: Message) -> tuple[Endpoint, Call]:
    """Return where the message goes, and the call."""
    if not connection.host:
        raise ValueError(f"connection {connection.conn_id} has no host: set the base address of what takes messages")
    host = connection.host if "://" in connection.host else f"https://{connection.host}"
    port = f":{connection.port}" if connection.port else ""
    url = urlsplit(f"{host.rstrip('/')}{port}")
    name = connection.extra_dejson.get("format") or FORMAT_OF_HOST.get(url.hostname or "", "json")
    if name not in FORMATS:
        raise ValueError(
            f"connection {connection.conn_id}: extra format is {name!r}, and must be one of {', '.join(FORMATS)}"
        )
    path, headers, body = FORMATS[name](connection, message)
    # A whole URL where there is nothing to add: httpx would end it with a slash.
    call = Call(f"send_{name}", "POST", path or url.geturl(), repeatable=True, json=body)
    return Endpoint(VENDOR, url.geturl(), CALLS_PER_SECOND, headers), call


def _slack(connection: Connection, message: Message) -> tuple[str, dict[str, str], dict[str, Any]]:
    # Slack's three control characters; of all else nothing is markup that harms.
    text = f"*{_summary(message)}*\n{message.text()}"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return f"/{_secret(connection).strip('/')}", {}, {"text": text}


def _pagerduty(connection: Connection, message: Message) -> tuple[str, dict[str, str], dict[str, Any]]:
    body: dict[str, Any] = {
        "routing_key": _secret(connection),
        "event_action": "resolve" if message.is_resolved else "trigger",
        "dedup_key": message.key[:255],
    }
    if not message.is_resolved:
        details = {**message.facts, "What to do": message.advice}
        body["payload"] = {
            "summary": _summary(message)[:1024], "source": "dental-gtm", "severity": str(message.severity),
            "custom_details": details,
        }  # fmt: skip
        body["links"] = [{"href": message.link, "text": "Log"}] if message.link else []
    return "/v2/enqueue", {}, body


def _json(connection: Connection, message: Message) -> tuple[str, dict[str, str], dict[str, Any]]:
    headers = {"Authorization": f"Bearer {connection.password}"} if connection.password else {}
    return "", headers, as_json(message)


FORMATS: Mapping[str, Callable[[Connection, Message], tuple[str, dict[str, str], dict[str, Any]]]] = {
    "slack": _slack,
    "pagerduty": _pagerduty,
    "json": _json,
}


def as_json(message: Message) -> dict[str, Any]:
    """Return the message as our own JSON has it."""
    return {
        "key": message.key, "severity": str(message.severity), "is_resolved": message.is_resolved, "title": message.title,
        "facts": dict(message.facts), "advice": message.advice, "link": message.link,
    }  # fmt: skip


def _summary(message: Message) -> str:
    return f"RESOLVED: {message.title}" if message.is_resolved else message.title


def _secret(connection: Connection) -> str:
    if not connection.password:
        raise AuthFailed(VENDOR, "connect", None, f"Connection {connection.conn_id} has no password: set it.")
    return str(connection.password)


def _path(connection: Connection) -> Path:
    path = connection.extra_dejson.get("path")
    if not path:
        raise ValueError(f"connection {connection.conn_id}: extra path must name the file")
    return Path(path)


def _recipients(connection: Connection) -> list[str]:
    to = connection.extra_dejson.get("to")
    if not isinstance(to, list) or not to:
        raise ValueError(f"connection {connection.conn_id}: extra to must be a list of addresses")
    return to
