"""Twilio's own client against the sandbox."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from services.embedded.sandbox import KEYS, Sandbox

NUMBER = "+12025550143"


def client(sandbox: Sandbox, token: str | None = None) -> Client:
    sid, known = KEYS["twilio"].split(":")
    made = Client(sid, token or known)
    made.lookups.base_url = f"{sandbox.url}/twilio"
    return made


def test_lookup_when_fetched_then_the_number_and_its_line_type(sandbox: Sandbox) -> None:
    found = client(sandbox).lookups.v2.phone_numbers(NUMBER).fetch(fields="line_type_intelligence")
    assert (found.phone_number, found.valid) == (NUMBER, True)
    assert found.line_type_intelligence["type"]


def test_lookup_when_the_key_is_wrong_then_twilios_error(sandbox: Sandbox) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        client(sandbox, "wrong").lookups.v2.phone_numbers(NUMBER).fetch()
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_lookup_when_it_asks_for_what_is_not_modeled_then_refused_and_named(sandbox: Sandbox) -> None:
    with pytest.raises(TwilioRestException, match="not modeled by the sandbox: query/FirstName"):
        client(sandbox).lookups.v2.phone_numbers(NUMBER).fetch(first_name="Ada")
