"""The gate on enriched.answer: a paid answer that is counted twice, misjudged or made up stops it."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from tests.expectations.gated import broken_rules, gate, warnings

GOOD: dict[str, Any] = {
    "vendor": "wiza", "operation": "find", "request_key": "k1", "npi": "2000000002", "segment": "solo",
    "status": "responded", "asked_at": "2025-11-10T06:00:00+00:00", "responded_at": "2025-11-10T06:01:00+00:00", "credits": 2.0,
    "cost_usd": 0.1, "email": "ada@example-dental.test", "email_status": "valid", "email_confidence": 0.9,
    "email_verification": "accepted", "usable_email": True,
}  # fmt: skip
NOTHING = {
    "email": None,
    "email_status": None,
    "email_confidence": None,
    "email_verification": None,
    "usable_email": False,
}


def test_gate_when_answers_are_good_then_nothing_is_broken(bigquery_client: bigquery.Client) -> None:
    nothing_found = GOOD | NOTHING | {"request_key": "k2", "npi": "2000000003", "credits": 0.0}
    assert gate(bigquery_client, "enriched.answer", [GOOD, nothing_found])["warnings"] == 0


def test_gate_when_answers_are_wrong_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    wrong = [
        GOOD,
        GOOD,
        GOOD | {"request_key": "k3", "npi": "12", "vendor": "hunter", "status": "lost", "segment": "huge"},
        GOOD | {"request_key": "k4", "npi": "2000000004", "credits": -1.0, "cost_usd": -0.1, "email_confidence": 90.0},
        GOOD | {"request_key": "k5", "npi": "2000000005", "email_status": "ok", "email_verification": "fine"},
        GOOD | {"request_key": "k6", "npi": "2000000006", "email_verification": "risky", "responded_at": "2025-11-09T00:00:00+00:00"},
    ]  # fmt: skip
    reasons = broken_rules(bigquery_client, "enriched.answer", wrong)
    assert [" ".join(reason.split(" ")[:4]) for reason in reasons] == [
        "A call without an",
        "A confidence of include/enrichment/waterfall.yaml,",
        "A paid request that",
        "A usable address that",
        "Credits spent are never",
        "Each vendor's words become",
        "Money spent is never",
        "Nobody else is asked",
        "Not an NPI: the",
        "The learned order of",
        "The one judgement of",
        "Whom to ask next",
    ]
    assert [reason.split(":")[0] for reason in warnings(bigquery_client)] == ["A clock jumped", "Bought twice"]
