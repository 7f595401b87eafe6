"""The gate on segmented.lead: what the fold makes passes, and each way in which a lead can be wrong is named."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from tests.expectations.gated import broken_rules, gate, warnings
from tests.sql.segmented.registry import AS_OF, contact, dentist, insert, npis, person_id, run


def lead(npi: str, **fields: Any) -> dict[str, Any]:
    return {
        "person_id": person_id(npi),
        "npi": npi,
        "specialty": "general",
        "segment": "TX-787",
        "practice_size": 1,
        "practice_size_band": "solo",
        "has_email": True,
        "icp_score": 50.0,
        "icp_reasons": ["specialty:general=+35", "practice_size:solo=+15"],
        "as_of": AS_OF,
        **fields,
    }


def test_gate_when_leads_are_what_the_fold_makes_then_nothing_is_broken(bigquery_client: bigquery.Client) -> None:
    insert(bigquery_client, "clean.provider", [dentist(npi) for npi in npis(3)])
    insert(bigquery_client, "enriched.contact", [contact(npi) for npi in npis(2)])
    run(bigquery_client, "segmented.lead")
    assert gate(bigquery_client, "segmented.lead", [])["warnings"] == 0


def test_gate_when_leads_are_wrong_then_each_rule_says_so(bigquery_client: bigquery.Client) -> None:
    a, b, c = npis(3)
    wrong = [
        lead(a),
        lead(a, as_of="2025-11-03T06:00:00+00:00"),
        lead(
            b, person_id="dana", specialty="hygienist", practice_size=0, practice_size_band="huge", owner_signal="son"
        ),
        lead(c, icp_score=105.0, segment=None, years_since_enumeration=70),
    ]
    reasons = broken_rules(bigquery_client, "segmented.lead", wrong)
    assert [reason.split(":")[0].split(",")[0] for reason in reasons] == [
        "A lead works in a practice of at least one",
        "A person who is a lead twice is drawn twice",
        "A row of an older run is a dentist whom the newest run did not confirm.",
        "Audiences and models know these four bands only.",
        "Holdout",
        "One NPI is one dentist",
        "Points are declared for these specialties only; others are no dentists.",
        "Sales reads the reasons beside the score",
        "The ICP score is a share of 100 points.",
        "Whoever signs is known by these two signals only.",
    ]
    assert len(warnings(bigquery_client)) == 3


def test_gate_when_there_is_no_lead_then_it_fails(bigquery_client: bigquery.Client) -> None:
    assert "No lead at all" in broken_rules(bigquery_client, "segmented.lead", [])[0]
