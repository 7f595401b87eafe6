"""Twilio Lookup v2: is a phone number valid, and what kind of line is it.

Contract: https://www.twilio.com/docs/lookup/v2-api. Validation alone is free; each package in `Fields` is
paid (line type about 0.008 USD a number). A package that fails says so inside a 200, with its own error code. Published
limit: concurrent requests per account, no number for Lookup; 429 with code 20429 was not processed. No idempotency key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseHook

from hooks.errors import NotFound, ResponseLost, VendorDown, VendorError
from hooks.transport import Call, Reply, Transport, endpoint

VENDOR = "twilio"
REQUESTS_PER_SECOND = 50.0
LINE_TYPE = "line_type_intelligence"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What Twilio knows about one number.

    packages: package name -> its object as sent, for the packages that were asked for and came back.
    package_errors: package name -> Twilio error code, for the packages that failed while the call succeeded.
    """

    valid: bool
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
            self._transport = Transport(endpoint(VENDOR, connection, REQUESTS_PER_SECOND, basic=True))
        return self._transport

    def lookup(self, phone: str, fields: Sequence[str] = ()) -> Lookup:
        """Look one E.164 number up. With fields it is paid, so it is never repeated in doubt.

        Raises NotFound for a number that Twilio cannot parse, ResponseLost when a paid answer did not come back.
        """
        if not (phone.startswith("+") and phone[1:].isdigit()):
            raise ValueError("lookup needs an E.164 number, a plus sign and digits: normalise it in CLEAN")
        reply = self.get_conn().send(
            Call(
                "lookup",
                "GET",
                f"/v2/PhoneNumbers/{phone}",
                repeatable=not fields,
                params={"Fields": ",".join(fields)} if fields else None,
            )
        )
        if not isinstance(reply.body, Mapping) or "valid" not in reply.body:
            unreadable = ResponseLost if fields else VendorDown
            raise unreadable(VENDOR, "lookup", reply.status, "The body has no field `valid`.")
        packages = {name: reply.body[name] for name in fields if isinstance(reply.body.get(name), Mapping)}
        errors = {name: int(sent["error_code"]) for name, sent in packages.items() if sent.get("error_code")}
        return Lookup(bool(reply.body["valid"]), packages, errors, reply)

    def test_connection(self) -> tuple[bool, str]:
        """Validate Twilio's own example number: free, and it needs good credentials."""
        try:
            self.lookup("+14159929960")
        except NotFound:
            return True, "Twilio answers, and does not know the example number"
        except VendorError as error:
            return False, str(error)
        return True, "Twilio answers"
