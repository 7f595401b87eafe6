"""Clay: its signed webhook, its files, its table source and its limits, as they go over the wire."""

import json
import time
from dataclasses import replace

from sandbox_runs import CLAY, CLAY_ROW, CLAY_TABLE, Receiver, in_process

from include.enrichment.callbacks import clay_signature
from services.sandbox.plan import Plan
from services.sandbox.views import clay_view
from services.sandbox.world import World

ROUTINE = "/clay/routines/function:t_dentist_contact"
ITEMS = [{"id": "a", "inputs": {"full_name": "Ada Abbot"}}]


def waited_for(receiver: Receiver, count: int) -> list[tuple[str, dict[str, str], bytes]]:
    deadline = time.monotonic() + 5
    while len(receiver.got) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return receiver.got


def test_webhook_when_a_run_is_over_then_signed_over_the_raw_body_and_a_forged_one_is_not(
    plan: Plan, receiver: Receiver
) -> None:
    with in_process(replace(plan, webhook_url=receiver.url)) as client:
        body = {"items": ITEMS, "webhook_id": "wh_sandbox"}
        run = client.post(f"{ROUTINE}/run", headers=CLAY, json=body).json()["routine_run_id"]
        path, headers, content = waited_for(receiver, 1)[0]
        assert path == "/webhooks/clay"
        assert headers["x-clay-signature"] == clay_signature("whsec_sandbox", content)
        assert json.loads(content)["data"] == {"routine_run_id": run}
        client.post("/__sandbox__/faults", json={"vendor": "clay", "kind": "forged_webhook"}).raise_for_status()
        client.post(f"{ROUTINE}/run", headers=CLAY, json=body)
        _, headers, content = waited_for(receiver, 2)[1]
        assert headers["x-clay-signature"] != clay_signature("whsec_sandbox", content)
        assert client.post(f"{ROUTINE}/run", headers=CLAY, json={**body, "webhook_id": "x"}).status_code == 400


def test_results_when_paged_then_the_cursor_leads_to_the_end_and_an_odd_one_is_refused(plan: Plan) -> None:
    client = in_process(plan)
    items = [{"id": str(number), "inputs": {"full_name": "No One"}} for number in range(45)]
    run = client.post(f"{ROUTINE}/run", headers=CLAY, json={"items": items}).json()["routine_run_id"]
    path, seen, cursor = f"/clay/routines/run/{run}/results", list[str](), ""
    while True:
        page = client.get(path, headers=CLAY, params={"cursor": cursor} if cursor else {}).json()
        seen += [item["id"] for item in page["data"]]
        if "cursor" not in page:
            break
        cursor = page["cursor"]
    assert seen == [str(number) for number in range(45)]
    assert client.get(path, headers=CLAY, params={"cursor": "odd!"}).status_code == 400


def test_run_when_not_over_then_202_with_progress(plan: Plan) -> None:
    client = in_process(replace(plan, async_seconds=60.0))
    run = client.post(f"{ROUTINE}/run", headers=CLAY, json={"items": ITEMS}).json()["routine_run_id"]
    reply = client.get(f"/clay/routines/run/{run}/results", headers=CLAY)
    told = {"routine_run_id": run, "total": 1, "finished": 0, "status": "in_progress"}
    assert (reply.status_code, reply.json()) == (202, told)


def test_contact_when_asked_for_by_place_then_finds_whom_it_finds_by_company_and_nobody_elsewhere(plan: Plan) -> None:
    client = in_process(replace(plan, async_seconds=0.0001))
    world = World(plan.nppes_dir, plan.seed, plan.start)
    known = [one for one in world.people().values() if clay_view(world, one).email and one.city and one.state]
    person = next(one for one in known if world.person_in(f"{one.first_name} {one.last_name}", one.city, one.state))

    def asked(**inputs: str) -> str | None:
        body = {"items": [{"id": "a", "inputs": {"full_name": f"{person.first_name} {person.last_name}", **inputs}}]}
        run = client.post(f"{ROUTINE}/run", headers=CLAY, json=body).json()["routine_run_id"]
        time.sleep(0.01)
        item = client.get(f"/clay/routines/run/{run}/results", headers=CLAY).json()["data"][0]
        email: str | None = item["result"]["work_email"]
        return email

    assert asked(city=person.city.lower(), state=person.state) == clay_view(world, person).email
    assert asked(city="NOWHERE", state=person.state) is None


def test_files_when_the_address_is_wrong_or_over_then_403(plan: Plan) -> None:
    client = in_process(replace(plan, clay_result_seconds=0.0))
    place = client.post(f"{ROUTINE}/run-batch/upload-url", headers=CLAY).json()
    assert client.put(place["upload_url"][:-1] + "x", content=b"{}").status_code == 403
    assert client.put(place["upload_url"], content=b'{"id": "a"}\nodd').status_code == 200
    start = {"file_id": place["file_id"]}
    bad = client.post(f"{ROUTINE}/run-batch/start", headers=CLAY, json=start).json()["routine_run_id"]
    error = client.get(f"/clay/routines/run-batch/{bad}/results", headers=CLAY).json()["error"]
    assert error["total_invalid_rows"] == 2
    client.put(place["upload_url"], content=json.dumps(ITEMS[0]))
    good = client.post(f"{ROUTINE}/run-batch/start", headers=CLAY, json=start).json()["routine_run_id"]
    url = client.get(f"/clay/routines/run-batch/{good}/results", headers=CLAY).json()["result_url"]
    assert client.get(url).status_code == 403


def test_table_when_faster_than_allowed_or_full_for_life_then_refused(plan: Plan, receiver: Receiver) -> None:
    row = {"correlation_id": "npi-2:1", "full_name": "No One"}
    slow = in_process(plan)
    statuses = [slow.post(CLAY_TABLE, headers=CLAY_ROW, json=row).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert slow.get("/clay/me", headers=CLAY).status_code == 200, "rows have a limit of their own"
    assert slow.post(CLAY_TABLE, headers=CLAY, json=row).status_code == 401
    with in_process(replace(plan, clay_rows_for_life=1)) as full:
        asked = {**row, "callback_url": f"{receiver.url}/webhooks/clay_table/t"}
        assert full.post(CLAY_TABLE, headers=CLAY_ROW, json=asked).status_code == 200
        assert "50,000 submissions" in full.post(CLAY_TABLE, headers=CLAY_ROW, json=row).json()["message"]
        assert json.loads(waited_for(receiver, 1)[0][2])["correlation_id"] == "npi-2:1"


def test_api_when_faster_than_allowed_then_429_always_says_when(plan: Plan) -> None:
    client = in_process(replace(plan, clay_per_second=2))
    last = [client.get("/clay/me", headers=CLAY) for _ in range(3)][-1]
    assert (last.status_code, last.headers["Retry-After"], last.headers["X-RateLimit-Limit"]) == (429, "1", "2")
    assert last.json() == {"message": "Rate limit exceeded"}
