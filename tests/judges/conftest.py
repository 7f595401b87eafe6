"""The sandbox, whose webhooks come to a receiver that remembers, and the warehouse: what the vendors' own clients talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from services.embedded.sandbox import Sandbox, running_sandbox


@dataclass
class Inbox:
    """Webhooks as they came: headers (lower case) and body."""

    url: str
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
    inbox = Inbox("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            inbox.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield inbox
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), webhook_url=inbox.url) as running:
        yield running


@pytest.fixture
def credits(sandbox: Sandbox) -> Callable[[], float]:
    """Apollo's credits that are left."""
    return lambda: float(sandbox.admin.get("ledger").json()["balances"]["apollo"])


def moved_on(sandbox: Sandbox, inbox: Inbox, part: bytes) -> tuple[dict[str, str], bytes]:
    """Move the world on by a minute, and return the webhook whose body has this part."""
    now = datetime.fromisoformat(sandbox.admin.get("clock").json()["now"])
    sandbox.admin.post("clock", json={"now": (now + timedelta(minutes=1)).isoformat()}).raise_for_status()
    return next((headers, body) for headers, body in inbox.got if part in body)
