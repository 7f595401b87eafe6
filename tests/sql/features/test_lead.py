"""Features of a point in time, and the labeled rows that are made of them."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from include.warehouse.tables import table
from tests.sql.features.history import event
from tests.sql.segmented.registry import AS_OF, contact, dentist, insert, npis, organization, person_id, rows, run

A, B, C, D = npis(4)
LATER = "2025-11-17T06:00:00+00:00"


def features(client: bigquery.Client, as_of: str = AS_OF) -> dict[str, dict[str, Any]]:
    run(client, "segmented.lead", as_of=as_of)
    run(client, "features.lead", as_of=as_of)
    return stored(client, as_of)


def stored(client: bigquery.Client, as_of: str) -> dict[str, dict[str, Any]]:
    found = rows(client, "SELECT * FROM features.lead")
    return {row["person_id"]: row for row in found if row["as_of"].isoformat() == as_of}


def training_rows(client: bigquery.Client, as_of: str) -> dict[str, dict[str, Any]]:
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("as_of", "TIMESTAMP", as_of),
            bigquery.ScalarQueryParameter("maturity_days", "INT64", 3),
        ]
    )
    found = client.query_and_wait(table("features.lead").sql("training_rows"), job_config=config)
    return {row["row_id"]: dict(row) for row in found}


def test_lead_when_facts_are_known_then_row_describes_person_practice_and_contact(
    bigquery_client: bigquery.Client,
) -> None:
    mate = dentist(B, specialty="hygienist")
    facts = {"credential": "DDS", "license_number": "1", "sole_proprietor": True, "sex": "F"}
    insert(bigquery_client, "clean.provider", [dentist(A, **facts), mate, organization(C)])
    insert(bigquery_client, "enriched.contact", [contact(A, phone_line_type="mobile")])
    found = features(bigquery_client)
    assert list(found) == [person_id(A)]
    row = found[person_id(A)]
    assert (row["practice_size"], row["practice_organizations"]) == (2, 1)
    assert (row["years_since_enumeration"], row["taxonomy_count"], row["zip3"]) == (10.0, 1, "787")
    assert (row["has_license"], row["is_sole_proprietor"], row["credential"]) == (True, True, "DDS")
    assert (row["email_status"], row["email_type"], row["phone_line_type"]) == ("valid", "work", "mobile")
    assert row["icp_score"] > 0 and row["emails_sent"] == 0


def test_lead_when_practice_and_contact_are_unknown_then_person_is_still_there(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A, practice_id=None, enumeration_date=None)])
    row = features(bigquery_client)[person_id(A)]
    assert (row["practice_size"], row["practice_organizations"], row["has_license"]) == (1, 0, False)
    assert row["email_status"] is None and row["years_since_enumeration"] is None


def test_lead_when_events_are_at_or_after_as_of_then_they_do_not_count(bigquery_client: bigquery.Client) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A)])
    insert(
        bigquery_client,
        "clean.event",
        [
            event(A, "email_sent", "2025-11-03T10:00:00Z"),
            event(A, "email_opened", "2025-11-10T05:59:59Z"),
            event(A, "email_clicked", AS_OF),
            event(A, "email_replied", "2025-11-10T06:00:01Z"),
            event(A, "email_sent", "2024-11-09T10:00:00Z"),
        ],
    )
    row = features(bigquery_client)[person_id(A)]
    counts = [row[name] for name in ("emails_sent", "emails_opened", "emails_clicked", "emails_replied")]
    assert counts == [1, 1, 0, 0]


def test_lead_when_run_twice_then_rows_are_the_same_and_other_points_in_time_stay(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A), dentist(B)])
    first = features(bigquery_client)
    features(bigquery_client, "2025-11-10T23:00:00+00:00")
    assert features(bigquery_client, "2025-11-10T23:00:00+00:00") == stored(
        bigquery_client, "2025-11-10T23:00:00+00:00"
    )
    assert stored(bigquery_client, AS_OF) == first
    assert rows(bigquery_client, "SELECT COUNT(*) AS n FROM features.lead")[0]["n"] == 4


def test_lead_when_leads_are_already_newer_then_the_old_snapshot_stays_as_it_was(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A)])
    first = features(bigquery_client)
    bigquery_client.query_and_wait("UPDATE clean.provider SET state = 'CA' WHERE TRUE")
    features(bigquery_client, LATER)
    run(bigquery_client, "features.lead", as_of=AS_OF)
    assert stored(bigquery_client, AS_OF) == first
    assert stored(bigquery_client, LATER)[person_id(A)]["state"] == "CA"


def test_training_rows_when_features_change_after_the_send_then_the_row_does_not(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A)])
    insert(bigquery_client, "clean.event", [event(A, "email_sent", "2025-11-11T15:00:00Z")])
    features(bigquery_client)
    before = training_rows(bigquery_client, LATER)
    bigquery_client.query_and_wait("UPDATE clean.provider SET state = 'CA', specialty = 'orthodontics' WHERE TRUE")
    features(bigquery_client, "2025-11-11T16:00:00+00:00")
    assert training_rows(bigquery_client, LATER) == before
    assert before[f"{person_id(A)}:c1"]["state"] == "TX"


def test_training_rows_when_a_newer_snapshot_precedes_the_send_then_it_is_the_one_taken(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A)])
    insert(bigquery_client, "clean.event", [event(A, "email_sent", "2025-11-11T15:00:00Z")])
    features(bigquery_client)
    bigquery_client.query_and_wait("UPDATE clean.provider SET state = 'CA' WHERE TRUE")
    features(bigquery_client, "2025-11-11T14:00:00+00:00")
    assert training_rows(bigquery_client, LATER)[f"{person_id(A)}:c1"]["state"] == "CA"


POSITIVE = [
    {"canonical_type": "lead_status_changed", "vendor_event": "lead_interested"},
    {"canonical_type": "meeting_booked"},
    {"canonical_type": "meeting_booked", "sender": "ghl"},
    {"canonical_type": "purchase", "sender": "ghl"},
    {"canonical_type": "deal_won", "sender": "ghl"},
]
NEGATIVE = [
    {"canonical_type": "email_replied"},
    {"canonical_type": "email_auto_replied"},
    {"canonical_type": "lead_status_changed", "vendor_event": "lead_not_interested"},
    {"canonical_type": "lead_status_changed", "vendor_event": "lead_closed"},
    {"canonical_type": "deal_lost", "sender": "ghl"},
]


def test_training_rows_when_an_answer_comes_in_time_then_only_positive_ones_label_the_row(
    bigquery_client: bigquery.Client,
) -> None:
    answers = dict(zip(npis(len(POSITIVE + NEGATIVE)), POSITIVE + NEGATIVE, strict=True))
    insert(bigquery_client, "clean.provider", [dentist(npi) for npi in answers])
    sends = [event(npi, "email_sent", "2025-11-11T15:00:00Z") for npi in answers]
    given = [event(npi, occurred_at="2025-11-14T14:59:00Z", **answer) for npi, answer in answers.items()]
    insert(bigquery_client, "clean.event", sends + given)
    features(bigquery_client)
    found = training_rows(bigquery_client, LATER)
    assert [answer for npi, answer in answers.items() if found[f"{person_id(npi)}:c1"]["responded"]] == POSITIVE
    assert len(found) == len(answers)


def test_training_rows_when_answers_are_early_late_or_of_another_person_then_row_is_negative(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A), dentist(B)])
    insert(
        bigquery_client,
        "clean.event",
        [
            event(A, "email_sent", "2025-11-11T15:00:00Z"),
            event(A, "meeting_booked", "2025-11-11T14:59:59Z"),
            event(A, "meeting_booked", "2025-11-14T15:00:01Z"),
            event(B, "meeting_booked", "2025-11-12T15:00:00Z"),
        ],
    )
    features(bigquery_client)
    found = training_rows(bigquery_client, LATER)
    assert {key: row["responded"] for key, row in found.items()} == {f"{person_id(A)}:c1": False}


def test_training_rows_when_sends_are_young_repeated_or_without_features_then_only_first_mature_ones_count(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A), dentist(B), dentist(C)])
    features(bigquery_client)
    insert(
        bigquery_client,
        "clean.event",
        [
            event(A, "email_sent", "2025-11-11T15:00:00Z"),
            event(A, "email_sent", "2025-11-13T15:00:00Z", step=2),
            event(A, "email_sent", "2025-11-12T15:00:00Z", campaign_id="c2"),
            event(B, "email_sent", "2025-11-14T15:00:00Z"),
            event(C, "email_sent", "2025-11-09T15:00:00Z"),
            event(D, "email_sent", "2025-11-11T15:00:00Z"),
        ],
    )
    assert list(training_rows(bigquery_client, LATER)) == [f"{person_id(A)}:c1", f"{person_id(A)}:c2"]
    young = training_rows(bigquery_client, "2025-11-17T15:00:00+00:00")
    assert f"{person_id(B)}:c1" in young


def test_training_rows_when_answers_arrive_after_as_of_then_they_are_not_known(
    bigquery_client: bigquery.Client,
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(A)])
    insert(bigquery_client, "clean.event", [event(A, "email_sent", "2025-11-11T15:00:00Z")])
    features(bigquery_client)
    before = training_rows(bigquery_client, "2025-11-14T15:00:00+00:00")
    later = event(A, "meeting_booked", "2025-11-15T15:00:00Z")
    insert(bigquery_client, "clean.event", [later, event(A, "email_sent", "2025-11-16T15:00:00Z", campaign_id="c2")])
    assert training_rows(bigquery_client, "2025-11-14T15:00:00+00:00") == before
    assert len(before) == 1
