"""The V2 layout: CMS's own header, its BigQuery names, and errors that name what differs."""

from __future__ import annotations

import hashlib
import re

import pytest

from include.nppes.layout import (
    ENDPOINT_COLUMNS,
    MEMBERS,
    NPIDATA,
    NPIDATA_BIGQUERY_NAMES,
    NPIDATA_COLUMNS,
    HeaderContractError,
    bigquery_name,
    column_positions,
)
from include.warehouse.tables import table

# SHA-256 of the header of CMS's monthly file of June 2025, names joined by line feeds.
PUBLISHED_HEADER_SHA256 = "6a4facfcacc9101f9fb1bda89dcfa31d9e1c7656bb46633ef6c0e066523a4704"


def test_npidata_columns_when_joined_then_equal_the_published_header() -> None:
    assert len(NPIDATA_COLUMNS) == 330
    assert hashlib.sha256("\n".join(NPIDATA_COLUMNS).encode()).hexdigest() == PUBLISHED_HEADER_SHA256


def test_bigquery_names_when_made_then_unique_and_legal() -> None:
    assert len(set(NPIDATA_BIGQUERY_NAMES)) == 330
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,299}", name) for name in NPIDATA_BIGQUERY_NAMES)


def test_bigquery_name_when_punctuated_then_one_underscore_a_run() -> None:
    published = "Provider Business Mailing Address Country Code (If outside U.S.)"
    assert bigquery_name(published) == "provider_business_mailing_address_country_code_if_outside_u_s"


def test_raw_table_when_read_then_personal_columns_are_marked() -> None:
    pii = {c.name for c in table("raw.nppes_npi").columns if c.pii}
    assert {"provider_first_name", "authorized_official_telephone_number", "provider_license_number_15"} <= pii
    assert not {"npi", "provider_organization_name_legal_business_name", "file_date"} & pii


@pytest.mark.parametrize("member", MEMBERS)
def test_members_when_read_then_their_raw_table_lists_every_published_column_in_order(member: str) -> None:
    layout = MEMBERS[member]
    columns = table(layout.table).columns
    assert [c.name for c in columns] == ["file_date", "source", "source_object", "line", *layout.bigquery_names]
    described = {c.name: c.description for c in columns}
    assert all(described[bigquery_name(name)].startswith(name) for name in layout.columns)
    assert [c.name for c in columns if c.mode == "REQUIRED"] == ["file_date", "source", "source_object", "line", "npi"]


@pytest.mark.parametrize("member", MEMBERS)
def test_column_positions_when_v2_then_each_column_is_in_its_place(member: str) -> None:
    layout = MEMBERS[member]
    assert column_positions(layout, layout.columns, "a.csv") == tuple(range(len(layout.columns)))


def test_column_positions_when_gender_then_it_is_read_as_sex() -> None:
    header = renamed(NPIDATA_COLUMNS, "Provider Sex Code", "Provider Gender Code")
    positions = column_positions(NPIDATA, header, "a.csv")
    assert positions == tuple(range(330))
    assert NPIDATA_COLUMNS[41] == "Provider Sex Code"


def test_column_positions_when_before_2020_then_the_certification_date_is_null() -> None:
    header = renamed(NPIDATA_COLUMNS[:-1], "Provider Sex Code", "Provider Gender Code")
    assert column_positions(NPIDATA, header, "a.csv") == (*range(329), None)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (NPIDATA_COLUMNS[:-1], r"329 columns instead of 330\. Missing: 'Certification Date' \(column 330\)\."),
        ((*NPIDATA_COLUMNS, "Provider Mood"), r"331 columns.*Extra: 'Provider Mood' \(column 331\)\."),
        (
            (*NPIDATA_COLUMNS[:5], "Provider Mood", *NPIDATA_COLUMNS[5:]),
            r"331 columns instead of 330\. Extra: 'Provider Mood' \(column 6\)\. CMS",
        ),
        (
            ("NPI", "Kind", *NPIDATA_COLUMNS[2:]),
            r"330 columns instead of 330\. Renamed: column 2 is 'Kind' instead of 'Entity Type Code'\. CMS",
        ),
        ((*NPIDATA_COLUMNS, "NPI"), r"331 columns.*Repeated: 'NPI'"),
        (
            (*NPIDATA_COLUMNS[1:], "NPI"),
            r"330 columns instead of 330\. Moved: 'NPI' is column 330 instead of 1\. CMS",
        ),
        (("\ufeffNPI", *NPIDATA_COLUMNS[1:]), r"Renamed: column 1 is '\\ufeffNPI' instead of 'NPI'"),
        (("<html>",), r"1 columns instead of 330\. Renamed: column 1 .*Missing: 'Entity.*; and 317 more\."),
    ],
    ids=["missing", "added-last", "added-inside", "renamed", "repeated", "moved", "bom", "html"],
)
def test_column_positions_when_not_known_then_error_names_the_difference(header: tuple[str, ...], message: str) -> None:
    with pytest.raises(HeaderContractError, match=message) as error:
        column_positions(NPIDATA, header, "gs://lake/a.zip#npidata.csv")
    assert str(error.value).startswith("gs://lake/a.zip#npidata.csv: the header is not the V2 header of npidata. ")


def test_column_positions_when_another_member_has_changed_then_its_own_layout_is_compared() -> None:
    header = renamed(ENDPOINT_COLUMNS, "Affiliation Address Postal Code", "Affiliation Address Line Postal Code")
    with pytest.raises(
        HeaderContractError, match="V2 header of endpoint.*column 19 is 'Affiliation Address Line Postal"
    ):
        column_positions(MEMBERS["endpoint"], header, "a.csv")


def renamed(columns: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if column == old else column for column in columns)
