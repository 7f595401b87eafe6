"""How the sandbox is run in tests: in this process, as a process, and with a receiver that remembers."""

import hmac
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

import httpx

from services.sandbox.app import create_app
from services.sandbox.plan import Plan

with warnings.catch_warnings():  # Starlette announces another client library; the test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ROOT = Path(__file__).parents[3]
WIZA = {"Authorization": "Bearer sandbox-wiza-key"}
GHL = {"Authorization": "Bearer sandbox-ghl-token", "Version": "v3"}
INSTANTLY = {"Authorization": "Bearer sandbox-instantly-key"}
APOLLO = {"x-api-key": "sandbox-apollo-key"}
CLAY = {"clay-api-key": "sandbox-clay-key"}
CLAY_ROW = {"x-clay-webhook-auth": "sandbox-clay-table-token"}
CLAY_TABLE = "/clay/sources/webhook/pull-in-data-from-a-webhook-00000000-0000-4000-8000-000000000001"
TWILIO = ("ACsandbox", "sandbox-twilio-secret")
ADDY = {"addy-api-key": "sandbox-addy-key"}
TTD = {"TTD-Auth": "sandbox-ttd-token"}
LEADFEEDER = {"Authorization": "Token token=sandbox-leadfeeder-token"}
META = {"Authorization": "Bearer sandbox-meta-token"}
META_PROOF = hmac.new(b"sandbox-app-secret", b"sandbox-meta-token", "sha256").hexdigest()
LOCATION = Plan(Path()).ghl_location
SCHEDULE = {
    "schedules": [
        {
            "name": "office hours",
            "timing": {"from": "09:00", "to": "17:00"},
            "days": {"1": True, "2": True, "3": True, "4": True, "5": True},
            "timezone": "America/Chicago",
        }
    ]
}


@dataclass
class Receiver:
    """A webhook receiver that remembers. `answers`: statuses to give first; after them always 200."""

    url: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receiver.lock:
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.got.append((self.path, headers, body))
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running_process(nppes_dir: Path, *arguments: str) -> Iterator[httpx.Client]:
    """`python -m services.sandbox` on a free port, with a client on it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "services.sandbox", "--port", str(port), "--nppes-dir", str(nppes_dir), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            _wait_until_healthy(client, process)
            yield client
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_healthy(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(
                f"the sandbox ended with {process.returncode}: {process.stdout and process.stdout.read()}"
            )
        try:
            if client.get("/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("the sandbox was not healthy within 30 s")


def in_process(plan: Plan) -> TestClient:
    """A client of a new sandbox in this process."""
    return TestClient(create_app(plan))


def new_campaign(client: httpx.Client, name: str = "demo", **fields: object) -> str:
    """The id of a new active campaign."""
    body = {"name": name, "campaign_schedule": SCHEDULE, **fields}
    made = client.post("/instantly/api/v2/campaigns", headers=INSTANTLY, json=body)
    assert made.status_code == 200, made.text
    campaign_id: str = made.json()["id"]
    assert client.post(f"/instantly/api/v2/campaigns/{campaign_id}/activate", headers=INSTANTLY).status_code == 200
    return campaign_id


def usps_token(client: httpx.Client, secret: str = "sandbox-usps-secret") -> httpx.Response:
    """The answer to a request for an access token of USPS."""
    asked = {"grant_type": "client_credentials", "client_id": "sandbox-usps-key", "client_secret": secret}
    return client.post("/usps/oauth2/v3/token", json=asked)


def usps_headers(token: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.json()['access_token']}"}


def google_headers(client: httpx.Client) -> dict[str, str]:
    """The headers of a call to Google Ads, with a fresh access token."""
    form = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
    made = client.post("/google_ads/token", data={**form, "refresh_token": "sandbox-refresh-token"})
    assert made.status_code == 200, made.text
    token = made.json()["access_token"]
    return {
        "Authorization": f"Bearer {token}",
        "developer-token": "sandbox-developer-token",
        "login-customer-id": "9998887777",
    }
