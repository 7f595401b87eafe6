"""Apollo: its windows, its callbacks and its forms of no, as they go over the wire."""

import json
import time
from dataclasses import replace

import httpx
from sandbox_runs import APOLLO, Receiver, TestClient, in_process

from services.sandbox.apollo import BAD_KEY
from services.sandbox.plan import Plan

API = "/apollo/api/v1"


def known(client: TestClient, count: int) -> list[dict[str, str]]:
    found = client.post(f"{API}/mixed_people/api_search", headers=APOLLO, params={"per_page": count})
    return [{"id": person["id"]} for person in found.json()["people"]]


def waited_for(receiver: Receiver, count: int) -> list[tuple[str, dict[str, str], bytes]]:
    deadline = time.monotonic() + 5
    while len(receiver.got) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return receiver.got


def test_key_when_wrong_then_401_is_plain_text_without_windows(client: TestClient) -> None:
    reply = client.post(f"{API}/usage_stats/credit_usage_stats", headers={"x-api-key": "wrong"})
    assert (reply.status_code, reply.text, reply.headers["content-type"]) == (401, BAD_KEY, "text/plain; charset=utf-8")
    assert "x-rate-limit-minute" not in reply.headers


def test_windows_when_one_endpoint_is_used_up_then_429_tells_all_three_and_others_go_on(plan: Plan) -> None:
    client = in_process(replace(plan, apollo_limits={**plan.apollo_limits, "enrichment": (2, None, 5)}))
    calls = [client.post(f"{API}/people/match", headers=APOLLO, params={"name": "No One"}) for _ in range(3)]
    assert [reply.status_code for reply in calls] == [200, 200, 429]
    told = calls[2].headers
    assert (told["x-rate-limit-minute"], told["x-minute-usage"], told["x-minute-requests-left"]) == ("2", "2", "0")
    assert (told["x-rate-limit-hourly"], told["x-hourly-usage"], told["x-hourly-requests-left"]) == ("", "2", "")
    assert told["x-24-hour-requests-left"] == "3"
    assert 1 <= int(told["retry-after"]) <= 60
    assert "api/v1/people/match" in calls[2].json()["message"]
    assert client.get(f"{API}/organizations/enrich?name=x", headers=APOLLO).status_code == 200


def test_bulk_when_malformed_then_apollos_own_codes(client: TestClient) -> None:
    def code(details: list[dict[str, str]], **flags: str) -> tuple[int, str]:
        reply = client.post(f"{API}/people/bulk_match", headers=APOLLO, params=flags, json={"details": details})
        return reply.status_code, reply.json()["error_code"]

    assert code([{"name": "A B"}] * 11) == (400, "RECORD_LIMIT_EXCEEDED")
    assert code([]) == (400, "INVALID_REQUEST")
    assert code([{"name": "A B"}], reveal_phone_number="true") == (400, "INVALID_REQUEST")
    for number, status in (("abc", 400), (str(2**63), 400), ("5", 404)):
        assert client.get(f"{API}/webhook_result/{number}", headers=APOLLO).status_code == status


def test_match_when_sent_as_json_like_old_clients_then_taken_too(client: TestClient) -> None:
    one = known(client, 1)[0]
    assert client.post(f"{API}/people/match", headers=APOLLO, json=one).json()["person"]["id"] == one["id"]


def test_callback_when_in_order_lost_doubled_late_or_forged_then_so_it_comes_and_polling_heals(
    plan: Plan, receiver: Receiver
) -> None:
    with in_process(plan) as client:
        people = known(client, 10)

        def reveal(number: int) -> httpx.Response:
            flags = {"reveal_phone_number": "true", "webhook_url": f"{receiver.url}/{number}/tokenA"}
            return client.post(f"{API}/people/bulk_match", headers=APOLLO, params=flags, json={"details": people})

        def order(kind: str) -> None:
            fault = {"vendor": "apollo", "kind": kind, "operation": "phone", "seconds": 0.2}
            client.post("/__sandbox__/faults", json=fault).raise_for_status()

        started = reveal(0).json()["phone_enrichment"]
        path, headers, body = waited_for(receiver, 1)[0]
        assert path == "/0/tokenA"
        assert not [name for name in headers if name.startswith("x-")], "Apollo proves nothing"
        result = client.get(f"{API}/webhook_result/{started['request_id']}", headers=APOLLO).json()
        assert result["webhook_result"] == json.loads(body)
        order("lost_webhook")
        lost = reveal(1).json()["phone_enrichment"]["request_id"]
        order("duplicate_webhook")
        reveal(2)
        waited_for(receiver, 3)
        order("forged_webhook")
        reveal(3)
        order("late_webhook")
        reveal(4)
        paths = [path for path, _, _ in waited_for(receiver, 5)]
        assert paths == ["/0/tokenA", "/2/tokenA", "/2/tokenA", "/3/tokenB", "/4/tokenA"]
        assert client.get(f"{API}/webhook_result/{lost}", headers=APOLLO).status_code == 200


def test_phones_when_credits_do_not_cover_them_then_skipped_and_nothing_will_come(client: TestClient) -> None:
    people = known(client, 10)
    client.put("/__sandbox__/credits/apollo", json={"credits": 15})
    flags = {"reveal_phone_number": "true", "webhook_url": "http://127.0.0.1:9/hook"}
    reply = client.post(f"{API}/people/bulk_match", headers=APOLLO, params=flags, json={"details": people})
    assert reply.json()["phone_enrichment"] == {"status": "skipped"}
