"""Who is in which audience, and that the holdout is fixed once and for all."""

from __future__ import annotations

from google.cloud import bigquery

from tests.sql.segmented.registry import contact, dentist, insert, npis, organization, person_id, rows, run, segment

MEMBERS = "SELECT audience_id, person_id, arm FROM segmented.audience_member ORDER BY person_id"
HOLDOUT = "SELECT * FROM segmented.holdout ORDER BY person_id"


def test_member_when_rule_fits_then_audience_follows_specialty_and_band(bigquery_client: bigquery.Client) -> None:
    solo, ortho, surgeon, silent, *group = npis(10)
    insert(
        bigquery_client,
        "clean.provider",
        [
            dentist(solo, practice_id="o-1"),
            dentist(ortho, practice_id="o-2", specialty="orthodontics"),
            # 20 + 15 + 5 + 10: below the 55 points that the audience asks for.
            dentist(surgeon, practice_id="o-3", specialty="oral_surgery", enumeration_date="2025-01-01"),
            dentist(silent, practice_id="o-4"),
            *(dentist(npi, practice_id="o-5") for npi in group),
        ],
    )
    insert(bigquery_client, "enriched.contact", [contact(npi) for npi in (solo, ortho, surgeon, *group)])
    insert(bigquery_client, "enriched.contact", [contact(silent, email_status="risky", usable_email=False)])
    segment(bigquery_client)
    found = {row["person_id"]: row["audience_id"] for row in rows(bigquery_client, MEMBERS)}
    assert found == {
        person_id(solo): "general-independent",
        person_id(ortho): "specialists",
        **{person_id(npi): "general-group" for npi in group},
    }


def test_balance_when_segmented_then_every_provider_is_a_lead_or_has_a_reason_and_every_lead_too(
    bigquery_client: bigquery.Client,
) -> None:
    member, gone, hygienist, radiologist, low, silent = npis(6)
    insert(
        bigquery_client,
        "clean.provider",
        [
            dentist(member, practice_id="o-1"),
            dentist(gone, practice_id="o-2", is_active=False),
            dentist(hygienist, practice_id="o-3", specialty="hygienist"),
            dentist(radiologist, practice_id="o-4", specialty="oral_radiology"),
            dentist(low, practice_id="o-5", specialty="oral_surgery", enumeration_date="2025-01-01"),
            dentist(silent, practice_id="o-6"),
            organization("2000000999", practice_id="o-1"),
        ],
    )
    insert(bigquery_client, "enriched.contact", [contact(npi) for npi in (member, radiologist, low)])
    segment(bigquery_client)
    for _ in range(2):
        run(bigquery_client, "ops.balance", "segments")
    counted = rows(bigquery_client, "SELECT table_name, kind, reason, row_count FROM ops.balance WHERE table_name LIKE 'segmented.%'")  # fmt: skip # noqa: E501
    assert {(row["table_name"].removeprefix("segmented."), row["kind"], row["reason"]): row["row_count"] for row in counted} == {
        ("lead", "in", "clean.provider"): 7,
        ("lead", "out", "segmented.lead"): 4,
        ("lead", "filtered", "inactive"): 1,
        ("lead", "filtered", "organization"): 1,
        ("lead", "filtered", "specialty_hygienist"): 1,
        ("audience_member", "in", "segmented.lead"): 4,
        ("audience_member", "out", "segmented.audience_member"): 1,
        ("audience_member", "filtered", "no_audience_for_specialty_and_size"): 1,
        ("audience_member", "filtered", "icp_score_too_low"): 1,
        ("audience_member", "filtered", "no_usable_email"): 1,
    }  # fmt: skip


def test_holdout_when_many_qualify_then_about_a_tenth_is_held_out_by_the_hash(bigquery_client: bigquery.Client) -> None:
    many = npis(1500)
    insert(bigquery_client, "clean.provider", [dentist(npi, practice_id=f"o-{npi}") for npi in many])
    insert(bigquery_client, "enriched.contact", [contact(npi) for npi in many])
    segment(bigquery_client)
    assigned = rows(bigquery_client, HOLDOUT)
    assert len(assigned) == 1500
    assert 110 <= sum(row["arm"] == "holdout" for row in assigned) <= 190
    assert all((row["bucket"] < 10) == (row["arm"] == "holdout") for row in assigned)
    arms = {row["person_id"]: row["arm"] for row in assigned}
    assert {row["person_id"]: row["arm"] for row in rows(bigquery_client, MEMBERS)} == arms


def test_holdout_when_run_again_or_share_changes_then_nobody_moves(bigquery_client: bigquery.Client) -> None:
    first, later = npis(400)[:300], npis(400)[300:]
    insert(bigquery_client, "clean.provider", [dentist(npi, practice_id=f"o-{npi}") for npi in first])
    insert(bigquery_client, "enriched.contact", [contact(npi) for npi in npis(400)])
    segment(bigquery_client)
    before = rows(bigquery_client, HOLDOUT)
    segment(bigquery_client)
    assert rows(bigquery_client, HOLDOUT) == before
    insert(bigquery_client, "clean.provider", [dentist(npi, practice_id=f"o-{npi}") for npi in later])
    run(bigquery_client, "segmented.lead", as_of="2025-11-17T06:00:00+00:00")
    bigquery_client.query_and_wait("UPDATE segmented.audience SET holdout_share = 0.5 WHERE TRUE")
    run(bigquery_client, "segmented.holdout", as_of="2025-11-17T06:00:00+00:00")
    after = {row["person_id"]: row for row in rows(bigquery_client, HOLDOUT)}
    assert len(after) == 400
    assert [after[row["person_id"]] for row in before] == before
    new = [after[person_id(npi)] for npi in later]
    assert all((row["bucket"] < 50) == (row["arm"] == "holdout") for row in new)
    assert sum(row["arm"] == "holdout" for row in new) > 30


def test_member_when_lead_leaves_then_membership_ends_but_assignment_stays(bigquery_client: bigquery.Client) -> None:
    one, two = npis(2)
    insert(bigquery_client, "clean.provider", [dentist(one), dentist(two), organization("2999999999")])
    insert(bigquery_client, "enriched.contact", [contact(one), contact(two)])
    segment(bigquery_client)
    bigquery_client.query_and_wait(f"DELETE FROM clean.provider WHERE npi = '{one}'")  # noqa: S608
    segment(bigquery_client)
    assert [row["person_id"] for row in rows(bigquery_client, MEMBERS)] == [person_id(two)]
    assert len(rows(bigquery_client, HOLDOUT)) == 2


def test_audience_when_overlapping_then_a_person_is_in_one_only(bigquery_client: bigquery.Client) -> None:
    (one,) = npis(1)
    insert(bigquery_client, "clean.provider", [dentist(one)])
    insert(bigquery_client, "enriched.contact", [contact(one)])
    segment(bigquery_client)
    bigquery_client.query_and_wait(
        "INSERT INTO segmented.audience SELECT 'a-copy' AS audience_id, * EXCEPT (audience_id) FROM segmented.audience"
        " WHERE audience_id = 'general-independent'"
    )
    run(bigquery_client, "segmented.audience_member")
    assert [row["audience_id"] for row in rows(bigquery_client, MEMBERS)] == ["a-copy"]
