"""What bench-enrich runs on: an embedded cloud, a sandbox at limits of its choice with the receiver, and its people."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from include.nppes.publication import npi_check_digit, parse_file_name
from include.warehouse.tables import table, tables
from services.embedded.cloud import BUCKET, PROJECT, Cloud, running_cloud
from services.embedded.process import answers, free_port, python, start
from services.embedded.sandbox import CALLBACK_SECRET, INSTANTLY_WEBHOOK_SECRET, KEYS, LOCATION_ID, START, Sandbox

PUBLISHED = {"wiza": 14.5, "apollo": 0.98 * 1000 / 60, "clay": 5.0}  # calls a second that our hooks keep to
IN_A_HURRY = {"wiza": 200.0, "apollo": 400.0, "clay": 100.0}


@dataclass(frozen=True)
class World:
    cloud: Cloud
    sandbox: Sandbox
    env: dict[str, str]

    @property
    def client(self) -> bigquery.Client:
        address = {"api_endpoint": self.cloud.warehouse.url}
        credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
        return bigquery.Client(project=PROJECT, credentials=credentials, client_options=address)

    @property
    def lake(self) -> storage.Bucket:
        address = {"api_endpoint": self.cloud.lake.url}
        credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
        client = storage.Client(project=PROJECT, credentials=credentials, client_options=address)
        return client.bucket(BUCKET)

    def charged(self) -> dict[str, float]:
        """Credits by vendor, by the vendors' own books."""
        vendors = self.sandbox.admin.get("ledger").json()["vendors"]
        return {name: float(vendors.get(name, {}).get("credits", 0.0)) for name in PUBLISHED}

    def refused(self) -> int:
        """Calls that a vendor answered with 429."""
        vendors = self.sandbox.admin.get("ledger").json()["vendors"]
        return sum(
            line["statuses"].get("429", 0)
            for name in PUBLISHED
            for line in vendors.get(name, {}).get("operations", {}).values()
        )


def registry(folder: Path, weeks: int) -> list[dict[str, Any]]:
    """Write a registry of so many weeks and return its dentists whose names are theirs alone: npi and names."""
    command: list[str | Path] = [
        python("services"),
        "-m",
        "services.nppes_sample",
        "--out",
        folder,
        "--weeks",
        str(weeks),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows: dict[str, dict[str, str]] = {}
    for archive in sorted(folder.glob("*Weekly*.zip"), key=lambda path: parse_file_name(path.name).day):
        with zipfile.ZipFile(archive) as zipped:
            member = next(
                n for n in zipped.namelist() if n.startswith("npidata_pfile") and "fileheader" not in n.lower()
            )
            with zipped.open(member) as raw:
                rows |= {row["NPI"]: row for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8"))}
    first, last = "Provider First Name", "Provider Last Name (Legal Name)"
    people = [
        {"npi": npi, "first_name": row[first], "last_name": row[last], "full_name": f"{row[first]} {row[last]}"}
        for npi, row in sorted(rows.items())
        if row["Entity Type Code"] == "1"
        and row["Healthcare Provider Taxonomy Code_1"].startswith("1223")
        and npi_check_digit(npi[:9]) == npi[9:]  # the generated files hold a few mistyped ones
    ]
    names = Counter(person["full_name"] for person in people)
    return [person for person in people if names[person["full_name"]] == 1]


@contextmanager
def world(state: Path, nppes: Path, rates: dict[str, float], factor: int) -> Iterator[World]:
    """Run cloud, receiver and sandbox, with empty tables. rates: our pace by vendor. factor: of the vendors' limits."""
    with ExitStack() as exits:
        cloud = exits.enter_context(running_cloud(state))
        receiver_port, port = free_port(), free_port()
        clay_secret = KEYS["clay"].split(":")[2]
        secrets = {"CALLBACK_SECRETS": CALLBACK_SECRET, "WIZA_API_KEYS": KEYS["wiza"], "CLAY_SIGNING_SECRETS": clay_secret, "INSTANTLY_WEBHOOK_SECRETS": INSTANTLY_WEBHOOK_SECRET, "RB2B_PATH_SECRETS": "unused"}  # fmt: skip # noqa: E501
        receiver = start(
            "webhook-receiver",
            [python("services"), "-m", "services.webhooks", "--port", str(receiver_port)],
            port=receiver_port,
            log=state / "logs" / "receiver.log",
            env={**cloud.env(), **secrets, "GHL_WEBHOOK_PUBLIC_KEYS": _any_public_key()},
            healthy=answers("/healthz"),
        )
        exits.callback(receiver.stop, grace_seconds=3)
        keys = state / "keys.json"
        keys.write_text(json.dumps(KEYS | {"ghl_location_id": LOCATION_ID}))
        command: list[str | Path] = [
            python("services"), "-m", "services.sandbox", "--port", str(port), "--nppes-dir", nppes, "--seed", "7",
            "--start", START, "--keys", keys, "--webhook-url", receiver.url,
            "--wiza-requests-per-second", "200" if factor > 1 else "15", "--vendor-limit-factor", str(factor),
        ]  # fmt: skip
        service = start("sandbox", command, port=port, log=state / "logs" / "sandbox.log", env={}, healthy=answers("/healthz"))  # fmt: skip # noqa: E501
        exits.callback(service.stop, grace_seconds=3)
        sandbox = Sandbox(service, nppes)
        connections = sandbox.connections()
        for vendor, rate in rates.items():
            connections[f"{vendor}_default"]["extra"]["requests_per_second"] = rate
        env = {**cloud.env(), "GTM_WEBHOOK_URL": receiver.url}
        env |= {f"AIRFLOW_CONN_{name.upper()}": json.dumps(body) for name, body in connections.items()}
        os.environ.update(env)
        made = World(cloud, sandbox, env)
        for vendor in PUBLISHED:
            sandbox.admin.put(f"credits/{vendor}", json={"credits": 1_000_000})
        for dataset in sorted({t.dataset for t in tables()}):
            made.client.create_dataset(dataset, exists_ok=True)
        for defined in tables():
            made.client.create_table(bigquery.Table.from_api_repr(defined.resource(PROJECT)), exists_ok=True)
        yield made


def with_truth(made: World, people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each person the company and segment, and whom the e-mails that exist belong to."""
    known = []
    with made.sandbox.admin as admin:
        for person in people:
            answer = admin.get(f"truth/{person['npi']}")
            answer.raise_for_status()
            truth = answer.json()
            size = truth["practice"]["size"]
            segment = "solo" if size <= 1 else "small" if size <= 4 else "group"
            known.append(
                {
                    **person,
                    "company": truth["practice"]["name"],
                    "segment": segment,
                    "true_email": truth["email"],
                    "after": None,
                }
            )
    return known


def load_providers(made: World, people: list[dict[str, Any]]) -> None:
    """Put these people, each with a practice, into clean.provider."""
    common = {
        "taxonomy_code": "1223G0001X", "taxonomy_codes": ["1223G0001X"], "specialty": "general", "is_active": True,
        "source_file_date": "2025-11-03", "source_object": "x", "source_line": 2, "row_hash": "h",
    }  # fmt: skip
    rows = []
    for number, one in enumerate(people):
        place = {"practice_id": f"o{number}", **common}
        person = {"npi": one["npi"], "entity_type": "individual", "person_id": f"p{one['npi']}"}
        rows.append({**place, **person, "first_name": one["first_name"], "last_name": one["last_name"]})
        company = {"npi": f"29{number:08d}", "entity_type": "organization", "organization_name": one["company"]}
        rows.append({**place, **company})
    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table("clean.provider").columns]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_TRUNCATE")
    made.client.load_table_from_json(rows, "clean.provider", job_config=config).result()


def _any_public_key() -> str:
    """A key for GHL's events, of which there are none here; the receiver does not start without one."""
    public = Ed25519PrivateKey.generate().public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()
