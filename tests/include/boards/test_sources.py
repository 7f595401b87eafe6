"""The declarations: each is sound, a wrong one says where and what, and status words and dates mean one thing."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
import yaml

from include.boards.sources import (
    FOLDER,
    STATUS_CLASSES,
    FileFetch,
    FormFetch,
    LookupFetch,
    SocrataFetch,
    board_source,
    board_sources,
    due_states,
    parsed,
)

TX: dict[str, Any] = yaml.safe_load((FOLDER / "tx.yaml").read_text())
MONDAY, TUESDAY, FIFTH = date(2025, 11, 10), date(2025, 11, 11), date(2025, 11, 5)


def changed(**fields: Any) -> dict[str, Any]:
    """Return Texas's declaration with these fields in place of its own; None takes one out."""
    body = {**deepcopy(TX), **fields}
    return {name: value for name, value in body.items() if value is not None}


def test_declarations_are_ten_states_in_every_published_form() -> None:
    forms = {source.state: type(source.fetch) for source in board_sources()}
    assert forms == {
        "CA": FileFetch, "CO": SocrataFetch, "CT": SocrataFetch, "FL": FileFetch, "IL": SocrataFetch, "MA": FormFetch,
        "NC": LookupFetch, "NJ": FormFetch, "TX": FileFetch, "WA": SocrataFetch,
    }  # fmt: skip
    written = {(s.delimited.delimiter, s.delimited.quotes, s.delimited.trailing_empty_column)
               for s in board_sources() if s.delimited}  # fmt: skip
    assert written == {(",", True, False), ("|", False, True), ("|", False, False), ("\t", False, False)}
    assert len({source.date_forms[0] for source in board_sources()}) >= 4


@pytest.mark.parametrize("source", board_sources(), ids=lambda source: source.state)
def test_declaration_knows_who_may_and_who_must_not_be_written_to(source: Any) -> None:
    assert {"active", "disciplined", "deceased"} <= set(source.statuses.values()) <= set(STATUS_CLASSES)
    assert source.delay_seconds >= 1
    assert source.conn_id == f"board_{source.state.lower()}_default"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"board": None}, r"missing \['board'\]"),
        ({"colums": []}, r"unknown \['colums'\]"),
        ({"state": "Texas"}, "state 'Texas' is not two capital letters"),
        ({"cadence": "hourly"}, "cadence 'hourly' is not one of"),
        ({"fetch": {"kind": "ftp"}}, "fetch.kind 'ftp' is not one of"),
        ({"fetch": {"kind": "file"}}, r"fetch: missing \['path'\]"),
        (
            {"fetch": {"kind": "file", "path": "a", "page": "b", "link": "(c)"}},
            r"needs a \{0\} for what the link finds",
        ),
        ({"fetch": {"kind": "socrata", "path": "a", "where": "b", "page_rows": 5}}, "delimited belongs to"),
        ({"license_number": "LICENSE"}, r"unknown columns are used: \['LICENSE'\]"),
        ({"dates": {"forms": ["MM/DD/YYYY"], "born_on": "BIRTH_YEAR"}}, r"dates: \['born_on'\] are not among"),
        ({"dates": {"forms": ["MM/DD/YYYY", "MM/YYYY"]}}, "do not each say year, month and day"),
        ({"dates": {}}, "do not each say year, month and day"),
        ({"columns": ["LIC_NBR", "Lic Nbr"]}, "a column is declared twice"),
        ({"statuses": {"alive": ["Active"]}}, r"statuses: classes \['alive'\] are not among"),
        ({"statuses": {"active": ["Active"], "lapsed": ["ACTIVE"]}}, r"statuses: said twice: \['active'\]"),
        ({"names": {"nick_name": "FIRST_NME"}}, r"names: \['nick_name'\] are not among"),
        ({"optional_columns": ["LIC_NBR"]}, "a column is declared twice"),
        ({"delay_seconds": 0}, "delay_seconds must be above 0"),
        ({"terms": " "}, "terms must say something"),
    ],
)
def test_parsed_when_the_declaration_is_wrong_then_file_and_fault_are_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=rf"^include/boards/tx.yaml.*{said}"):
        parsed(changed(**fields), "include/boards/tx.yaml")


def test_parsed_when_several_things_are_wrong_then_all_are_named() -> None:
    with pytest.raises(ValueError, match="cadence.*terms"):
        parsed(changed(cadence="hourly", terms=""), "x")


def test_board_source_when_not_declared_then_the_declared_ones_are_named() -> None:
    with pytest.raises(ValueError, match=r"'NY'.*'TX', 'WA'"):
        board_source("NY")


@pytest.mark.parametrize(
    ("state", "published", "expected"),
    [
        ("TX", "Active", "active"),
        ("TX", " ACTIVE ", "active"),
        ("TX", "Active/Probate", "restricted"),
        ("TX", "Cancelled", "lapsed"),
        ("NJ", "Inactive-Paid", "lapsed"),
        ("MA", "Suspension: Expired", "disciplined"),
        ("MA", "Voluntary Surrender; Expired", "disciplined"),
        ("MA", "Non-Disciplinary Conditions; Expired", "lapsed"),
        ("MA", "Expired - out of state discipline", "disciplined"),
        ("MA", "Something new; Expired", "unknown"),
        ("FL", "Clear / Active", "active"),
        ("FL", "Clear / Delinquent", "lapsed"),
        ("FL", "Probation / Active", "restricted"),
        ("FL", "Deceased", "deceased"),
        ("WA", "Whatever", "unknown"),
        ("WA", None, "unknown"),
    ],
)
def test_status_class_when_published_then_the_worst_word_counts(
    state: str, published: str | None, expected: str
) -> None:
    assert board_source(state).status_class(published) == expected


def test_status_when_two_columns_tell_it_then_they_are_joined_and_empty_ones_left_out() -> None:
    florida = board_source("FL")
    both = {"license_status_description": "Clear ", "license_active_status_description": "Inactive"}
    assert florida.status(both) == "Clear / Inactive"
    assert florida.status({**both, "license_active_status_description": ""}) == "Clear"
    assert florida.status({}) is None


@pytest.mark.parametrize(
    ("where", "values", "expected"),
    [
        ("kind = 'Dentist'", {"kind": "Dentist"}, True),
        ("kind = 'Dentist'", {"kind": "Nurse"}, False),
        ("kind in ('Dentist', 'Dentist, Faculty')", {"kind": "Dentist, Faculty"}, True),
        ("kind in ('Dentist', 'Dentist, Faculty')", {"kind": "Faculty"}, False),
        ("kind in ('Dentist')", {}, False),
    ],
)
def test_takes_when_a_row_is_of_another_kind_then_not(where: str, values: dict[str, str], expected: bool) -> None:
    assert SocrataFetch("a.json", where, 5).takes(values) is expected


def test_declaration_when_the_filter_is_none_that_rows_can_be_held_against_then_refused() -> None:
    body = yaml.safe_load((FOLDER / "wa.yaml").read_text())
    for where in ("upper(status) like 'A%'", "license = 'Dentist'"):
        body["fetch"]["where"] = where
        with pytest.raises(ValueError, match="fetch.where is neither column = 'word' nor"):
            parsed(body, "x")


@pytest.mark.parametrize(
    ("published", "expected"),
    [("LIC_NBR", "LIC_NBR"), ("lic_nbr", "LIC_NBR"), ("Lic Nbr", "LIC_NBR"), ("LICNBR", "LIC_NBR"), ("FAX", "FAX")],
)
def test_column_named_when_written_otherwise_then_the_declared_column(published: str, expected: str) -> None:
    assert board_source("TX").column_named(published) == expected


def test_due_states_when_nothing_is_asked_then_by_cadence_and_never_what_is_not_cleared() -> None:
    daily = ["CO", "CT", "FL", "IL", "NC", "TX", "WA"]
    assert due_states(TUESDAY, []) == daily
    assert due_states(MONDAY, []) == sorted([*daily, "MA", "NJ"])
    assert due_states(FIFTH, []) == daily


def test_due_states_when_asked_by_name_then_these_also_when_not_due_or_not_scheduled() -> None:
    assert due_states(TUESDAY, ["NJ", "CA", "NJ"]) == ["CA", "NJ"]
    with pytest.raises(ValueError, match="No board is declared for 'XX'"):
        due_states(TUESDAY, ["XX"])
