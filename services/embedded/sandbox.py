"""The vendor sandbox as a process, and the Airflow connections that point the hooks at it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from include.boards.sources import board_sources
from services.embedded.process import ROOT, Service, answers, loopback_client, python, start
from services.embedded.state import kept_port

START = "2025-11-10T06:00:00+00:00"
LOCATION_ID = "loc-dental-gtm"
# Keys of the sandbox only; a real account's keys live in Airflow connections.
KEYS = {
    "wiza": "wiza-sandbox-key",
    "twilio": "AC00000000000000000000000000000000:twilio-sandbox-token",
    "usps": "usps-sandbox-key:usps-sandbox-secret",
    "addy": "addy-sandbox-key",
    "ghl": "ghl-sandbox-token",
    "instantly": "instantly-sandbox-key",
    "google_ads": "google-sandbox-client:google-sandbox-secret:google-sandbox-refresh:google-sandbox-developer",
    "meta_ads": "meta-sandbox-token:meta-sandbox-app-secret",
    "ttd": "ttd-sandbox-token",
    "leadfeeder": "leadfeeder-sandbox-token",
    "apollo": "apollo-sandbox-key",
    "clay": "clay-sandbox-key:clay-sandbox-table-token:whsec_clay-sandbox",
}
# The accounts of the sandbox's ad platforms and of its Leadfeeder, and its one MyReports template.
GOOGLE_CUSTOMER, GOOGLE_MANAGER, META_ACCOUNT = "1112223333", "9998887777", "100200300400500"
TTD_ADVERTISER, TTD_TEMPLATE, LEADFEEDER_ACCOUNT = "dentadv", 4711, "281194"
# A limiter paces one process; the pool lets so many work at once. Together they stay within the plan's limit.
WIZA_REQUESTS_PER_SECOND = 200
WIZA_SLOTS = 4
# The vendors' own minutes and hours would hold a test run up: the sandbox multiplies Apollo's and Clay's limits.
VENDOR_LIMIT_FACTOR = 30
APOLLO_REQUESTS_PER_SECOND, CLAY_REQUESTS_PER_SECOND = 400, 100
# What is built in the sandbox's Clay workspace.
CLAY_CONTACT, CLAY_COMPANY = "function:t_dentist_contact", "function:t_practice_company"
CLAY_WEBHOOK_ID = "wh_sandbox"
CLAY_TABLE = "sources/webhook/pull-in-data-from-a-webhook-00000000-0000-4000-8000-000000000001"
# Proves the addresses of callbacks; the receiver has the same.
CALLBACK_SECRET = "sandbox-callback-secret"  # noqa: S105 - opens the sandbox only
# Florida's portal wants a signed-in session; the sandbox's wants any.
BOARD_FL_COOKIE = "session=sandbox"
BOARD_CONTACT = "data@example.org"
INSTANTLY_WEBHOOK_SECRET = "instantly-sandbox-webhook-secret"
RB2B_PATH_SECRET = "rb2b-sandbox-path-secret"  # noqa: S105 - opens the local receiver only


@dataclass(frozen=True)
class Sandbox:
    service: Service
    nppes_dir: Path

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def admin(self) -> httpx.Client:
        """A client of the sandbox's own interface: clock, faults, ledger, truth. Never used by the pipeline."""
        return loopback_client(f"{self.url}/__sandbox__/", timeout=300)

    def draw_board_forms(self, seed: int) -> dict[str, str]:
        """Let every board write its list in another form than its declaration names first; return which, by state."""
        drawn = self.admin.put("board-forms", json={"seed": seed})
        drawn.raise_for_status()
        return dict(drawn.json()["forms"])

    def connections(self) -> dict[str, dict[str, Any]]:
        """Return Airflow connections by conn_id, in Airflow's JSON form."""
        sid, token = KEYS["twilio"].split(":")
        consumer_key, consumer_secret = KEYS["usps"].split(":")
        client_id, client_secret, refresh_token, developer_token = KEYS["google_ads"].split(":")
        meta_token, app_secret = KEYS["meta_ads"].split(":")
        clay_key, clay_table_token, _ = KEYS["clay"].split(":")
        return {
            "nppes_default": {"conn_type": "http", "host": f"{self.url}/nppes"},
            **board_connections(self.url),
            "wiza_default": {
                "conn_type": "http", "host": f"{self.url}/wiza/api", "password": KEYS["wiza"],
                "extra": {
                    "requests_per_second": WIZA_REQUESTS_PER_SECOND / WIZA_SLOTS, "callback_secret": CALLBACK_SECRET,
                },
            },
            "apollo_default": {
                "conn_type": "http", "host": f"{self.url}/apollo/api/v1", "password": KEYS["apollo"],
                "extra": {"requests_per_second": APOLLO_REQUESTS_PER_SECOND, "callback_secret": CALLBACK_SECRET},
            },
            "clay_default": {
                "conn_type": "http", "host": f"{self.url}/clay", "password": clay_key,
                "extra": {
                    "requests_per_second": CLAY_REQUESTS_PER_SECOND, "contact_routine": CLAY_CONTACT,
                    "company_routine": CLAY_COMPANY, "webhook_id": CLAY_WEBHOOK_ID,
                    "table_url": f"{self.url}/clay/{CLAY_TABLE}", "table_token": clay_table_token,
                    "callback_secret": CALLBACK_SECRET,
                },
            },
            "twilio_default": {
                "conn_type": "http", "host": f"{self.url}/twilio", "login": sid, "password": token,
                "extra": {"requests_per_second": 100},
            },
            "usps_default": {
                "conn_type": "http", "host": f"{self.url}/usps", "login": consumer_key, "password": consumer_secret,
                "extra": {"requests_per_second": 100},
            },
            "addy_default": {
                "conn_type": "http", "host": f"{self.url}/addy", "password": KEYS["addy"],
                "extra": {"requests_per_second": 100},
            },
            "ghl_default": {
                "conn_type": "http", "host": f"{self.url}/ghl", "password": KEYS["ghl"],
                "extra": {"location_id": LOCATION_ID},
            },
            "instantly_default": {
                "conn_type": "http", "host": f"{self.url}/instantly", "password": KEYS["instantly"],
                "extra": {"webhook_secret": INSTANTLY_WEBHOOK_SECRET},
            },
            "google_ads_default": {
                "conn_type": "http", "host": f"{self.url}/google_ads", "login": client_id, "password": client_secret,
                "extra": {
                    "refresh_token": refresh_token, "developer_token": developer_token,
                    "customer_ids": [GOOGLE_CUSTOMER], "login_customer_id": GOOGLE_MANAGER,
                    "token_url": f"{self.url}/google_ads/token", "requests_per_second": 100,
                },
            },
            "meta_ads_default": {
                "conn_type": "http", "host": f"{self.url}/meta_ads", "password": meta_token,
                "extra": {"app_secret": app_secret, "account_ids": [META_ACCOUNT], "requests_per_second": 100},
            },
            "ttd_default": {
                "conn_type": "http", "host": f"{self.url}/ttd", "password": KEYS["ttd"],
                "extra": {
                    "advertiser_ids": [TTD_ADVERTISER], "report_template_id": TTD_TEMPLATE, "requests_per_second": 100,
                },
            },
            "leadfeeder_default": {
                "conn_type": "http", "host": f"{self.url}/leadfeeder", "password": KEYS["leadfeeder"],
                "extra": {"account_id": LEADFEEDER_ACCOUNT, "requests_per_second": 100},
            },
        }  # fmt: skip


def board_connections(url: str) -> dict[str, dict[str, Any]]:
    """Return the connections of every declared state board, at the pace of a site that is our own."""
    connections: dict[str, dict[str, Any]] = {}
    for source in board_sources():
        extra = {"contact": BOARD_CONTACT, "requests_per_second": 200}
        connections[source.conn_id] = {
            "conn_type": "http",
            "host": f"{url}/boards/{source.state.lower()}",
            "extra": extra,
        }
    connections["board_fl_default"]["password"] = BOARD_FL_COOKIE
    return connections


@contextmanager
def running_sandbox(state: Path, nppes_dir: Path | None = None, webhook_url: str | None = None) -> Iterator[Sandbox]:
    """Run the sandbox on the NPPES files in ``nppes_dir`` (default: the generated sample, written under ``state``)."""
    folder = nppes_dir or state / "nppes"
    if nppes_dir is None:
        subprocess.run([python("services"), "-m", "services.nppes_sample", "--out", folder], check=True, cwd=ROOT)
    sandbox = start_sandbox(state, folder, webhook_url)
    try:
        yield sandbox
    finally:
        sandbox.service.stop(grace_seconds=3)


def start_sandbox(
    state: Path,
    nppes_dir: Path,
    webhook_url: str | None = None,
    start_at: str = START,
    ghl_signing_key: Path | None = None,
) -> Sandbox:
    """Start the sandbox; its webhooks go to ``webhook_url`` (the receiver's base address) if that is given."""
    keys = state / "keys.json"
    state.mkdir(parents=True, exist_ok=True)
    keys.write_text(json.dumps(KEYS | {"ghl_location_id": LOCATION_ID}))
    port = kept_port(state, "sandbox")
    command: list[str | Path] = [
        python("services"), "-m", "services.sandbox", "--port", str(port), "--nppes-dir", nppes_dir,
        "--seed", "7", "--start", start_at, "--keys", keys,
        "--wiza-requests-per-second", str(WIZA_REQUESTS_PER_SECOND), "--leadfeeder-per-minute", "6000",
        "--usps-per-hour", "1000000",
        "--vendor-limit-factor", str(VENDOR_LIMIT_FACTOR),
    ]  # fmt: skip
    if webhook_url:
        command += ["--webhook-url", webhook_url]
    if ghl_signing_key:
        command += ["--ghl-signing-key", ghl_signing_key]
    service = start(
        "sandbox", command, port=port, log=state / "logs" / "sandbox.log", env={}, healthy=answers("/healthz")
    )
    return Sandbox(service, nppes_dir)
