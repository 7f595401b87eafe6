"""Rows that a spreadsheet or a data frame rewrote are refused with the column and the value; CMS's own are not."""

from __future__ import annotations

import io
import random
from typing import Any

import pyarrow as pa
import pytest

from include.csv.layout import Rule
from include.nppes.layout import NPIDATA_COLUMNS
from include.nppes.parquet import LAYOUTS
from include.nppes.publication import npi_is_valid
from include.nppes.rules import RULES, npi_is_wrong
from services.nppes_sample.files import csv_bytes
from services.nppes_sample.weeks import made_weeks

NPI = "2551230990"


def broken(member: str, **values: str | None) -> list[tuple[str, str]]:
    """Return rule and column of each rule that a row with these values breaks."""
    names = LAYOUTS[member].bigquery_names
    row = dict.fromkeys(names) | {"npi": NPI} | values
    assert set(row) == set(names)
    table = pa.table({name: pa.array([None, value], pa.string()) for name, value in row.items()})
    table = table.set_column(0, "npi", pa.array([NPI, row["npi"]]))
    found: list[tuple[str, str]] = []
    for rule in RULES[member]:
        faults = rule.broken(table).to_pylist()
        assert len(faults) == 2 * len(rule.columns)
        assert not any(faults[::2])
        found += [(rule.name, column) for column, fault in zip(rule.columns, faults[1::2], strict=True) if fault]
    return found


def test_npi_is_wrong_when_compared_with_the_plain_check_then_the_same() -> None:
    rng = random.Random(7)
    npis = [f"{rng.choice('0129')}{rng.randrange(10**9):09d}" for _ in range(3000)]
    npis += [NPI, "255123099", "25512309900", "2551230990.0", "", " 551230990", "２551230990", "255123099O"]
    assert npi_is_wrong(pa.array([*npis, None])).to_pylist() == [*(not npi_is_valid(npi) for npi in npis), True]
    assert npi_is_wrong(pa.array(["1", NPI, NPI[:-1], NPI])[1:3]).to_pylist() == [False, True]


@pytest.mark.parametrize(
    ("member", "column", "value", "rule"),
    [
        ("npidata", "npi", "551230990", "npi_check_digit"),
        ("npidata", "npi", "2551230990.0", "npi_check_digit"),
        ("npidata", "npi", "2.55E+09", "npi_check_digit"),
        ("npidata", "entity_type_code", "1.0", "entity_type"),
        ("npidata", "entity_type_code", "True", "entity_type"),
        ("npidata", "provider_business_mailing_address_postal_code", "688482168.0", "number_as_float"),
        ("npidata", "provider_business_mailing_address_postal_code", "6.88E+08", "number_as_float"),
        ("npidata", "provider_business_practice_location_address_telephone_number", "2015550123.0", "number_as_float"),
        ("npidata", "authorized_official_telephone_number", "2.015550123e9", "number_as_float"),
        ("npidata", "other_provider_identifier_type_code_1", "1", "lost_zero"),
        ("npidata", "other_provider_identifier_type_code_1", "1.0", "lost_zero"),
        ("npidata", "provider_enumeration_date", "3/25/25", "date_form"),
        ("npidata", "last_update_date", "2025-03-25", "date_form"),
        ("npidata", "certification_date", "25/03/2025", "date_form"),
        ("npidata", "npi_deactivation_date", "45741", "date_form"),
        ("npidata", "is_sole_proprietor", "True", "flag"),
        ("npidata", "is_organization_subpart", "FALSE", "flag"),
        ("npidata", "healthcare_provider_primary_taxonomy_switch_1", "1", "flag"),
        ("othername", "npi", "2551230991", "npi_check_digit"),
        ("othername", "provider_other_organization_name_type_code", "3.0", "name_type"),
        ("pl", "provider_secondary_practice_location_address_postal_code", "688482168.0", "number_as_float"),
        ("pl", "provider_practice_location_address_fax_number", "2015550123.0", "number_as_float"),
        ("endpoint", "affiliation_address_postal_code", "8540.0", "number_as_float"),
    ],
)
def test_rules_when_a_value_was_rewritten_then_its_rule_and_column(
    member: str, column: str, value: str, rule: str
) -> None:
    assert broken(member, **{column: value}) == [(rule, column)]


@pytest.mark.parametrize("postal_code", ["8540", "85401234"])
@pytest.mark.parametrize(
    ("member", "column", "country"),
    [
        (
            "npidata",
            "provider_business_practice_location_address_postal_code",
            "provider_business_practice_location_address_country_code_if_outside_u_s",
        ),
        (
            "pl",
            "provider_secondary_practice_location_address_postal_code",
            "provider_secondary_practice_location_address_country_code_if_outside_u_s",
        ),
        ("endpoint", "affiliation_address_postal_code", "affiliation_address_country"),
    ],
)
def test_rules_when_a_us_postal_code_lost_its_zero_then_refused_but_not_abroad(
    member: str, column: str, country: str, postal_code: str
) -> None:
    assert broken(member, **{column: postal_code, country: "US"}) == [("lost_zero", column)]
    assert broken(member, **{column: postal_code, country: "AT"}) == []
    assert broken(member, **{column: f"0{postal_code}", country: "US"}) == []


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"entity_type_code": "2", "provider_business_mailing_address_postal_code": "K1A 0B1"},
        {"provider_business_mailing_address_telephone_number": "+43.1.5550123"},
        {"provider_enumeration_date": "05/23/2005", "npi_reactivation_date": "12/31/2026"},
        {"is_sole_proprietor": "X", "other_provider_identifier_type_code_1": "05"},
    ],
)
def test_rules_when_values_are_as_published_then_none_is_broken(values: dict[str, str]) -> None:
    assert broken("npidata", **values) == []


def test_rules_when_refusing_then_the_reason_says_what_to_do() -> None:
    rules: list[Rule] = [rule for member in RULES.values() for rule in member]
    assert all(
        "Get the file again" in rule.reason or "load the one that CMS publishes" in rule.reason for rule in rules
    )


def test_rules_when_the_sample_is_checked_then_only_its_damaged_rows_break_one() -> None:
    layout = LAYOUTS["npidata"]
    rows: list[dict[str, Any]] = [dict(row) for row in made_weeks(7, 1)[0].npidata[:1500]]
    table = pa.table(
        {
            name: pa.array([row.get(column) or None for row in rows], pa.string())
            for name, column in zip(layout.bigquery_names, layout.columns, strict=True)
        }
    )
    faults = {
        (rule.name, rows[at % len(rows)]["NPI"])
        for rule in layout.rules
        for at, is_broken in enumerate(rule.broken(table).to_pylist())
        if is_broken
    }
    assert faults == {("npi_check_digit", row["NPI"]) for row in rows if not npi_is_valid(row["NPI"])}


def test_rules_when_a_data_frame_rewrote_the_file_then_nearly_every_row_is_refused() -> None:
    """What pandas.read_csv(path).to_csv(path, index=False) leaves of a member: codes and telephones as floats."""
    import pandas

    layout = LAYOUTS["npidata"]
    published = csv_bytes(NPIDATA_COLUMNS, made_weeks(7, 1)[0].npidata[:1500])
    rewritten = pandas.read_csv(io.BytesIO(published)).to_csv(index=False)
    rows = pandas.read_csv(io.StringIO(rewritten), dtype=str, keep_default_na=False)
    table = pa.table(
        {
            name: pa.array([value or None for value in rows.iloc[:, at]], pa.string())
            for at, name in enumerate(layout.bigquery_names)
        }
    )
    refused = {at % len(rows) for rule in layout.rules for at, bad in enumerate(rule.broken(table).to_pylist()) if bad}
    assert len(refused) > 0.9 * len(rows)
