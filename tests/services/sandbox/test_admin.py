"""The admin side: clock, credits, truth, and a ledger that balances."""

import pytest
from sandbox_runs import INSTANTLY, LOCATION, TWILIO, WIZA, TestClient, new_campaign

from services.sandbox.base_rates import MAILBOXES
from services.sandbox.plan import Plan
from services.sandbox.world import World


def test_ledger_when_many_reveals_were_bought_then_it_balances(client: TestClient, plan: Plan) -> None:
    people = list(World(plan.nppes_dir, plan.seed, plan.start).people().values())[:60]
    shown = 0
    for person in people:
        asked = {"full_name": f"{person.first_name} {person.last_name}", "company": person.practice_name}
        body = {"individual_reveal": asked, "enrichment_level": "partial"}
        number = client.post("/wiza/api/individual_reveals", headers=WIZA, json=body).json()["data"]["id"]
        data = client.get(f"/wiza/api/individual_reveals/{number}", headers=WIZA).json()["data"]
        shown += data["credits"]["api_credits"]["total"]
    ledger = client.get("/__sandbox__/ledger").json()
    wiza = ledger["vendors"]["wiza"]
    assert shown > 0
    assert wiza["credits"] == shown
    assert ledger["balances"]["wiza"] == plan.credits["wiza"] - shown
    assert wiza["cost_usd"] == pytest.approx(shown * plan.wiza_usd_per_credit)
    assert wiza["calls"] == 120
    start = wiza["operations"]["startIndividualReveal"]
    assert (start["calls"], start["statuses"], start["charged_again"]) == (60, {"200": 60}, 0)


def test_ledger_when_the_same_person_is_bought_twice_then_it_tells(client: TestClient, plan: Plan) -> None:
    world = World(plan.nppes_dir, plan.seed, plan.start)
    person = next(p for p in world.people().values() if world.wiza_view(p).mailbox == "true")
    body = {"individual_reveal": {"email": person.email}, "enrichment_level": "partial"}
    for _ in range(2):
        client.post("/wiza/api/individual_reveals", headers=WIZA, json=body)
    assert client.get("/__sandbox__/ledger").json()["vendors"]["wiza"]["charged_again"] == 1


def test_ledger_when_calls_are_refused_then_they_are_counted_and_cost_nothing(client: TestClient) -> None:
    client.get("/twilio/v2/PhoneNumbers/+15125550100?Fields=line_type_intelligence", auth=("a", "b"))
    client.get("/twilio/v2/PhoneNumbers/nonsense?Fields=line_type_intelligence", auth=TWILIO)
    line = client.get("/__sandbox__/ledger").json()["vendors"]["twilio"]["operations"]["FetchPhoneNumber"]
    assert (line["statuses"], line["cost_usd"]) == ({"401": 1, "404": 1}, 0)


def test_ledger_when_leads_are_uploaded_then_the_plan_shrinks(client: TestClient, plan: Plan) -> None:
    body = {"campaign_id": new_campaign(client), "leads": [{"email": "a@b.example"}, {"email": "broken"}]}
    summary = client.post("/instantly/api/v2/leads/add", headers=INSTANTLY, json=body).json()
    assert summary["remaining_in_plan"] == plan.credits["instantly"] - 1
    assert client.get("/__sandbox__/ledger").json()["balances"]["instantly"] == summary["remaining_in_plan"]


def test_clock_when_moved_forward_then_it_stands_there_and_back_is_refused(client: TestClient) -> None:
    moved = client.post("/__sandbox__/clock", json={"now": "2025-11-16T23:00:00Z"}).json()
    assert moved == {"now": "2025-11-16T23:00:00.000Z", "delivered": {}, "failed": 0}
    assert client.get("/__sandbox__/clock").json()["now"] == "2025-11-16T23:00:00.000Z"
    back = client.post("/__sandbox__/clock", json={"now": "2025-11-15T00:00:00Z"})
    assert back.status_code == 400
    assert "cannot go back" in back.json()["error"]


@pytest.mark.parametrize("body", [{}, {"now": "soon"}, {"now": "2025-11-16T23:00:00"}, {"now": 5}])
def test_clock_when_the_time_cannot_be_read_then_400(client: TestClient, body: dict[str, object]) -> None:
    assert client.post("/__sandbox__/clock", json=body).status_code == 400


def test_credits_when_vendor_has_none_then_400_names_those_that_have(client: TestClient) -> None:
    reply = client.put("/__sandbox__/credits/ghl", json={"credits": 1})
    assert reply.status_code == 400
    assert "wiza" in reply.json()["error"]


def test_truth_when_person_is_known_then_traits_and_chances_are_told(client: TestClient, plan: Plan) -> None:
    people = World(plan.nppes_dir, plan.seed, plan.start).people()
    npi = next(iter(people))
    truth = client.get(f"/__sandbox__/truth/{npi}").json()
    assert (truth["npi"], truth["email"]) == (npi, people[npi].email)
    assert {truth[vendor]["mailbox"] for vendor in ("wiza", "apollo", "clay")} <= {*MAILBOXES, "none"}
    assert truth["company"]["domain"] == people[npi].domain
    assert max(truth["positive_chance"], key=truth["positive_chance"].get) == truth["traits"]["taste"]
    assert client.get("/__sandbox__/truth/1234567893").status_code == 404
    assert client.get("/__sandbox__/truth").json()["people"] == len(people)


def test_keys_when_asked_then_public_ones_only(client: TestClient) -> None:
    keys = client.get("/__sandbox__/keys").json()
    assert set(keys) == {"ghl_webhook_public_key", "ghl_location_id"}
    assert keys["ghl_location_id"] == LOCATION
    assert keys["ghl_webhook_public_key"].startswith("MCowBQYDK2VwAyEA")
