"""Faults, unknown paths and the ledger's count: what holds for every vendor."""

import httpx
import pytest
from sandbox_runs import GHL, INSTANTLY, LOCATION, TWILIO, WIZA, TestClient, running_process

from services.sandbox.plan import Plan

LOOKUP = "/twilio/v2/PhoneNumbers/+15125550100"


@pytest.mark.parametrize(
    ("vendor", "path", "headers", "place"),
    [
        ("wiza", "/wiza/api/meta/credits", WIZA, ("status", "code")),
        ("instantly", "/instantly/api/v2/campaigns", INSTANTLY, ("statusCode",)),
        ("ghl", "/ghl/contacts/x", GHL, ("statusCode",)),
        ("twilio", LOOKUP, {}, ("status",)),
    ],
)
def test_status_fault_when_ordered_for_a_vendor_then_its_next_call_fails_in_its_own_shape(
    client: TestClient, vendor: str, path: str, headers: dict[str, str], place: tuple[str, ...]
) -> None:
    order = {"vendor": vendor, "status": 503, "headers": {"Retry-After": "7"}}
    client.post("/__sandbox__/faults", json=order)
    first = client.get(path, headers=headers, auth=TWILIO if vendor == "twilio" else None)
    assert (first.status_code, first.headers["Retry-After"]) == (503, "7")
    body = first.json()
    for name in place:
        body = body[name]
    assert body == 503
    assert client.get(path, headers=headers, auth=TWILIO if vendor == "twilio" else None).status_code != 503
    assert client.get("/__sandbox__/ledger").json()["vendors"][vendor]["operations"]


def test_status_fault_when_it_names_an_operation_then_others_are_spared(client: TestClient) -> None:
    client.post(
        "/__sandbox__/faults", json={"vendor": "wiza", "operation": "getIndividualReveal", "status": 500, "times": 2}
    )
    assert client.get("/wiza/api/meta/credits", headers=WIZA).status_code == 200
    assert [client.get("/wiza/api/individual_reveals/1", headers=WIZA).status_code for _ in range(3)] == [500, 500, 404]


def test_status_fault_when_it_has_a_body_then_that_body(client: TestClient) -> None:
    client.post("/__sandbox__/faults", json={"vendor": "ghl", "status": 502, "body": "<html>Bad gateway</html>"})
    reply = client.get("/ghl/contacts/x", headers=GHL)
    assert (reply.status_code, reply.text) == (502, "<html>Bad gateway</html>")


def test_drop_response_fault_when_ordered_then_the_work_is_done_and_the_client_never_knows(plan: Plan) -> None:
    contact = {"locationId": LOCATION, "email": "ada@practice.example"}
    with running_process(plan.nppes_dir) as client:
        client.post(
            "/__sandbox__/faults", json={"vendor": "ghl", "operation": "create-contact", "kind": "drop_response"}
        )
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/ghl/contacts/", headers=GHL, json=contact)
        assert client.post("/ghl/contacts/", headers=GHL, json=contact).json()["meta"]["matchingField"] == "email"
        ledger = client.get("/__sandbox__/ledger").json()["vendors"]["ghl"]["operations"]["create-contact"]
    assert ledger["statuses"] == {"0": 1, "400": 1}


@pytest.mark.parametrize(
    "order",
    [{"status": 503}, {"vendor": "ghl", "kind": "explode"}, {"vendor": "ghl", "times": 0}, {"vendor": "ghl", "wat": 1}],
)
def test_fault_when_it_cannot_be_understood_then_400_says_why(client: TestClient, order: dict[str, object]) -> None:
    reply = client.post("/__sandbox__/faults", json=order)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_faults_when_cleared_then_calls_work(client: TestClient) -> None:
    client.post("/__sandbox__/faults", json={"vendor": "wiza", "times": 99})
    assert client.delete("/__sandbox__/faults").json() == {"faults": []}
    assert client.get("/wiza/api/meta/credits", headers=WIZA).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/wiza/api/nowhere", {"status": {"code": 404, "message": "Cannot GET /nowhere"}}),
        ("/ghl/nowhere", {"statusCode": 404, "message": "Cannot GET /nowhere", "error": "Not Found"}),
        (
            "/instantly/api/v2/nowhere",
            {"statusCode": 404, "error": "Not Found", "message": "Cannot GET /api/v2/nowhere"},
        ),
    ],
)
def test_unknown_path_when_called_then_404_in_the_vendors_shape(
    client: TestClient, path: str, body: dict[str, object]
) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.json()) == (404, body)
