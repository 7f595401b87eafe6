"""Meta's insights against the sandbox, which checks each request, and against scripted answers."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from hooks import meta_ads
from hooks.http.errors import AuthFailed, BadRequest, RateLimited, ReportNotReady, VendorDown
from hooks.meta_ads import MetaAdsHook, appsecret_proof
from include.marketing.ad_performance import meta_ads_rows
from tests.hooks.scripted_server import Answer, Script, scripted

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

DAY = date(2025, 11, 6)
ENV = "AIRFLOW_CONN_META_ADS_DEFAULT"
STARTED = Answer(200, '{"report_run_id": "77"}')
RUNNING = Answer(200, '{"id": "77", "async_status": "Job Running", "async_percent_completion": 50}')
DONE = Answer(200, '{"id": "77", "async_status": "Job Completed", "async_percent_completion": 100}')


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Point the connection at a scripted server; changes: other fields of its extra."""

    def point(server: Script, **changes: Any) -> MetaAdsHook:
        extra = {"app_secret": "shh", "account_ids": ["act_123"], "requests_per_second": 1000, **changes}
        connection = {"conn_type": "http", "host": server.url, "password": "EAAtoken", "extra": extra}
        monkeypatch.setenv(ENV, json.dumps(connection))
        return MetaAdsHook(sleep=[].append)

    return point


def page(*ids: str, after: str | None = None) -> Answer:
    body: dict[str, Any] = {"data": [{"ad_id": one} for one in ids], "paging": {"cursors": {"after": after or "end"}}}
    if after:
        proof = appsecret_proof("EAAtoken", "shh")
        body["paging"]["next"] = f"https://graph.example/77?access_token=EAAtoken&appsecret_proof={proof}&after={after}"
    return Answer(200, json.dumps(body))


def refusal(code: int, status: int = 400, subcode: int | None = None, **headers: str) -> Answer:
    error = {"message": "words that may name a person", "type": "OAuthException", "code": code, "fbtrace_id": "x"}
    return Answer(status, json.dumps({"error": error | ({"error_subcode": subcode} if subcode else {})}), headers)


def test_report_when_read_from_the_sandbox_then_every_page_and_no_token(vendor: Sandbox) -> None:
    hook = MetaAdsHook()
    content = hook.report(DAY)
    rows = meta_ads_rows(content, DAY, hook.accounts(), "a")
    assert len(rows) > 20, "the day fits one page: cursors were not tested"
    assert b"meta-sandbox-token" not in content
    assert b"access_token=<access_token>" in content
    assert sum(row.conversions for row in rows) > 0


def test_report_when_asked_then_each_call_is_signed_and_the_job_is_of_one_day(point_at: Any) -> None:
    with scripted(STARTED, RUNNING, DONE, page("1", after="c1"), page(after="c2"), page("2")) as server:
        content = point_at(server).report(DAY)
    proof = f"appsecret_proof={appsecret_proof('EAAtoken', 'shh')}"
    assert [path.split("?")[0] for _, path in server.seen] == [
        "/v26.0/act_123/insights", "/v26.0/77", "/v26.0/77",
        "/v26.0/77/insights", "/v26.0/77/insights", "/v26.0/77/insights",
    ]  # fmt: skip
    assert all(proof in path for _, path in server.seen)
    assert "after=c2" in server.seen[-1][1]  # also the empty page's next was followed
    assert all(headers["authorization"] == "Bearer EAAtoken" for headers in server.headers)
    assert "level=ad" in server.bodies[0]
    assert "2025-11-06" in server.bodies[0]
    assert b"EAAtoken" not in content
    assert [len(json.loads(line)["data"]) for line in content.splitlines()] == [1, 0, 1]


def test_report_when_the_job_is_never_ready_then_gives_up_at_the_deadline(
    point_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meta_ads, "DEADLINE", 10.0)
    with scripted(STARTED, RUNNING) as server, pytest.raises(ReportNotReady, match="not ready after 10 s"):
        point_at(server).report(DAY)
    assert 4 <= len(server.seen) <= 7


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"async_status": "Job Failed", "error_code": -2, "error_subcode": 2490547}', VendorDown),
        ('{"async_status": "Job Failed", "error_code": 4, "error_subcode": 1504022}', RateLimited),
        ('{"async_status": "Job Skipped"}', VendorDown),
        ("[]", ReportNotReady),
    ],
)
def test_report_when_the_job_ends_otherwise_then_its_code_tells(
    point_at: Any, body: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meta_ads, "DEADLINE", 2.0)
    with scripted(STARTED, Answer(200, body)) as server, pytest.raises(error):
        point_at(server).report(DAY)


def test_report_when_a_cursor_leads_back_then_stops(point_at: Any) -> None:
    with (
        scripted(STARTED, DONE, page("1", after="c1")) as server,
        pytest.raises(VendorDown, match="page that was read"),
    ):
        point_at(server).report(DAY)
    assert len(server.seen) == 4


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80000, 80004])
def test_report_when_there_were_too_many_calls_then_rate_limited_for_as_long_as_the_header_says(
    point_at: Any, code: int
) -> None:
    usage = {"123": [{"type": "ads_insights", "estimated_time_to_regain_access": 7}]}
    limited = refusal(code, subcode=2446079, **{"X-Business-Use-Case-Usage": json.dumps(usage)})
    with scripted(limited) as server, pytest.raises(RateLimited, match=f"code {code}") as raised:
        point_at(server).report(DAY)
    assert raised.value.retry_after == 420.0
    assert len(server.seen) == 1
    assert "person" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (refusal(190, subcode=463), AuthFailed, r"code 190, subcode 463"),
        (refusal(200, status=403), AuthFailed, "give the system user the ad account"),
        (refusal(100, subcode=33), BadRequest, "code 100"),
        (refusal(1504, status=400), BadRequest, "code 1504"),
    ],
)
def test_report_when_refused_then_the_code_decides_and_not_the_status(
    point_at: Any, answer: Answer, error: type[Exception], said: str
) -> None:
    with scripted(answer) as server, pytest.raises(error, match=said):
        point_at(server).report(DAY)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "answer", [refusal(2, status=500), refusal(1, status=500), Answer(502, "<html>"), Answer(200, "<html>")]
)
def test_report_when_meta_is_failing_then_asks_again(
    point_at: Any, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.http.transport.FIRST_PAUSE", 0.0)
    with scripted(answer, STARTED, DONE, page("1")) as server:
        assert point_at(server).report(DAY)
    assert len(server.seen) == 4


@pytest.mark.parametrize("usage", ["", "[]", "{", '{"1": [{"type": "x"}]}'])
def test_minutes_when_the_header_is_odd_then_none(usage: str) -> None:
    assert meta_ads.minutes_to_regain_access({"x-business-use-case-usage": usage} if usage else {}) is None


def test_connection_when_something_is_missing_then_it_is_named(point_at: Any) -> None:
    with scripted(STARTED) as server:
        with pytest.raises(ValueError, match="extra account_ids must list"):
            point_at(server, account_ids=["me"]).report(DAY)
        with pytest.raises(AuthFailed, match="no extra app_secret"):
            point_at(server, app_secret="").report(DAY)
    assert server.seen == []


def test_test_connection_when_the_secret_is_good_or_wrong_then_says_which(
    vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MetaAdsHook().test_connection() == (True, "Meta answers for 1 ad accounts")
    wrong = json.loads(os.environ[ENV])
    wrong["extra"]["app_secret"] = "wrong"
    monkeypatch.setenv(ENV, json.dumps(wrong))
    worked, message = MetaAdsHook().test_connection()
    assert not worked and "code 190" in message
