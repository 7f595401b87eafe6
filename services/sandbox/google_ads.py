"""Google Ads: searchStream over the campaigns of ads.py, and Google's OAuth token endpoint, to contracts/google-ads.yaml.

Access tokens are good for an hour of real time. Only the manager account may read, so login-customer-id is needed.
"""

import hmac
import re
import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.ads import AdPlatforms, Delivered
from services.sandbox.clock import Clock
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, bearer, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan

PREFIX = "/google_ads"
CUSTOMER, MANAGER = "1112223333", "9998887777"
BATCH = 20  # rows; Google's holds 10,000
TOKEN_SECONDS = 3600
FAILURE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
ERRORS = {
    400: ("INVALID_ARGUMENT", {"requestError": "UNKNOWN"}),
    401: ("UNAUTHENTICATED", {"authenticationError": "OAUTH_TOKEN_INVALID"}),
    403: ("PERMISSION_DENIED", {"authorizationError": "USER_PERMISSION_DENIED"}),
    404: ("NOT_FOUND", {"requestError": "RESOURCE_NAME_MALFORMED"}),
    429: ("RESOURCE_EXHAUSTED", {"quotaError": "RESOURCE_TEMPORARILY_EXHAUSTED"}),
    500: ("INTERNAL", {"internalError": "INTERNAL_ERROR"}),
    503: ("UNAVAILABLE", {"internalError": "TRANSIENT_ERROR"}),
}
QUERY = re.compile(
    r"SELECT (?P<fields>[\w., ]+?) FROM (?P<resource>\w+)"
    r"(?: WHERE segments\.date = '(?P<day>\d{4}-\d{2}-\d{2})')?(?: LIMIT (?P<limit>\d+))?"
)
OF_CUSTOMER = {"customer.id", "customer.currency_code"}
OF_CAMPAIGN = OF_CUSTOMER | {
    "campaign.id", "campaign.name", "segments.date",
    "metrics.impressions", "metrics.clicks", "metrics.cost_micros", "metrics.conversions",
}  # fmt: skip
FIELDS = {
    "customer": OF_CUSTOMER,
    "campaign": OF_CAMPAIGN,
    "ad_group_ad": OF_CAMPAIGN | {"ad_group.id", "ad_group_ad.ad.id"},
}


@dataclass
class GoogleAds:
    """One customer below one manager. `issued`: access token -> when it ends, in monotonic seconds."""

    plan: Plan
    platforms: AdPlatforms
    clock: Clock
    issued: dict[str, float] = field(default_factory=dict)
    streams: int = 0

    async def token(self, call: Call) -> Response:
        client, secret, refresh, _ = self.plan.keys["google_ads"].split(":")
        form = call.body or {}
        if form.get("grant_type") != "refresh_token":
            return _oauth(400, "unsupported_grant_type", "Invalid grant_type")
        if not _same(form.get("client_id"), client) or not _same(form.get("client_secret"), secret):
            return _oauth(401, "invalid_client", "The OAuth client was not found.")
        if not _same(form.get("refresh_token"), refresh):
            return _oauth(400, "invalid_grant", "Token has been expired or revoked.")
        token = f"ya29.{digest(self.plan.seed, 'google token', str(len(self.issued)))}"
        self.issued[token] = time.monotonic() + TOKEN_SECONDS
        return JSONResponse({"access_token": token, "expires_in": TOKEN_SECONDS - 1, "token_type": "Bearer"})

    def is_authorised(self, request: Request) -> bool:
        if request.url.path == f"{PREFIX}/token":
            return True
        return self.issued.get(bearer(request), 0.0) > time.monotonic()

    async def search_stream(self, call: Call) -> Response:
        headers = call.request.headers
        if not _same(headers["developer-token"], self.plan.keys["google_ads"].split(":")[3]):
            return error(401, "", {"authenticationError": "DEVELOPER_TOKEN_INVALID"})
        if call.path["customer_id"] != CUSTOMER or headers.get("login-customer-id") != MANAGER:
            return error(403, "User doesn't have permission to access customer.")
        match = QUERY.fullmatch(" ".join(call.body["query"].split()))
        if match is None:
            return error(400, "Error in query: unexpected input.", {"queryError": "UNEXPECTED_INPUT"})
        fields = [name.strip() for name in match["fields"].split(",")]
        unknown = [name for name in fields if name not in FIELDS.get(match["resource"], set())]
        if unknown:
            return error(400, f"Unrecognized fields in the query: {unknown}.", {"queryError": "UNRECOGNIZED_FIELD"})
        rows = [_row(fields, one) for one in self.rows(match["resource"], match["day"])]
        return JSONResponse(self.batches(fields, rows[: int(match["limit"] or len(rows))]))

    def rows(self, resource: str, day: str | None) -> list[dict[str, Any]]:
        """Values by GAQL name. Without a day there is nothing to add up, so only the customer answers."""
        customer: dict[str, Any] = {"customer.id": CUSTOMER, "customer.currency_code": "USD"}
        if resource == "customer":
            return [customer]
        if day is None:
            return []
        told = self.platforms.delivered("google_ads", date.fromisoformat(day), self.clock.now)
        if resource == "ad_group_ad":
            found = [one for one in told if one.ad.creative_id]
            return [customer | _values([one]) for one in found]
        campaigns: dict[str, list[Delivered]] = {}
        for one in told:
            campaigns.setdefault(one.ad.campaign_id, []).append(one)
        return [customer | _values(group) for group in campaigns.values()]

    def batches(self, fields: list[str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.streams += 1
        envelope = {
            "fieldMask": ",".join(_camel(name) for name in fields),
            "requestId": digest(self.plan.seed, "google request", str(self.streams))[:22],
        }
        parts = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
        return [{"results": part, **envelope} for part in parts] or [envelope]


def google_ads_routes(plan: Plan, platforms: AdPlatforms, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """Google's routes below /google_ads."""
    api = GoogleAds(plan, platforms, clock)
    vendor = Vendor(
        name="google_ads",
        prefix=PREFIX,
        contract=contract("google-ads.yaml"),
        is_authorised=api.is_authorised,
        error=error,
        refuse=_refuse,
        windows=[Window(plan.ads_per_second, 1.0)],
    )
    handlers = {"getAccessToken": api.token, "searchStream": api.search_stream}
    return vendor_routes(vendor, handlers, ledger, faults)


def error(status: int, message: str, code: dict[str, str] | None = None) -> Response:
    """An error of a stream: an array with one object. A quota error says how long to wait."""
    word, usual = ERRORS.get(status, ("UNKNOWN", {"requestError": "UNKNOWN"}))
    failure: dict[str, Any] = {"errorCode": code or usual, "message": message or word}
    if "quotaError" in failure["errorCode"]:
        quota = {"rateScope": "DEVELOPER", "rateName": "Number of operations for basic access", "retryDelay": "60s"}
        failure["details"] = {"quotaErrorDetails": quota}
    details = [{"@type": FAILURE, "errors": [failure], "requestId": "sandbox"}]
    body = {"code": status, "message": message or word, "status": word, "details": details}
    return JSONResponse([{"error": body}], status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, f"Request contains an invalid argument: {'; '.join(map(str, problems))}")


def _oauth(status: int, code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status)


def _same(given: str | None, key: str) -> bool:
    return hmac.compare_digest((given or "").encode(), key.encode())


def _values(group: list[Delivered]) -> dict[str, Any]:
    """The sums of some ads of one campaign, by GAQL name; 64-bit integers are text."""
    ad = group[0].ad
    return {
        "campaign.id": ad.campaign_id,
        "campaign.name": ad.campaign_name,
        "ad_group.id": ad.ad_group_id,
        "ad_group_ad.ad.id": ad.creative_id,
        "segments.date": group[0].day.isoformat(),
        "metrics.impressions": str(sum(one.impressions for one in group)),
        "metrics.clicks": str(sum(one.clicks for one in group)),
        "metrics.cost_micros": str(sum(one.micros for one in group)),
        "metrics.conversions": float(sum(one.conversions for one in group)),
    }


def _row(fields: list[str], values: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in fields:
        *path, last = _camel(name).split(".")
        node = row
        for part in path:
            node = node.setdefault(part, {})
        node[last] = values[name]
    row["customer"] = {"resourceName": f"customers/{CUSTOMER}", **row.get("customer", {})}
    return row


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
