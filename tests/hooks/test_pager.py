"""The pager: each channel as its contract says, chosen by the connection, and an error without a secret when it is down."""

from __future__ import annotations

import json
import socketserver
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hooks.http.errors import AuthFailed, BadRequest, VendorDown
from hooks.pager import PagerHook
from include.quality.pager_message import Message, Severity
from tests.hooks.scripted_server import CUT, Answer, Script, scripted

FAILED = Message(
    "task/d/t",
    Severity.CRITICAL,
    "CRITICAL: d.t failed",
    {"DAG": "d", "Error": "A<B & c"},
    "* Clear it.",
    "http://a/log",
)
OVER = Message("alert/a", Severity.ERROR, "freshness: ga4", is_resolved=True)


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch) -> Callable[..., PagerHook]:
    def pager(**connection: Any) -> PagerHook:
        monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps(connection))
        return PagerHook()

    return pager


def web(server: Script, **extra: Any) -> dict[str, Any]:
    return {"conn_type": "http", "host": server.url, "password": "T0/B0/s3cret", "extra": extra}


def test_file_when_two_are_sent_then_one_object_a_line_that_only_we_can_read(
    pager: Callable[..., PagerHook], tmp_path: Path
) -> None:
    path = tmp_path / "new" / "pages.jsonl"
    hook = pager(conn_type="fs", extra={"path": str(path)})
    hook.send(FAILED)
    hook.send(OVER)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["title"], first["facts"]["DAG"], first["advice"]) == ("CRITICAL: d.t failed", "d", "* Clear it.")
    assert (second["is_resolved"], second["severity"]) == (True, "error")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_slack_when_sent_then_text_goes_to_the_webhooks_path_without_markup_of_ours(
    pager: Callable[..., PagerHook],
) -> None:
    with scripted(Answer(200, "ok", {"Content-Type": "text/plain"})) as server:
        pager(**web(server, format="slack")).send(FAILED)
    assert server.seen == [("POST", "/T0/B0/s3cret")]
    body = json.loads(server.bodies[0])
    assert list(body) == ["text"]
    assert body["text"].startswith("*CRITICAL: d.t failed*\nDAG: d\nError: A&lt;B &amp; c\n\nWhat to do:\n* Clear it.")


def test_pagerduty_when_sent_and_over_then_trigger_and_resolve_share_a_key(pager: Callable[..., PagerHook]) -> None:
    with scripted(Answer(202, '{"status": "success"}')) as server:
        hook = pager(**web(server, format="pagerduty"))
        hook.send(FAILED)
        hook.send(OVER)
    assert {path for _, path in server.seen} == {"/v2/enqueue"}
    trigger, resolve = map(json.loads, server.bodies)
    assert (trigger["routing_key"], trigger["event_action"], trigger["dedup_key"]) == (
        "T0/B0/s3cret",
        "trigger",
        "task/d/t",
    )
    assert trigger["payload"]["severity"] == "critical" and trigger["payload"]["source"]
    assert trigger["payload"]["summary"] == "CRITICAL: d.t failed"
    assert trigger["payload"]["custom_details"] == {"DAG": "d", "Error": "A<B & c", "What to do": "* Clear it."}
    assert resolve == {"routing_key": "T0/B0/s3cret", "event_action": "resolve", "dedup_key": "alert/a"}


def test_any_other_host_gets_our_json_and_the_token(pager: Callable[..., PagerHook]) -> None:
    with scripted(Answer(204, "")) as server:
        pager(**web(server) | {"host": f"{server.url}/hook?team=gtm"}).send(OVER)
    assert server.seen == [("POST", "/hook?team=gtm")]
    assert server.headers[0]["authorization"] == "Bearer T0/B0/s3cret"
    assert json.loads(server.bodies[0])["title"] == "freshness: ga4"


@pytest.mark.parametrize(
    ("host", "operation"),
    [("https://hooks.slack.com/services", "send_slack"), ("events.pagerduty.com", "send_pagerduty"),
     ("https://events.eu.pagerduty.com", "send_pagerduty"), ("https://ops.example/hook", "send_json")],
)  # fmt: skip
def test_format_follows_from_the_host(pager: Callable[..., PagerHook], host: str, operation: str) -> None:
    from hooks.pager import _request

    endpoint, call = _request(pager(conn_type="http", host=host, password="k").get_conn(), FAILED)
    assert call.operation == operation
    assert endpoint.base_url.startswith("https://")


def test_web_when_it_is_down_then_tried_again_and_then_an_error_without_the_secret(
    pager: Callable[..., PagerHook],
) -> None:
    with scripted(CUT, Answer(503), Answer(200, "ok")) as server:
        pager(**web(server, format="slack")).send(FAILED)
        assert len(server.seen) == 3
    with pytest.raises(VendorDown, match=r"pager send_slack: no answer\..*pager_default") as raised:
        pager(**web(server, format="slack")).send(FAILED)  # the server is gone
    assert "s3cret" not in str(raised.value) and "127.0.0.1" not in str(raised.value)


@pytest.mark.parametrize(("status", "error"), [(403, AuthFailed), (400, BadRequest)])
def test_web_when_it_refuses_then_the_error_says_which_connection_and_nothing_that_was_sent(
    pager: Callable[..., PagerHook], status: int, error: type[Exception]
) -> None:
    with scripted(Answer(status, "invalid_payload d.t")) as server, pytest.raises(error) as raised:
        pager(**web(server, format="slack")).send(FAILED)
    assert "s3cret" not in str(raised.value) and "invalid_payload" not in str(raised.value)


def test_file_when_it_cannot_be_written_then_the_error_names_it(
    pager: Callable[..., PagerHook], tmp_path: Path
) -> None:
    with pytest.raises(VendorDown, match="cannot be written .*correct extra path of connection pager_default"):
        pager(conn_type="fs", extra={"path": str(tmp_path)}).send(FAILED)


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({"conn_type": "telegraph"}, "is of type 'telegraph': the pager knows fs, smtp, http"),
        ({"conn_type": "fs"}, "extra path must name the file"),
        ({"conn_type": "smtp", "host": "mail.example"}, "extra to must be a list of addresses"),
        ({"conn_type": "http"}, "has no host"),
        (
            {"conn_type": "http", "host": "https://a.example", "extra": {"format": "teams"}},
            "one of slack, pagerduty, json",
        ),
        ({"conn_type": "http", "host": "https://hooks.slack.com/services"}, "has no password"),
    ],
)
def test_connection_when_something_is_missing_then_the_check_names_it(
    pager: Callable[..., PagerHook], connection: dict[str, Any], said: str
) -> None:
    works, text = pager(**connection).test_connection()
    assert not works and said in text


def test_connection_when_it_is_complete_then_the_check_sends_nothing(pager: Callable[..., PagerHook]) -> None:
    with scripted(Answer(200)) as server:
        works, text = pager(**web(server)).test_connection()
    assert works and "nothing was sent" in text
    assert server.seen == []


class Mailbox(socketserver.ThreadingTCPServer):
    """As much of SMTP as a client needs to hand over a mail."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), _Smtp)


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 mail\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.mails.append(self._mail())  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")

    def _mail(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_mail_when_sent_then_subject_and_text_are_there(pager: Callable[..., PagerHook], mailbox: Mailbox) -> None:
    import email

    extra = {"to": ["oncall@example.org"], "from_email": "gtm@example.org", "disable_ssl": True, "disable_tls": True}
    pager(conn_type="smtp", host="127.0.0.1", port=mailbox.server_address[1], extra=extra).send(FAILED)
    (mail,) = map(email.message_from_string, mailbox.mails)
    assert (mail["Subject"], mail["To"]) == ("CRITICAL: d.t failed", "oncall@example.org")
    text = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_payload(decode=True)
    assert isinstance(text, bytes) and b"Error: A&lt;B &amp; c" in text


def test_mail_when_nobody_listens_then_the_error_names_the_connection(pager: Callable[..., PagerHook]) -> None:
    extra = {"to": ["oncall@example.org"], "from_email": "gtm@example.org", "disable_ssl": True, "disable_tls": True}
    with pytest.raises(VendorDown, match=r"did not take it \(ConnectionRefusedError\): see connection pager_default"):
        pager(conn_type="smtp", host="127.0.0.1", port=9, extra=extra).send(FAILED)
