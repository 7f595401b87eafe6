"""Leadfeeder against the sandbox, which checks each request against the contract, and against scripted answers."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from hooks import leadfeeder
from hooks.http.errors import AuthFailed, BadRequest, OutOfCredits, RateLimited, VendorDown
from hooks.leadfeeder import LeadfeederHook
from include.marketing.site_visits import leadfeeder_visits
from tests.hooks.scripted_server import Answer, Script, scripted

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

DAY = date(2025, 11, 6)


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Point the connection at a scripted server; changes: other fields of its extra."""

    def point(server: Script, **changes: Any) -> LeadfeederHook:
        extra = {"account_id": "12", "requests_per_second": 1000, **changes}
        connection = {"conn_type": "http", "host": server.url, "password": "lf-token", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_LEADFEEDER_DEFAULT", json.dumps(connection))
        return LeadfeederHook()

    return point


def page(first: int, count: int, has_next: bool = False) -> Answer:
    items = [{"id": f"v{n}", "type": "visits", "attributes": {}} for n in range(first, first + count)]
    links = {"next": "https://api.example/next"} if has_next else {}
    return Answer(200, json.dumps({"data": items, "links": links}))


def test_pages_when_read_from_the_sandbox_then_visits_have_companies(vendor: Sandbox) -> None:
    hook = LeadfeederHook()
    visits = leadfeeder_visits(hook.pages("leads", DAY), hook.pages("visits", DAY), DAY, "visits.json")
    assert len(visits) > 10
    assert all(visit.company_name and visit.company_website for visit in visits)


def test_pages_when_more_than_one_then_followed_to_the_last_with_the_token(point_at: Any) -> None:
    with scripted(page(0, 100, has_next=True), page(100, 30, has_next=True), page(130, 5)) as server:
        content = point_at(server).pages("visits", DAY)
    assert [json.loads(line)["data"][0]["id"] for line in content.splitlines()] == ["v0", "v100", "v130"]
    assert server.seen[2][1] == (
        "/accounts/12/visits?start_date=2025-11-06&end_date=2025-11-06&page%5Bnumber%5D=3&page%5Bsize%5D=100"
    )
    assert server.headers[0]["authorization"] == "Token token=lf-token"
    assert server.headers[0]["user-agent"] == "dental-gtm"


def test_pages_when_a_full_page_names_no_next_then_the_next_is_asked_for_all_the_same(point_at: Any) -> None:
    with scripted(page(0, 100), page(100, 0)) as server:
        point_at(server).pages("visits", DAY)
    assert len(server.seen) == 2


def test_pages_when_the_day_is_empty_then_one_page(point_at: Any) -> None:
    with scripted(page(0, 0)) as server:
        assert json.loads(point_at(server).pages("leads", DAY))["data"] == []
    assert len(server.seen) == 1


def test_pages_when_one_is_repeated_then_stops(point_at: Any) -> None:
    with scripted(page(0, 100, has_next=True)) as server, pytest.raises(VendorDown, match="Page 2 repeats"):
        point_at(server).pages("visits", DAY)
    assert len(server.seen) == 2


def test_pages_when_the_list_of_leads_is_cut_off_then_says_so(point_at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leadfeeder, "MAX_LEADS", 100)
    with scripted(page(0, 100)) as server, pytest.raises(BadRequest, match="lists no more than that"):
        point_at(server).pages("leads", DAY)


@pytest.mark.parametrize("body", ['{"errors": []}', '{"data": [{"type": "visits"}]}', '{"data": {"id": 1}}', "[]"])
def test_pages_when_the_shape_is_another_then_down(point_at: Any, body: str) -> None:
    with scripted(Answer(200, body)) as server, pytest.raises(VendorDown, match="no list `data`"):
        point_at(server).pages("visits", DAY)


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthFailed), (402, OutOfCredits), (429, RateLimited), (502, VendorDown)]
)
def test_pages_when_refused_then_the_error_of_the_house(
    point_at: Any, status: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.http.transport.FIRST_PAUSE", 0.0)
    title = '{"errors": [{"title": "Rate limit of 100 requests per minute exceeded"}]}'
    with scripted(Answer(status, title)) as server, pytest.raises(error):
        point_at(server).pages("visits", DAY)
    assert len(server.seen) == (4 if status in (429, 502) else 1)


def test_pages_when_a_page_is_cut_once_then_asked_again(vendor: Sandbox) -> None:
    vendor.admin.post("faults", json={"vendor": "leadfeeder", "kind": "drop_response", "operation": "legacyListVisits"})
    assert LeadfeederHook().pages("visits", DAY)


def test_pages_when_the_account_is_not_named_then_the_connection_is(point_at: Any) -> None:
    with scripted(page(0, 0)) as server, pytest.raises(ValueError, match="leadfeeder_default: extra account_id"):
        point_at(server, account_id="").pages("visits", DAY)


def test_test_connection_when_the_token_is_good_or_wrong_then_says_which(vendor: Sandbox) -> None:
    assert LeadfeederHook().test_connection() == (True, "Leadfeeder answers")
    vendor.admin.post("faults", json={"vendor": "leadfeeder", "status": 401})
    worked, message = LeadfeederHook().test_connection()
    assert not worked and "leadfeeder list_accounts: HTTP 401" in message
