"""Meta: jobs, cursors, the proof, and errors that are 400 and tell by their code."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sandbox_runs import META, META_PROOF, TestClient, in_process

from services.sandbox.plan import Plan

GRAPH = "/meta_ads/v26.0"
ACCOUNT = f"{GRAPH}/act_100200300400500"
FORM = {
    "level": "ad",
    "fields": "ad_id,impressions,spend,actions",
    "time_increment": "1",
    "time_range": '{"since": "2025-11-06", "until": "2025-11-06"}',
}


def start(client: TestClient, path: str = ACCOUNT, **form: str) -> httpx.Response:
    return client.post(f"{path}/insights", headers=META, params={"appsecret_proof": META_PROOF}, data=FORM | form)


def page(client: TestClient, run: str, **params: Any) -> httpx.Response:
    query = {"appsecret_proof": META_PROOF, **params}
    return client.get(f"{GRAPH}/{run}/insights", headers=META, params=query)


def code(reply: httpx.Response) -> tuple[int, int]:
    return reply.status_code, reply.json()["error"]["code"]


def test_job_when_done_then_pages_lead_to_every_row_once_and_next_repeats_the_token(client: TestClient) -> None:
    run = start(client).json()["report_run_id"]
    seen, after, pages = [], {}, 0
    while True:
        body = page(client, run, limit=500, **after).json()
        seen += [row["ad_id"] for row in body["data"]]
        pages += 1
        if "next" not in body["paging"]:
            break
        assert "access_token=sandbox-meta-token" in body["paging"]["next"]
        after = {"after": body["paging"]["cursors"]["after"]}
    assert pages > 1
    assert len(seen) == len(set(seen)) > 20


def test_job_when_it_takes_time_then_runs_and_its_rows_wait(plan: Plan) -> None:
    client = in_process(replace(plan, async_seconds=30.0))
    run = start(client).json()["report_run_id"]
    job = client.get(f"{GRAPH}/{run}", headers=META, params={"appsecret_proof": META_PROOF}).json()
    assert (job["async_status"], job["async_percent_completion"]) == ("Job Running", 40)
    assert code(page(client, run)) == (400, 100)


def test_rows_when_there_was_no_lead_then_without_it_and_numbers_are_text(client: TestClient) -> None:
    rows = page(client, start(client).json()["report_run_id"], limit=20).json()["data"]
    assert all(row["impressions"].isdigit() and "." in row["spend"] for row in rows)
    kinds = [{action["action_type"] for action in row.get("actions", [])} for row in rows]
    assert any("lead" in found for found in kinds)
    assert any("lead" not in found for found in kinds)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (lambda client: client.get(f"{ACCOUNT}?appsecret_proof={'0' * 64}", headers=META), (400, 190)),
        (lambda client: client.get(f"{ACCOUNT}?appsecret_proof={META_PROOF}"), (400, 190)),
        (lambda client: start(client, f"{GRAPH}/act_9"), (400, 200)),
        (lambda client: start(client, fields="ad_id,reach_cost"), (400, 100)),
        (lambda client: start(client, time_range="yesterday"), (400, 100)),
        (lambda client: page(client, "7"), (400, 100)),
    ],
)
def test_call_when_refused_then_400_and_the_code_tells(
    client: TestClient, reply: Any, expected: tuple[int, int]
) -> None:
    assert code(reply(client)) == expected


def test_calls_when_over_the_limit_then_code_80000_and_the_header_names_the_wait(plan: Plan) -> None:
    client = in_process(replace(plan, ads_per_second=1))
    replies = [client.get(f"{ACCOUNT}?appsecret_proof={META_PROOF}", headers=META) for _ in range(2)]
    assert code(replies[1]) == (400, 80000)
    assert '"estimated_time_to_regain_access": 7' in replies[1].headers["x-business-use-case-usage"]
