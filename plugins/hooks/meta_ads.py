"""Meta: what every ad of the ad accounts delivered on one day, by the Insights API.

Contract: https://developers.facebook.com/docs/marketing-api/insights, Graph API v26.0 of July 2026.
Confirmed there: the edge `act_<id>/insights` by GET and, as a background job, by POST; `report_run_id`, `async_status`,
`async_percent_completion` and, since v25.0, `error_code` of a job that failed; cursors; the error codes; that the wait
after a limit is in X-Business-Use-Case-Usage, in minutes; appsecret_proof. Numbers are sent as text, spend in units of
the account's currency; `actions` is left out when there were none. An empty page can still have a `next`.
Inferred: that `paging.next` repeats the access token also when it came in a header. It is cut out of what we archive.
Published limits: ads_insights allows 600 + 400 x active ads calls an hour and account in the lower tier.

A day is always asked for as a background job: a large account's GET times out, and one way is enough.
Days are days of the account's time zone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import AuthFailed, BadRequest, RateLimited, ReportNotReady, VendorDown, VendorError
from hooks.http.limits import poll_pauses
from hooks.http.transport import Call, Reply, Transport, endpoint, outcome_of

VENDOR = "meta_ads"
REQUESTS_PER_SECOND = 5.0  # ours: far below an hour's allowance
API_VERSION = "v26.0"
FIELDS = (
    "account_id", "account_currency", "campaign_id", "campaign_name", "adset_id", "ad_id", "date_start", "date_stop",
    "impressions", "clicks", "spend", "actions",
)  # fmt: skip
PAGE = 500
DEADLINE = 15 * 60.0  # seconds for one account's job; Meta says up to an hour with its own retries
# https://developers.facebook.com/docs/graph-api/overview/rate-limiting and .../marketing-api/insights/error-codes
RATE_CODES = {4, 17, 32, 613, *range(80000, 80015)}
AUTH_CODES = {10, 102, 104, 190, *range(200, 300)}
TRANSIENT_CODES = {-2, 1, 2}
_SECRETS = re.compile(rb'(access_token|appsecret_proof)=[^&"\\]*')  # as they stand in the address of a next page


class MetaAdsHook(BaseHook):
    """Connection: host `https://graph.facebook.com`, password = access token of a system user with ads_read.

    Extra: `app_secret` (every call is signed with it), `account_ids` (list, with or without act_),
    `requests_per_second`.
    """

    conn_name_attr = "meta_ads_conn_id"
    default_conn_name = "meta_ads_default"
    conn_type = "http"
    hook_name = "Meta Ads"

    def __init__(
        self, meta_ads_conn_id: str = default_conn_name, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__()
        self.meta_ads_conn_id = meta_ads_conn_id
        self._sleep = sleep
        self._transport: Transport | None = None
        self._proof = ""

    def get_conn(self) -> Transport:
        if self._transport is None:
            connection = self.get_connection(self.meta_ads_conn_id)
            base = endpoint(VENDOR, connection, REQUESTS_PER_SECOND)
            app_secret = connection.extra_dejson.get("app_secret")
            if not app_secret:
                raise AuthFailed(
                    VENDOR, "connect", None, f"Connection {self.meta_ads_conn_id} has no extra app_secret."
                )
            self._proof = appsecret_proof(str(connection.password), str(app_secret))
            self._transport = Transport(base, outcome=meta_outcome)
        return self._transport

    def accounts(self) -> tuple[str, ...]:
        """The ad accounts of extra `account_ids`, digits only."""
        listed = self.get_connection(self.meta_ads_conn_id).extra_dejson.get("account_ids") or []
        accounts = tuple(str(account).removeprefix("act_") for account in listed)
        if not accounts or not all(account.isdigit() for account in accounts):
            raise ValueError(f"connection {self.meta_ads_conn_id}: extra account_ids must list the ad accounts")
        return accounts

    def report(self, day: date) -> bytes:
        """The pages for one day, byte for byte, one after another with a line end between; per account at least one.

        Byte for byte but for the access token, which Meta repeats in `paging.next`: `<access_token>` stands for it.
        Raises ReportNotReady after DEADLINE.
        """
        bodies = []
        for account in self.accounts():
            job = self._start(account, day)
            self._wait(job)
            bodies += [_SECRETS.sub(rb"\1=<\1>", page.content) for page in self._pages(job)]
        return b"\n".join(bodies)

    def test_connection(self) -> tuple[bool, str]:
        """Read the first ad account's currency: it needs the token, the proof and the right to that account."""
        try:
            account = self.accounts()[0]
            self._send("get_account", "GET", f"act_{account}", {"fields": "id,currency"})
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, f"Meta answers for {len(self.accounts())} ad accounts"

    def _start(self, account: str, day: date) -> str:
        form = {
            "level": "ad",
            "fields": ",".join(FIELDS),
            "time_range": json.dumps({"since": day.isoformat(), "until": day.isoformat()}),
            "time_increment": "1",
        }
        # Asked twice, Meta makes the same report twice: that costs nothing.
        body = self._send("start_report", "POST", f"act_{account}/insights", {}, form).body
        job = body.get("report_run_id") if isinstance(body, Mapping) else None
        if not job:
            raise VendorDown(VENDOR, "start_report", 200, "The answer has no report_run_id.")
        return str(job)

    def _wait(self, job: str) -> None:
        for pause in poll_pauses(DEADLINE):
            body = self._send("get_report", "GET", job, {}).body
            status = body.get("async_status") if isinstance(body, Mapping) else None
            if status == "Job Completed" and body.get("async_percent_completion") == 100:
                return
            if status in ("Job Failed", "Job Skipped"):
                code, subcode = body.get("error_code"), body.get("error_subcode")
                raise error_of_code(VENDOR, "get_report", 200, code, subcode, None) or VendorDown(
                    VENDOR, "get_report", 200, f"{status} (code {code}, subcode {subcode}). The task asks again."
                )
            self._sleep(pause)
        raise ReportNotReady(
            VENDOR, "get_report", 200, f"A day's report was not ready after {DEADLINE:g} s. The task asks again."
        )

    def _pages(self, job: str) -> Iterator[Reply]:
        params: dict[str, Any] = {"limit": PAGE}
        seen = set()
        while True:
            page = self._send("list_insights", "GET", f"{job}/insights", params)
            if not isinstance(page.body, Mapping) or not isinstance(page.body.get("data"), list):
                raise VendorDown(VENDOR, "list_insights", page.status, "The page has no list `data`.")
            yield page
            paging = page.body.get("paging") or {}
            if not paging.get("next"):  # the only sure sign of the end: a page may be empty and have a next one
                return
            after = (paging.get("cursors") or {}).get("after")
            if not after or after in seen:
                raise VendorDown(VENDOR, "list_insights", page.status, "The cursor leads to a page that was read.")
            seen.add(after)
            params = {**params, "after": after}

    def _send(
        self, operation: str, method: str, path: str, params: Mapping[str, Any], form: Mapping[str, str] | None = None
    ) -> Reply:
        transport = self.get_conn()
        signed = {**params, "appsecret_proof": self._proof}
        return transport.send(Call(operation, method, f"/{API_VERSION}/{path}", True, params=signed, form=form))


def appsecret_proof(token: str, app_secret: str) -> str:
    """SHA-256 HMAC of the access token by the app's secret, hexadecimal."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def meta_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """Read an answer of the Graph API: it says 400 (or 403, 500) for nearly everything; `error.code` tells."""
    if response.is_success:
        return outcome_of(vendor, call, response)
    try:
        body = response.json()
    except ValueError:
        return outcome_of(vendor, call, response)
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return outcome_of(vendor, call, response)
    code, subcode = error.get("code"), error.get("error_subcode")
    wait = minutes_to_regain_access(response.headers)
    known = error_of_code(
        vendor, call.operation, response.status_code, code, subcode, None if wait is None else wait * 60.0
    )
    if known is not None:
        return known
    if error.get("is_transient") or response.status_code >= 500:
        advice = f"Meta is failing (code {code}, subcode {subcode}). The task tries again."
        return VendorDown(vendor, call.operation, response.status_code, advice)
    advice = f"Meta refused the request (code {code}, subcode {subcode}): see its list of Insights error codes."
    return BadRequest(
        vendor, call.operation, response.status_code, advice, code=code if isinstance(code, int) else None
    )


def error_of_code(
    vendor: str, operation: str, status: int, code: Any, subcode: Any, retry_after: float | None
) -> VendorError | None:
    """What one of Meta's error codes stands for; None for a code that only the request's details explain."""
    named = f"code {code}, subcode {subcode}"
    if code in RATE_CODES:
        advice = f"Too many calls ({named}). The task tries again in minutes."
        return RateLimited(vendor, operation, status, advice, retry_after=retry_after)
    if code in AUTH_CODES:
        advice = (
            f"Meta refused us ({named}): correct the token or app_secret of connection {vendor}_default, or give the "
            "system user the ad account, then clear the task."
        )
        return AuthFailed(vendor, operation, status, advice)
    if code in TRANSIENT_CODES:
        return VendorDown(vendor, operation, status, f"Meta is failing ({named}). The task tries again.")
    return None


def minutes_to_regain_access(headers: Mapping[str, str]) -> int | None:
    """The longest wait that X-Business-Use-Case-Usage names, in minutes; None when it names none."""
    try:
        usage = json.loads(headers.get("x-business-use-case-usage", "{}"))
        waits = [int(item.get("estimated_time_to_regain_access") or 0) for items in usage.values() for item in items]
    except (ValueError, AttributeError, TypeError):
        return None
    return max(waits, default=0) or None
