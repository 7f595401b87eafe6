"""The Trade Desk: what every creative of the advertisers delivered on one day, by a MyReports report.

Contract: https://open.thetradedesk.com, Platform API v3, which needs an account to read.
Confirmed, by the public description and by several public clients that agree: header `TTD-Auth`; POST
/v3/myreports/reportschedule with the fields sent below, answered with `ReportScheduleId`; POST
/v3/myreports/reportexecution/query/advertisers, answered with `Result[].ReportExecutionState` and
`ReportDeliveries[].DownloadURL`; DELETE /v3/myreports/reportschedule/{id}; at most four callers an endpoint; 429 with
Retry-After; 403 also for what does not exist.
Inferred: every state but Complete, Pending and InProgress; whether the download wants the token. It is sent only to the
API's own host: at another, the signed address is the key.
Published limits: none in numbers.

A report is made from a template of the partner, which a person builds once (docs/sources/ads.md lists its columns). Each
day is one schedule that runs once, and is deleted when it was read. Days are UTC.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import ReportNotReady, VendorDown, VendorError
from hooks.http.limits import poll_pauses
from hooks.http.transport import Call, Endpoint, Reply, Transport, endpoint, outcome_of

VENDOR = "ttd"
REQUESTS_PER_SECOND = 2.0  # ours
DEADLINE = 30 * 60.0  # seconds for one day's report
WORKING = ("Pending", "InProgress")


class TtdHook(BaseHook):
    """Connection: host `https://api.thetradedesk.com`, password = API token (one week to one year; made in the UI).

    Extra: `advertiser_ids` (list), `report_template_id` (number), `requests_per_second`.
    """

    conn_name_attr = "ttd_conn_id"
    default_conn_name = "ttd_default"
    conn_type = "http"
    hook_name = "The Trade Desk"

    def __init__(self, ttd_conn_id: str = default_conn_name, *, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__()
        self.ttd_conn_id = ttd_conn_id
        self._sleep = sleep
        self._endpoint: Endpoint | None = None
        self._transport: Transport | None = None

    def get_conn(self) -> Transport:
        if self._transport is None:
            connection = self.get_connection(self.ttd_conn_id)
            self._endpoint = endpoint(VENDOR, connection, REQUESTS_PER_SECOND, secret_header=("TTD-Auth", "{}"))
            self._transport = Transport(self._endpoint)
        return self._transport

    def accounts(self) -> tuple[str, ...]:
        """The advertisers of extra `advertiser_ids`."""
        accounts = tuple(self.get_connection(self.ttd_conn_id).extra_dejson.get("advertiser_ids") or [])
        if not accounts:
            raise ValueError(f"connection {self.ttd_conn_id}: extra advertiser_ids must list the advertisers")
        return tuple(str(account) for account in accounts)

    def report(self, day: date) -> bytes:
        """The CSV for one day, byte for byte. Raises ReportNotReady after DEADLINE."""
        schedule = self._schedule(day)
        try:
            return self._download(self._wait(schedule))
        finally:
            self._delete(schedule)

    def test_connection(self) -> tuple[bool, str]:
        """List one execution of the advertisers: it needs the token and the right to MyReports."""
        try:
            self._send("list_executions", "POST", "reportexecution/query/advertisers", self._page(1))
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, f"The Trade Desk answers for {len(self.accounts())} advertisers"

    def _schedule(self, day: date) -> int:
        template = self.get_connection(self.ttd_conn_id).extra_dejson.get("report_template_id")
        if not template:
            raise ValueError(
                f"connection {self.ttd_conn_id}: extra report_template_id must name the MyReports template"
            )
        body = {
            "ReportScheduleName": f"dental-gtm {day}",
            "ReportTemplateId": int(template),
            "AdvertiserFilters": list(self.accounts()),
            "ReportFrequency": "Once",
            "ReportDateRange": "Custom",
            "ReportStartDateInclusive": f"{day}T00:00:00",
            "ReportEndDateExclusive": f"{day + timedelta(days=1)}T00:00:00",
            "TimeZone": "UTC",
            "ReportFileFormat": "CSV",
            "ReportDateFormat": "Sortable",
            "ReportNumericFormat": "US",
            "IncludeHeaders": True,
        }
        # Repeatable: a second schedule makes the same report again and costs nothing.
        made = self._send("create_schedule", "POST", "reportschedule", body).body
        if not isinstance(made, Mapping) or not isinstance(made.get("ReportScheduleId"), int):
            raise VendorDown(VENDOR, "create_schedule", 200, "The answer has no ReportScheduleId.")
        return int(made["ReportScheduleId"])

    def _wait(self, schedule: int) -> str:
        query = {**self._page(10), "ReportScheduleIds": [schedule]}
        for pause in poll_pauses(DEADLINE):
            body = self._send("list_executions", "POST", "reportexecution/query/advertisers", query).body
            found = body.get("Result") if isinstance(body, Mapping) else None
            if not isinstance(found, list):
                raise VendorDown(VENDOR, "list_executions", 200, "The answer has no list `Result`.")
            # Should the filter be ignored, another schedule's report must not be taken for ours.
            ours = [one for one in found if one.get("ReportScheduleId") == schedule]
            state = str(ours[0].get("ReportExecutionState")) if ours else "Pending"
            if state == "Complete":
                return _download_url(ours[0])
            if state not in WORKING:
                advice = f"The report of schedule {schedule} ended as {state[:40]}. The task asks for it again."
                raise VendorDown(VENDOR, "list_executions", 200, advice)
            self._sleep(pause)
        raise ReportNotReady(
            VENDOR, "list_executions", 200, f"A day's report was not ready after {DEADLINE:g} s. The task asks again."
        )

    def _download(self, url: str) -> bytes:
        self.get_conn()
        assert self._endpoint is not None
        is_own = urlsplit(url).netloc == urlsplit(self._endpoint.base_url).netloc
        headers = {**self._endpoint.headers, "Accept": "text/csv"} if is_own else {"Accept": "text/csv"}
        transport = Transport(replace(self._endpoint, headers=headers), outcome=_file_outcome)
        try:
            return transport.send(Call("download", "GET", url, repeatable=True)).content
        finally:
            transport.close()

    def _delete(self, schedule: int) -> None:
        try:
            self._send("delete_schedule", "DELETE", f"reportschedule/{schedule}")
        except VendorError as error:  # it has run and will not run again: only clutter in the UI
            self.log.warning("Schedule %d stays in MyReports: %s", schedule, error)

    def _page(self, size: int) -> dict[str, Any]:
        return {"AdvertiserIds": list(self.accounts()), "PageStartIndex": 0, "PageSize": size}

    def _send(self, operation: str, method: str, path: str, json: Any = None) -> Reply:
        return self.get_conn().send(Call(operation, method, f"/v3/myreports/{path}", repeatable=True, json=json))


def _download_url(execution: Mapping[str, Any]) -> str:
    urls = [str(one["DownloadURL"]) for one in execution.get("ReportDeliveries") or [] if one.get("DownloadURL")]
    if not urls:
        raise VendorDown(VENDOR, "list_executions", 200, "The report is complete and has no DownloadURL.")
    return urls[0]


def _file_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """A file is not JSON, and an expired address of a file store answers 403: that is no wrong key."""
    if response.is_success:
        return Reply(response.status_code, "", None, response.content)
    if response.status_code in (403, 404):
        return VendorDown(
            vendor, call.operation, response.status_code, "The download has expired. The task asks again."
        )
    return outcome_of(vendor, call, response)
