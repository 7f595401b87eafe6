"""USPS Addresses v3: does the Postal Service deliver to an address, and how does it write it.

Contract: https://developers.usps.com/addressesv3 and https://github.com/USPS/api-examples; the paths, parameters and error
bodies follow USPS's own API file, version 3.0.2. OAuth client credentials: the access token lives for hours
(`expires_in`) and is asked for again when it has run out or is refused. Free of charge. Published limit: 60 calls an hour for a new
account, all APIs together, more on request; 429 with Retry-After. An unknown address is a 404, or a 400, with a JSON
body: an answer, and no failure.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import AuthFailed, VendorDown, VendorError
from hooks.http.transport import Call, Endpoint, Reply, Transport, endpoint, outcome_of
from include.contacts.address_validation import AddressQuestion, AddressVerdict, UnsupportedCountry, usps_verdict
from include.enrichment.answer_fields import finite

VENDOR = "usps"
REQUESTS_PER_SECOND = 60 / 3600
TOKEN_PATH = "/oauth2/v3/token"  # noqa: S105 - a path
ADDRESS_PATH = "/addresses/v3/address"
SPARE_SECONDS = 60.0  # a token that ends within a minute is not used any more
CONTRACT_FAULT = "openapi_validation_error"  # USPS's gateway: the request breaks its API file, whatever the address


class UspsHook(BaseHook):
    """Connection: host `https://apis.usps.com`, login = consumer key, password = consumer secret.

    Extra `requests_per_second`: default 60 an hour; raise it when USPS has raised the account's quota.
    """

    conn_name_attr = "usps_conn_id"
    default_conn_name = "usps_default"
    conn_type = "http"
    hook_name = "USPS Addresses"

    def __init__(self, usps_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.usps_conn_id = usps_conn_id
        self._transport: Transport | None = None
        self._token_ends = 0.0  # time.monotonic

    @property
    def countries(self) -> frozenset[str]:
        return frozenset({"US"})  # territories and military mail are US in the standard form

    def get_conn(self) -> Transport:
        """A transport with an access token that is still good. Raises AuthFailed when USPS gives none."""
        if self._transport is None or time.monotonic() > self._token_ends:
            connection = self.get_connection(self.usps_conn_id)
            base = endpoint(VENDOR, connection, REQUESTS_PER_SECOND)
            token, seconds = _access_token(base, str(connection.login or ""), str(connection.password))
            self._token_ends = time.monotonic() + max(0.0, seconds - SPARE_SECONDS)
            headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
            self._transport = Transport(replace(base, headers=headers), outcome=usps_outcome)
        return self._transport

    def validate(self, question: AddressQuestion) -> AddressVerdict:
        """Ask for one US address. Needs a state, and a city or a ZIP code.

        Raises UnsupportedCountry, without a call, for any other country; BadRequest when the request breaks USPS's
        contract, AuthFailed when a fresh token is refused too.
        """
        if question.country not in self.countries:
            raise UnsupportedCountry(f"USPS knows US addresses only, not those of {question.country}")
        if not question.state or not (question.city or question.postal_code):
            raise ValueError("validate needs a state, and a city or a ZIP code: leave such an address out of the plan")
        asked = {
            "streetAddress": question.line,
            "secondaryAddress": question.unit,
            "urbanization": question.urbanization,
            "city": question.city,
            "state": question.state,
            "ZIPCode": question.postal_code,
        }
        params = {name: value for name, value in asked.items() if value}
        reply = self._sent(Call("validate_address", "GET", ADDRESS_PATH, repeatable=True, params=params))
        if reply.status == 200 and not isinstance(reply.body, Mapping):
            raise VendorDown(VENDOR, "validate_address", 200, "The body is no JSON object: some proxy answered.")
        return usps_verdict(question, reply.status, reply.text, reply.body)

    def test_connection(self) -> tuple[bool, str]:
        """Ask for an access token: it needs good keys, and no address."""
        try:
            self.get_conn()
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, "USPS gives an access token"

    def _sent(self, call: Call) -> Reply:
        try:
            return self.get_conn().send(call)
        except AuthFailed as refused:
            if refused.operation != call.operation:
                raise  # it was the token's own request
            self._token_ends = 0.0  # ended or revoked before its time: once more with a fresh one
        return self.get_conn().send(call)


def usps_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """Read an answer of the API: that there is no such address is one."""
    if response.status_code in (400, 404) and _is_about_the_address(response):
        return Reply(response.status_code, response.text, response.json(), response.content)
    return outcome_of(vendor, call, response)


def _is_about_the_address(response: httpx.Response) -> bool:
    try:
        body = response.json()
    except ValueError:
        return False
    error = body.get("error") if isinstance(body, Mapping) else None
    return isinstance(error, Mapping) and "errors" in error and CONTRACT_FAULT not in json.dumps(error)


def _access_token(base: Endpoint, key: str, secret: str) -> tuple[str, float]:
    """(token, seconds that it lives)."""
    asked = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret, "scope": "addresses"}
    transport = Transport(replace(base, headers={"Accept": "application/json"}), outcome=_token_outcome)
    try:
        reply = transport.send(Call("get_access_token", "POST", TOKEN_PATH, repeatable=True, json=asked))
    finally:
        transport.close()
    body = reply.body if isinstance(reply.body, Mapping) else {}
    if not body.get("access_token"):
        raise VendorDown(VENDOR, "get_access_token", reply.status, "The body has no access_token.")
    return str(body["access_token"]), finite(body.get("expires_in")) or 0.0


def _token_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """USPS refuses keys with 400 or 401 and `invalid_client`."""
    if response.status_code in (400, 401, 403):
        advice = (
            f"USPS gives no token for these keys: correct login (consumer key) and password (consumer secret) of connection "
            f"{vendor}_default, and see that the app may use the Addresses API; then clear the task."
        )
        return AuthFailed(vendor, call.operation, response.status_code, advice)
    return outcome_of(vendor, call, response)
