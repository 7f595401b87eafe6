"""Where else a provider works: from the rows of pl_pfile to practices, and nobody is counted or written to twice."""

from __future__ import annotations

import re
from typing import Any

from google.cloud import bigquery

from include.warehouse.tables import table
from services.embedded.process import ROOT
from tests.sql.clean.raw_rows import converge, dentist, load_rows, load_week, location
from tests.sql.segmented.registry import rows
from tests.sql.segmented.registry import run as run_at

ROVER, HOST, CHAIN, PARTNER, OTHER = "2000000002", "2000000010", "2000000028", "2000000036", "2000000044"
LINE_1 = "provider_first_line_business_practice_location_address"
PHONE = "provider_business_practice_location_address_telephone_number"
TABLE = "raw.nppes_practice_location"


def resolved(client: bigquery.Client) -> dict[str, list[dict[str, Any]]]:
    """Do what clean_providers and resolve_identity do with providers; return the practices of each NPI, its own one first."""
    converge(client)
    for name in ("clean.provider_practice", "clean.practice", "clean.identity"):
        client.query_and_wait(table(name).sql())
    client.query_and_wait(table("clean.phone").sql("marked"))
    unbalanced = """
        SELECT table_name FROM ops.balance GROUP BY table_name
        HAVING SUM(IF(kind = 'in', row_count, 0)) != SUM(IF(kind = 'in', 0, row_count))
    """
    assert rows(client, unbalanced) == []
    found: dict[str, list[dict[str, Any]]] = {}
    sql = """
        SELECT m.npi, m.is_primary, m.role, m.tier, m.evidence, p.*
        EXCEPT (evidence) FROM clean.provider_practice AS m JOIN clean.practice AS p ON p.practice_id = m.practice_id
        ORDER BY m.is_primary DESC, p.address_line_1, p.practice_id
    """
    for row in rows(client, sql):
        found.setdefault(row["npi"], []).append(row)
    return found


def test_secondary_locations_when_a_provider_has_eleven_then_each_is_a_practice_once_and_no_count_doubles(
    bigquery_client: bigquery.Client,
) -> None:
    monthly = [
        dentist(ROVER),
        dentist(HOST, **{LINE_1: "1 Oak Street", PHONE: "5127650001"}),
        dentist(CHAIN, entity_type_code="2", provider_organization_name_legal_business_name="TALLGRASS DENTAL LLC",
                **{LINE_1: "7 Elm Street", PHONE: "5127650007"}),
        dentist(PARTNER, **{LINE_1: "8 Elm Street", PHONE: "5127650008"}),
        dentist(OTHER, healthcare_provider_taxonomy_code_1="207Q00000X"),
    ]  # fmt: skip
    eleven = [
        *(location(ROVER, f"{number} Oak Street") for number in range(1, 9)),
        location(ROVER, "100 MAIN ST."),  # the own practice address in another spelling
        location(ROVER, "8 OAK ST"),  # and a further one
        location(ROVER, "9 Oak Street", postal_code=""),
    ]
    offices = [location(CHAIN, "8 Elm Street", telephone_number="5127650008"), location(CHAIN, "1 Oak Street")]
    load_week(bigquery_client, "2025-11-09", monthly, source="nppes_monthly")
    further = [*eleven, eleven[0], *offices, location(OTHER, "1 Oak Street")]
    load_rows(bigquery_client, TABLE, "2025-11-09", further, source="nppes_monthly")
    found = resolved(bigquery_client)

    assert set(found) == {ROVER, HOST, CHAIN, PARTNER}
    own, *others = found[ROVER]
    assert (own["is_primary"], own["address_line_1"], own["role"]) == (True, "100 MAIN ST", "owner")
    assert [row["address_line_1"] for row in others] == [f"{number} OAK ST" for number in range(1, 9)]
    assert {(row["is_primary"], row["role"]) for row in others} == {(False, "associate")}
    assert others[1]["evidence"] == [
        "a further practice location: the only practice at this street address",
        "a dentist who signs for no organization here",
    ]
    # Counted at the own practice only; the host of a visitor and of somebody else's office stays who he was.
    assert [(row["dentists"], row["secondary_providers"]) for row in (own, others[0], others[1])] == [
        (1, 0),
        (1, 2),
        (0, 1),
    ]
    (host,) = found[HOST]
    assert (host["practice_id"], host["name"], host["phone_e164"]) == (others[0]["practice_id"], None, "+15127650001")
    assert (host["size_class"], host["group_id"], host["role"]) == ("solo", None, "associate")
    # One organization with two places is one signal, and no DSO. It is whose telephone the dentist of its second place has.
    office, annex = ({row["address_line_1"]: row for row in found[CHAIN]}[line] for line in ("7 ELM ST", "8 ELM ST"))
    for row in (office, annex):
        assert (row["name"], row["signals"], row["group_locations"]) == ("TALLGRASS DENTAL LLC", ["own_locations"], 2)
    assert (annex["size_class"], annex["size_confidence"], annex["dentists"]) == ("small_group", "medium", 1)
    assert found[PARTNER][0]["practice_id"] == annex["practice_id"] and len(found[CHAIN]) == 3
    counts = {row["reason"]: row["row_count"] for row in rows(bigquery_client, "SELECT * FROM ops.balance") if row["table_name"] == "clean.provider_practice"}  # fmt: skip
    assert (counts["secondary_without_location"], counts["secondary_at_same_practice"]) == (1, 2)
    # A telephone at nine places is no sign of one; and one that another publishes as well is nobody's.
    (phone,) = rows(bigquery_client, "SELECT shared_by FROM clean.phone WHERE phone_e164 = '+15127654321'")
    assert phone["shared_by"] == 9
    identities = rows(bigquery_client, "SELECT person_id FROM clean.identity WHERE identifier_type = 'phone'")
    assert len(identities) == 1  # of HOST: CHAIN publishes those of ROVER and PARTNER
    run_at(bigquery_client, "segmented.lead")
    leads = rows(bigquery_client, "SELECT npi, practice_size FROM segmented.lead ORDER BY npi")
    assert leads == [{"npi": npi, "practice_size": 1} for npi in (ROVER, HOST, PARTNER)]

    # A week tells of some: its rows replace those of the same NPIs, also where it has none.
    load_week(
        bigquery_client,
        "2025-11-16",
        [dentist(ROVER), dentist(CHAIN, entity_type_code="2", **{LINE_1: "7 Elm Street"})],
    )
    load_rows(bigquery_client, TABLE, "2025-11-16", [location(ROVER, "20 Oak Street"), location(HOST, "20 Oak Street")])
    assert {npi: [row["address_line_1"] for row in placed] for npi, placed in resolved(bigquery_client).items()} == {
        ROVER: ["100 MAIN ST", "20 OAK ST"], HOST: ["1 OAK ST", "20 OAK ST"], CHAIN: ["7 ELM ST"], PARTNER: ["8 ELM ST"],
    }  # fmt: skip

    # The README's query tells all of it, a row for each step.
    story, _ = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("npi", "STRING", ROVER)])
    told = [(row["stage"], row["place"]) for row in bigquery_client.query_and_wait(story, job_config=config)]
    assert [stage for stage, _ in told if stage.startswith("published")].count("published as location") == 13
    assert told[-3:] == [
        ("clean record", "100 MAIN ST, AUSTIN"),
        ("own practice", "100 MAIN ST, AUSTIN"),
        ("further practice", "20 OAK ST, AUSTIN"),
    ]
