"""Who works together, who owns it, how large it is: from addresses, units, telephones and officials, with the reasons."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery

from include.warehouse.tables import table
from operators.gate import GateFailed, GateOperator
from tests.operators.context import context
from tests.sql.segmented.registry import AS_OF, dentist, insert, organization, rows

CHAIN = {
    "organization_name": "TALLGRASS DENTAL LLC",
    "authorized_official_first_name": "SAM",
    "authorized_official_last_name": "CEO",
}


def resolve(client: bigquery.Client) -> None:
    for name in ("clean.provider_practice", "clean.practice", "clean.identity"):
        client.query_and_wait(table(name).sql())


def place(client: bigquery.Client, people: list[dict[str, Any]], since: dict[str, str] | None = None) -> None:
    """Put people into clean.provider in place of those there, as files tell of them; ``since``: NPI -> day of its first file."""
    client.query_and_wait("TRUNCATE TABLE clean.provider; TRUNCATE TABLE clean.address")
    keys = [f"a{person['practice_id']}|{person['address_line_2']}" for person in people]
    insert(client, "clean.provider", [person | {"address_key": key} for person, key in zip(people, keys, strict=True)])
    of_file = {"source": "nppes_weekly", "source_object": "gs://lake/raw/week.zip", "line": 2, "kind": "dental"}
    versions = [
        {
            "npi": person["npi"],
            "address_key": key,
            "file_date": (since or {}).get(person["npi"], "2025-11-09"),
            **of_file,
        }
        for person, key in zip(people, keys, strict=True)
    ]
    insert(client, "clean.provider_version", versions)
    of_address = {"kind": "street", "parse_level": "scourgify", "validation_status": "pending"}
    addresses = {
        key: {"address_key": key, "location_key": person["practice_id"], "unit": person["address_line_2"], **of_address}
        for person, key in zip(people, keys, strict=True)
    }
    insert(client, "clean.address", list(addresses.values()))


def by_key(client: bigquery.Client, sql: str, key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows(client, sql)}


def behind(npi: str, **fields: str) -> dict[str, Any]:
    """The published row that a made-up provider comes from."""
    of_file = {
        "file_date": "2025-11-09",
        "source": "nppes_weekly",
        "source_object": "gs://lake/raw/week.zip",
        "line": 2,
    }
    return {"npi": npi, **of_file, **fields}


def test_practice_when_places_are_of_every_kind_then_split_owned_and_sized_with_reasons(
    bigquery_client: bigquery.Client,
) -> None:
    lone = {"practice_id": "o-lone", "address_line_1": "1 OAK ST", "address_line_2": None}
    tower = {"practice_id": "o-tower", "address_line_1": "9 TOWER RD"}
    people = [
        dentist("2000000001", **lone, phone_e164="+15125550001"),
        # A building with two practices: unit 200 is the larger; who gives only its telephone is there too.
        organization("2000000002", **tower, address_line_2="STE 200", phone_e164="+15125550200",
                     authorized_official_first_name="JOHN", authorized_official_last_name="ROOT"),
        dentist("2000000003", **tower, address_line_2="SUITE 200", phone_e164="+15125550200", first_name="JOHN", last_name="ROOT"),
        dentist("2000000004", **tower, address_line_2=None, phone_e164="+15125550200"),
        dentist("2000000005", **tower, address_line_2="#310", phone_e164="+15125550310"),
        dentist("2000000006", **tower, address_line_2="STE 311", phone_e164="+15125550310"),
        dentist("2000000007", **tower, address_line_2=None, phone_e164="+15125559999", specialty="hygienist"),
        # Father and son: the official fits both, so neither is called the owner.
        organization("2000000008", practice_id="o-sons", authorized_official_first_name="ED", authorized_official_last_name="CROWN"),
        dentist("2000000009", practice_id="o-sons", first_name="ED", last_name="CROWN"),
        dentist("2000000010", practice_id="o-sons", first_name="ED", last_name="CROWN"),
        dentist("2000000011", practice_id=None),
        *(organization(f"20000001{n:02d}", **CHAIN, practice_id=f"o-chain{n}", phone_e164=f"+1512444{n:04d}") for n in range(12)),
        # Two dentists of one common name in two towns who sign for their own practice: no chain.
        *(organization(f"20000002{n:02d}", practice_id=f"o-smith{n}", organization_name=f"SMITH {n} PC", phone_e164=f"+1512333{n:04d}",
                       authorized_official_first_name="JO", authorized_official_last_name="SMITH") for n in range(2)),
    ]  # fmt: skip
    place(bigquery_client, [{"address_line_2": None} | person for person in people])
    insert(
        bigquery_client,
        "raw.nppes_npi",
        [behind(f"20000001{n:02d}", authorized_official_telephone_number="5124440000") for n in range(12)]
        + [behind(f"20000002{n:02d}", authorized_official_telephone_number=f"512333{n:04d}") for n in range(2)],
    )
    resolve(bigquery_client)
    members = by_key(bigquery_client, "SELECT * FROM clean.provider_practice", "npi")
    practices = by_key(bigquery_client, "SELECT * FROM clean.practice", "practice_id")
    identities = rows(bigquery_client, "SELECT identifier_type, person_id FROM clean.identity")

    assert "2000000011" not in members
    assert {npi: row["practice_id"] for npi, row in members.items() if npi in ("2000000001", "2000000009")} == {
        "2000000001": "o-lone", "2000000009": "o-sons",
    }  # fmt: skip
    assert members["2000000001"]["role"] == "owner" and practices["o-lone"]["size_class"] == "solo"
    assert {members[f"200000000{n}"]["practice_id"] for n in (2, 3, 4, 7)} == {"o-tower"}
    (other,) = {members[f"200000000{n}"]["practice_id"] for n in (5, 6)}
    assert other not in ("o-tower", "o-lone") and practices[other]["location_id"] == "o-tower"
    assert practices["o-tower"]["practices_at_location"] == practices[other]["practices_at_location"] == 2
    assert [members[f"200000000{n}"]["role"] for n in (2, 3, 4, 7)] == ["organization", "owner", "associate", "staff"]
    assert [members[f"200000000{n}"]["tier"] for n in (1, 3, 4, 7)] == [2, 1, 1, 3]
    assert [members[npi]["role"] for npi in ("2000000009", "2000000010")] == ["associate", "associate"]
    chain = practices["o-chain3"]
    assert (chain["size_class"], chain["size_confidence"], chain["group_locations"]) == ("dso", "high", 12)
    assert chain["signals"] == ["shared_official", "shared_name"] and "12 locations" in chain["evidence"][0]
    assert (practices["o-smith0"]["size_class"], practices["o-smith0"]["group_id"]) == ("solo", None)
    assert practices["o-tower"]["size_class"] == "small_group"
    # A telephone that two publish is nobody's.
    phones = {row["person_id"] for row in identities if row["identifier_type"] == "phone"}
    own = {person["person_id"] for person in people if person["npi"] in ("2000000001", "2000000007")}
    assert phones == own and sum(row["identifier_type"] == "npi" for row in identities) == 9

    resolve(bigquery_client)
    assert practices == by_key(bigquery_client, "SELECT * FROM clean.practice", "practice_id")

    gate = GateOperator(task_id="gate", table_name="clean.practice", as_of=AS_OF)
    assert gate.execute(context())["rules"] == 6
    bigquery_client.query_and_wait(
        "DELETE FROM clean.practice WHERE practice_id = 'o-tower';"
        "UPDATE clean.provider_practice SET npi = '2000000001' WHERE npi = '2000000009'"
    )
    with pytest.raises(GateFailed, match=r"(?s)would get the provider twice.*must name the same practices"):
        gate.execute(context())


def test_practice_id_when_people_come_and_go_and_organizations_register_then_it_stays(
    bigquery_client: bigquery.Client,
) -> None:
    tower = {"practice_id": "o-tower", "address_line_1": "9 TOWER RD"}
    first = dentist("2000000001", **tower, address_line_2="STE 200", phone_e164="+15125550200")
    second = dentist("2000000002", **tower, address_line_2="# 200", phone_e164="+15125550201")
    # A larger practice opens, in a unit with a smaller number, and both grow by units with smaller numbers still.
    rival = dentist("2000000003", **tower, address_line_2="STE 100", phone_e164="+15125550100")
    partners = [
        dentist(f"200000001{n}", **tower, address_line_2="STE 100", phone_e164="+15125550101") for n in range(4)
    ]
    annex = dentist("2000000020", **tower, address_line_2="STE 050", phone_e164="+15125550101")
    company = organization("2000000021", **tower, address_line_2="STE 150", phone_e164="+15125550201")
    vague = dentist("2000000022", **tower, address_line_2=None, phone_e164="+15125559999")
    rival_company = organization("2000000023", **tower, address_line_2="STE 100", phone_e164="+15125550100")
    since = {
        **{person["npi"]: "2025-11-16" for person in (rival, *partners)},
        **{person["npi"]: "2025-11-23" for person in (annex, company, vague, rival_company)},
    }

    def practices(*people: dict[str, Any]) -> dict[str, str]:
        place(bigquery_client, [*people], since)
        bigquery_client.query_and_wait(table("clean.provider_practice").sql())
        return {
            row["npi"]: row["practice_id"] for row in rows(bigquery_client, "SELECT * FROM clean.provider_practice")
        }

    assert practices(first) == {"2000000001": "o-tower"}
    grown = practices(first, second, rival, *partners)
    other = grown[rival["npi"]]
    assert {grown[person["npi"]] for person in (first, second)} == {"o-tower"} != {other}
    assert {grown[person["npi"]] for person in partners} == {other}
    everybody = (first, second, rival, *partners, annex, company, vague, rival_company)
    full = practices(*everybody)
    assert {full[person["npi"]] for person in (first, second, company, vague)} == {"o-tower"}
    assert {full[person["npi"]] for person in (rival, *partners, annex, rival_company)} == {other}
    # Whoever was there first leaves, in both.
    left = practices(second, *partners, annex, company, vague)
    assert left == {npi: at for npi, at in full.items() if npi in left} and len(left) == 8

    # Nothing is carried over: from the same files in another order the same tables, without what was there.
    bigquery_client.query_and_wait("TRUNCATE TABLE clean.provider_practice; TRUNCATE TABLE clean.provider_version")
    assert practices(*reversed(everybody)) == full
