"""What the trigger says while a vendor is not done, and that its deadline ends the wait. Wiza is a scripted server."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.enrichment.vendors import UnknownVendor
from tests.hooks.scripted_server import Answer, scripted
from triggers.vendor_answers import PROGRESS_EVERY, VendorAnswersTrigger

SLOW = json.dumps({"status": {"code": 200}, "data": {"id": 1, "status": "resolving", "is_complete": False}})


async def first_event(trigger: VendorAnswersTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


@pytest.mark.timeout(60)
def test_trigger_when_the_vendor_is_not_done_then_says_what_it_waits_for_until_the_deadline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("triggers.vendor_answers.PROGRESS_EVERY", timedelta(milliseconds=300))
    deadline = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    with scripted(Answer(200, SLOW)) as vendor:
        connection = {"conn_type": "http", "host": vendor.url, "password": "wiza-key"}
        monkeypatch.setenv("AIRFLOW_CONN_WIZA_DEFAULT", json.dumps(connection))
        progress = {"waiting": {"k1": ["1", 1], "k2": ["2", 1]}, "total": 2}
        event = asyncio.run(first_event(VendorAnswersTrigger("wiza", progress, deadline, 0.1)))
    assert (event["pending"], event["error"]) == (2, None)
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if "Waiting for 2 answers of wiza since 20" in line and f"until {deadline}." in line]
    assert 2 <= len(said) <= 7


def test_trigger_when_it_runs_as_it_is_then_says_so_each_minute() -> None:
    assert timedelta(minutes=1) == PROGRESS_EVERY


@pytest.mark.parametrize("vendor", ["apollo", "findmail", ""])
def test_trigger_when_nothing_can_wait_for_a_vendor_then_it_is_named(vendor: str) -> None:
    with pytest.raises(UnknownVendor, match=f"{vendor!r}.*Known are clay, wiza"):
        VendorAnswersTrigger(vendor, {"waiting": {}}, "2025-11-10T06:00:00+00:00", 1.0)
