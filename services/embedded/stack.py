"""Everything that one machine needs, started in order and stopped in reverse: cloud, receiver, sandbox, Airflow."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.embedded.airflow import Airflow, prepared_airflow, start_airflow
from services.embedded.airflow_api import USER, AirflowApi
from services.embedded.cloud import Cloud, running_cloud
from services.embedded.process import ROOT, Service, StartError, answers, loopback_client, python, start
from services.embedded.sandbox import (
    CALLBACK_SECRET,
    INSTANTLY_WEBHOOK_SECRET,
    KEYS,
    RB2B_PATH_SECRET,
    START,
    Sandbox,
    start_sandbox,
)
from services.embedded.state import kept_port, read_json, write_json

PAGES = "pages.jsonl"  # what the pager sent, one JSON object a line
CLOCK_SECONDS = 5  # who looks after the processes must not wait for one that hangs


@dataclass(frozen=True)
class Stack:
    cloud: Cloud
    sandbox: Sandbox
    receiver: Service
    airflow: Airflow
    state: Path

    @property
    def services(self) -> list[Service]:
        """Return every process, in the order of their start."""
        return [self.cloud.lake, self.cloud.warehouse, self.sandbox.service, self.receiver, *self.airflow.services]

    def begin_again(self, service: Service) -> None:
        """Start a process that died once more. The sandbox goes on at the time that its clock last showed."""
        if service is self.sandbox.service and isinstance(service.popen.args, list):
            at = service.popen.args.index("--start") + 1
            service.popen.args[at] = _world(self.state)["now"]
        service.begin_again()

    def note_clock(self) -> None:
        """Keep what the sandbox's clock shows, so that time goes on where it stopped."""
        with suppress(httpx.HTTPError), loopback_client(self.sandbox.url, timeout=CLOCK_SECONDS) as sandbox:
            now = sandbox.get("/__sandbox__/clock").raise_for_status().json()["now"]
            write_json(self.state / "world.json", _world(self.state) | {"now": now})

    def addresses(self) -> dict[str, str]:
        """Return what a person opens or points a client at, by name."""
        return {
            "Airflow": f"{self.airflow.url}  (login {USER} / {self.airflow.password})",
            "BigQuery (local-bigquery)": self.cloud.warehouse.url,
            "GCS (fake-gcs-server)": self.cloud.lake.url,
            "Vendor sandbox": self.sandbox.url,
            "Webhook receiver": self.receiver.url,
            "Pager": f"{self.state / PAGES}  (a line a message)",
        }


@contextmanager
def running_stack(
    state: Path,
    *,
    nppes_dir: Path | None = None,
    start_at: str | None = None,
    code_is_edited: bool = True,
    say: Callable[[str], None] = print,
    started: Callable[[list[Service]], None] = lambda _: None,
) -> Iterator[Stack]:
    """Run the whole stack with its data and logs under ``state``; stop all of it at the end, whatever happens. What is there is kept.

    :param nppes_dir: folder of NPPES zips under CMS's own names; default: the one of the last time, or the sample, generated
    :param start_at: where the sandbox's clock begins, ISO 8601 UTC; default: where it stopped the last time
    :param code_is_edited: whether a task must see what was edited since the start; otherwise tasks begin sooner
    :param say: told what is being started
    :param started: told the processes that run, whenever there are more
    """
    with ExitStack() as exits:
        # Airflow's database takes as long to make as everything before Airflow takes to start.
        preparing = exits.enter_context(ThreadPoolExecutor(1)).submit(prepared_airflow, state)
        folder, start_at = _kept_world(state, nppes_dir, start_at, say)
        say("starting the embedded cloud")
        cloud = exits.enter_context(running_cloud(state))
        started([cloud.lake, cloud.warehouse])
        receiver_port = kept_port(state, "webhook-receiver")
        signing_key, public_key = _ghl_keys(state)
        say("starting the vendor sandbox and the webhook receiver")
        sandbox = start_sandbox(
            state,
            folder,
            webhook_url=f"http://127.0.0.1:{receiver_port}",
            start_at=start_at,
            ghl_signing_key=signing_key,
        )
        exits.callback(sandbox.service.stop, grace_seconds=3)
        receiver = start(
            "webhook-receiver",
            [python("services"), "-m", "services.webhooks", "--port", str(receiver_port)],
            port=receiver_port,
            log=state / "logs" / "webhook-receiver.log",
            env={
                **cloud.env(),
                "GHL_WEBHOOK_PUBLIC_KEYS": public_key,
                "INSTANTLY_WEBHOOK_SECRETS": INSTANTLY_WEBHOOK_SECRET,
                "WIZA_API_KEYS": KEYS["wiza"],
                "CLAY_SIGNING_SECRETS": KEYS["clay"].split(":")[2],
                "CALLBACK_SECRETS": CALLBACK_SECRET,
                "RB2B_PATH_SECRETS": RB2B_PATH_SECRET,
                "WEBHOOK_SPOOL": str(state / "webhook-spool"),
            },
            healthy=answers("/healthz"),
        )
        exits.callback(receiver.stop, grace_seconds=3)
        started([cloud.lake, cloud.warehouse, sandbox.service, receiver])
        say("starting Airflow (api-server, scheduler, dag-processor, triggerer)")
        quick = {} if code_is_edited else {"GTM_PRELOAD_OWN_CODE": "1"}
        env = {**cloud.env(), **quick, "GTM_WEBHOOK_URL": receiver.url}
        airflow = start_airflow(preparing.result(), state, env, say)
        exits.callback(airflow.stop)
        _connect(airflow, state, sandbox)
        stack = Stack(cloud, sandbox, receiver, airflow, state)
        started(stack.services)
        exits.callback(stack.note_clock)
        yield stack


def _connect(airflow: Airflow, state: Path, sandbox: Sandbox) -> None:
    """Write the vendors' connections into Airflow's database, where a person can correct them while everything runs."""
    path = state / "connections.json"
    pager = {"conn_type": "fs", "extra": {"path": str(state / PAGES)}}
    connections = {**sandbox.connections(), "pager_default": pager}
    AirflowApi(airflow.url, airflow.password).write_connections(connections, read_json(path) or {})
    write_json(path, connections)


def _world(state: Path) -> dict[str, str]:
    return read_json(state / "world.json") or {}


def _kept_world(
    state: Path, nppes_dir: Path | None, start_at: str | None, say: Callable[[str], None]
) -> tuple[Path, str]:
    """Return the folder of the registry's files and the time at which the sandbox begins; both stay for the next start."""
    world = _world(state)
    folder = nppes_dir or Path(world.get("nppes_dir") or state / "nppes")
    if not folder.exists():
        if folder != state / "nppes":
            raise StartError(f"{folder} is gone: this stack's data was made of the NPPES files in it. Put them back.")
        say("writing the sample registry")
        partial = state / "nppes.partial"
        subprocess.run([python("services"), "-m", "services.nppes_sample", "--out", partial], check=True, cwd=ROOT)
        partial.rename(folder)
    now = start_at or world.get("now") or START
    write_json(state / "world.json", {"nppes_dir": "" if folder == state / "nppes" else str(folder), "now": now})
    return folder, now


def _ghl_keys(state: Path) -> tuple[Path, str]:
    """Make the key pair that GHL would hold: the sandbox signs with the one, the receiver is configured with the other."""
    key = Ed25519PrivateKey.generate()
    path = state / "ghl-signing-key.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return path, base64.b64encode(public).decode()
