"""Google Ads: what every ad of the accounts delivered on one day, by GAQL over REST.

Contract: https://developers.google.com/google-ads/api/rest, version 26, the newest in November 2026.
Confirmed there: `customers/{id}/googleAds:searchStream`, its answer (an array of batches with `results`, `fieldMask`,
`requestId`), the headers developer-token and login-customer-id, the kinds of `quotaError` and their `retryDelay`.
Inferred, from long use and not from a page: that an error of a stream is an array with one object, or the last object of
the array when it comes after rows; and that a selected metric which is zero is sent as zero and not left out.
Published limits: none a second. A developer token of Basic access has 15,000 operations a day; a stream is one.

A report has no pages here: the stream is one answer. Days are days of the account's time zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
from airflow.sdk import BaseHook, Connection

from hooks.http.errors import AuthFailed, BadRequest, RateLimited, VendorDown, VendorError
from hooks.http.transport import Call, Endpoint, Reply, Transport, endpoint, outcome_of

VENDOR = "google_ads"
REQUESTS_PER_SECOND = 5.0  # ours: Google publishes none
API_VERSION = "v26"
TOKEN_URL = "https://oauth2.googleapis.com/token"
QUERIES = (
    # Each ad, also removed ones.
    "SELECT customer.id, customer.currency_code, campaign.id, campaign.name, ad_group.id, ad_group_ad.ad.id, "
    "segments.date, metrics.impressions, metrics.clicks, metrics.cost_micros, metrics.conversions "
    "FROM ad_group_ad WHERE segments.date = '{day}'",
    # Each campaign: Performance Max and its like have no ads, and would be missing from the first answer.
    "SELECT customer.id, customer.currency_code, campaign.id, campaign.name, "
    "segments.date, metrics.impressions, metrics.clicks, metrics.cost_micros, metrics.conversions "
    "FROM campaign WHERE segments.date = '{day}'",
)
PROBE = "SELECT customer.id FROM customer LIMIT 1"
_ENUM = re.compile(r"[A-Z][A-Z0-9_]{2,60}")


class GoogleAdsHook(BaseHook):
    """Connection: host `https://googleads.googleapis.com`, login = OAuth client id, password = OAuth client secret.

    Extra: `refresh_token`, `developer_token`, `customer_ids` (list of accounts, digits only), `login_customer_id` (the
    manager account through which they are reached), `token_url` (default Google's), `requests_per_second`.
    """

    conn_name_attr = "google_ads_conn_id"
    default_conn_name = "google_ads_default"
    conn_type = "http"
    hook_name = "Google Ads"

    def __init__(self, google_ads_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.google_ads_conn_id = google_ads_conn_id
        self._transport: Transport | None = None

    def get_conn(self) -> Transport:
        """A transport with a fresh access token, good for an hour. Raises AuthFailed when Google gives none."""
        if self._transport is None:
            connection = self.get_connection(self.google_ads_conn_id)
            extra = connection.extra_dejson
            base = endpoint(VENDOR, connection, REQUESTS_PER_SECOND)
            headers = {
                "Accept": "application/json",
                "Authorization": f"Bearer {_access_token(base, connection)}",
                "developer-token": _required(extra, "developer_token"),
            }
            if extra.get("login_customer_id"):
                headers["login-customer-id"] = str(extra["login_customer_id"])
            self._transport = Transport(replace(base, headers=headers), outcome=google_outcome)
        return self._transport

    def accounts(self) -> tuple[str, ...]:
        """The customer ids of extra `customer_ids`, digits only."""
        listed = self.get_connection(self.google_ads_conn_id).extra_dejson.get("customer_ids") or []
        accounts = tuple(str(account).replace("-", "") for account in listed)
        if not accounts or not all(account.isdigit() for account in accounts):
            raise ValueError(f"connection {self.google_ads_conn_id}: extra customer_ids must list the accounts' ids")
        return accounts

    def report(self, day: date) -> bytes:
        """The answers for one day, byte for byte, one after another with a line end between: per account QUERIES."""
        bodies = []
        for account in self.accounts():
            for query in QUERIES:
                bodies.append(self._stream("search_stream", account, query.format(day=day)).content)
        return b"\n".join(bodies)

    def test_connection(self) -> tuple[bool, str]:
        """Read the first account's own row: it needs every key and the right to that account."""
        try:
            account = self.accounts()[0]
            self._stream("probe", account, PROBE)
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, f"Google Ads answers for {len(self.accounts())} accounts"

    def _stream(self, operation: str, account: str, query: str) -> Reply:
        path = f"/{API_VERSION}/customers/{account}/googleAds:searchStream"
        return self.get_conn().send(Call(operation, "POST", path, repeatable=True, json={"query": query}))


def google_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """Read an answer of the API: quota errors with their own wait, and Google's name of what is wrong."""
    if response.is_success:
        answer = outcome_of(vendor, call, response)
        if isinstance(answer, Reply) and _holds_error(answer.body):
            advice = "Google broke off its answer with an error, and what came is not all. The task asks again."
            return VendorDown(vendor, call.operation, answer.status, advice)
        return answer
    codes, retry_after = _failure(response)
    named = ", ".join(f"{kind} {code}" for kind, code in codes.items())
    if response.status_code == 429 or "quotaError" in codes:
        advice = f"The quota is used up ({named or 'no reason given'}). The task tries again in minutes."
        return RateLimited(vendor, call.operation, response.status_code, advice, retry_after=retry_after)
    if named and response.status_code in (401, 403):
        advice = (
            f"Google refused us: {named}. Correct the refresh token, the developer token, login_customer_id or the "
            f"user's right to the account in connection {vendor}_default, then clear the task."
        )
        return AuthFailed(vendor, call.operation, response.status_code, advice)
    if named and response.status_code == 400:
        advice = f"Google refused the query: {named}. Compare QUERIES in hooks/google_ads.py with its reference."
        return BadRequest(vendor, call.operation, response.status_code, advice)
    return outcome_of(vendor, call, response)


def _holds_error(body: Any) -> bool:
    """Whether a stream failed after its status was sent: then the last item of its array is an error."""
    return isinstance(body, list) and any(isinstance(item, Mapping) and "error" in item for item in body)


def _access_token(base: Endpoint, connection: Connection) -> str:
    extra = connection.extra_dejson
    form = {
        "grant_type": "refresh_token",
        "client_id": str(connection.login or ""),
        "client_secret": str(connection.password),
        "refresh_token": _required(extra, "refresh_token"),
    }
    url = str(extra.get("token_url") or TOKEN_URL)
    transport = Transport(replace(base, headers={"Accept": "application/json"}), outcome=_token_outcome)
    try:
        body = transport.send(Call("get_access_token", "POST", url, repeatable=True, form=form)).body
    finally:
        transport.close()
    if not isinstance(body, Mapping) or not body.get("access_token"):
        raise AuthFailed(
            VENDOR, "get_access_token", 200, f"The answer of {url} holds no access_token: correct token_url."
        )
    return str(body["access_token"])


def _token_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """OAuth says 400 or 401 for every wrong key (RFC 6749, 5.2)."""
    if response.status_code not in (400, 401):
        return outcome_of(vendor, call, response)
    said = response.json().get("error") if "json" in response.headers.get("content-type", "") else None
    known = said if said in ("invalid_grant", "invalid_client", "unauthorized_client", "invalid_request") else "refused"
    advice = (
        f"{known}: the refresh token was revoked or has expired, or client id or secret is wrong. Make a new refresh "
        f"token, put it into connection {vendor}_default, then clear the task."
    )
    return AuthFailed(vendor, call.operation, response.status_code, advice)


def _failure(response: httpx.Response) -> tuple[dict[str, str], float | None]:
    """Google's codes by kind, for example {"quotaError": "RESOURCE_EXHAUSTED"}, and the seconds it asks us to wait."""
    try:
        body = response.json()
    except ValueError:
        return {}, None
    body = body[0] if isinstance(body, list) and body else body
    error = body.get("error") if isinstance(body, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    codes: dict[str, str] = {}
    waits: list[float] = []
    for failure in (one for detail in details or [] for one in detail.get("errors") or []):
        for kind, code in (failure.get("errorCode") or {}).items():
            if _ENUM.fullmatch(str(code)) and str(kind).isalpha():
                codes[str(kind)] = str(code)
        delay = str(((failure.get("details") or {}).get("quotaErrorDetails") or {}).get("retryDelay") or "")
        if re.fullmatch(r"\d+(\.\d+)?s", delay):
            waits.append(float(delay[:-1]))
    return codes, max(waits, default=None)


def _required(extra: Mapping[str, Any], name: str) -> str:
    if not extra.get(name):
        raise AuthFailed(VENDOR, "connect", None, f"Connection {VENDOR}_default has no extra {name}: set it.")
    return str(extra[name])
