"""The command: its keys file, its errors, and that two processes make the same world whatever the order of calls."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox_runs import GHL, LOCATION, Receiver, new_campaign, running_process, running_receiver

from services.sandbox.__main__ import main
from services.sandbox.plan import Plan
from services.sandbox.world import World

API = "/instantly/api/v2"


def test_main_when_keys_file_is_given_then_only_those_keys_work(nppes_dir: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"wiza": "w2", "twilio": "AC2:t2", "ghl_location_id": "loc-2"}))
    with running_process(nppes_dir, "--keys", str(keys)) as client:
        assert client.get("/wiza/api/meta/credits", headers={"Authorization": "Bearer w2"}).status_code == 200
        assert (
            client.get("/wiza/api/meta/credits", headers={"Authorization": "Bearer sandbox-wiza-key"}).status_code
            == 401
        )
        assert client.get("/twilio/v2/PhoneNumbers/+15125550100", auth=("AC2", "t2")).status_code == 200
        contact = {"locationId": "loc-2", "email": "a@b.example"}
        assert client.post("/ghl/contacts/", headers=GHL, json=contact).status_code == 201
        assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("text", ['{"wizard": "x"}', '{"wiza": ""}', "not json"])
def test_main_when_keys_file_is_wrong_then_exit_2_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    assert main(["--nppes-dir", str(tmp_path), "--keys", str(keys)]) == 2
    assert capsys.readouterr().err.startswith("sandbox: ")


def test_two_processes_when_called_in_another_order_then_same_truth_and_same_events(nppes_dir: Path) -> None:
    runs = [_run(nppes_dir, shuffle) for shuffle in (1, 2)]
    assert runs[0][0] == runs[1][0]
    assert len(runs[0][1]) > 800
    assert runs[0][1] == runs[1][1]


def _run(nppes_dir: Path, shuffle: int) -> tuple[list[dict[str, Any]], list[str]]:
    """(the truth about fifty people, every event body in sorted order) of a process that is called in its own order."""
    people = list(World(nppes_dir, 7, Plan(nppes_dir).start).people().values())
    random.Random(shuffle).shuffle(people)  # noqa: S311
    with (
        running_receiver() as receiver,
        running_process(nppes_dir, "--webhook-url", receiver.url, "--ghl-burst", "9999") as client,
    ):
        instantly = {"Authorization": "Bearer sandbox-instantly-key"}
        hook = {"target_hook_url": receiver.url, "event_type": "all_events"}
        client.post(f"{API}/webhooks", headers=instantly, json=hook)
        campaign = new_campaign(client)
        for person in people[:: 1 if shuffle == 1 else -1]:
            contact = {"locationId": LOCATION, "email": person.email}
            client.post("/ghl/contacts/", headers=GHL, json=contact)
        for start in range(0, len(people), 60):
            leads = [{"email": person.email} for person in people[start : start + 60]]
            body = {"campaign_id": campaign, "leads": leads}
            assert client.post(f"{API}/leads/add", headers=instantly, json=body).status_code == 200
        client.post("/__sandbox__/clock", json={"now": "2025-11-14T12:00:00Z"}) if shuffle == 1 else None
        client.post("/__sandbox__/clock", json={"now": "2025-12-20T00:00:00Z"})
        npis = sorted(person.npi for person in people)[:50]
        return _truths(client, npis), sorted(body.decode() for body in _bodies(receiver))


def _truths(client: httpx.Client, npis: list[str]) -> list[dict[str, Any]]:
    return [client.get(f"/__sandbox__/truth/{npi}").json() for npi in npis]


def _bodies(receiver: Receiver) -> list[bytes]:
    return [body for _, _, body in receiver.got]
