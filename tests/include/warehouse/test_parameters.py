"""Query parameters: a statement declares them, and a value of another type does not reach BigQuery."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from include.warehouse.parameters import declared, from_text, query_parameters

EACH = """
-- What: @s STRING (a word), @i INT64,
-- @f FLOAT64, @b BOOL; @d DATE: a day.
-- @t TIMESTAMP, @a ARRAY<STRING>.
SELECT @s, @i, @f, @b, @d, @t, @a, '@no', "-- @quoted STRING", `@name`, @@system, @s
"""
GOOD: dict[str, Any] = {
    "s": "x", "i": 1, "f": 1.5, "b": True, "d": date(2026, 1, 2), "t": datetime(2026, 1, 2, tzinfo=UTC), "a": ["x"],
}  # fmt: skip


def test_declared_when_comments_name_types_then_those_of_used_parameters() -> None:
    types = {
        "s": "STRING",
        "i": "INT64",
        "f": "FLOAT64",
        "b": "BOOL",
        "d": "DATE",
        "t": "TIMESTAMP",
        "a": "ARRAY<STRING>",
    }
    assert declared(EACH) == types


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT @npi", r"Declare in a comment '-- @npi TYPE'"),
        ("-- @npi STRING\nSELECT 1", "@npi STRING is declared and not used"),
        ("-- @npi TEXT\nSELECT @npi", "@npi TEXT: one type of"),
        ("-- @npi STRING, @npi INT64\nSELECT @npi", "@npi INT64: one type of"),
    ],
)
def test_declared_when_comments_and_statement_differ_then_the_parameter_is_named(sql: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        declared(sql)


def test_query_parameters_when_values_fit_then_each_has_its_type() -> None:
    made = {one.name: one.to_api_repr()["parameterType"]["type"] for one in query_parameters(EACH, GOOD)}
    assert made == {
        "s": "STRING",
        "i": "INT64",
        "f": "FLOAT64",
        "b": "BOOL",
        "d": "DATE",
        "t": "TIMESTAMP",
        "a": "ARRAY",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("s", 1), ("i", True), ("i", "1"), ("i", 1.0), ("f", "1.5"), ("f", True), ("b", 1), ("b", "true"), ("d", "tomorrow"),
        ("d", datetime(2026, 1, 2, tzinfo=UTC)), ("t", "2026-01-02T00:00:00"), ("t", date(2026, 1, 2)), ("t", "today"),
        ("a", "x"), ("a", [1]), ("a", None),
    ],
)  # fmt: skip
def test_query_parameters_when_a_value_has_another_type_then_it_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"@{name} is .* and was given"):
        query_parameters(EACH, {**GOOD, name: value})


@pytest.mark.parametrize("values", [{}, {**GOOD, "more": 1}])
def test_query_parameters_when_one_is_missing_or_unknown_then_both_lists_are_named(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="are declared and .* given"):
        query_parameters(EACH, values)


def test_from_text_when_templates_rendered_then_values_of_the_types() -> None:
    texts = {"s": "x", "i": "1", "f": "1.5", "b": "true", "d": "2026-01-02", "t": "2026-01-02T00:00:00+00:00"}
    values = from_text(EACH, texts)
    assert values == {**texts, "i": 1, "f": 1.5, "b": True}
    assert query_parameters(EACH, {**values, "a": []})


@pytest.mark.parametrize(("name", "text"), [("i", "many"), ("f", ""), ("b", "yes")])
def test_from_text_when_it_is_none_of_the_type_then_it_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"@{name} is .* and was given '{text}'"):
        from_text(EACH, {name: text})


def test_query_parameters_when_run_by_the_warehouse_then_it_reads_them_so(bigquery_client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(query_parameters=query_parameters(EACH.replace(", @@system", ""), GOOD))
    sql = "SELECT @s AS s, @i AS i, @f AS f, @b AS b, @d AS d, @t AS t, @a AS a"
    (row,) = bigquery_client.query_and_wait(sql, job_config=config)
    assert dict(row) == GOOD
