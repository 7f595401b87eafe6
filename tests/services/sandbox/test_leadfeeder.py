"""Leadfeeder and RB2B: visits of the world's practices, paged, late, and the same for a seed."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from sandbox_runs import LEADFEEDER, TestClient, in_process

from services.sandbox.plan import Plan
from services.sandbox.rb2b import COLUMNS

ACCOUNT = "/leadfeeder/accounts/281194"


def listed(client: TestClient, kind: str, day: str, size: int = 100) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    url = f"{ACCOUNT}/{kind}?start_date={day}&end_date={day}&page[size]={size}&page[number]=1"
    while url:
        body = client.get(url, headers=LEADFEEDER).json()
        items += body["data"]
        url = body["links"].get("next", "")
    return items


def test_visits_when_paged_then_each_comes_once_and_has_its_lead(client: TestClient) -> None:
    visits = listed(client, "visits", "2025-11-06", size=3)
    ids = [visit["id"] for visit in visits]
    assert len(ids) == len(set(ids)) > 3
    leads = {lead["id"]: lead["attributes"] for lead in listed(client, "leads", "2025-11-06")}
    assert {visit["attributes"]["lead_id"] for visit in visits} == set(leads)
    assert sum(lead["visits"] for lead in leads.values()) == len(visits)
    assert {visit["attributes"]["date"] for visit in visits} == {"2025-11-06"}


def test_visits_when_the_clock_moves_on_then_late_ones_are_added_and_none_is_lost(plan: Plan) -> None:
    client = in_process(replace(plan, start="2025-11-07T12:00:00Z"))
    first = {visit["id"] for visit in listed(client, "visits", "2025-11-06")}
    client.post("/__sandbox__/clock", json={"now": "2025-11-08T12:00:00Z"})
    second = {visit["id"] for visit in listed(client, "visits", "2025-11-06")}
    assert first < second
    client.post("/__sandbox__/clock", json={"now": "2025-11-20T12:00:00Z"})
    assert {visit["id"] for visit in listed(client, "visits", "2025-11-06")} == second
    assert listed(client, "visits", "2025-11-27") == []


def test_visits_when_from_an_ad_then_name_a_campaign_of_that_platform(client: TestClient) -> None:
    visits = [v["attributes"] for day in range(3, 8) for v in listed(client, "visits", f"2025-11-0{day}")]
    campaigns = {visit["campaign"] for visit in visits if visit["medium"] == "cpc"}
    assert campaigns and all(" | " in campaign for campaign in campaigns)
    assert {visit["campaign"] for visit in visits if visit["medium"] == "organic"} == {None}


@pytest.mark.parametrize("key", ["Token token=x", "Bearer sandbox-leadfeeder-token", ""])
def test_call_when_the_token_is_wrong_then_401_in_json_api_form(client: TestClient, key: str) -> None:
    reply = client.get("/leadfeeder/accounts", headers={"Authorization": key})
    assert (reply.status_code, reply.json()) == (401, {"errors": [{"title": "Unauthorized"}]})


def test_visits_when_the_range_is_missing_then_400(client: TestClient) -> None:
    assert client.get(f"{ACCOUNT}/visits", headers=LEADFEEDER).status_code == 400


def test_calls_when_over_the_limit_then_429_names_it(plan: Plan) -> None:
    client = in_process(replace(plan, leadfeeder_per_minute=2))
    replies = [client.get("/leadfeeder/accounts", headers=LEADFEEDER) for _ in range(3)]
    assert replies[2].status_code == 429
    assert replies[2].json()["errors"][0]["title"] == "Rate limit of 100 requests per minute exceeded"


def test_rb2b_export_when_taken_then_holds_persons_among_the_visits(client: TestClient) -> None:
    text = client.get("/__sandbox__/rb2b_export?day=2025-11-06").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == COLUMNS
    practices = {lead["attributes"]["name"] for lead in listed(client, "leads", "2025-11-06")}
    assert {row["CompanyName"] for row in rows} <= practices
    assert all(row["LinkedInUrl"] and row["WorkEmail"].endswith(".example") for row in rows)
    assert client.get("/__sandbox__/rb2b_export?day=today").status_code == 400
