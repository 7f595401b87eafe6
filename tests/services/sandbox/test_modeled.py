"""What is modeled: the declaration names what the code reads, the page shows it, and everything else is refused by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sandbox_runs import (
    ADDY,
    APOLLO,
    CLAY,
    GHL,
    INSTANTLY,
    LEADFEEDER,
    LOCATION,
    META,
    META_PROOF,
    SCHEDULE,
    TTD,
    TWILIO,
    WIZA,
)
from starlette.datastructures import Headers, QueryParams
from starlette.testclient import TestClient

from services.sandbox import modeled
from services.sandbox.modeled import DECLARATION, PAGE, Modeled, given_names, page, vendor_model

SANDBOX = DECLARATION.parent
VENDORS = list(yaml.safe_load(DECLARATION.read_text(encoding="utf-8")))
# Instantly's campaigns are run by the sender; every other vendor is a module of its own.
MODULES = {vendor: [f"{vendor}.py"] for vendor in VENDORS} | {"instantly": ["instantly.py", "campaigns.py"]}
# Read under another name: the vendor's gate tries several for the key.
READ_ELSEWHERE = {"addy": {"key"}}


def trees(vendor: str) -> Iterator[ast.AST]:
    for name in MODULES[vendor]:
        yield ast.parse((SANDBOX / name).read_text(encoding="utf-8"))


def words(vendor: str) -> set[str]:
    """Every text that stands in the vendor's code."""
    return {
        node.value
        for tree in trees(vendor)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def parameters_read(vendor: str) -> set[str]:
    """The names that the code asks a query for: query.get("page"), call.query["segment"], query.getlist("domains[]")."""
    found = set()
    for tree in trees(vendor):
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("query"):
                found.add(node.slice)
            elif isinstance(node, ast.Call) and re.search(r"query\.get(list)?$", ast.unparse(node.func)):
                found.add(node.args[0])
    return {node.value for node in found if isinstance(node, ast.Constant)}


@pytest.mark.parametrize("vendor", VENDORS)
def test_declaration_when_compared_with_the_code_then_each_name_in_it_is_read(vendor: str) -> None:
    names = {name for item in vendor_model(vendor).operations.values() for name in item.modeled}
    ends = {_last(name) for name in names if "=" not in name} - {"*"}
    known = {word.lower() for word in words(vendor)} | READ_ELSEWHERE.get(vendor, set())
    assert {end for end in ends if end.lower() not in known} == set()


def _last(name: str) -> str:
    place, _, path = name.partition("/")
    return path.removesuffix(".*").removesuffix("[]").split(".")[-1] if place == "body" else path


@pytest.mark.parametrize("vendor", VENDORS)
def test_code_when_compared_with_the_declaration_then_each_parameter_that_it_reads_is_declared(vendor: str) -> None:
    declared = {name.removeprefix("query/") for item in vendor_model(vendor).operations.values() for name in item.names}
    assert parameters_read(vendor) - declared == set()


def test_page_when_made_anew_then_it_is_the_one_that_is_kept() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m services.sandbox.modeled`"


@pytest.mark.parametrize(
    ("said", "unread"),
    [
        ({"a": 1}, []),
        ({"a": 1, "b": 2}, ["body/b"]),
        ({"list": [{"id": 1}, {"id": 2, "more": {"deep": 1}}]}, ["body/list[].more", "body/list[].more.deep"]),
        ({"free": {"whatever": [{"it": "likes"}]}}, []),
        ({"switch": False}, []),
        ({"switch": True}, ["body/switch=true"]),
        ({"kept": "x"}, []),
    ],
)
def test_unread_when_a_body_says_more_than_is_read_then_that(said: dict[str, Any], unread: list[str]) -> None:
    read = Modeled(
        frozenset({"body/a", "body/list[].id", "body/free.*", "body/switch=false"}), frozenset({"body/kept"})
    )
    assert read.unread(given_names(QueryParams(), Headers(), frozenset(), said)) == unread


def test_unread_when_in_address_or_declared_header_then_that_and_no_other_header() -> None:
    read = Modeled(frozenset({"query/page"}), frozenset())
    declared = frozenset({"header/Prefer", "query/page", "query/sort"})
    given = given_names(
        QueryParams("page=1&sort=a&sort=b"), Headers({"prefer": "x", "user-agent": "y"}), declared, None
    )
    assert read.unread(given) == ["header/Prefer", "query/sort"]


REVEAL = {"individual_reveal": {"full_name": "A B", "company": "C"}, "enrichment_level": "partial"}
CAMPAIGN = {"name": "x", "campaign_schedule": SCHEDULE}
REPORT = {
    "ReportScheduleName": "x", "ReportTemplateId": 4711, "ReportFileFormat": "CSV", "ReportDateRange": "Custom", "ReportFrequency": "Once",
    "ReportStartDateInclusive": "2025-11-06T00:00:00", "ReportEndDateExclusive": "2025-11-07T00:00:00",
}  # fmt: skip
INSIGHTS = {"appsecret_proof": META_PROOF, "time_range": '{"since": "2025-11-06", "until": "2025-11-06"}'}


@pytest.mark.parametrize(
    ("method", "path", "request_", "named"),
    [
        (
            "POST",
            "/wiza/api/individual_reveals",
            {"headers": WIZA, "json": {**REVEAL, "reveal_options": {"fair_key": "x"}}},
            "body/reveal_options",
        ),
        (
            "POST",
            "/wiza/api/individual_reveals",
            {"headers": WIZA, "json": {**REVEAL, "email_options": {"accept_personal": True}}},
            "accept_personal=true",
        ),
        (
            "POST",
            "/apollo/api/v1/mixed_people/api_search",
            {"headers": APOLLO, "params": {"q_keywords": "x"}},
            "query/q_keywords",
        ),
        (
            "POST",
            "/apollo/api/v1/mixed_people/api_search",
            {"headers": APOLLO, "json": {"person_seniorities": ["owner"]}},
            "query/person_seniorities[]",
        ),
        (
            "POST",
            "/apollo/api/v1/people/match",
            {"headers": APOLLO, "json": {"name": "A B", "nobodys": 1}},
            "query/nobodys",
        ),
        ("GET", "/clay/me", {"headers": CLAY, "params": {"more": "1"}}, "query/more"),
        (
            "GET",
            "/twilio/v2/PhoneNumbers/+12025550143",
            {"auth": TWILIO, "params": {"PostalCode": "1"}},
            "query/PostalCode",
        ),
        ("GET", "/addy/validation", {"headers": ADDY, "params": {"address": "x", "exword": "true"}}, "query/exword"),
        ("POST", "/ghl/contacts/", {"headers": GHL, "json": {"locationId": LOCATION, "gender": "x"}}, "body/gender"),
        (
            "POST",
            "/ghl/contacts/search",
            {"headers": GHL, "json": {"locationId": LOCATION, "pageLimit": 1, "sort": [{"field": "x"}]}},
            "body/sort",
        ),
        (
            "POST",
            "/instantly/api/v2/campaigns",
            {"headers": INSTANTLY, "json": {**CAMPAIGN, "daily_limit": 5}},
            "body/daily_limit",
        ),
        (
            "GET",
            "/meta_ads/v26.0/act_100200300400500/insights",
            {"headers": META, "params": {**INSIGHTS, "breakdowns": "age"}},
            "query/breakdowns",
        ),
        (
            "POST",
            "/ttd/v3/myreports/reportschedule",
            {"headers": TTD, "json": {**REPORT, "TimeZone": "America/New_York"}},
            "body/TimeZone=America/New_York",
        ),
        ("GET", "/leadfeeder/accounts", {"headers": LEADFEEDER, "params": {"more": "1"}}, "query/more"),
    ],
)
def test_call_when_it_says_what_is_not_modeled_then_501_names_it(
    client: TestClient, method: str, path: str, request_: dict[str, Any], named: str
) -> None:
    before = client.get("/__sandbox__/ledger").json()["balances"]
    reply = client.request(method, path, **request_)
    assert reply.status_code == 501, reply.text
    assert "not modeled by the sandbox" in reply.text and named in reply.text
    assert client.get("/__sandbox__/ledger").json()["balances"] == before


def test_declaration_when_it_does_not_fit_the_contract_then_it_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = DECLARATION.read_text(encoding="utf-8").replace("        - query/address\n", "        - query/nobodys\n")
    broken = tmp_path / "modeled.yaml"
    broken.write_text(text, encoding="utf-8")
    monkeypatch.setattr(modeled, "DECLARATION", broken)
    modeled._declaration.cache_clear()
    vendor_model.cache_clear()
    try:
        with pytest.raises(ValueError, match="addy validateAddress: addy.yaml does not declare ..query/nobodys"):
            vendor_model("addy")
    finally:
        monkeypatch.undo()
        modeled._declaration.cache_clear()
        vendor_model.cache_clear()
