"""Whose licence it is, where names and numbers mislead: every case beside a crowd, in one linkage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bench.clean import LEAST_PRECISION, truthful, written
from bench.registry import rules
from include.linkage.licenses import Files, Linked, link

RULES = {"TX": (r"^(?:TX|D)?0*(\d{2,5})$",), "NJ": (r"^(?:22)?DI0*(\d{3,6})00$", r"^0*(\d{3,6})$")}
LAST = ("BRACKET", "CUSPID", "DENTINE", "ENAMEL", "FLOSS", "GINGIVA", "HINGE", "INLAY", "JACKET", "KERATIN")
FIRST = ("ADA", "BORIS", "CARLA", "DMITRI", "ELSA", "FELIX", "GRETA", "HUGO", "IRIS", "JULES")


def person(npi: str, first: str, last: str, **fields: Any) -> dict[str, Any]:
    return {
        "npi": npi, "profession": "dentist", "first_name": first, "middle_name": None, "last_name": last, "name_suffix": None,
        "other_last_name": None, "line": "100 Main Street", "zip5": "78701", "state": "TX", "phone_e164": None, "enumeration_date": None,
        "mailing_line": None, "mailing_zip5": None, "mailing_state": None, **fields,
    }  # fmt: skip


def licence(key: str, number: str | None, first: str, last: str, **fields: Any) -> dict[str, Any]:
    return {
        "license_key": key, "state": "TX", "profession": "dentist", "number_normal": number, "number_shared": False, "first_name": first,
        "middle_name": None, "last_name": last, "name_suffix": None, "former_last_name": None, "line": "100 MAIN ST STE 4",
        "zip5": "78701", "address_state": "TX", "phone_e164": None, "issued_on": None, **fields,
    }  # fmt: skip


def slot(npi: str, number: str, **fields: Any) -> dict[str, Any]:
    return {"npi": npi, "state": "TX", "number": number, "slot": "licence 1", "profession": "dentist", **fields}


# People who are in no licence list: without a crowd no name is rare.
CROWD = [
    person(
        f"c{i}",
        FIRST[i % 10],
        f"{LAST[i // 10 % 10]}{'AEIOU'[i // 100 % 5]}X",
        line=f"{i} Oak St",
        zip5=f"75{i % 900:03d}",
    )
    for i in range(4000)
]
CASES: list[tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], dict[str, str | None]]] = [
    # A licence number shared by two people: each goes to the own name, never both to one.
    (
        [person("share-a", "ANN", "INCISOR", line="1 Elm St"), person("share-b", "BOB", "CANINE", line="2 Elm St")],
        [licence("share-a", "555", "ANN", "INCISOR", number_shared=True, line=None),
         licence("share-b", "555", "BOB", "CANINE", number_shared=True, line=None),
         licence("share-c", "555", "CYD", "STRANGER", number_shared=True, line=None, zip5=None)],
        [slot("share-a", "TX 00555"), slot("share-b", "D555")],
        {"share-a": "share-a", "share-b": "share-b", "share-c": None},
    ),
    # Twins at one address, alike in name; the one who has no NPI is not taken for the other.
    (
        [person("twin-a", "KAREN", "WISDOMTOOTH")],
        [licence("twin-a", "601", "KAREN", "WISDOMTOOTH"), licence("twin-b", "602", "KARIN", "WISDOMTOOTH")],
        [slot("twin-a", "601")],
        {"twin-a": "twin-a", "twin-b": None},
    ),
    # Jr and Sr in one office, numbers in neither NPPES row: the suffix decides, and without it nobody is chosen.
    (
        [person("jr", "EDMUND", "PULPITIS", name_suffix="JR."), person("sr", "EDMUND", "PULPITIS", name_suffix="Sr")],
        [licence("jr", "701", "EDMUND", "PULPITIS JR"), licence("sr", "702", "EDMUND", "PULPITIS", name_suffix="SR"),
         licence("which", "703", "EDMUND", "PULPITIS")],
        [],
        {"jr": "jr", "sr": "sr", "which": None},
    ),
    # A hygienist and a dentist of one name in one house, with one number: each profession counts for itself.
    (
        [person("hyg", "LEE", "MOLARIS", profession="hygienist"), person("den", "LEE", "MOLARIS")],
        [licence("hyg", "801", "LEE", "MOLARIS", profession="hygienist"), licence("den", "801", "LEE", "MOLARIS")],
        [slot("hyg", "801", profession="hygienist")],
        {"hyg": "hyg", "den": "den"},
    ),
    # What must be found: a married name behind the number, a nickname, a number in NJ's own form, a typing error.
    (
        [person("wed", "OLGA", "MAIDENAME", line="9 Far Rd", zip5="75001"), person("nick", "WILLIAM", "PREMOLARI", line="3 Elm St"),
         person("nj", "PIA", "ROOTCANAL", state="NJ", zip5="07030"), person("typo", "RUTH", "OVERBYTE", line="4 Elm St", zip5="78702")],
        [licence("wed", "901", "OLGA", "BRIDENAME", line=None), licence("nick", "902", "BILL", "PREMOLARI", line="3 ELM STREET"),
         licence("nj", "21836", "PIA", "ROOTCANAL", state="NJ", line=None, zip5=None, address_state=None),
         licence("typo", "903", "RUTH", "OVERBITE", line="4 ELM ST", zip5="78702")],
        [slot("wed", "0901"), slot("nj", "22DI02183600", state="NJ", slot="identifier 7", profession=None)],
        {"wed": "wed", "nick": "nick", "nj": "nj", "typo": "typo"},
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Linked, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("linkage")
    tables = {
        "providers": CROWD + [row for people, *_ in CASES for row in people],
        "licenses": [row for _, licences, *_ in CASES for row in licences],
        "slots": [row for _, _, slots, _ in CASES for row in slots],
    }
    for name, rows in tables.items():
        parquet.write_table(_typed(rows), folder / f"{name}.parquet")
    files = Files(*(str(folder / f"{name}.parquet") for name in ("licenses", "providers", "slots")))
    counts = link(files, RULES, folder / "linked.parquet")
    return counts, {row["license_key"]: row for row in parquet.read_table(folder / "linked.parquet").to_pylist()}


def _typed(rows: list[dict[str, Any]]) -> pa.Table:
    dates, flags = ("issued_on", "enumeration_date"), ("number_shared",)
    schema = pa.schema([
        (name, pa.date32() if name in dates else pa.bool_() if name in flags else pa.string()) for name in rows[0]
    ])  # fmt: skip
    return pa.Table.from_pylist(rows, schema)


@pytest.mark.parametrize("case", CASES, ids=["shared_number", "twins", "jr_sr", "hygienist_and_dentist", "findable"])
def test_link_when_names_and_numbers_mislead_then_nobody_is_merged_and_who_can_be_told_is(
    found: tuple[Linked, dict[str, dict[str, Any]]], case: Any
) -> None:
    _, matches = found
    told = {key: matches[key]["npi"] if key in matches else None for key in case[3]}
    assert told == case[3]


def test_link_when_a_pair_is_found_then_tier_score_rival_and_reasons_are_told(
    found: tuple[Linked, dict[str, dict[str, Any]]],
) -> None:
    counts, matches = found
    assert (counts.matches, counts.providers) == (len(matches), len(CROWD) + sum(len(case[0]) for case in CASES))
    assert [matches[key]["tier"] for key in ("share-a", "wed", "nick")] == [1, 1, 2]
    assert any("number stands in NPPES" in text for text in matches["wed"]["evidence"])
    assert any("last names differ" in text and "(-" in text for text in matches["wed"]["evidence"])
    assert matches["jr"]["score"] > matches["jr"]["runner_up"] + 6
    assert matches["typo"]["rule"] == "address" and matches["typo"]["runner_up"] is None


def test_link_when_a_registry_of_5_k_is_made_up_then_precise_and_the_same_again(tmp_path: Path) -> None:
    files = written(5_000, tmp_path, seed=3)
    link(files, rules(), tmp_path / "one.parquet")
    link(files, rules(), tmp_path / "two.parquet")
    precision, recall = truthful(tmp_path / "one.parquet", tmp_path / "truth.parquet")
    assert precision >= LEAST_PRECISION and recall >= 0.96
    assert parquet.read_table(tmp_path / "one.parquet") == parquet.read_table(tmp_path / "two.parquet")
