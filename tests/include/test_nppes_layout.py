"""The V2 layout: CMS's own header, its BigQuery names, and errors that name what differs."""

from __future__ import annotations

import hashlib
import re

import pytest

from include.nppes_layout import (
    NPIDATA_BIGQUERY_NAMES,
    NPIDATA_COLUMNS,
    OLDER_LAYOUTS,
    HeaderContractError,
    bigquery_name,
    check_header,
)
from include.tables import table

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


def test_raw_table_when_read_then_lists_every_published_column_in_order() -> None:
    columns = table("raw.nppes_npi").columns
    assert [c.name for c in columns] == ["file_date", "source_object", "line", *NPIDATA_BIGQUERY_NAMES]
    described = {c.name: c.description for c in columns}
    assert all(described[bigquery_name(name)].startswith(name) for name in NPIDATA_COLUMNS)
    pii = {c.name for c in columns if c.pii}
    assert {"provider_first_name", "authorized_official_telephone_number", "provider_license_number_15"} <= pii
    assert not {"npi", "provider_organization_name_legal_business_name", "file_date"} & pii


def test_check_header_when_v2_then_passes() -> None:
    check_header(list(NPIDATA_COLUMNS), "a.csv")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (NPIDATA_COLUMNS[:-1], r"329 columns instead of 330\. Missing: \['Certification Date'\]"),
        ((*NPIDATA_COLUMNS, "Provider Mood"), r"331 columns instead of 330\. Extra: \['Provider Mood'\]"),
        ((*NPIDATA_COLUMNS, "NPI"), r"331 columns.*Repeated: \['NPI'\]"),
        (
            (NPIDATA_COLUMNS[1], NPIDATA_COLUMNS[0], *NPIDATA_COLUMNS[2:]),
            r"Moved: 'NPI' is column 2 instead of 1; 'Entity Type Code' is column 1 instead of 2",
        ),
        (("\ufeffNPI", *NPIDATA_COLUMNS[1:]), r"Missing: \['NPI'\]"),
        (OLDER_LAYOUTS[0].columns, "layout of 2020 to 2025.*_V2.zip"),
        (OLDER_LAYOUTS[1].columns, "V1 layout from before 2020"),
    ],
)
def test_check_header_when_different_then_error_names_the_difference(header: tuple[str, ...], message: str) -> None:
    with pytest.raises(HeaderContractError, match=message) as error:
        check_header(list(header), "gs://lake/a.zip#npidata.csv")
    assert str(error.value).startswith("gs://lake/a.zip#npidata.csv: ")
