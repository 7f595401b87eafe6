"""Contacts, tags and stops for GHL, without GHL."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.activation.ghl import (
    STOP_OF_ADDRESS,
    belongs_to,
    closed_channels,
    ghl_payload,
    ghl_stop,
    ghl_tags,
    is_stopped,
    plan_ghl,
)
from include.activation.send import (
    payload_hash,
    request_of,
)
from tests.include.activation.rows import AS_OF, ROW


def test_ghl_payload_when_values_are_unknown_then_they_are_left_out() -> None:
    payload = ghl_payload({**ROW, "content_block_id": None}, {"gtm_grade": "f1"})
    fields = {item["id"]: item["fieldValue"] for item in payload["customFields"]}
    assert fields["f1"] == "A" and "gtm_content_block" not in fields and "phone" not in payload
    assert None not in payload.values()


def test_ghl_stop_when_a_channel_is_closed_then_no_other_one_is() -> None:
    assert ghl_stop({"all", "email"}, by_person=True) == {"dnd": True}
    assert ghl_stop({"email"}, by_person=True) == {"dndSettings": {"email": {"status": "active"}}}
    assert ghl_stop({"email", "sms"}, by_person=True)["dndSettings"].keys() == {"email", "sms"}


def test_ghl_stop_when_only_an_address_failed_then_its_echo_is_no_opt_out() -> None:
    stop = ghl_stop({"email", "sms"}, by_person=False)
    assert stop["dndSettings"] == {"email": {"status": "active", "code": STOP_OF_ADDRESS}, "sms": {"status": "active"}}
    assert closed_channels(stop) == {"sms"}
    stop["dndSettings"]["email"]["status"] = "permanent"  # the person's own, where our mark is left
    assert closed_channels(stop) == {"email", "sms"}


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({"dnd": True}, {"all"}),
        (
            {"dnd": False, "dndSettings": {"Email": {"status": "active"}, "SMS": {"status": "permanent"}}},
            {"email", "sms"},
        ),
        (
            {
                "dndSettings": {
                    "email": {"status": "inactive"},
                    "call": {"status": "active"},
                    "GMB": {"status": "active"},
                }
            },
            {"call"},
        ),
        ({"dnd": None, "dndSettings": None}, set()),
        ({"dndSettings": ["active"]}, set()),
        ({"dndSettings": {"email": "active"}}, set()),
        ({}, set()),
    ],
)
def test_closed_channels_when_a_contact_is_read_then_those_with_do_not_disturb(
    contact: dict[str, Any], expected: set[str]
) -> None:
    assert closed_channels(contact) == expected


def test_is_stopped_when_each_channel_of_the_stop_is_closed() -> None:
    stop = ghl_stop({"email", "sms"}, by_person=True)
    assert is_stopped({"dnd": True}, stop)
    assert is_stopped({"dndSettings": {"email": {"status": "active"}, "sms": {"status": "permanent"}}}, stop)
    assert not is_stopped({"dndSettings": {"email": {"status": "active"}}}, stop)
    assert not is_stopped({"dnd": False}, {"dnd": True})


def test_ghl_payload_when_sms_is_closed_then_the_crm_is_told() -> None:
    assert "dndSettings" not in ghl_payload(ROW, {})
    assert ghl_payload({**ROW, "closed_sms": True}, {})["dndSettings"] == {"sms": {"status": "active"}}


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
def test_belongs_to_when_a_contact_has_the_address_then_our_id_decides_and_else_the_e_mail(
    contact: dict[str, Any], expected: bool
) -> None:
    row = {**ROW, "email": "dana@x.example", "phone": "+15125550100"}
    (send,) = plan_ghl([row], AS_OF, {"gtm_person_id": "f1"}, {}, False).sends
    assert belongs_to(send, contact) is expected


def test_plan_ghl_when_suppressed_then_payload_names_nobody() -> None:
    held = {
        "is_held": True,
        "held_status": "active",
        "remote_id": "c1",
        "suppressed": True,
        "by_person": True,
        "closed_all": True,
    }
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


def test_plan_ghl_when_suppressed_then_only_the_same_stop_is_unchanged_and_a_refusal_is_no_excuse() -> None:
    row = {**ROW, "is_held": True, "held_status": "suppressed", "remote_id": "c1", "suppressed": True}
    e_mail_only = {**row, "held_hash": payload_hash(ghl_stop({"email"}, by_person=False))}
    assert plan_ghl([e_mail_only], AS_OF, {}, {}, False).unchanged == 1
    refused = {("p1", payload_hash(ghl_stop({"all"}, by_person=True))): 2}
    plan = plan_ghl([{**e_mail_only, "by_person": True, "closed_all": True}], AS_OF, {}, refused, False)
    assert ([send.payload for send in plan.sends], plan.rejected_before) == ([{"dnd": True}], 0)
