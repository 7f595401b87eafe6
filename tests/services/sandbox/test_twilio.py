"""Twilio Lookup: what it answers, what it charges, and its error bodies."""

from dataclasses import replace
from threading import Thread

import pytest
from sandbox_runs import TWILIO, TestClient, in_process, running_process

from services.sandbox.draws import uniform
from services.sandbox.plan import Plan

NUMBERS = "/twilio/v2/PhoneNumbers/"
PAID = {"Fields": "line_type_intelligence"}


def number_with_share(low: float, high: float, seed: int = 7) -> str:
    """A valid number whose package draw lies between low and high."""
    numbers = (f"+1512555{number:04d}" for number in range(10_000))
    return next(number for number in numbers if low <= uniform(seed, number, "package") < high)


def cost(client: TestClient) -> float:
    return float(client.get("/__sandbox__/ledger").json()["vendors"]["twilio"]["cost_usd"])


@pytest.mark.parametrize("auth", [None, ("ACsandbox", "wrong"), ("wrong", "sandbox-twilio-secret")])
def test_lookup_when_credentials_are_wrong_then_20003(client: TestClient, auth: tuple[str, str] | None) -> None:
    reply = client.get(NUMBERS + "+15125550100", auth=auth)
    assert reply.status_code == 401
    assert reply.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }


def test_lookup_when_only_validated_then_free(client: TestClient) -> None:
    body = client.get(NUMBERS + "+15125550100", auth=TWILIO).json()
    assert (body["valid"], body["national_format"], body["line_type_intelligence"]) == (True, "(512) 555-0100", None)
    assert cost(client) == 0


def test_lookup_when_line_type_is_asked_then_it_is_told_and_charged_each_time(client: TestClient) -> None:
    number = number_with_share(0.5, 1.0)
    bodies = [client.get(NUMBERS + number, params=PAID, auth=TWILIO).json() for _ in range(2)]
    assert bodies[0] == bodies[1]
    assert bodies[0]["line_type_intelligence"]["type"] in ("landline", "mobile", "fixedVoip", "nonFixedVoip")
    assert cost(client) == pytest.approx(0.016)
    assert client.get("/__sandbox__/ledger").json()["vendors"]["twilio"]["charged_again"] == 1


def test_lookup_when_number_is_too_short_then_invalid_with_reason_and_free(client: TestClient) -> None:
    body = client.get(NUMBERS + "+1512555", params=PAID, auth=TWILIO).json()
    assert (body["valid"], body["validation_errors"], body["line_type_intelligence"]) == (False, ["TOO_SHORT"], None)
    assert cost(client) == 0


def test_lookup_when_text_is_no_number_then_20404(client: TestClient) -> None:
    reply = client.get(NUMBERS + "front-desk", auth=TWILIO)
    assert (reply.status_code, reply.json()["code"]) == (404, 20404)


def test_lookup_when_package_is_out_of_coverage_then_60600_inside_200_and_free(client: TestClient) -> None:
    number = number_with_share(0.0, 0.02)
    for _ in range(2):
        reply = client.get(NUMBERS + number, params=PAID, auth=TWILIO)
        assert (reply.status_code, reply.json()["line_type_intelligence"]["error_code"]) == (200, 60600)
    assert cost(client) == 0


def test_lookup_when_provider_fails_downstream_then_60608_once_and_the_next_call_works(client: TestClient) -> None:
    number = number_with_share(0.02, 0.03)
    first, second = (client.get(NUMBERS + number, params=PAID, auth=TWILIO).json() for _ in range(2))
    assert first["line_type_intelligence"]["error_code"] == 60608
    assert second["line_type_intelligence"]["error_code"] is None
    assert cost(client) == pytest.approx(0.008)


def test_lookup_when_field_is_not_enabled_then_400_names_it(client: TestClient) -> None:
    reply = client.get(NUMBERS + "+15125550100", params={"Fields": "sim_swap"}, auth=TWILIO)
    assert (reply.status_code, reply.json()["code"]) == (400, 20001)
    assert "sim_swap" in reply.json()["message"]


def test_lookup_when_too_many_run_at_once_then_20429(plan: Plan) -> None:
    client = in_process(replace(plan, twilio_concurrency=0))
    reply = client.get(NUMBERS + "+15125550100", auth=TWILIO)
    assert (reply.status_code, reply.json()["code"]) == (429, 20429)
    assert reply.headers["Twilio-Concurrent-Requests"] == "0"


def test_lookup_when_a_fault_makes_it_slow_then_others_are_not_held_up(plan: Plan) -> None:
    with running_process(plan.nppes_dir) as client:
        client.post("/__sandbox__/faults", json={"vendor": "twilio", "kind": "slow", "seconds": 1.5})
        slow = Thread(target=lambda: client.get(NUMBERS + "+15125550100", auth=TWILIO))
        slow.start()
        quick = [client.get(NUMBERS + "+15125550101", auth=TWILIO).elapsed.total_seconds() for _ in range(2)]
        slow.join()
    assert min(quick) < 1.0
