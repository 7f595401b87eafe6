"""A balance against our books."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.enrichment.vendor_balance import Balance
from include.lake.call_ledger import CallLedger

if TYPE_CHECKING:
    from google.cloud import storage


def test_unexplained_when_the_balance_falls_by_what_was_booked_then_nothing_is_left(lake: storage.Bucket) -> None:
    ledger = CallLedger(lake, "wiza", "individual_reveal")
    first = Balance(lake, ledger)
    assert (first.read_at, first.unexplained(100.0)) == (None, None)
    ledger.claim("before", {})
    ledger.record_response("before", "{}", credits=7.0)
    first.write(93.0)
    ledger.claim("after", {})
    ledger.record_response("after", "{}", credits=2.5)
    second = Balance(lake, ledger)
    assert second.read_at is not None
    assert second.unexplained(90.5) == pytest.approx(0.0)
    assert second.unexplained(80.0) == pytest.approx(10.5)
    assert second.unexplained(190.5) == pytest.approx(-100.0)
    assert second.unexplained(None) is None


def test_write_when_the_vendor_tells_no_balance_then_the_last_reading_stays(lake: storage.Bucket) -> None:
    ledger = CallLedger(lake, "wiza", "individual_reveal")
    Balance(lake, ledger).write(93.0)
    for left in (None, float("inf")):
        Balance(lake, ledger).write(left)
    assert Balance(lake, ledger).unexplained(93.0) == 0.0
