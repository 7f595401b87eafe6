"""Everything that one machine needs, started in order and stopped in reverse: cloud, receiver, sandbox, Airflow."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.embedded.airflow import USER, Airflow, prepared_airflow, start_airflow
from services.embedded.cloud import Cloud, running_cloud
from services.embedded.process import ROOT, Service, answers, free_port, python, start
from services.embedded.sandbox import (
    CALLBACK_SECRET,
    INSTANTLY_WEBHOOK_SECRET,
    KEYS,
    RB2B_PATH_SECRET,
    START,
    Sandbox,
    start_sandbox,
)


@dataclass(frozen=True)
class Stack:
    cloud: Cloud
    sandbox: Sandbox
    receiver: Service
    airflow: Airflow

    def addresses(self) -> dict[str, str]:
        """Return what a person opens or points a client at, by name."""
        return {
            "Airflow": f"{self.airflow.url}  (login {USER} / {self.airflow.password})",
            "BigQuery (local-bigquery)": self.cloud.warehouse.url,
            "GCS (fake-gcs-server)": self.cloud.lake.url,
            "Vendor sandbox": self.sandbox.url,
            "Webhook receiver": self.receiver.url,
        }


@contextmanager
def running_stack(
    state: Path,
    *,
    nppes_dir: Path | None = None,
    start_at: str = START,
    code_is_edited: bool = True,
    say: Callable[[str], None] = print,
) -> Iterator[Stack]:
    """Run the whole stack with its data and logs under ``state``; stop all of it at the end, whatever happens.

    :param nppes_dir: folder of NPPES zips under CMS's own names; default: the sample, generated
    :param start_at: where the sandbox's clock begins, ISO 8601 UTC
    :param code_is_edited: whether a task must see what was edited since the start; otherwise tasks begin sooner
    :param say: told what is being started
    """
    with ExitStack() as exits:
        # Airflow's database takes as long to make as everything before Airflow takes to start.
        preparing = exits.enter_context(ThreadPoolExecutor(1)).submit(prepared_airflow, state)
        folder = nppes_dir or state / "nppes"
        if nppes_dir is None:
            say("writing the sample registry")
            subprocess.run([python("services"), "-m", "services.nppes_sample", "--out", folder], check=True, cwd=ROOT)
        say("starting the embedded cloud")
        cloud = exits.enter_context(running_cloud(state))
        receiver_port = free_port()
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
        say("starting Airflow (api-server, scheduler, dag-processor, triggerer)")
        quick = {} if code_is_edited else {"GTM_PRELOAD_OWN_CODE": "1"}
        connections = {f"AIRFLOW_CONN_{c.upper()}": json.dumps(b) for c, b in sandbox.connections().items()}
        airflow = start_airflow(
            preparing.result(), state, {**cloud.env(), **connections, **quick, "GTM_WEBHOOK_URL": receiver.url}
        )
        exits.callback(airflow.stop)
        yield Stack(cloud, sandbox, receiver, airflow)


def _ghl_keys(state: Path) -> tuple[Path, str]:
    """Make the key pair that GHL would hold: the sandbox signs with the one, the receiver is configured with the other."""
    key = Ed25519PrivateKey.generate()
    path = state / "ghl-signing-key.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return path, base64.b64encode(public).decode()
