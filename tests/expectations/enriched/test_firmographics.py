"""The gate on enriched.firmographics: one company per practice, from an answer; oddities of vendors only warn."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from tests.expectations.enriched.test_answer import GOOD as ANSWER
from tests.expectations.gated import broken_rules, gate, warnings
from tests.sql.segmented.registry import insert

GOOD: dict[str, Any] = {
    "practice_id": "o-main", "domain": "example-dental.test", "employees": 7, "founded_year": 1998, "people_agreeing": 1,
    "vendor": "wiza", "response_key": "k1", "fetched_at": "2025-11-10T06:01:00+00:00",
}  # fmt: skip


def test_gate_when_a_vendor_says_something_odd_then_it_warns_and_passes(bigquery_client: bigquery.Client) -> None:
    insert(bigquery_client, "enriched.answer", [ANSWER])
    odd = GOOD | {"practice_id": "o-2", "domain": "gmail.com", "employees": 0, "founded_year": 98}
    odder = GOOD | {"practice_id": "o-3", "domain": "see our site", "founded_year": 2031}
    gate(bigquery_client, "enriched.firmographics", [GOOD, odd, odder])
    assert [reason.split(":")[0] for reason in warnings(bigquery_client)] == [
        "A mailbox provider is nobody's practice",
        "No dental group has so many, or so few",
        "Not a web domain",
        "The vendor sent something that is no year.",
    ]


def test_gate_when_companies_are_wrong_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    insert(bigquery_client, "enriched.answer", [ANSWER])
    wrong = [GOOD, GOOD, GOOD | {"practice_id": "o-2", "vendor": "hunter", "people_agreeing": 0}]
    reasons = broken_rules(bigquery_client, "enriched.firmographics", wrong)
    assert [" ".join(reason.split(" ")[:3]) for reason in reasons] == [
        "A domain is",
        "Nobody else was",
        "One company per",
        "Without its answer",
    ]
