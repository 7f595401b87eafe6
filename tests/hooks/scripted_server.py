"""A real HTTP server that answers what a test scripted: for answers that a vendor gives too seldom to wait for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CUT = "cut"  # read the request, then close the connection without an answer


@dataclass(frozen=True)
class Answer:
    status: int
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Script:
    """answers: given in order, the last one again and again. seen: (method, path) of each request.

    bodies and headers: of each request, in the same order; header names in lower case.
    """

    url: str
    answers: list[Answer | str]
    seen: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def scripted(*answers: Answer | str) -> Iterator[Script]:
    script = Script("", list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            script.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
            script.headers.append({name.lower(): value for name, value in self.headers.items()})
            script.seen.append((self.command, self.path))
            answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            if not isinstance(answer, Answer):
                self.close_connection = True
                return
            payload = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
