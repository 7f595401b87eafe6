"""Who is a lead, and how many points for what."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery

from tests.sql.segmented.registry import AS_OF, contact, dentist, insert, npis, organization, person_id, rows, run

A, B, C = npis(3)


def leads(client: bigquery.Client) -> dict[str, dict[str, Any]]:
    return {row["npi"]: row for row in rows(client, "SELECT * FROM segmented.lead")}


def test_lead_when_everything_speaks_for_it_then_reasons_sum_to_100(
    bigquery_client: bigquery.Client,
) -> None:
    official = {"authorized_official_first_name": "DANA", "authorized_official_last_name": dentist(A)["last_name"]}
    insert(bigquery_client, "clean.provider", [dentist(A), dentist(B), organization(C, **official)])
    insert(bigquery_client, "enriched.contact", [contact(A)])
    run(bigquery_client, "segmented.lead")
    lead = leads(bigquery_client)[A]
    assert lead["icp_score"] == 100
    assert sum(int(reason.rpartition("=")[2]) for reason in lead["icp_reasons"]) == 100
    assert (lead["segment"], lead["practice_size_band"], lead["years_since_enumeration"]) == ("TX-787", "small", 10)
    assert (lead["company_name"], lead["owner_signal"]) == ("MAIN STREET DENTAL LLC", "authorized_official")
    other = leads(bigquery_client)[B]
    assert other["icp_score"] == 80 and other["owner_signal"] is None and not other["has_email"]


def test_lead_when_the_person_is_no_dentist_then_there_is_no_lead(bigquery_client: bigquery.Client) -> None:
    others = ["hygienist", "assistant", "laboratory_technician", "denturist", "dental_therapist"]
    others_rows = [dentist(npi, specialty=specialty) for npi, specialty in zip(npis(8)[3:], others, strict=True)]
    insert(bigquery_client, "clean.provider", [dentist(B), *others_rows])
    run(bigquery_client, "segmented.lead")
    assert {npi: lead["practice_size"] for npi, lead in leads(bigquery_client).items()} == {B: 1}


@pytest.mark.parametrize(
    ("dentists", "band"), [(1, "solo"), (2, "small"), (4, "small"), (5, "medium"), (9, "medium"), (10, "large")]
)
def test_lead_when_dentists_share_a_location_then_band_follows_their_number(
    bigquery_client: bigquery.Client, dentists: int, band: str
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(npi) for npi in npis(dentists)])
    run(bigquery_client, "segmented.lead")
    assert {lead["practice_size_band"] for lead in leads(bigquery_client).values()} == {band}


def test_lead_when_specialty_differs_then_points_follow_the_document(bigquery_client: bigquery.Client) -> None:
    insert(
        bigquery_client,
        "clean.provider",
        [dentist(A), dentist(B, specialty="orthodontics"), dentist(C, specialty="oral_surgery")],
    )
    run(bigquery_client, "segmented.lead")
    scores = {npi: lead["icp_score"] for npi, lead in leads(bigquery_client).items()}
    assert (scores[A] - scores[B], scores[A] - scores[C]) == (3, 15)


def test_lead_when_address_or_date_is_missing_then_it_still_scores(bigquery_client: bigquery.Client) -> None:
    nothing: dict[str, Any] = {"practice_id": None, "state": None, "zip5": None, "enumeration_date": None}
    insert(bigquery_client, "clean.provider", [dentist(A, **nothing), dentist(B, **nothing)])
    run(bigquery_client, "segmented.lead")
    lead = leads(bigquery_client)[A]
    assert (lead["segment"], lead["practice_size_band"], lead["icp_score"]) == (None, "solo", 50)
    assert "years:unknown=+0" in lead["icp_reasons"]


def test_lead_when_anniversary_has_not_come_then_the_year_does_not_count(bigquery_client: bigquery.Client) -> None:
    insert(
        bigquery_client,
        "clean.provider",
        [dentist(A, enumeration_date="2020-11-11"), dentist(B, enumeration_date="2020-11-10")],
    )
    run(bigquery_client, "segmented.lead", as_of=AS_OF)
    years = {npi: lead["years_since_enumeration"] for npi, lead in leads(bigquery_client).items()}
    assert years == {A: 4, B: 5}


def test_lead_when_run_twice_or_at_an_older_point_then_table_stays(bigquery_client: bigquery.Client) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A), dentist(B)])
    run(bigquery_client, "segmented.lead")
    before = leads(bigquery_client)
    run(bigquery_client, "segmented.lead")
    assert leads(bigquery_client) == before
    bigquery_client.query_and_wait(f"DELETE FROM clean.provider WHERE npi = '{B}'")  # noqa: S608
    run(bigquery_client, "segmented.lead", as_of="2025-11-03T06:00:00+00:00")
    assert leads(bigquery_client) == before
    run(bigquery_client, "segmented.lead", as_of="2025-11-17T06:00:00+00:00")
    assert set(leads(bigquery_client)) == {A}
    assert leads(bigquery_client)[A]["person_id"] == person_id(A)


def test_lead_when_a_dentist_is_no_longer_active_then_there_is_no_lead_and_nobody_counts_them(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A, is_active=False), dentist(B), dentist(C)])
    run(bigquery_client, "segmented.lead")
    assert {npi: lead["practice_size"] for npi, lead in leads(bigquery_client).items()} == {B: 2, C: 2}
