"""Keys of sends and calls, and what a run may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.activation.send import (
    CREATE,
    INSTANTLY,
    batch_key,
    batches,
    effective_as_of,
    is_too_many,
    new_send,
    payload_hash,
    sends_of,
)
from tests.include.activation.rows import AS_OF, added, answered


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
def test_effective_as_of_when_a_newer_one_is_known_then_only_a_given_one_stays(
    newest: str | None, is_given: bool, expected: str
) -> None:
    assert effective_as_of(AS_OF, newest, is_given) == expected
