"""Look-ups against the sandbox: each number once, whatever breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from bench.waterfall_run import let_time_pass
from hooks.http.errors import BadRequest, OutcomeUnknown, VendorDown
from include.lake.call_ledger import CallLedger
from operators.twilio_lookup import TwilioLookupOperator
from tests.operators.chunks import chunk, people, spent

if TYPE_CHECKING:
    from google.cloud import storage

    from services.embedded.sandbox import Sandbox


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.admin.delete("faults")
    yield sandbox
    sandbox.admin.delete("faults")


def _numbers(world: Sandbox, first: int, count: int) -> list[dict[str, Any]]:
    """Different numbers of the sandbox's practices, a slice for each test."""
    npi_of: dict[str, str] = {}
    for row in people(world, first, count * 4):
        npi_of.setdefault(world.admin.get(f"truth/{row['npi']}").json()["phone"], row["npi"])
    found = [{"npi": npi, "phone_e164": phone, "after": None} for phone, npi in npi_of.items()][:count]
    assert len(found) == count
    return found


def _look_up(lake: storage.Bucket, rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return TwilioLookupOperator(task_id="look_up_phones", chunk=chunk(lake, rows), **changes).execute({})


def _ledger(lake: storage.Bucket) -> CallLedger:
    return CallLedger(lake, "twilio", "line_type_intelligence")


def test_execute_when_all_goes_well_then_each_number_has_its_line_type_and_price(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = _numbers(world, 0, 4)
    before, _ = spent(world, "twilio")
    assert _look_up(lake, rows)["answered"] == 4
    entries = {entry.person_key: entry for entry in _ledger(lake).entries()}
    for row in rows:
        entry = entries[row["npi"]]
        assert entry.body is not None
        truth = world.admin.get(f"truth/{row['npi']}").json()
        assert json.loads(entry.body)["line_type_intelligence"]["type"] == truth["phone_line_type"]
        assert entry.cost_usd == 0.008
    assert spent(world, "twilio")[0] - before == pytest.approx(4 * 0.008)
    assert _look_up(lake, rows)["had"] == 4
    assert spent(world, "twilio")[0] - before == pytest.approx(4 * 0.008)


def test_execute_when_an_answer_is_lost_then_the_number_stays_outcome_unknown_until_told(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = _numbers(world, 20, 3)
    world.admin.post("faults", json={"vendor": "twilio", "kind": "drop_response"}).raise_for_status()
    before, _ = spent(world, "twilio")
    with pytest.raises(OutcomeUnknown, match="1 answers were lost"):
        _look_up(lake, rows)
    counts = _look_up(lake, rows)
    assert (counts["had"], counts["outcome_unknown"], counts["answered"]) == (2, 1, 0)
    assert spent(world, "twilio")[0] - before == pytest.approx(3 * 0.008)
    assert _look_up(lake, rows, resend_unknown="true")["outcome_unknown"] == 1  # it may be on its way in another task
    let_time_pass(lake, _ledger(lake))
    assert _look_up(lake, rows, resend_unknown="true")["answered"] == 1


def test_execute_when_a_number_cannot_be_parsed_then_records_the_refusal(world: Sandbox, lake: storage.Bucket) -> None:
    rows = _numbers(world, 40, 1)
    world.admin.post("faults", json={"vendor": "twilio", "status": 404}).raise_for_status()
    assert _look_up(lake, rows)["refused"] == 1
    [entry] = _ledger(lake).entries()
    assert (entry.status, entry.http_status, entry.cost_usd) == ("failed", 404, 0.0)


def test_execute_when_a_package_fails_inside_a_200_then_the_answer_is_kept_and_counted(
    world: Sandbox, lake: storage.Bucket
) -> None:
    package = {"type": None, "carrier_name": None, "error_code": 60608}
    fault = {"vendor": "twilio", "status": 200, "body": {"valid": True, "line_type_intelligence": package}}
    world.admin.post("faults", json=fault).raise_for_status()
    counts = _look_up(lake, _numbers(world, 60, 1))
    assert (counts["answered"], counts["package_errors"]) == (1, 1)
    [entry] = _ledger(lake).entries()
    assert (entry.status, entry.cost_usd) == ("responded", 0.0)


def test_execute_when_the_account_may_not_use_the_package_then_stops_and_fails_for_good(
    world: Sandbox, lake: storage.Bucket
) -> None:
    fault = {
        "vendor": "twilio",
        "status": 200,
        "body": {"valid": True, "line_type_intelligence": {"error_code": 60606}},
    }
    world.admin.post("faults", json={**fault, "times": 4}).raise_for_status()
    with pytest.raises(BadRequest, match="3 came without the package; 1 were not asked"):
        _look_up(lake, _numbers(world, 60, 4))


def test_execute_when_three_answers_in_a_row_are_lost_then_stops(world: Sandbox, lake: storage.Bucket) -> None:
    world.admin.post("faults", json={"vendor": "twilio", "status": 504, "times": 4}).raise_for_status()
    with pytest.raises(OutcomeUnknown, match=r"3 answers were lost.* 1 were not asked"):
        _look_up(lake, _numbers(world, 60, 4))
    assert [entry.status for entry in _ledger(lake).entries()] == ["outcome_unknown"] * 3


def test_execute_when_the_vendor_stays_down_then_nothing_is_outcome_unknown(
    world: Sandbox, lake: storage.Bucket
) -> None:
    rows = _numbers(world, 80, 1)
    world.admin.post("faults", json={"vendor": "twilio", "status": 503, "times": 4}).raise_for_status()
    with pytest.raises(VendorDown):
        _look_up(lake, rows)
    assert list(_ledger(lake).entries()) == []
    assert _look_up(lake, rows)["answered"] == 1
