"""The Trade Desk: MyReports schedules, executions and the finished CSV, to contracts/ttd.yaml.

A report takes real time, scaled down. Its CSV lies at an address that carries its own key, outside the API.
"""

import csv
import hmac
import io
import math
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.sandbox.ads import AdPlatforms, Delivered
from services.sandbox.clock import Clock
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest, uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan

PREFIX = "/ttd"
FILES = "/ttd-files"
ADVERTISER, TEMPLATE = "dentadv", 4711
CALLERS = 4
COLUMNS = [
    "Date", "Advertiser ID", "Advertiser", "Campaign ID", "Campaign", "Ad Group ID", "Ad Group", "Creative ID",
    "Creative", "Impressions", "Clicks", "Advertiser Cost (Adv Currency)", "Advertiser Currency Code",
    "All Last Click + View Conversions",
]  # fmt: skip
MESSAGES = {401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests", 503: "Service Unavailable"}


@dataclass(frozen=True)
class Report:
    """A schedule that runs once. `done_at` is monotonic time; `asked_at` is the world's: what the report knows."""

    id: int
    name: str
    done_at: float
    asked_at: datetime
    first: date
    end: date
    advertisers: list[str]


@dataclass
class TradeDesk:
    """One partner with one advertiser and one report template."""

    plan: Plan
    platforms: AdPlatforms
    clock: Clock
    reports: dict[int, Report] = field(default_factory=dict)
    made: int = 0

    async def create(self, call: Call) -> Response:
        body = call.body
        if body["ReportTemplateId"] != TEMPLATE:
            return error(400, f"ReportTemplateId {body['ReportTemplateId']} does not exist")
        if (
            body["ReportFrequency"] != "Once"
            or body["ReportDateRange"] != "Custom"
            or body["ReportFileFormat"] != "CSV"
        ):
            return error(400, "served: ReportFrequency Once, ReportDateRange Custom, ReportFileFormat CSV")
        try:
            first = date.fromisoformat(body["ReportStartDateInclusive"][:10])
            end = date.fromisoformat(body["ReportEndDateExclusive"][:10])
        except (KeyError, ValueError):
            return error(400, "ReportStartDateInclusive and ReportEndDateExclusive are required")
        self.made += 1
        wait = self.plan.async_seconds * min(3.0, -math.log(uniform(self.plan.seed, "ttd report", str(self.made))))
        report = Report(self.made, body["ReportScheduleName"], time.monotonic() + wait, self.clock.now, first, end,
                        body.get("AdvertiserFilters") or [ADVERTISER])  # fmt: skip
        self.reports[report.id] = report
        return JSONResponse({"ReportScheduleId": report.id, "ReportScheduleName": report.name})

    async def delete(self, call: Call) -> Response:
        gone = self.reports.pop(int(call.path["schedule_id"]), None)
        return JSONResponse({}) if gone else error(404, "No such report schedule")

    async def executions(self, call: Call) -> Response:
        if set(call.body["AdvertiserIds"]) - {ADVERTISER}:
            return error(403, "The advertiser does not exist, or you may not see it")
        wanted = call.body.get("ReportScheduleIds")
        found = [report for report in self.reports.values() if wanted is None or report.id in wanted]
        at, size = call.body["PageStartIndex"], call.body["PageSize"]
        page = [self._execution(report, call.request) for report in found[at : at + size]]
        return JSONResponse({"Result": page, "ResultCount": len(page), "TotalFilteredCount": len(found)})

    async def file(self, request: Request) -> Response:
        """The finished report. 403 for a wrong or deleted one, as file stores answer."""
        number = request.path_params["number"]
        report = self.reports.get(number)
        if report is None or request.query_params.get("sig") != self._signature(number):
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403)
        days = [report.first + timedelta(days=n) for n in range((report.end - report.first).days)]
        told = [one for day in days for one in self.platforms.delivered("ttd", day, report.asked_at)]
        rows = told if ADVERTISER in report.advertisers else []
        return Response(_csv(rows), media_type="text/csv")

    def _execution(self, report: Report, request: Request) -> dict[str, Any]:
        is_done = time.monotonic() >= report.done_at
        url = f"{request.base_url}{FILES[1:]}/{report.id}.csv?sig={self._signature(report.id)}"
        return {
            "ReportExecutionId": 900_000 + report.id,
            "ReportScheduleId": report.id,
            "ReportScheduleName": report.name,
            "ReportExecutionState": "Complete" if is_done else "InProgress",
            "ReportStartDateInclusive": f"{report.first}T00:00:00",
            "ReportEndDateExclusive": f"{report.end}T00:00:00",
            "ReportDeliveries": [{"DeliveredPath": None, "DownloadURL": url}] if is_done else [],
        }

    def _signature(self, number: int) -> str:
        return digest(self.plan.seed, "ttd file", str(number))


def ttd_routes(plan: Plan, platforms: AdPlatforms, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """The API below /ttd, and its file store below /ttd-files."""
    api = TradeDesk(plan, platforms, clock)
    vendor = Vendor(
        name="ttd",
        prefix=PREFIX,
        contract=contract("ttd.yaml"),
        is_authorised=lambda request: hmac.compare_digest(
            request.headers.get("ttd-auth", "").encode(), plan.keys["ttd"].encode()
        ),
        error=error,
        refuse=_refuse,
        windows=[Window(plan.ads_per_second, 1.0)],
        max_in_flight=CALLERS,
    )
    handlers = {
        "createReportSchedule": api.create,
        "deleteReportSchedule": api.delete,
        "queryReportExecutions": api.executions,
    }
    return [*vendor_routes(vendor, handlers, ledger, faults), Route(FILES + "/{number:int}.csv", api.file)]


def error(status: int, message: str) -> Response:
    headers = {"Retry-After": "60"} if status == 429 else {}
    return JSONResponse({"Message": message or MESSAGES.get(status, "Error")}, status, headers)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, f"The request failed validation: {'; '.join(map(str, problems))}")


def _csv(rows: list[Delivered]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(COLUMNS)
    for one in rows:
        ad = one.ad
        writer.writerow([
            f"{one.day}T00:00:00", ADVERTISER, "Dental GTM", ad.campaign_id, ad.campaign_name, ad.ad_group_id,
            ad.ad_group_name, ad.creative_id, ad.creative_name, one.impressions, one.clicks,
            f"{one.micros // 1_000_000}.{one.micros % 1_000_000:06d}0001", "USD", one.conversions,
        ])  # fmt: skip
    return sink.getvalue()
