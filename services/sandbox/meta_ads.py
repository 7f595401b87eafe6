"""Meta's Graph API: ads insights as background jobs, to contracts/meta-ads.yaml.

A job takes real time, scaled down. Pages are shorter than asked for, as Meta may make them, and `paging.next` repeats the
access token, so that whoever archives a page finds out.
"""

import hmac
import json
import math
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.ads import AdPlatforms, Delivered
from services.sandbox.clock import Clock
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, bearer, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan

PREFIX = "/meta_ads"
ACCOUNT = "100200300400500"
PAGE = 20
FIELDS = {
    "account_id", "account_currency", "campaign_id", "campaign_name", "adset_id", "ad_id", "date_start", "date_stop",
    "impressions", "clicks", "spend", "actions",
}  # fmt: skip
# HTTP status that the gate asks for -> what Meta answers: status, code, subcode.
ERRORS = {
    400: (400, 100, None),
    401: (400, 190, 463),
    403: (400, 200, None),
    404: (400, 100, 33),
    429: (400, 80000, 2446079),
    500: (500, 2, 1504044),
    503: (500, 2, 1504043),
}
MESSAGES = {100: "(#100) Invalid parameter", 190: "Error validating access token: session has expired",
            200: "(#200) Permissions error", 80000: "(#80000) There have been too many calls from this ad-account.",
            2: "Service temporarily unavailable"}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One report. `done_at` is monotonic time; `asked_at` is the world's: what the report knows."""

    id: str
    done_at: float
    asked_at: datetime
    fields: list[str]
    since: date
    until: date


@dataclass
class MetaAds:
    """One ad account."""

    plan: Plan
    platforms: AdPlatforms
    clock: Clock
    jobs: dict[str, Job] = field(default_factory=dict)

    async def start(self, call: Call) -> Response:
        form = call.body or {}
        if call.path["account_id"] != ACCOUNT:
            return error(403, "")
        try:
            span = json.loads(form["time_range"])
            since, until = date.fromisoformat(span["since"]), date.fromisoformat(span["until"])
        except (KeyError, TypeError, ValueError):
            return error(400, "(#100) time_range must be a JSON object with since and until")
        fields = form.get("fields", "impressions,spend").split(",")
        unknown = sorted(set(fields) - FIELDS)
        if unknown or form.get("level") != "ad" or form.get("time_increment") != "1":
            return error(400, f"(#100) served: level=ad, time_increment=1; fields not valid: {unknown}")
        number = str(6_000_000_000_000 + len(self.jobs) + 1)
        wait = self.plan.async_seconds * min(3.0, -math.log(uniform(self.plan.seed, "meta job", number)))
        self.jobs[number] = Job(number, time.monotonic() + wait, self.clock.now, fields, since, until)
        return JSONResponse({"report_run_id": number})

    async def account(self, call: Call) -> Response:
        if call.path["account_id"] != ACCOUNT:
            return error(403, "")
        return JSONResponse({"id": f"act_{ACCOUNT}", "currency": "USD"})

    async def job(self, call: Call) -> Response:
        job = self.jobs.get(call.path["report_run_id"])
        if job is None:
            return error(404, "")
        is_done = time.monotonic() >= job.done_at
        status = {"async_status": "Job Completed", "async_percent_completion": 100}
        if not is_done:
            status = {"async_status": "Job Running", "async_percent_completion": 40}
        return JSONResponse({"id": job.id, "account_id": ACCOUNT, **status})

    async def insights(self, call: Call) -> Response:
        job = self.jobs.get(call.path["report_run_id"])
        if job is None or time.monotonic() < job.done_at:
            return error(404, "")
        days = [job.since + timedelta(days=n) for n in range((job.until - job.since).days + 1)]
        rows = [
            _row(job.fields, one) for day in days for one in self.platforms.delivered("meta_ads", day, job.asked_at)
        ]
        at = int(call.query.get("after") or 0)
        size = min(PAGE, int(call.query.get("limit", 25)))
        page: dict[str, Any] = {"data": rows[at : at + size]}
        if rows:
            page["paging"] = {"cursors": {"before": str(at), "after": str(at + size)}}
        if at + size < len(rows):
            url = f"{call.request.base_url}{PREFIX[1:]}/v26.0/{job.id}/insights"
            page["paging"]["next"] = f"{url}?access_token={bearer(call.request)}&limit={size}&after={at + size}"
        return JSONResponse(page)


def meta_ads_routes(plan: Plan, platforms: AdPlatforms, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """Meta's routes below /meta_ads."""
    api = MetaAds(plan, platforms, clock)
    token, app_secret = plan.keys["meta_ads"].split(":")
    proof = hmac.new(app_secret.encode(), token.encode(), sha256).hexdigest()
    vendor = Vendor(
        name="meta_ads",
        prefix=PREFIX,
        contract=contract("meta-ads.yaml"),
        is_authorised=lambda request: (
            hmac.compare_digest(bearer(request).encode(), token.encode())
            and hmac.compare_digest(request.query_params.get("appsecret_proof", "").encode(), proof.encode())
        ),
        error=error,
        refuse=_refuse,
        windows=[Window(plan.ads_per_second, 1.0)],
    )
    handlers = {
        "startInsights": api.start,
        "getAdAccount": api.account,
        "getReportRun": api.job,
        "listInsights": api.insights,
    }
    return vendor_routes(vendor, handlers, ledger, faults)


def error(status: int, message: str) -> Response:
    answered, code, subcode = ERRORS.get(status, (status, 1, None))
    body: dict[str, Any] = {
        "message": message or MESSAGES.get(code, "An unknown error has occurred."),
        "type": "OAuthException",
        "code": code,
        "is_transient": code in (2, 80000),
        "fbtrace_id": "SANDBOX",
    }
    if subcode is not None:
        body["error_subcode"] = subcode
    usage = [{"type": "ads_insights", "call_count": 100, "total_cputime": 20, "total_time": 20,
              "estimated_time_to_regain_access": 7}]  # fmt: skip
    headers = {"x-business-use-case-usage": json.dumps({ACCOUNT: usage})} if code == 80000 else {}
    return JSONResponse({"error": body}, answered, headers)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, f"(#100) {'; '.join(map(str, problems))}")


def _row(fields: list[str], one: Delivered) -> dict[str, Any]:
    """An insights row: numbers are text, spend has two decimals; without actions there is no `actions`."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "account_currency": "USD",
        "campaign_id": one.ad.campaign_id,
        "campaign_name": one.ad.campaign_name,
        "adset_id": one.ad.ad_group_id,
        "ad_id": one.ad.creative_id,
        "impressions": str(one.impressions),
        "clicks": str(one.clicks),
        "spend": f"{one.micros / 1_000_000:.2f}",
    }
    if one.clicks:
        values["actions"] = [{"action_type": "link_click", "value": str(one.clicks)}]
    if one.conversions:
        pixel = {"action_type": "offsite_conversion.fb_pixel_lead", "value": str(one.conversions)}
        values["actions"] += [{"action_type": "lead", "value": str(one.conversions)}, pixel]
    told = {name: values[name] for name in fields if name in values}
    return told | {"date_start": one.day.isoformat(), "date_stop": one.day.isoformat()}
