"""Payloads, differences and the meaning of answers, without any vendor."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.activation import (
    CREATE,
    INSTANTLY,
    Send,
    absent,
    added_body,
    batch_key,
    batches,
    coarse_score,
    ghl_payload,
    ghl_stop,
    ghl_tags,
    grade,
    instantly_payload,
    is_theirs,
    is_too_many,
    iso_week,
    lead_changes,
    merged,
    new_send,
    payload_hash,
    plan_ghl,
    reconciled_body,
    rejection_body,
    remaining,
    request_of,
    results,
    sends_of,
    worked_as_of,
)
from include.call_ledger import Entry
from include.content_blocks import content_block

AS_OF = "2025-11-10T06:00:00+00:00"
ROW: dict[str, Any] = {
    "person_id": "p1",
    "npi": "2000000002",
    "audience_id": "general-independent",
    "email": "dana@x.example",
    "first_name": "DANA",
    "last_name": "O'BRIEN",
    "company_name": "SMITH'S DENTAL PLLC",
    "phone": None,
    "practice_phone": "+15125550100",
    "address_line_1": "1 MAIN ST",
    "city": "AUSTIN",
    "state": "TX",
    "zip5": "78701",
    "segment": "TX-787",
    "specialty": "oral_surgery",
    "icp_score": 71.0,
    "score": 42.4,
    "rank_pct": 0.95,
    "content_block_id": "growth-benchmark-report",
    "remote_id": None,
    "held_status": None,
    "held_hash": None,
    "held_since": None,
    "held_audience": None,
    "our_audiences": ["dso-groups", "general-independent", "specialists"],
    "is_held": False,
    "suppressed": False,
    "by_person": False,
}


def lead(**changes: Any) -> dict[str, Any]:
    row = {**ROW, **changes}
    return instantly_payload(row, content_block(row["content_block_id"]))


def added(index: int, email: str) -> Send:
    return new_send(INSTANTLY, f"p{index}", CREATE, {"email": email}, AS_OF)


def answered(sends: list[Send], body: str | None, status: Any = "responded") -> Entry:
    request = json.dumps(request_of(sends))
    at = datetime(2025, 11, 10, 6, 1, tzinfo=UTC)
    return Entry(INSTANTLY, "add_leads", "b1", None, status, 200, None, request, body, 0.0, 0.0, at, at)


def test_payload_when_names_are_capitals_then_people_write_them_so() -> None:
    payload = lead()
    assert (payload["first_name"], payload["last_name"]) == ("Dana", "O'Brien")
    assert payload["company_name"] == "Smith's Dental PLLC"
    assert "phone" not in payload


def test_payload_when_block_is_filled_then_footer_names_us_and_the_way_out() -> None:
    body = lead()["custom_variables"]["body"]
    assert "{{" not in body and "100 Example Plaza" in body and "/p1" in body


def test_payload_when_a_name_is_missing_then_no_mail_with_a_gap_is_made() -> None:
    with pytest.raises(ValueError, match="first_name"):
        lead(first_name=None)


def test_payload_when_company_has_markup_then_html_is_escaped() -> None:
    assert "Tooth &amp; Co" in lead(company_name="TOOTH & CO")["custom_variables"]["body"]


@pytest.mark.parametrize(
    ("score", "icp", "sent"), [(44.9, 71.0, 40), (45.1, 71.0, 50), (None, 71.0, 70), (None, None, 0)]
)
def test_coarse_score_when_noisy_then_nearest_ten(score: float | None, icp: float | None, sent: int) -> None:
    assert coarse_score(score, icp) == sent


@pytest.mark.parametrize(
    ("rank", "icp", "letter"),
    [(0.9, 0.0, "A"), (0.89, 99.0, "B"), (0.4, None, "C"), (0.39, None, "D"), (None, 85.0, "A"), (None, 59.9, "D")],
)
def test_grade_when_there_is_a_rank_then_it_counts_else_the_icp_score(
    rank: float | None, icp: float | None, letter: str
) -> None:
    assert grade(rank, icp) == letter


def test_payload_hash_when_order_differs_then_it_is_the_same() -> None:
    assert (
        payload_hash({"a": 1, "b": [1, 2]})
        == payload_hash({"b": [1, 2], "a": 1})
        != payload_hash({"a": 1, "b": [2, 1]})
    )


def test_send_id_when_any_part_differs_then_it_differs_and_zones_do_not_matter() -> None:
    send = added(1, "a@x.example")
    assert (
        new_send(INSTANTLY, "p1", CREATE, {"email": "a@x.example"}, "2025-11-10T07:00:00+01:00").send_id == send.send_id
    )
    others = [
        added(2, "a@x.example"),
        added(1, "b@x.example"),
        new_send("ghl", "p1", CREATE, {"email": "a@x.example"}, AS_OF),
        new_send(INSTANTLY, "p1", "update", {"email": "a@x.example"}, AS_OF),
        new_send(INSTANTLY, "p1", CREATE, {"email": "a@x.example"}, "2025-11-17T06:00:00+00:00"),
        new_send(INSTANTLY, "p1", CREATE, {"email": "a@x.example"}, AS_OF, attempt=1),
        new_send(
            INSTANTLY, "p1", CREATE, {"email": "a@x.example"}, AS_OF, held_since=datetime(2025, 11, 1, tzinfo=UTC)
        ),
    ]
    assert send.send_id not in {other.send_id for other in others}
    assert len({other.send_id for other in others}) == len(others)


def test_batch_key_when_order_differs_then_it_is_the_same_and_one_send_is_its_own_key() -> None:
    one, two = added(1, "a@x.example"), added(2, "b@x.example")
    assert batch_key([one, two]) == batch_key([two, one]) != batch_key([one])
    assert batch_key([one]) == one.send_id


@pytest.mark.parametrize(
    ("as_of", "monday"),
    [
        ("2025-11-10T06:00:00+00:00", date(2025, 11, 10)),
        ("2025-11-16T23:59:59+00:00", date(2025, 11, 10)),
        ("2025-11-17T00:30:00+02:00", date(2025, 11, 10)),  # still Sunday in UTC
        ("2026-01-01T00:00:00+00:00", date(2025, 12, 29)),
    ],
)
def test_iso_week_when_day_is_given_then_monday_of_its_week(as_of: str, monday: date) -> None:
    assert iso_week(as_of)[0] == monday
    assert (iso_week(as_of)[1] - monday).days == 6


def test_remaining_when_week_is_over_full_then_zero() -> None:
    assert (remaining(600, 0), remaining(600, 590), remaining(600, 700)) == (600, 10, 0)


def test_lead_changes_when_nothing_differs_then_empty() -> None:
    assert lead_changes(lead(), lead(), contacted=False) == {}


def test_lead_changes_when_contacted_then_content_stays_and_score_goes() -> None:
    held, wanted = lead(), lead(content_block_id="peer-invite", score=60.0, email="new@x.example")
    free = lead_changes(held, wanted, contacted=False)
    assert set(free["custom_variables"]) == {"content_block_id", "subject", "body", "lead_score"}
    assert lead_changes(held, wanted, contacted=True) == {"custom_variables": {"lead_score": 60}}
    assert "email" not in free
    assert merged(held, free)["custom_variables"] == wanted["custom_variables"]
    assert merged(held, free)["email"] == held["email"]


def test_ghl_payload_when_values_are_unknown_then_they_are_left_out() -> None:
    payload = ghl_payload({**ROW, "content_block_id": None}, {"gtm_grade": "f1"})
    fields = {item["id"]: item["fieldValue"] for item in payload["customFields"]}
    assert fields["f1"] == "A" and "gtm_content_block" not in fields and "phone" not in payload
    assert None not in payload.values()


def test_ghl_stop_when_address_failed_then_e_mail_alone_is_silenced() -> None:
    assert ghl_stop(by_person=True) == {"dnd": True}
    assert "dnd" not in ghl_stop(by_person=False)


@pytest.mark.parametrize(
    ("held", "wanted", "gained", "lost"),
    [
        (None, "general-independent", ["dental-gtm", "general-independent"], ["dso-groups", "specialists"]),
        ("general-independent", "general-independent", [], []),
        ("retired", "dso-groups", ["dental-gtm", "dso-groups"], ["general-independent", "retired", "specialists"]),
        ("dso-groups", None, ["dental-gtm"], ["dso-groups", "general-independent", "specialists"]),
    ],
)
def test_ghl_tags_when_the_audience_is_another_then_all_of_ours_come_and_the_others_of_ours_go(
    held: str | None, wanted: str | None, gained: list[str], lost: list[str]
) -> None:
    row = {**ROW, "is_held": True, "held_audience": held, "audience_id": wanted}
    assert ghl_tags(row) == {"tags": gained, "former_tags": lost}
    assert ghl_tags({**ROW, "is_held": False, "audience_id": None})["tags"] == ["dental-gtm"]


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({"email": "Dana@x.example "}, True),
        ({"email": "dana@x.example", "customFields": [{"id": "f1", "value": "p2"}]}, False),  # another person's of ours
        ({"email": "other@x.example", "customFields": [{"id": "f1", "value": "p1"}]}, True),
        ({"phone": "+15125550100", "customFields": [{"id": "f9", "value": "x"}]}, False),
    ],
)
def test_is_theirs_when_a_contact_has_the_address_then_our_id_decides_and_else_the_e_mail(
    contact: dict[str, Any], expected: bool
) -> None:
    row = {**ROW, "email": "dana@x.example", "phone": "+15125550100"}
    (send,) = plan_ghl([row], AS_OF, {"gtm_person_id": "f1"}, {}, False).sends
    assert is_theirs(send, contact) is expected


def test_plan_ghl_when_suppressed_then_payload_names_nobody() -> None:
    held = {"is_held": True, "held_status": "active", "remote_id": "c1", "suppressed": True, "by_person": True}
    (send,) = plan_ghl([{**ROW, **held}], AS_OF, {}, {}, False).sends
    assert (send.operation, send.payload, send.remote_id) == ("suppress", {"dnd": True}, "c1")
    assert "dana" not in json.dumps(request_of([send])).lower()


def test_plan_ghl_when_payload_was_refused_before_then_only_a_retry_offers_it_with_a_new_id() -> None:
    (first,) = plan_ghl([ROW], AS_OF, {}, {}, False).sends
    refused = {("p1", first.payload_hash): 1}
    again = plan_ghl([ROW], AS_OF, {}, refused, False)
    assert (again.sends, again.rejected_before) == ([], 1)
    (retry,) = plan_ghl([ROW], AS_OF, {}, refused, True).sends
    assert retry.send_id != first.send_id


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


def test_results_when_in_doubt_then_there_are_none() -> None:
    assert results(answered([added(1, "a@x.example")], None, status="in_doubt")) == []


def test_sends_of_when_read_back_from_the_ledger_then_they_are_equal() -> None:
    sends = [replace(added(1, "a@x.example"), campaign_id="c", changes={"tags": ["x"]})]
    assert sends_of(answered(sends, "{}")) == sends


@pytest.mark.parametrize(
    ("rejected", "attempted", "fails"), [(0, 0, False), (2, 2, False), (3, 59, True), (3, 60, False)]
)
def test_is_too_many_when_over_five_percent_and_three_then_true(rejected: int, attempted: int, fails: bool) -> None:
    assert is_too_many(rejected, attempted) is fails


def test_batches_when_size_does_not_divide_then_last_is_short() -> None:
    sends = [added(number, f"{number}@x.example") for number in range(5)]
    assert [len(batch) for batch in batches(sends, 2)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("newest", "is_given", "expected"),
    [
        (None, False, AS_OF),
        ("2025-11-16T23:00:00+00:00", False, "2025-11-16T23:00:00+00:00"),
        ("2025-11-03T06:00:00+00:00", False, AS_OF),
        ("2025-11-16T23:00:00+00:00", True, AS_OF),
    ],
)
def test_worked_as_of_when_a_newer_one_is_known_then_only_a_given_one_stays(
    newest: str | None, is_given: bool, expected: str
) -> None:
    assert worked_as_of(AS_OF, newest, is_given) == expected


def test_plan_ghl_when_suppressed_then_only_the_same_stop_is_unchanged_and_a_refusal_is_no_excuse() -> None:
    row = {**ROW, "is_held": True, "held_status": "suppressed", "remote_id": "c1", "suppressed": True}
    e_mail_only = {**row, "held_hash": payload_hash(ghl_stop(by_person=False))}
    assert plan_ghl([e_mail_only], AS_OF, {}, {}, False).unchanged == 1
    refused = {("p1", payload_hash(ghl_stop(by_person=True))): 2}
    plan = plan_ghl([{**e_mail_only, "by_person": True}], AS_OF, {}, refused, False)
    assert ([send.payload for send in plan.sends], plan.rejected_before) == ([{"dnd": True}], 0)
