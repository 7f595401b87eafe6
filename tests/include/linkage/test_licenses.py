"""Whose license it is, where names and numbers mislead: every case beside a crowd, in one linkage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bench.clean import MIN_PRECISION, truthful, written
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


def license(key: str, number: str | None, first: str, last: str, **fields: Any) -> dict[str, Any]:
    return {
        "license_key": key, "state": "TX", "profession": "dentist", "number_normal": number, "number_shared": False, "first_name": first,
        "middle_name": None, "last_name": last, "name_suffix": None, "former_last_name": None, "line": "100 MAIN ST STE 4",
        "zip5": "78701", "address_state": "TX", "phone_e164": None, "issued_on": None, **fields,
    }  # fmt: skip


def slot(npi: str, number: str, **fields: Any) -> dict[str, Any]:
    return {"npi": npi, "state": "TX", "number": number, "slot": "license 1", "profession": "dentist", **fields}


# People who are in no license list: without a crowd no name is rare.
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
    # A license number shared by two people: each goes to the own name, never both to one.
    (
        [person("share-a", "ANN", "INCISOR", line="1 Elm St"), person("share-b", "BOB", "CANINE", line="2 Elm St")],
        [license("share-a", "555", "ANN", "INCISOR", number_shared=True, line=None),
         license("share-b", "555", "BOB", "CANINE", number_shared=True, line=None),
         license("share-c", "555", "CYD", "STRANGER", number_shared=True, line=None, zip5=None)],
        [slot("share-a", "TX 00555"), slot("share-b", "D555")],
        {"share-a": "share-a", "share-b": "share-b", "share-c": None},
    ),
    # Twins at one address, alike in name; the one who has no NPI is not taken for the other.
    (
        [person("twin-a", "KAREN", "WISDOMTOOTH")],
        [license("twin-a", "601", "KAREN", "WISDOMTOOTH"), license("twin-b", "602", "KARIN", "WISDOMTOOTH")],
        [slot("twin-a", "601")],
        {"twin-a": "twin-a", "twin-b": None},
    ),
    # Jr and Sr in one office, numbers in neither NPPES row: the suffix decides, and without it nobody is chosen.
    (
        [person("jr", "EDMUND", "PULPITIS", name_suffix="JR."), person("sr", "EDMUND", "PULPITIS", name_suffix="Sr")],
        [license("jr", "701", "EDMUND", "PULPITIS JR"), license("sr", "702", "EDMUND", "PULPITIS", name_suffix="SR"),
         license("which", "703", "EDMUND", "PULPITIS")],
        [],
        {"jr": "jr", "sr": "sr", "which": None},
    ),
    # A hygienist and a dentist of one name in one house, with one number: each profession counts for itself.
    (
        [person("hyg", "LEE", "MOLARIS", profession="hygienist"), person("den", "LEE", "MOLARIS")],
        [license("hyg", "801", "LEE", "MOLARIS", profession="hygienist"), license("den", "801", "LEE", "MOLARIS")],
        [slot("hyg", "801", profession="hygienist")],
        {"hyg": "hyg", "den": "den"},
    ),
    # What must be found: a married name behind the number, a nickname, a number in NJ's own form, a typing error.
    (
        [person("wed", "OLGA", "MAIDENAME", line="9 Far Rd", zip5="75001"), person("nick", "WILLIAM", "PREMOLARI", line="3 Elm St"),
         person("nj", "PIA", "ROOTCANAL", state="NJ", zip5="07030"), person("typo", "RUTH", "OVERBYTE", line="4 Elm St", zip5="78702")],
        [license("wed", "901", "OLGA", "BRIDENAME", line=None), license("nick", "902", "BILL", "PREMOLARI", line="3 ELM STREET"),
         license("nj", "21836", "PIA", "ROOTCANAL", state="NJ", line=None, zip5=None, address_state=None),
         license("typo", "903", "RUTH", "OVERBITE", line="4 ELM ST", zip5="78702")],
        [slot("wed", "0901"), slot("nj", "22DI02183600", state="NJ", slot="identifier 7", profession=None)],
        {"wed": "wed", "nick": "nick", "nj": "nj", "typo": "typo"},
    ),
    # Half a name is enough beside a number of one's own. Beside a number that two people got it is not, though the house is the same.
    (
        [person("half-a", "ODA", "BITEWING", line="5 Elm St"), person("half-b", "OWEN", "FISSURE", line="6 Elm St")],
        [license("half-own", "1001", "ODA", "BRIDENAME", line=None),
         license("half-shared", "1002", "OWEN", "HUSBANDNAME", number_shared=True, line="6 ELM ST")],
        [slot("half-a", "1001"), slot("half-b", "1002")],
        {"half-own": "half-a", "half-shared": None},
    ),
    # First and last name in each other's place: with the number, or in the same house; a stranger of the swapped name stays one.
    (
        [person("swap-a", "MARLO", "VENEERS", line="7 Elm St"), person("swap-b", "TOBIAS", "ABUTMENT", line="8 Elm St"),
         person("swap-c", "NILS", "OCCLUSAL", line="9 Elm St", zip5="78799"), person("swap-d", "IVOR", "SEALANTS", line="10 Elm St")],
        [license("swap-a", "1101", "VENEERS", "MARLO", line=None, zip5=None), license("swap-b", "1102", "ABUTMNET", "TOBIAS", line="8 ELM ST"),
         license("swap-c", "1103", "OCCLUSAL", "NILS", line=None, zip5=None), license("swap-half", "1104", "SEALANTS", "MARRIED", line="10 ELM ST")],
        [slot("swap-a", "1101"), slot("swap-d", "1104")],
        {"swap-a": "swap-a", "swap-b": "swap-b", "swap-c": None, "swap-half": "swap-d"},
    ),
    # A suffix written twice, as a word and as a figure; the father is not taken for the son.
    (
        [person("sfx-a", "GRANT", "ALVEOLI JR, JR", line="11 Elm St"), person("sfx-b", "SOL", "BICUSPID", name_suffix="4th", line="12 Elm St")],
        [license("sfx-a", "1201", "GRANT", "ALVEOLI", name_suffix="Junior", line="11 ELM ST"),
         license("sfx-father", "1202", "GRANT", "ALVEOLI, SENIOR", line="11 ELM ST"), license("sfx-b", "1203", "SOL", "BICUSPID IV", line="12 ELM ST")],
        [],
        {"sfx-a": "sfx-a", "sfx-father": None, "sfx-b": "sfx-b"},
    ),
    # What one side does not have says nothing against: a first name beside number and house, or beside a number with a typing error.
    (
        [person("gap-a", "UMA", "MAXILLA", line="13 Elm St"), person("gap-b", "VERA", "MANDIBLE", line="14 Elm St"),
         person("gap-c", "WANDA", "PALATINE", line="15 Elm St")],
        [license("gap-a", "1301", None, "MARRIED", line="13 ELM ST"), license("gap-b", "13029", None, "MANDIBLE", line="14 ELM ST"),
         license("gap-c", "1303", None, "PALATINE", line="15 ELM ST"), license("nobody", None, None, None, line=None, zip5=None, address_state=None)],
        [slot("gap-a", "1301"), slot("gap-b", "13092")],
        {"gap-a": "gap-a", "gap-b": "gap-b", "gap-c": None, "nobody": None},
    ),
    # Typing errors on both sides, in name and house.
    (
        [person("err-a", "FREDERICA", "HYGIENISTAS", line="16 Elmwood Crescent"), person("err-b", "XENIA", "LINGUALIS", line="171 Elmwood Grove")],
        [license("err-a", "1401", "FREDREICAA", "HYGEINISTAZ", line=None), license("err-b", "1402", "XENIA", "LINGUALSI", line="171 ELMWODO GROVE")],
        [slot("err-a", "1401")],
        {"err-a": "err-a", "err-b": "err-b"},
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Linked, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("linkage")
    tables = {
        "providers": CROWD + [row for people, *_ in CASES for row in people],
        "licenses": [row for _, licenses, *_ in CASES for row in licenses],
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


@pytest.mark.parametrize("case", CASES, ids=[
    "shared_number", "twins", "jr_sr", "hygienist_and_dentist", "findable", "half_a_name", "swapped", "suffixes", "missing", "twice_mistyped",
])  # fmt: skip
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


def test_link_when_a_name_is_swapped_then_tier_and_evidence_say_so(
    found: tuple[Linked, dict[str, dict[str, Any]]],
) -> None:
    _, matches = found
    assert [matches[key]["tier"] for key in ("swap-a", "swap-b", "gap-a", "err-b")] == [1, 2, 1, 2]
    assert {"last name stands in the place of the first name", "first name stands in the place of the last name"} <= {
        text.partition(" (")[0] for text in matches["swap-b"]["evidence"]
    }
    assert any("with a typing error" in text for text in matches["err-b"]["evidence"])


def test_link_when_the_number_is_on_an_organization_under_its_officials_name_then_it_is_the_officials(
    tmp_path: Path,
) -> None:
    holder = person("person", "YARA", "IMPLANT")
    clinics = [
        person("clinic-a", "YARA", "IMPLANT"),
        person("clinic-b", "YARA", "IMPLANT", line="9 Far Rd"),
        person("clinic-c", "ZENO", "IMPLANT"),  # another official with the number
        person("clinic-d", "OTTO", "RETIRED"),
        person("clinic-e", "YARA", "IMPLANT"),  # no number
    ]
    licenses = [
        license("own", "1501", "YARA", "IMPLANT"),
        license("only", "1502", "RETIRED", "OTTO"),
        license("not", "1503", "YARA", "IMPLANT"),
    ]
    slots = [slot(npi, "1501", profession=None) for npi in ("person", "clinic-a", "clinic-b", "clinic-c")] + [
        slot("clinic-d", "TX01502")
    ]
    for name, rows in {
        "providers": [*CROWD, holder],
        "officials": clinics,
        "licenses": licenses,
        "slots": slots,
    }.items():
        parquet.write_table(_typed(rows), tmp_path / f"{name}.parquet")
    files = Files(*(str(tmp_path / f"{name}.parquet") for name in ("licenses", "providers", "slots")))
    counts = link(files, RULES, tmp_path / "linked.parquet", str(tmp_path / "officials.parquet"))
    found = parquet.read_table(tmp_path / "linked.parquet").to_pylist()
    assert [(row["license_key"], row["npi"], row["tier"], row["rule"]) for row in found] == [
        ("only", "clinic-d", 5, "official"), ("own", "clinic-a", 5, "official"), ("own", "clinic-b", 5, "official"), ("own", "person", 1, "number"),
    ]  # fmt: skip
    assert (counts.matches, counts.officials) == (1, 3)
    assert all(
        "organization whose authorized official" in row["evidence"][0] for row in found if row["rule"] == "official"
    )


def test_link_when_a_registry_of_5_k_is_made_up_then_precise_and_the_same_again(tmp_path: Path) -> None:
    files = written(5_000, tmp_path, seed=3)
    link(files, rules(), tmp_path / "one.parquet")
    link(files, rules(), tmp_path / "two.parquet")
    precision, recall = truthful(tmp_path / "one.parquet", tmp_path / "truth.parquet")
    assert precision >= MIN_PRECISION and recall >= 0.96
    assert parquet.read_table(tmp_path / "one.parquet") == parquet.read_table(tmp_path / "two.parquet")
