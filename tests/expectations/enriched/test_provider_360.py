"""The gate on enriched.provider_360: what its query makes passes; doubled dentists and addresses of no origin do not."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from tests.expectations.gated import broken_rules, gate, warnings
from tests.sql.segmented.registry import contact, dentist, insert, npis, run

GOOD: dict[str, Any] = {
    "specialty": "general",
    "taxonomy_code": "1223G0001X",
    "usable_email": False,
    "enrichment_usd": 0.0,
}


def test_gate_when_rows_are_what_the_query_makes_then_nothing_is_broken(bigquery_client: bigquery.Client) -> None:
    a, b = npis(2)
    bought = {"email_vendor": "wiza", "email_fetched_at": "2025-11-10T06:00:00+00:00", "email_confidence": 0.9}
    insert(bigquery_client, "clean.provider", [dentist(a), dentist(b)])
    insert(bigquery_client, "enriched.contact", [contact(a, **bought)])
    run(bigquery_client, "segmented.lead")
    run(bigquery_client, "enriched.provider_360")
    assert gate(bigquery_client, "enriched.provider_360", [])["warnings"] == 0


def test_gate_when_rows_are_wrong_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    a, b, c = npis(3)
    insert(bigquery_client, "clean.provider", [dentist(c)])
    wrong = [
        GOOD | {"npi": a},
        GOOD | {"npi": a, "email": "dana@main-street.example"},
        GOOD | {"npi": b, "phone_e164": "512", "icp_score": 101.0, "email_confidence": 2.0, "enrichment_usd": -1.0,
                "dentists_at_practice": 0, "zip5": "787"},
    ]  # fmt: skip
    reasons = broken_rules(bigquery_client, "enriched.provider_360", wrong)
    assert [" ".join(reason.split(" ")[:4]) for reason in reasons] == [
        "A confidence, 0 to",
        "A dentist's practice has",
        "A join that doubles",
        "An address of unknown",
        "Diallers take E.164, and",
        "Money spent is never",
        "Score and size come",
        "The ICP score is",
    ]
    assert len(warnings(bigquery_client)) == 2
