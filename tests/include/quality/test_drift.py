"""Drift: how a table is measured, how far each figure may move, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery

from include.quality.drift import (
    Limit,
    Measure,
    category_share,
    drift,
    null_share,
    null_shares,
    profile,
    profile_sql,
    row_count,
)
from include.quality.gate import Outcome
from include.warehouse.tables import table
from tests.sql.segmented.registry import dentist, insert, npis

FAIL = {"severity": "fail", "reason": "Look at the newest file."}
WARN = {"severity": "warn", "reason": "A column has moved."}


def measured(rows: int, **shares: float) -> list[Measure]:
    """Return a profile; ``shares``: ``phone=0.1`` is a null share, ``size__solo=0.4`` that of a category."""
    figures = [Measure("row_count", "", "", float(rows))]
    for name, value in shares.items():
        column, _, category = name.partition("__")
        figures.append(Measure("category_share" if category else "null_share", column, category, value))
    return figures


def found(limit: Limit, now: list[Measure], before: list[Measure]) -> Outcome:
    (outcome,) = drift([limit], now, before)
    return outcome


def test_profile_when_a_table_has_rows_then_counts_nulls_and_categories(bigquery_client: bigquery.Client) -> None:
    a, b, c, d = npis(4)
    some = [dentist(a), dentist(b, state="CA"), dentist(c, phone_e164=None, state=None), dentist(d, phone_e164=None)]
    insert(bigquery_client, "clean.provider", some)
    limits = [category_share("state", moves=0.1, meta=WARN), category_share("is_active", moves=0.1, meta=WARN)]
    (row,) = bigquery_client.query_and_wait(profile_sql(table("clean.provider"), limits))
    shares = {(m.metric, m.column_name, m.category): m.value for m in profile(dict(row))}
    assert shares["row_count", "", ""] == 4
    assert shares["null_share", "phone_e164", ""] == 0.5
    assert {key[2]: value for key, value in shares.items() if key[1] == "state" and key[2]} == {
        "CA": 0.25,
        "NULL": 0.25,
        "TX": 0.5,
    }
    assert shares["category_share", "is_active", "true"] == 1.0
    assert ("null_share", "npi", "") not in shares


def test_profile_when_a_table_is_empty_then_only_its_rows_are_counted(bigquery_client: bigquery.Client) -> None:
    limits = [category_share("state", moves=0.1, meta=WARN)]
    (row,) = bigquery_client.query_and_wait(profile_sql(table("clean.provider"), limits, "state = 'TX'"))
    assert profile(dict(row)) == [Measure("row_count", "", "", 0.0)]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (null_share("fax", moves=0.1, meta=WARN), "clean.provider has no column 'fax'"),
        (null_share("npi", moves=0.1, meta=WARN), "clean.provider.npi is REQUIRED"),
        (category_share("last_name", moves=0.1, meta=WARN), "clean.provider.last_name is personal"),
    ],
)
def test_profile_sql_when_a_limit_cannot_be_measured_then_says_why(limit: Limit, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        profile_sql(table("clean.provider"), [limit])


@pytest.mark.parametrize(("rows", "holds"), [(80, True), (79, False), (150, True), (151, False)])
def test_drift_when_rows_fall_or_rise_too_far_then_it_is_broken(rows: int, holds: bool) -> None:
    limit = row_count(falls=0.2, rises=0.5, meta=FAIL)
    outcome = found(limit, measured(rows), measured(100))
    assert (outcome.success, outcome.severity, outcome.acceptable) == (holds, "fail", True)
    assert outcome.observed == f"row count went from 100 to {rows}, limit -20 % and +50 %"


def test_drift_when_a_null_share_moves_too_far_then_says_from_where_to_where() -> None:
    limit = null_share("phone_e164", moves=0.1, meta=WARN)
    outcome = found(limit, measured(100, phone_e164=0.24), measured(100, phone_e164=0.031))
    assert outcome.sentence() == (
        "drift_of_null_share on phone_e164: null share of phone_e164 went from 3.1 % to 24.0 %, limit 10 points. A column has moved."
    )
    assert found(limit, measured(100, phone_e164=0.3), measured(100, phone_e164=0.2)).success


def test_drift_when_every_column_has_a_limit_then_all_that_moved_are_named_but_those_with_their_own() -> None:
    limits = [null_share("phone", moves=0.5, meta=WARN), null_shares(moves=0.1, meta=WARN)]
    now, before = measured(100, phone=0.4, zip=0.3, city=0.9), measured(100, phone=0.0, zip=0.0, city=0.1)
    own, others = drift(limits, now, before)
    assert own.success
    assert others.observed == (
        "null share of city went from 10.0 % to 90.0 %; null share of zip went from 0.0 % to 30.0 %, limit 10 points"
    )


def test_drift_when_a_category_comes_or_goes_then_its_share_was_or_is_nothing() -> None:
    limit = category_share("size", moves=0.05, meta=WARN)
    outcome = found(limit, measured(100, size__solo=0.9, size__dso=0.1), measured(100, size__solo=0.9, size__small=0.1))
    assert outcome.observed == (
        "share of size dso went from 0.0 % to 10.0 %; share of size small went from 10.0 % to 0.0 %, limit 5 points"
    )


def test_drift_when_a_column_was_not_measured_before_then_there_is_nothing_to_compare() -> None:
    outcome = found(category_share("size", moves=0.05, meta=WARN), measured(100, size__solo=1.0), measured(100))
    assert (outcome.success, outcome.observed) == (True, "nothing to compare yet, limit 5 points")


@pytest.mark.parametrize("before", [[], measured(0), measured(19)])
def test_drift_when_there_was_no_run_or_next_to_no_rows_then_nothing_is_compared(before: list[Any]) -> None:
    assert drift([row_count(falls=0.2, meta=FAIL)], measured(1), before) == []
