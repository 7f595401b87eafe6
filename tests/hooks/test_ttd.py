"""MyReports against the sandbox, which checks each request, and against scripted answers."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from hooks import ttd
from hooks.http.errors import AuthFailed, RateLimited, ReportNotReady, VendorDown
from hooks.ttd import TtdHook
from include.marketing.ad_performance import ttd_rows
from tests.hooks.scripted_server import Answer, Script, scripted

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

DAY = date(2025, 11, 6)
MADE = Answer(200, '{"ReportScheduleId": 5}')
DELETED = Answer(200, "{}")


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Point the connection at a scripted server; changes: other fields of its extra."""

    def point(server: Script, **changes: Any) -> TtdHook:
        extra = {"advertiser_ids": ["a1"], "report_template_id": 9, "requests_per_second": 1000, **changes}
        connection = {"conn_type": "http", "host": server.url, "password": "ttd-token", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_TTD_DEFAULT", json.dumps(connection))
        return TtdHook(sleep=[].append)

    return point


def state(word: str, *urls: str, schedule: int = 5) -> Answer:
    run = {
        "ReportScheduleId": schedule,
        "ReportExecutionState": word,
        "ReportDeliveries": [{"DownloadURL": u} for u in urls],
    }
    return Answer(200, json.dumps({"Result": [run], "ResultCount": 1}))


def test_report_when_read_from_the_sandbox_then_the_days_csv_and_no_schedule_is_left(vendor: Sandbox) -> None:
    def calls(operation: str) -> int:
        operations = vendor.admin.get("ledger").json()["vendors"].get("ttd", {}).get("operations", {})
        return int(operations.get(operation, {}).get("calls", 0))

    # Other tests of the session have left calls too, refused ones among them.
    made, deleted = calls("createReportSchedule"), calls("deleteReportSchedule")
    hook = TtdHook()
    rows = ttd_rows(hook.report(DAY), DAY, hook.accounts(), "a")
    assert len(rows) > 20
    assert (calls("createReportSchedule") - made, calls("deleteReportSchedule") - deleted) == (1, 1)


def test_report_when_asked_then_the_schedule_is_of_one_day_and_the_file_store_gets_no_token(point_at: Any) -> None:
    with scripted(Answer(200, "Date\r\n")) as store:
        answers = (
            MADE,
            Answer(200, '{"Result": []}'),
            state("InProgress"),
            state("Complete", f"{store.url}/f"),
            DELETED,
        )
        with scripted(*answers) as server:
            assert point_at(server).report(DAY) == b"Date\r\n"
    assert "ttd-auth" not in store.headers[0]
    assert all(headers["ttd-auth"] == "ttd-token" for headers in server.headers)
    schedule = json.loads(server.bodies[0])
    assert (schedule["ReportStartDateInclusive"], schedule["ReportEndDateExclusive"]) == (
        "2025-11-06T00:00:00",
        "2025-11-07T00:00:00",
    )
    assert (schedule["AdvertiserFilters"], schedule["ReportTemplateId"]) == (["a1"], 9)
    assert json.loads(server.bodies[1])["ReportScheduleIds"] == [5]
    assert server.seen[-1] == ("DELETE", "/v3/myreports/reportschedule/5")


def test_report_when_the_api_itself_serves_the_file_then_the_token_goes_along(point_at: Any) -> None:
    with scripted(MADE) as server:
        server.answers += [state("Complete", f"{server.url}/file"), Answer(200, "x"), DELETED]
        assert point_at(server).report(DAY) == b"x"
    assert server.headers[2]["ttd-auth"] == "ttd-token"


def test_report_when_never_ready_then_gives_up_at_the_deadline_and_deletes_its_schedule(
    point_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttd, "DEADLINE", 10.0)
    with scripted(MADE, state("Pending")) as server, pytest.raises(ReportNotReady, match="not ready after 10 s"):
        point_at(server).report(DAY)
    assert server.seen[-1][0] == "DELETE"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (state("Failed"), "ended as Failed"),
        (state("Complete"), "has no DownloadURL"),
        (Answer(200, "{}"), "has no list `Result`"),
    ],
)
def test_report_when_the_execution_is_odd_then_down(point_at: Any, answer: Answer, said: str) -> None:
    with scripted(MADE, answer, DELETED) as server, pytest.raises(VendorDown, match=said):
        point_at(server).report(DAY)


def test_report_when_the_filter_is_ignored_then_another_schedules_report_is_not_taken(
    point_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttd, "DEADLINE", 1.0)
    with scripted(MADE, state("Complete", "http://x.example/f", schedule=4)) as server, pytest.raises(ReportNotReady):
        point_at(server).report(DAY)


def test_report_when_the_download_has_expired_then_down_and_no_wrong_key(
    point_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.http.transport.FIRST_PAUSE", 0.0)
    with (
        scripted(Answer(403, "<Error/>")) as store,
        scripted(MADE, state("Complete", f"{store.url}/f"), DELETED) as server,
        pytest.raises(VendorDown, match="download has expired"),
    ):
        point_at(server).report(DAY)
    assert len(store.seen) == 4


def test_report_when_the_schedule_cannot_be_deleted_then_the_report_counts(point_at: Any) -> None:
    with scripted(MADE) as server:
        server.answers += [
            state("Complete", f"{server.url}/file"),
            Answer(200, "x"),
            Answer(404, '{"Message": "gone"}'),
        ]
        assert point_at(server).report(DAY) == b"x"


def test_report_when_throttled_then_waits_as_told_or_leaves_it_to_the_task(point_at: Any) -> None:
    busy = Answer(429, '{"Message": "Too Many Requests"}', {"Retry-After": "300"})
    with scripted(busy) as server, pytest.raises(RateLimited) as raised:
        point_at(server).report(DAY)
    assert (raised.value.retry_after, len(server.seen)) == (300.0, 1)


def test_report_when_the_vendor_is_down_for_a_moment_then_asks_again(vendor: Sandbox) -> None:
    for operation in ("createReportSchedule", "queryReportExecutions"):
        vendor.admin.post("faults", json={"vendor": "ttd", "operation": operation, "status": 503})
    assert TtdHook().report(DAY)


def test_report_when_the_extra_is_incomplete_then_it_is_named(point_at: Any) -> None:
    with scripted(MADE) as server:
        with pytest.raises(ValueError, match="extra advertiser_ids"):
            point_at(server, advertiser_ids=[]).report(DAY)
        with pytest.raises(ValueError, match="extra report_template_id"):
            point_at(server, report_template_id=None).report(DAY)
    assert server.seen == []


def test_report_when_the_token_is_wrong_then_fails_at_once(point_at: Any) -> None:
    with scripted(Answer(401, '{"Message": "Unauthorized"}')) as server, pytest.raises(AuthFailed, match="HTTP 401"):
        point_at(server).report(DAY)
    assert len(server.seen) == 1


def test_test_connection_when_the_token_is_good_or_wrong_then_says_which(
    vendor: Sandbox, point_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TtdHook().test_connection() == (True, "The Trade Desk answers for 1 advertisers")
    with scripted(Answer(403, '{"Message": "Forbidden"}')) as server:
        worked, message = point_at(server).test_connection()
    assert not worked and "HTTP 403" in message
