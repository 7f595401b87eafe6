"""Errors cross process borders whole, and every path that a retry rule names exists."""

from __future__ import annotations

import pickle

import pytest

from hooks.http.errors import BadRequest, NotFound, RateLimited, VendorError


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("wiza", "start_reveal", 429, "Wait.", retry_after=7.0),
        BadRequest("ghl", "create_contact", 422, "Mend it.", fields=("email",)),
    ],
)
def test_error_when_pickled_then_keeps_all_it_knows(error: VendorError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


def test_message_when_there_was_no_answer_then_says_so() -> None:
    assert str(NotFound("wiza", "get_reveal", None, "Look.")) == "wiza get_reveal: no answer. Look."
