"""A kept public client of Apollo (qodev-apollo-api; Apollo publishes none): it sends JSON bodies where the reference says parameters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from qodev_apollo_api import ApolloClient
from qodev_apollo_api.exceptions import APIError, AuthenticationError

from services.embedded.sandbox import KEYS, Sandbox

Ask = Callable[[Callable[[ApolloClient], Awaitable[Any]]], Any]


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    def asked(question: Callable[[ApolloClient], Awaitable[Any]], key: str = KEYS["apollo"]) -> Any:
        async def run() -> Any:
            async with ApolloClient(key) as client:
                client._client.base_url = f"{sandbox.url}/apollo/api/v1/"  # its own address cannot be configured
                return await question(client)

        return asyncio.run(run())

    return asked


def test_search_when_filtered_in_a_body_then_those_people_and_no_charge(ask: Ask, credits: Callable[[], float]) -> None:
    before = credits()
    everybody = ask(lambda client: client.search_people())["total_entries"]
    texans = ask(lambda client: client.search_people(person_locations=["TX"], person_titles=["Hygienist"], per_page=5))
    assert 0 < texans["total_entries"] < everybody
    assert len(texans["people"]) == 5
    assert all("Hygienist" in person["title"] for person in texans["people"])
    assert credits() == before


def test_search_when_the_filter_fits_nobody_then_nobody(ask: Ask) -> None:
    assert ask(lambda client: client.search_people(person_locations=["Atlantis"])) == {"total_entries": 0, "people": []}


def test_search_when_a_filter_is_not_modeled_then_refused_named_and_not_charged(
    ask: Ask, credits: Callable[[], float]
) -> None:
    before = credits()
    with pytest.raises(APIError, match=r"not modeled by the sandbox: query/q_keywords of peopleApiSearch") as refusal:
        ask(lambda client: client.search_people(q_keywords="nobody at all"))
    assert refusal.value.status_code == 501
    with pytest.raises(APIError, match=r"not modeled by the sandbox: query/revenue_range\[min\]"):
        ask(lambda client: client._post("/mixed_companies/search", {"revenue_range": {"min": 1}}))
    assert credits() == before


def test_match_when_the_email_is_in_a_body_then_that_person(sandbox: Sandbox, ask: Ask) -> None:
    people = ask(lambda client: client.search_people(per_page=100))["people"]
    found = ask(lambda client: client._post("/people/match", {"id": people[0]["id"]}))["person"]
    known = next(person for person in people if person["has_email"])
    email = ask(lambda client: client._post("/people/match", {"id": known["id"]}))["person"]["email"]
    assert found["id"] == people[0]["id"]
    assert ask(lambda client: client.enrich_person(email))["email"] == email


def test_bulk_match_when_all_is_in_one_body_then_each_in_order(ask: Ask) -> None:
    people = ask(lambda client: client.search_people(per_page=2))["people"]
    body = {
        "details": [{"id": people[1]["id"]}, {"id": "nobody"}, {"id": people[0]["id"]}],
        "reveal_personal_emails": False,
    }
    answer = ask(lambda client: client._post("/people/bulk_match", body))
    assert [match and match["id"] for match in answer["matches"]] == [people[1]["id"], None, people[0]["id"]]


def test_bulk_match_when_a_flag_in_the_body_is_not_modeled_then_refused(ask: Ask) -> None:
    body = {"details": [{"email": "a@practice.example"}], "reveal_personal_emails": True}
    with pytest.raises(APIError, match="not modeled by the sandbox: query/reveal_personal_emails=true"):
        ask(lambda client: client._post("/people/bulk_match", body))


def test_organization_when_asked_by_post_then_refused_as_the_contract_has_get_alone(ask: Ask) -> None:
    with pytest.raises(APIError) as refusal:
        ask(lambda client: client.enrich_organization("practice.example"))
    assert refusal.value.status_code == 404


def test_call_when_the_key_is_wrong_then_the_client_says_so(ask: Ask) -> None:
    with pytest.raises(AuthenticationError):
        ask(lambda client: client.search_people(), "wrong")  # type: ignore[call-arg]
