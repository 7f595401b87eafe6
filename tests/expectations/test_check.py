"""A suite in the warehouse: how little is asked of a good table, and what a result may say when it is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import great_expectations.expectations as gxe
from google.cloud import bigquery
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

from expectations.check import checked, without_personal_values
from expectations.clean.provider_candidate import suite
from tests.sql.segmented.registry import dentist, insert, npis


def test_checked_when_a_table_is_good_then_no_rows_are_fetched_but_for_rules_with_mostly(
    bigquery_client: bigquery.Client,
) -> None:
    insert(
        bigquery_client, "clean.provider_candidate", [dentist(npi, address_parse_level="pattern") for npi in npis(3)]
    )
    began = datetime.now(UTC)
    result = checked(bigquery_client, "clean.provider_candidate", suite(), row_key="npi")
    assert result.success
    asked = [job.query for job in bigquery_client.list_jobs(min_creation_time=began)]
    assert len([sql for sql in asked if "unexpected_values" in sql]) == 2
    assert len(asked) <= 16


def result(rule: Any, success: bool, **found: Any) -> ExpectationValidationResult:
    return ExpectationValidationResult(success=success, expectation_config=rule.configuration, result=found)


def test_without_personal_values_when_shown_then_counts_stay_and_values_only_of_other_columns() -> None:
    email = result(
        gxe.ExpectColumnValuesToMatchRegex(column="email", regex="@"), False,
        unexpected_count=1, partial_unexpected_list=["ada"], unexpected_index_list=[{"npi": "1", "email": "ada"}], unexpected_index_query="SELECT",
    )  # fmt: skip
    state = result(
        gxe.ExpectColumnValuesToBeInSet(column="state", value_set=["TX"]), False,
        unexpected_count=1, partial_unexpected_list=["<b>ON</b>"], partial_unexpected_counts=[{"value": "<b>", "count": 1}],
        unexpected_index_list=[{"npi": "1", "state": "ON"}],
    )  # fmt: skip
    key = result(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["email", "npi"]), False,
        unexpected_count=2, partial_unexpected_list=[{"email": "ada", "npi": "1"}],
    )  # fmt: skip
    rows = result(
        gxe.UnexpectedRowsExpectation(unexpected_rows_query="SELECT * FROM {batch}"), False,
        observed_value=2, details={"unexpected_rows": [{"email": "ada"}]},
    )  # fmt: skip
    largest = result(gxe.ExpectColumnMaxToBeBetween(column="email", max_value=1), False, observed_value=7)
    shown = without_personal_values(
        ExpectationSuiteValidationResult(
            success=False, results=[email, state, key, rows, largest], suite_name="s", statistics={}, meta={}
        ),
        {"email"},
    )
    assert [one.result for one in shown.results] == [
        {"unexpected_count": 1},
        {
            "unexpected_count": 1,
            "partial_unexpected_list": ["&lt;b&gt;ON&lt;/b&gt;"],
            "partial_unexpected_counts": [{"value": "&lt;b&gt;", "count": 1}],
        },
        {"unexpected_count": 2},
        {"observed_value": 2},
        {},
    ]
