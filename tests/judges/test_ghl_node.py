"""Go High Level's own client for Node, with its defaults, against the sandbox. Skipped where there is no Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.embedded.process import ROOT
from services.embedded.sandbox import KEYS, LOCATION_ID, Sandbox
from tests.judges.conftest import Inbox, moved_on

MODULES = ROOT / ".venvs/judges-node/node_modules"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed: @gohighlevel/api-client was not asked")


def node(sandbox: Sandbox, **more: str) -> dict[str, Any]:
    assert MODULES.exists(), "the client for Node is not installed: run `make env`"
    known = {"URL": f"{sandbox.url}/ghl", "TOKEN": KEYS["ghl"], "LOCATION": LOCATION_ID, "NODE_PATH": str(MODULES)}
    done = subprocess.run(
        [str(NODE), Path(__file__).with_name("ghl.cjs")],
        env={**os.environ, **known, **more},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@needs_node
def test_contact_when_made_changed_and_found_then_in_the_words_of_the_clients_version(sandbox: Sandbox) -> None:
    told = node(sandbox)
    assert told["held"]["lastName"] == "Judge"
    assert told["held"]["dndSettings"] == {"Email": {"status": "active"}}
    assert [contact["id"] for contact in told["found"]] == [told["made"]["id"]]
    assert told["refused"] == 422


@needs_node
def test_webhook_when_it_arrives_then_the_client_takes_its_signature(sandbox: Sandbox, inbox: Inbox) -> None:
    contact = {"locationId": LOCATION_ID, "email": "hook@judges.example"}
    headers = {"Authorization": f"Bearer {KEYS['ghl']}", "Version": "v3"}
    sandbox.admin.post(f"{sandbox.url}/ghl/contacts/", json=contact, headers=headers).raise_for_status()
    sent, body = moved_on(sandbox, inbox, b"hook@judges.example")
    key = sandbox.admin.get("keys").json()["ghl_webhook_public_key"]
    told = node(sandbox, BODY=body.decode(), SIGNATURE=sent["x-ghl-signature"], KEY=key)
    assert told == {"verified": True, "changed": False}


def test_lock_when_read_then_each_package_has_its_hash_and_none_an_address() -> None:
    packages = json.loads(Path(__file__).with_name("package-lock.json").read_text(encoding="utf-8"))["packages"]
    installed = {name: item for name, item in packages.items() if name}
    assert installed and all("integrity" in item and "resolved" not in item for item in installed.values())
