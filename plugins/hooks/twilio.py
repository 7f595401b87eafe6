"""Twilio Lookup v2: is a phone number valid, and what kind of line is it.

Contract: https://www.twilio.com/docs/lookup/v2-api. Validation alone is free; each package in `Fields` is
paid (line type about 0.008 USD a number). A package that fails says so inside a 200, with its own error code. Published
limit: concurrent requests per account, no number for Lookup; 429 with code 20429 was not processed, and the header
Twilio-Concurrent-Requests says how many ran. No idempotency key.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import EndpointNotFound, NotFound, RateLimited, ResponseLost, VendorDown, VendorError
from hooks.http.transport import Call, Reply, Transport, endpoint, outcome_of

VENDOR = "twilio"
REQUESTS_PER_SECOND = 50.0
LINE_TYPE = "line_type_intelligence"
UNKNOWN_NUMBER = 20404
CONCURRENT = "Twilio-Concurrent-Requests"
# Package errors that are a fact about the number (no coverage; a Canadian one without approval): asking again is in
# vain. Every other one is about the account, the region or Twilio's own supplier.
ABOUT_THE_NUMBER = frozenset({60600, 60601})
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Lookup:
    """What Twilio knows about one number.

    reasons: Twilio's words for why a number is not valid, such as TOO_SHORT or INVALID_BUT_POSSIBLE.
    packages: package name -> its object as sent, for the packages that were asked for and came back.
    package_errors: package name -> Twilio error code, for the packages that failed while the call succeeded.
    """

    valid: bool
    reasons: tuple[str, ...]
    packages: Mapping[str, Mapping[str, Any]]
    package_errors: Mapping[str, int]
    reply: Reply


class TwilioHook(BaseHook):
    """Connection: host `https://lookups.twilio.com`, login = account or key SID, password = its secret."""

    conn_name_attr = "twilio_conn_id"
    default_conn_name = "twilio_default"
    conn_type = "http"
    hook_name = "Twilio Lookup"

    def __init__(self, twilio_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.twilio_conn_id = twilio_conn_id
        self._transport: Transport | None = None

    def get_conn(self) -> Transport:
        if self._transport is None:
            connection = self.get_connection(self.twilio_conn_id)
            base = endpoint(VENDOR, connection, REQUESTS_PER_SECOND, basic=True)
            self._transport = Transport(base, outcome=twilio_outcome)
        return self._transport

    def lookup(self, phone: str, fields: Sequence[str] = ()) -> Lookup:
        """Look one E.164 number up. Without fields it is validated, free of charge; with fields it is paid, so it is
        never repeated while the outcome is unknown.

        Raises NotFound for a number that Twilio cannot parse, EndpointNotFound for a 404 that is not Twilio's, ResponseLost
        when a paid answer did not come back.
        """
        if not is_e164(phone):
            raise ValueError("lookup needs an E.164 number, a plus sign and digits: normalize it before")
        call = Call(
            "lookup",
            "GET",
            f"/v2/PhoneNumbers/{phone}",
            repeatable=not fields,
            params={"Fields": ",".join(fields)} if fields else None,
        )
        try:
            reply = self.get_conn().send(call)
        except NotFound as missing:
            if missing.code == UNKNOWN_NUMBER:
                raise
            advice = f"Not Twilio's 404: correct the host of connection {self.twilio_conn_id}, then clear the task."
            raise EndpointNotFound(VENDOR, "lookup", missing.status, advice) from missing
        if not isinstance(reply.body, Mapping) or "valid" not in reply.body:
            unreadable = ResponseLost if fields else VendorDown
            raise unreadable(VENDOR, "lookup", reply.status, "The body has no field `valid`.")
        return read_lookup(reply, fields)

    def test_connection(self) -> tuple[bool, str]:
        """Validate Twilio's own example number: free, and it needs good credentials."""
        try:
            self.lookup("+14159929960")
        except NotFound:
            return True, "Twilio answers, and does not know the example number"
        except VendorError as error:
            return False, str(error)
        return True, "Twilio answers"


def read_lookup(reply: Reply, fields: Sequence[str]) -> Lookup:
    """Read an answer. What is odd in it is left out: it is kept as received, and refused when it is loaded."""
    body: Mapping[str, Any] = reply.body
    packages = {name: body[name] for name in fields if isinstance(body.get(name), Mapping)}
    errors = {name: _number(sent["error_code"]) for name, sent in packages.items() if sent.get("error_code")}
    told = body.get("validation_errors")
    reasons = tuple(str(reason) for reason in told) if isinstance(told, list) else ()
    return Lookup(bool(body["valid"]), reasons, packages, errors, reply)


def twilio_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """Read an answer; a 429 says how many requests of the account ran at once."""
    outcome = outcome_of(vendor, call, response)
    running = response.headers.get(CONCURRENT, "")
    if isinstance(outcome, RateLimited) and running.isdigit():
        advice = f"{running} requests of the account ran at once. {outcome.advice}"
        return RateLimited(vendor, call.operation, outcome.status, advice, retry_after=outcome.retry_after)
    return outcome


def is_e164(phone: str) -> bool:
    """Whether this is a plus sign and 7 to 15 digits."""
    return _E164.fullmatch(phone) is not None


def _number(code: Any) -> int:
    return int(code) if isinstance(code, int | str) and re.fullmatch(r"[0-9]{1,9}", str(code)) else 0
