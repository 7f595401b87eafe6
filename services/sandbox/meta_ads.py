"""Meta's Graph API: ads insights at once and as background jobs, to contracts/meta-ads.yaml.

A job takes real time, scaled down. Pages are shorter than asked for, as Meta may make them, and `paging.next` repeats the
access token, so that whoever archives a page finds out.
"""

import hmac
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
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
INSIGHTS_FIELDS = set(contract("meta-ads.yaml").document["components"]["x-insights-fields"])
# What one row is about, and the ids and names that it can have.
LEVELS = {
    "ad": ("campaign_id", "adset_id", "ad_id"),
    "adset": ("campaign_id", "adset_id"),
    "campaign": ("campaign_id",),
    "account": (),
}
ALL_DAYS = "all_days"
# HTTP status that the gate asks for -> what Meta answers: status, code, subcode.
ERRORS = {
    400: (400, 100, None),
    401: (400, 190, 463),
    403: (400, 200, None),
    404: (400, 100, 33),
    429: (400, 80000, 2446079),
    500: (500, 2, 1504044),
    501: (501, 3, None),
    503: (500, 2, 1504043),
}
MESSAGES = {100: "(#100) Invalid parameter", 190: "Error validating access token: session has expired",
            200: "(#200) Permissions error", 80000: "(#80000) There have been too many calls from this ad-account.",
            2: "Service temporarily unavailable"}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What is asked for. `asked_at` is the world's time: what the report knows."""

    level: str
    fields: list[str]
    since: date
    until: date
    by_day: bool
    asked_at: datetime


@dataclass(frozen=True)
class Job:
    """One report in the background. `done_at` is monotonic time."""

    id: str
    done_at: float
    report: Report


@dataclass
class MetaAds:
    """One ad account."""

    plan: Plan
    platforms: AdPlatforms
    clock: Clock
    jobs: dict[str, Job] = field(default_factory=dict)

    async def start(self, call: Call) -> Response:
        report = self._report(call)
        if isinstance(report, Response):
            return report
        number = str(6_000_000_000_000 + len(self.jobs) + 1)
        wait = self.plan.async_seconds * min(3.0, -math.log(uniform(self.plan.seed, "meta job", number)))
        self.jobs[number] = Job(number, time.monotonic() + wait, report)
        return JSONResponse({"report_run_id": number})

    async def at_once(self, call: Call) -> Response:
        report = self._report(call)
        return report if isinstance(report, Response) else self._page(call, f"act_{ACCOUNT}", report)

    def _report(self, call: Call) -> Report | Response:
        """What a call asks for, or why it cannot be had."""
        query = call.query
        if call.path["account_id"] != ACCOUNT:
            return error(403, "")
        if "time_range" not in query:
            return error(501, "not modeled by the sandbox: insights without time_range")
        try:
            span = json.loads(query["time_range"])
            since, until = date.fromisoformat(span["since"]), date.fromisoformat(span["until"])
        except (KeyError, TypeError, ValueError):
            return error(400, "(#100) time_range must be a JSON object with since and until")
        fields = _names(query.get("fields", "impressions,spend"))
        if refusal := _refused_fields(fields, FIELDS, INSIGHTS_FIELDS):
            return refusal
        step = query.get("time_increment", ALL_DAYS)
        if step not in ("1", ALL_DAYS):
            return error(501, f"not modeled by the sandbox: time_increment={step}")
        return Report(query.get("level", "account"), fields, since, until, step == "1", self.clock.now)

    async def account(self, call: Call) -> Response:
        if call.path["account_id"] != ACCOUNT:
            return error(403, "")
        return _node({"id": f"act_{ACCOUNT}", "account_id": ACCOUNT, "currency": "USD"}, ["id"], call)

    async def job(self, call: Call) -> Response:
        job = self.jobs.get(call.path["report_run_id"])
        if job is None:
            return error(404, "")
        is_done = time.monotonic() >= job.done_at
        status = {"async_status": "Job Completed", "async_percent_completion": 100}
        if not is_done:
            status = {"async_status": "Job Running", "async_percent_completion": 40}
        return _node({"id": job.id, "account_id": ACCOUNT, **status}, ["id", "account_id", *status], call)

    async def insights(self, call: Call) -> Response:
        job = self.jobs.get(call.path["report_run_id"])
        if job is None or time.monotonic() < job.done_at:
            return error(404, "")
        return self._page(call, job.id, job.report)

    def _page(self, call: Call, node: str, report: Report) -> Response:
        days = [report.since + timedelta(days=n) for n in range((report.until - report.since).days + 1)]
        told = [one for day in days for one in self.platforms.delivered("meta_ads", day, report.asked_at)]
        groups: dict[tuple[str, ...], list[Delivered]] = {}
        for one in told:
            key = (one.day.isoformat() if report.by_day else "", *(_ids(one)[name] for name in LEVELS[report.level]))
            groups.setdefault(key, []).append(one)
        rows = [_row(report, group) for group in groups.values()]
        at = int(call.query.get("after") or 0)
        size = min(PAGE, int(call.query.get("limit", 25)))
        page: dict[str, Any] = {"data": rows[at : at + size]}
        if rows:
            page["paging"] = {"cursors": {"before": str(at), "after": str(at + size)}}
        if at + size < len(rows):
            url = f"{call.request.base_url}{PREFIX[1:]}/v26.0/{node}/insights"
            asked = {
                name: value for name, value in call.query.items() if name not in ("appsecret_proof", "after", "limit")
            }
            following = QueryParams({**asked, "access_token": _token(call.request), "limit": size, "after": at + size})
            page["paging"]["next"] = f"{url}?{following}"
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
            hmac.compare_digest(_token(request).encode(), token.encode())
            and hmac.compare_digest(request.query_params.get("appsecret_proof", "").encode(), proof.encode())
        ),
        error=error,
        refuse=_refuse,
        windows=[Window(plan.ads_per_second, 1.0)],
        parameters=_parameters,
        takes_trailing_slash=True,
    )
    handlers = {
        "getInsights": api.at_once,
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


def _parameters(operation: Operation, request: Request, document: Any) -> tuple[QueryParams, Any]:
    """Graph's parameters: those of the address and those of a form."""
    return QueryParams({**request.query_params, **(document if isinstance(document, Mapping) else {})}), None


def _token(request: Request) -> str:
    return bearer(request) or request.query_params.get("access_token", "")


def _names(text: str) -> list[str]:
    """Names as Graph takes them: a JSON list, or with commas."""
    if text.startswith("["):
        try:
            return [str(name) for name in json.loads(text)]
        except ValueError:
            return [text]
    return text.split(",")


def _refused_fields(asked: list[str], served: set[str], known: set[str]) -> Response | None:
    """Why these fields cannot be had: nobody's are refused as Meta does, Meta's own as not modeled."""
    if nobodys := sorted(set(asked) - known):
        return error(400, f"(#100) {', '.join(nobodys)} is not valid for fields param.")
    unserved = sorted(set(asked) - served)
    return error(501, f"not modeled by the sandbox: fields {unserved}") if unserved else None


def _node(values: dict[str, Any], usual: list[str], call: Call) -> Response:
    """A node with the fields that are asked for, and always its id."""
    asked = _names(call.query["fields"]) if "fields" in call.query else usual
    if unserved := sorted(set(asked) - set(values)):
        return error(501, f"not modeled by the sandbox: fields {unserved}")
    return JSONResponse({name: values[name] for name in dict.fromkeys(["id", *asked])})


def _ids(one: Delivered) -> dict[str, str]:
    return {"campaign_id": one.ad.campaign_id, "adset_id": one.ad.ad_group_id, "ad_id": one.ad.creative_id}


def _row(report: Report, group: list[Delivered]) -> dict[str, Any]:
    """An insights row: numbers are text, spend has two decimals; without actions there is no `actions`."""
    clicks, conversions = sum(one.clicks for one in group), sum(one.conversions for one in group)
    known = LEVELS[report.level]
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "account_currency": "USD",
        **{name: value for name, value in _ids(group[0]).items() if name in known},
        "impressions": str(sum(one.impressions for one in group)),
        "clicks": str(clicks),
        "spend": f"{sum(one.micros for one in group) / 1_000_000:.2f}",
    }
    if "campaign_id" in known:
        values["campaign_name"] = group[0].ad.campaign_name
    if clicks:
        values["actions"] = [{"action_type": "link_click", "value": str(clicks)}]
    if conversions:
        pixel = {"action_type": "offsite_conversion.fb_pixel_lead", "value": str(conversions)}
        values["actions"] = [*values.get("actions", []), {"action_type": "lead", "value": str(conversions)}, pixel]
    told = {name: values[name] for name in report.fields if name in values}
    first, last = (group[0].day, group[0].day) if report.by_day else (report.since, report.until)
    return told | {"date_start": first.isoformat(), "date_stop": last.isoformat()}
