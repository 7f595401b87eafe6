"""Addy: matches, no match, keys, and the American street that it takes for its own."""

from sandbox_runs import ADDY, TestClient


def test_validation_when_asked_then_knows_its_streets_and_mistakes_others_for_them(client: TestClient) -> None:
    def address(text: str) -> dict[str, object] | None:
        reply = client.get("/addy/validation", headers=ADDY, params={"address": text})
        assert reply.status_code == 200
        found: dict[str, object] | None = reply.json()["address"]
        return found

    known = address("80 QUEEN STREET, AUCKLAND, 1010")
    assert known is not None and known["full"] == "80 Queen Street, Auckland Central, Auckland 1010"
    assert address("1500 W OAK ST, AUSTIN, TX, 78701") is None
    mistaken = address("80 Queen Street, Springfield, IL")
    assert mistaken is not None and mistaken["postcode"] == "1010"


def test_validation_when_the_key_is_wrong_or_the_address_missing_then_refused(client: TestClient) -> None:
    wrong = client.get("/addy/validation", headers={"addy-api-key": "x"}, params={"address": "1 A St"})
    assert wrong.status_code == 401
    assert client.get("/addy/validation", headers=ADDY).status_code == 400
    by_query = {"address": "1 A St", "key": "sandbox-addy-key"}
    assert client.get("/addy/validation", params=by_query).status_code == 200
