"""The page of a gate run: the verdict on top, with drift and reasons, then Great Expectations' own."""

from __future__ import annotations

import great_expectations.expectations as gxe
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

from expectations.page import page
from include.quality.gate import Outcome


def test_page_when_rendered_then_it_says_what_broke_why_and_where_the_run_was() -> None:
    rule = gxe.ExpectColumnValuesToBeInSet(
        column="state", value_set=["TX"], meta={"severity": "warn", "reason": "We sell in Texas."}
    )
    result = ExpectationSuiteValidationResult(
        results=[
            ExpectationValidationResult(
                success=False,
                expectation_config=rule.configuration,
                result={"unexpected_count": 3, "unexpected_percent": 30.0, "element_count": 10},
            )
        ],
        success=False,
        suite_name="clean.provider",
        statistics={"evaluated_expectations": 1, "successful_expectations": 0, "unsuccessful_expectations": 1, "success_percent": 0.0},
        meta={},
    )  # fmt: skip
    broken = Outcome("expect_column_values_to_be_in_set", "state", "warn", False, "We sell in Texas.", 3, 10, None)
    drifted = Outcome(
        "drift_of_row_count", "", "fail", False, "A cut file.", None, 10, "row count went from 25 to 10, limit -20 %"
    )
    held = Outcome("expect_column_values_to_be_unique", "npi", "fail", True, "The key.", 0, None, None)
    text = page(result, [held, broken, drifted], 10, "clean_providers/r/gate_provider", "2025-11-10T06:00:00+00:00")
    assert text.lstrip().startswith("<!DOCTYPE html>")
    assert text.index("A cut file.") < text.index("We sell in Texas.") < text.index("The key.")
    for said in (
        "What the gate found in 10 rows", "row count went from 25 to 10, limit -20 %", "values must belong to this set",
        "clean_providers/r/gate_provider", "2025-11-10T06:00:00",
    ):  # fmt: skip
        assert said in text
