"""Google Ads against the sandbox, which checks each request, and against scripted answers that are too rare to wait for."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from hooks.google_ads import QUERIES, GoogleAdsHook
from hooks.http.errors import AuthFailed, BadRequest, RateLimited, VendorDown
from include.marketing.ad_performance import google_ads_rows
from tests.hooks.scripted_server import Answer, Script, scripted

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

DAY = date(2025, 11, 6)
TOKEN = Answer(200, '{"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"}')
ENV = "AIRFLOW_CONN_GOOGLE_ADS_DEFAULT"


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Point the connection at a scripted server; changes: other fields of its extra."""

    def point(server: Script, **changes: Any) -> GoogleAdsHook:
        extra = {"refresh_token": "r", "developer_token": "d", "customer_ids": ["111-222-3333"],
                 "token_url": f"{server.url}/token", "requests_per_second": 1000, **changes}  # fmt: skip
        connection = {"conn_type": "http", "host": server.url, "login": "c", "password": "s", "extra": extra}
        monkeypatch.setenv(ENV, json.dumps(connection))
        return GoogleAdsHook()

    return point


def failure(status: int, kind: str, code: str, retry: str | None = None) -> Answer:
    details = {"quotaErrorDetails": {"retryDelay": retry}} if retry else {}
    one = {"errorCode": {kind: code}, "message": "words that may name a person", "details": details}
    error = {"code": status, "message": "m", "status": "X", "details": [{"@type": "t", "errors": [one]}]}
    return Answer(status, json.dumps([{"error": error}]))


def test_report_when_read_from_the_sandbox_then_every_ad_and_performance_max_have_a_row(vendor: Sandbox) -> None:
    hook = GoogleAdsHook()
    rows = google_ads_rows(hook.report(DAY), DAY, hook.accounts(), "a")
    assert len([row for row in rows if row.creative_id]) > 20
    assert [row.campaign_name for row in rows if not row.creative_id] == ["Performance Max, all dentists | US"]
    assert sum(row.spend for row in rows) > 0


def test_report_when_asked_twice_then_the_rows_are_the_same(vendor: Sandbox) -> None:
    bodies = [GoogleAdsHook().report(DAY) for _ in range(2)]
    assert bodies[0] != bodies[1]  # the request ids
    assert len({tuple(google_ads_rows(body, DAY, {"1112223333"}, "a")) for body in bodies}) == 1


def test_report_when_asked_then_two_queries_with_the_token_and_the_keys(point_at: Any) -> None:
    with scripted(TOKEN, Answer(200, "[]")) as server:
        assert point_at(server, login_customer_id="999").report(DAY) == b"[]\n[]"
    assert server.seen[0] == ("POST", "/token")
    assert server.bodies[0] == "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r"
    assert server.seen[1] == ("POST", "/v26/customers/1112223333/googleAds:searchStream")
    assert [json.loads(body)["query"] for body in server.bodies[1:]] == [q.format(day="2025-11-06") for q in QUERIES]
    headers = server.headers[1]
    assert (headers["authorization"], headers["developer-token"], headers["login-customer-id"]) == ("Bearer ya29.x", "d", "999")  # fmt: skip # noqa: E501


@pytest.mark.parametrize(
    "answer", [Answer(400, '{"error": "invalid_grant"}'), Answer(401, '{"error": "invalid_client"}')]
)
def test_report_when_the_refresh_token_is_refused_then_auth_failed_names_the_reason(
    point_at: Any, answer: Answer
) -> None:
    with scripted(answer) as server, pytest.raises(AuthFailed, match="get_access_token.*invalid_(grant|client)"):
        point_at(server).report(DAY)
    assert len(server.seen) == 1


def test_report_when_the_token_answer_is_another_sites_then_auth_failed(point_at: Any) -> None:
    with scripted(Answer(200, '{"hello": 1}')) as server, pytest.raises(AuthFailed, match="correct token_url"):
        point_at(server).report(DAY)


def test_report_when_the_quota_is_used_up_then_rate_limited_as_long_as_google_says(point_at: Any) -> None:
    spent = failure(429, "quotaError", "RESOURCE_EXHAUSTED", "3600s")
    with scripted(TOKEN, spent) as server, pytest.raises(RateLimited, match="quotaError RESOURCE_EXHAUSTED") as raised:
        point_at(server).report(DAY)
    assert raised.value.retry_after == 3600.0
    assert len(server.seen) == 2
    assert "person" not in str(raised.value)


def test_report_when_told_to_wait_a_moment_then_asks_again(point_at: Any) -> None:
    short = failure(429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", "0.01s")
    with scripted(TOKEN, short, Answer(200, "[]")) as server:
        assert point_at(server).report(DAY) == b"[]\n[]"
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (failure(403, "authorizationError", "USER_PERMISSION_DENIED"), AuthFailed, "USER_PERMISSION_DENIED"),
        (failure(401, "authenticationError", "DEVELOPER_TOKEN_INVALID"), AuthFailed, "DEVELOPER_TOKEN_INVALID"),
        (failure(400, "queryError", "UNRECOGNIZED_FIELD"), BadRequest, "UNRECOGNIZED_FIELD"),
        (Answer(403, "<html>"), AuthFailed, "HTTP 403"),
    ],
)
def test_report_when_refused_then_googles_name_of_it_is_told(
    point_at: Any, answer: Answer, error: type[Exception], said: str
) -> None:
    with scripted(TOKEN, answer) as server, pytest.raises(error, match=said):
        point_at(server).report(DAY)
    assert len(server.seen) == 2


@pytest.mark.parametrize("body", ['[{"results": [', "<html>busy</html>"])
def test_report_when_the_stream_is_cut_or_a_proxy_answers_then_down(
    point_at: Any, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.http.transport.FIRST_PAUSE", 0.0)
    with scripted(TOKEN, Answer(200, body)) as server, pytest.raises(VendorDown, match="not JSON"):
        point_at(server).report(DAY)


def test_report_when_the_stream_ends_in_an_error_then_it_is_read_again_and_never_taken_for_the_whole(
    point_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.http.transport.FIRST_PAUSE", 0.0)
    # The status is 200 by then: Google puts the error behind the batches that were sent.
    broken = Answer(200, json.dumps([{"results": []}, {"error": {"code": 503, "status": "UNAVAILABLE"}}]))
    with scripted(TOKEN, broken, Answer(200, "[]")) as server:
        assert point_at(server).report(DAY) == b"[]\n[]"
    assert len(server.seen) == 4
    with scripted(TOKEN, broken) as server, pytest.raises(VendorDown, match="broke off"):
        point_at(server).report(DAY)


def test_report_when_google_is_down_for_a_moment_then_asks_again(vendor: Sandbox) -> None:
    vendor.admin.post("faults", json={"vendor": "google_ads", "operation": "searchStream", "status": 503})
    vendor.admin.post("faults", json={"vendor": "google_ads", "kind": "drop_response", "operation": "searchStream"})
    assert GoogleAdsHook().report(DAY)


@pytest.mark.parametrize("accounts", [[], ["abc"], None])
def test_accounts_when_not_listed_then_the_connection_is_named(point_at: Any, accounts: Any) -> None:
    with scripted(TOKEN) as server, pytest.raises(ValueError, match="google_ads_default: extra customer_ids"):
        point_at(server, customer_ids=accounts).report(DAY)


def test_test_connection_when_keys_are_good_or_wrong_then_says_which(
    vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GoogleAdsHook().test_connection() == (True, "Google Ads answers for 1 accounts")
    wrong = json.loads(os.environ[ENV])
    wrong["extra"]["developer_token"] = "wrong"
    monkeypatch.setenv(ENV, json.dumps(wrong))
    worked, message = GoogleAdsHook().test_connection()
    assert not worked and "DEVELOPER_TOKEN_INVALID" in message
    del wrong["extra"]["developer_token"]
    monkeypatch.setenv(ENV, json.dumps(wrong))
    assert GoogleAdsHook().test_connection()[1].endswith("has no extra developer_token: set it.")
