"""The ledger against the embedded object store: every step once, every crash recoverable."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from include.lake.call_ledger import CallLedger, LedgerConflict

if TYPE_CHECKING:
    from google.cloud import storage

MONDAY = datetime(2025, 11, 10, 6, tzinfo=UTC)
TUESDAY = datetime(2025, 11, 11, 6, tzinfo=UTC)
KEY = "k1"
ASK = {"full_name": "Ada Molar", "company": "Example Dental"}


@pytest.fixture
def ledger(lake: storage.Bucket) -> CallLedger:
    return CallLedger(lake, "wiza", "individual_reveal", clock=lambda: MONDAY)


def test_claim_when_never_asked_then_is_new_and_the_intent_is_stored(ledger: CallLedger, lake: storage.Bucket) -> None:
    assert ledger.claim(KEY, ASK, person_key="2000000001").state == "new"
    stored = json.loads(lake.blob("calls/wiza/individual_reveal/k1/intent.json").download_as_bytes())
    assert stored["request"] == ASK
    assert stored["person_key"] == "2000000001"
    assert stored["requested_at"] == "2025-11-10T06:00:00+00:00"


def test_claim_after_a_crash_before_the_answer_then_is_outcome_unknown(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    again = ledger.claim(KEY, ASK)
    assert (again.state, again.vendor_ref) == ("outcome_unknown", None)


def test_claim_after_a_crash_with_the_vendor_id_then_gives_the_id(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    ledger.record_started(KEY, "32")
    again = ledger.claim(KEY, ASK)
    assert (again.state, again.vendor_ref) == ("outcome_unknown", "32")


def test_claim_after_the_answer_then_has_response(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    ledger.record_response(KEY, '{"a": 1}')
    assert ledger.claim(KEY, ASK).state == "has_response"


def test_record_response_when_repeated_then_the_first_answer_stays(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    assert ledger.record_response(KEY, '{"first":  true}', credits=2, cost_usd=0.05) is True
    assert ledger.record_response(KEY, '{"second": true}') is False
    entry = ledger.entry(KEY)
    assert entry is not None
    assert entry.body == '{"first":  true}'  # as received, not re-written
    assert (entry.status, entry.credits, entry.cost_usd) == ("responded", 2.0, 0.05)


def test_record_response_without_a_claim_then_refuses(ledger: CallLedger) -> None:
    with pytest.raises(LedgerConflict, match="claim a request before calling"):
        ledger.record_response(KEY, "{}")


def test_record_started_with_another_id_then_says_that_it_was_asked_twice(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    ledger.record_started(KEY, "32")
    ledger.record_started(KEY, "32")
    with pytest.raises(LedgerConflict, match="32 and again as 33"):
        ledger.record_started(KEY, "33")


def test_withdraw_when_refused_then_the_request_is_new_again(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    ledger.record_started(KEY, "32")
    ledger.withdraw(KEY)
    assert ledger.entry(KEY) is None
    assert ledger.claim(KEY, ASK).state == "new"


def test_withdraw_when_answered_then_refuses(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    ledger.record_response(KEY, "{}")
    with pytest.raises(LedgerConflict, match="cannot be withdrawn"):
        ledger.withdraw(KEY)


def test_reopen_when_outcome_unknown_then_is_new_and_keeps_the_first_time(
    lake: storage.Bucket, ledger: CallLedger
) -> None:
    ledger.claim(KEY, ASK)
    tuesday = CallLedger(lake, "wiza", "individual_reveal", clock=lambda: TUESDAY)
    assert tuesday.reopen(KEY, asked_before=MONDAY).state == "outcome_unknown"  # it may be on its way
    assert tuesday.reopen(KEY, asked_before=TUESDAY).state == "new"
    assert tuesday.reopen(KEY, asked_before=TUESDAY).state == "outcome_unknown"  # it was just asked again
    stored = json.loads(lake.blob("calls/wiza/individual_reveal/k1/intent.json").download_as_bytes())
    assert stored["requested_at"] == MONDAY.isoformat()
    assert stored["resent_at"] == [TUESDAY.isoformat()]
    tuesday.record_response(KEY, "{}")
    entry = tuesday.entry(KEY)
    assert entry is not None
    assert (entry.requested_at, entry.responded_at) == (MONDAY, TUESDAY)


def test_reopen_when_the_same_process_had_claimed_then_the_answer_tells_that_it_was_sent_again(
    lake: storage.Bucket, ledger: CallLedger
) -> None:
    ledger.claim(KEY, ASK)
    ledger.reopen(KEY, asked_before=TUESDAY)
    ledger.record_response(KEY, "{}")
    stored = json.loads(lake.blob("calls/wiza/individual_reveal/k1/response.json").download_as_bytes())
    assert stored["resent_at"] == [MONDAY.isoformat()]


def test_reopen_when_the_vendor_id_is_known_then_refuses(ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    ledger.record_started(KEY, "32")
    with pytest.raises(LedgerConflict, match="do not ask again"):
        ledger.reopen(KEY, asked_before=TUESDAY)


def test_entries_when_some_are_skipped_then_gives_the_others_with_their_state(ledger: CallLedger) -> None:
    for key in ("a", "b", "c", "d"):
        ledger.claim(key, ASK)
    ledger.record_response("a", "{}")
    ledger.record_response("b", "{}")
    ledger.record_started("c", "7")
    found = list(ledger.entries(skip={"a"}))
    assert [(e.request_key, e.status, e.vendor_ref) for e in found] == [
        ("b", "responded", None),
        ("c", "outcome_unknown", "7"),
        ("d", "outcome_unknown", None),
    ]


def test_open_and_booked_when_some_are_answered_then_tell_the_rest_and_the_credits(
    lake: storage.Bucket, ledger: CallLedger
) -> None:
    for key in ("a", "b", "c"):
        ledger.claim(key, ASK, purpose={"run_id": "r", "segment": "solo"})
    ledger.record_started("b", "7")
    lake.blob("mark").upload_from_string("x")
    mark = lake.get_blob("mark")
    assert mark is not None
    ledger.record_response("a", "{}", credits=2.0)
    assert [(one.request_key, one.vendor_ref, one.purpose["segment"]) for one in ledger.open()] == [
        ("b", "7", "solo"),
        ("c", None, "solo"),
    ]
    assert ledger.booked_since(mark.time_created) == 2.0
    lake.blob("mark").upload_from_string("y")
    assert ledger.booked_since(lake.get_blob("mark").time_created) == 0.0


def test_ledgers_of_two_operations_then_do_not_see_each_other(lake: storage.Bucket, ledger: CallLedger) -> None:
    ledger.claim(KEY, ASK)
    other = CallLedger(lake, "wiza", "company")
    assert list(other.entries()) == []
    assert other.claim(KEY, ASK).state == "new"


def test_claim_with_a_slash_in_the_key_then_refuses(ledger: CallLedger) -> None:
    with pytest.raises(ValueError, match="a/b"):
        ledger.claim("a/b", ASK)
