"""The Trade Desk: a schedule, its execution, the file; and refusals."""

import csv
import io
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sandbox_runs import TTD, TestClient, in_process

from services.sandbox.plan import Plan

REPORTS = "/ttd/v3/myreports"
SCHEDULE = {
    "ReportScheduleName": "x", "ReportTemplateId": 4711, "AdvertiserFilters": ["dentadv"], "ReportFrequency": "Once",
    "ReportDateRange": "Custom", "ReportStartDateInclusive": "2025-11-06T00:00:00",
    "ReportEndDateExclusive": "2025-11-07T00:00:00", "TimeZone": "UTC", "ReportFileFormat": "CSV",
}  # fmt: skip


def create(client: TestClient, **changes: Any) -> httpx.Response:
    return client.post(f"{REPORTS}/reportschedule", headers=TTD, json=SCHEDULE | changes)


def executions(client: TestClient, **changes: Any) -> httpx.Response:
    body = {"AdvertiserIds": ["dentadv"], "PageStartIndex": 0, "PageSize": 10, **changes}
    return client.post(f"{REPORTS}/reportexecution/query/advertisers", headers=TTD, json=body)


def test_report_when_done_then_its_file_needs_no_token_and_holds_the_day(client: TestClient) -> None:
    number = create(client).json()["ReportScheduleId"]
    (run,) = executions(client, ReportScheduleIds=[number]).json()["Result"]
    assert run["ReportExecutionState"] == "Complete"
    url = run["ReportDeliveries"][0]["DownloadURL"]
    rows = list(csv.DictReader(io.StringIO(client.get(url).text)))
    assert {row["Date"] for row in rows} == {"2025-11-06T00:00:00"}
    assert len({row["Creative ID"] for row in rows}) == len(rows) > 0
    assert client.get(url.split("?")[0]).status_code == 403
    assert client.delete(f"{REPORTS}/reportschedule/{number}", headers=TTD).status_code == 200
    assert client.get(url).status_code == 403


def test_report_when_it_takes_time_then_is_in_progress_without_a_file(plan: Plan) -> None:
    client = in_process(replace(plan, async_seconds=30.0))
    number = create(client).json()["ReportScheduleId"]
    (run,) = executions(client, ReportScheduleIds=[number]).json()["Result"]
    assert (run["ReportExecutionState"], run["ReportDeliveries"]) == ("InProgress", [])


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (lambda client: create(client, ReportTemplateId=1), 400),
        (lambda client: create(client, ReportFileFormat="PDF"), 400),
        (lambda client: create(client, AdvertiserIds=["dentadv"]), 400),
        (lambda client: create(client, ReportFrequency="Daily"), 400),
        (lambda client: executions(client, AdvertiserIds=["other"]), 403),
        (lambda client: client.delete(f"{REPORTS}/reportschedule/9", headers=TTD), 404),
        (lambda client: client.post(f"{REPORTS}/reportschedule", json=SCHEDULE), 401),
    ],
)
def test_call_when_refused_then_a_message(client: TestClient, reply: Any, status: int) -> None:
    answer = reply(client)
    assert (answer.status_code, list(answer.json())) == (status, ["Message"])


def test_calls_when_over_the_limit_then_429_with_retry_after(plan: Plan) -> None:
    client = in_process(replace(plan, ads_per_second=1))
    replies = [executions(client) for _ in range(2)]
    assert (replies[1].status_code, replies[1].headers["retry-after"]) == (429, "60")
