"""USPS Addresses: tokens, what it says of the world's places, its errors and its quota."""

from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
from sandbox_runs import TestClient, in_process, usps_headers, usps_token

from services.sandbox.plan import Plan
from services.sandbox.world import Person, World

ADDRESS = "/usps/addresses/v3/address"


def asked_of(person: Person, **changes: Any) -> dict[str, Any]:
    asked = {"streetAddress": person.address, "city": person.city, "state": person.state, "ZIPCode": person.zip5}
    return asked | changes


def test_validate_when_all_places_are_asked_for_then_noise_fits_the_world_and_is_the_same_each_time(plan: Plan) -> None:
    client = in_process(replace(plan, usps_per_hour=10_000))
    headers = usps_headers(usps_token(client))
    people = list(World(plan.nppes_dir, plan.seed, plan.start).people().values())

    def verdicts() -> list[tuple[int, str | None, bool, str | None]]:
        found = []
        for person in people:
            reply = client.get(ADDRESS, headers=headers, params=asked_of(person))
            body = reply.json()
            more = body.get("additionalInfo", {})
            moved = reply.status_code == 200 and body["address"]["ZIPCode"] != person.zip5
            found.append((reply.status_code, more.get("DPVConfirmation"), moved, more.get("vacant")))
        return found

    first = verdicts()
    assert first == verdicts()
    statuses = Counter(status for status, *_ in first)
    assert set(statuses) == {200, 404} and statuses[404] < 0.1 * len(people)
    assert {dpv for status, dpv, *_ in first if status == 200} == {"Y", "D"}
    assert any(moved for _, _, moved, _ in first) and any(vacant == "Y" for *_, vacant in first)
    with_unit = [
        client.get(ADDRESS, headers=headers, params=asked_of(person, secondaryAddress="STE 9")) for person in people
    ]
    assert {"Y", "S"} == {r.json()["additionalInfo"]["DPVConfirmation"] for r in with_unit if r.status_code == 200}


def test_validate_when_a_box_or_military_then_delivered_and_an_unknown_street_then_404(client: TestClient) -> None:
    headers = usps_headers(usps_token(client))

    def ask(line: str, state: str = "TX", **more: str) -> httpx.Response:
        return client.get(ADDRESS, headers=headers, params={"streetAddress": line, "state": state, **more})

    for line, state in (("PO BOX 12", "PR"), ("PSC 802 BOX 74", "AE")):
        assert ask(line, state, city="X").json()["additionalInfo"]["DPVConfirmation"] == "Y"
    unknown = ask("99999 NOWHERE ST", city="AUSTIN")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "404")
    assert ask("1 OAK ST").status_code == 400  # neither city nor ZIP
    refused = ask("1 OAK ST", "ZZ", city="X").json()["error"]["errors"][0]
    assert refused["title"] == "openapi_validation_error"


def test_token_when_keys_are_wrong_or_the_token_is_unknown_then_401(client: TestClient) -> None:
    assert usps_token(client, secret="wrong").json()["error"] == "invalid_client"
    reply = client.get(
        ADDRESS, headers={"Authorization": "Bearer x"}, params={"streetAddress": "1 A ST", "state": "TX"}
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "401")


def test_quota_when_used_up_then_429_with_retry_after(plan: Plan) -> None:
    client = in_process(replace(plan, usps_per_hour=2))
    headers = usps_headers(usps_token(client))
    box = {"streetAddress": "PO BOX 12", "city": "AUSTIN", "state": "TX"}
    assert client.get(ADDRESS, headers=headers, params=box).status_code == 200
    full = client.get(ADDRESS, headers=headers, params=box)
    assert (full.status_code, full.headers["retry-after"]) == (429, "3600")
