"""Addy: is an address of New Zealand or Australia known to the post, and how is it written.

Contract: https://www.addy.co.nz/documentation/address-validation-api and the clients at https://github.com/addynz. Its data are those of
NZ Post and LINZ: there is none of the United States, and a US address may match a street of the same name, so any other
country is refused here, without a call. No match is 200 with `address` null. No rate limit is published, 429 is not
documented; billed by look-up, 500 a month are free. GET only, so a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk import BaseHook

from hooks.http.errors import VendorDown, VendorError
from hooks.http.transport import Call, Transport, endpoint
from include.contacts.address_validation import AddressQuestion, AddressVerdict, UnsupportedCountry, addy_verdict

VENDOR = "addy"
REQUESTS_PER_SECOND = 5.0  # ours: Addy publishes none
COUNTRIES = frozenset({"NZ", "AU"})
_TOWN_HALL = AddressQuestion("301 QUEEN STREET", None, None, "AUCKLAND", None, "1010", "NZ")


class AddyHook(BaseHook):
    """Connection: host `https://api-nz.addysolutions.com`, password = API key, extra `hosts` {"AU": base address},
    `requests_per_second`. A country without a host of its own in `hosts` is asked at the connection's host.
    """

    conn_name_attr = "addy_conn_id"
    default_conn_name = "addy_default"
    conn_type = "http"
    hook_name = "Addy"

    def __init__(self, addy_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.addy_conn_id = addy_conn_id
        self._transport: Transport | None = None
        self._hosts: Mapping[str, str] = {}

    @property
    def countries(self) -> frozenset[str]:
        return COUNTRIES

    def get_conn(self) -> Transport:
        if self._transport is None:
            connection = self.get_connection(self.addy_conn_id)
            self._hosts = connection.extra_dejson.get("hosts") or {}
            self._transport = Transport(
                endpoint(VENDOR, connection, REQUESTS_PER_SECOND, secret_header=("addy-api-key", "{}"))
            )
        return self._transport

    def validate(self, question: AddressQuestion) -> AddressVerdict:
        """Ask for one address as free text. Raises UnsupportedCountry, without a call, outside New Zealand and Australia."""
        if question.country not in COUNTRIES:
            raise UnsupportedCountry(
                f"Addy knows New Zealand and Australia only, not {question.country}: ask USPS for US addresses"
            )
        transport = self.get_conn()
        parts = (question.unit, question.line, question.city, question.state, question.postal_code)
        text = ", ".join(part for part in parts if part)
        host = str(self._hosts.get(question.country, "")).rstrip("/")
        reply = transport.send(
            Call("validate_address", "GET", f"{host}/validation", repeatable=True, params={"address": text})
        )
        if not isinstance(reply.body, Mapping) or "address" not in reply.body:
            raise VendorDown(VENDOR, "validate_address", reply.status, "The body has no field `address`.")
        return addy_verdict(question, reply.status, reply.text, reply.body)

    def test_connection(self) -> tuple[bool, str]:
        """Validate the address of Auckland's town hall: it needs a good key, and is one look-up."""
        try:
            self.validate(_TOWN_HALL)
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, "Addy answers"
