"""What the answers of both destinations mean."""

from __future__ import annotations

from include.activation.instantly import (
    absent,
    added_body,
    reconciled_body,
)
from include.activation.results import rejection_body, results
from tests.include.activation.rows import added, answered


def test_results_when_some_leads_are_absent_then_found_is_skip_and_the_rest_rejected() -> None:
    sends = [added(1, "a@x.example"), added(2, "b@x.example"), added(3, "c@x.example")]
    answer = {"created_leads": [{"index": 1, "id": "l2"}], "invalid_email_count": 1, "skipped_count": 1}
    assert [send.person_id for send in absent(sends, answer)] == ["p1", "p3"]
    rows = results(answered(sends, added_body(answer, {"a@x.example": "l1"})))
    assert [(row["operation"], row["status"], row["remote_id"]) for row in rows] == [
        ("skip", "sent", "l1"),
        ("create", "sent", "l2"),
        ("create", "rejected", None),
    ]
    assert rows[2]["code"] == "invalid_email_count|skipped_count" and "; or " in rows[2]["reason"]


def test_results_when_call_was_reconciled_then_only_found_leads_are_sent() -> None:
    sends = [added(1, "a@x.example"), added(2, "b@x.example")]
    rows = results(answered(sends, reconciled_body(sends, {"b@x.example": "l2"})))
    assert [(row["person_id"], row["status"], row["remote_id"]) for row in rows] == [("p2", "sent", "l2")]


def test_results_when_refused_then_each_send_is_rejected_with_code_and_reason() -> None:
    rows = results(answered([added(1, "a@x.example")], rejection_body("422", "GHL refused"), status="failed"))
    assert [(row["status"], row["code"], row["reason"]) for row in rows] == [("rejected", "422", "GHL refused")]


def test_results_when_outcome_unknown_then_there_are_none() -> None:
    assert results(answered([added(1, "a@x.example")], None, status="outcome_unknown")) == []
