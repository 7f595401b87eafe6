from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.quality.gate import RefusedRow, accepted, outcome, refused_rows, refuses_too_many, stopping


def result(severity: str, success: bool, column: str | None = "state", **body: Any) -> dict[str, Any]:
    return {
        "success": success,
        "expectation_config": {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": column} if column else {},
            "meta": {"severity": severity, "reason": "Because."},
        },
        "result": body,
    }


def test_outcome_when_rows_break_the_rule_then_the_sentence_says_where_how_many_and_why() -> None:
    found = outcome(result("fail", False, unexpected_count=3, element_count=10))
    assert found.sentence() == "expect_column_values_to_be_in_set on state: 3 rows. Because."


def test_outcome_when_the_rule_could_not_be_evaluated_then_error_and_not_a_pass() -> None:
    with pytest.raises(ValueError, match="could not be evaluated"):
        outcome(result("warn", False) | {"exception_info": {"exception_message": "no such column"}})


def test_refused_rows_when_rules_have_other_severities_then_only_reject_refuses() -> None:
    rows = [{"npi": "2", "state": "ON"}, {"npi": "1", "state": None}]
    refused = refused_rows(
        [
            result("reject", False, unexpected_index_list=rows, unexpected_count=2),
            result("warn", False, unexpected_index_list=rows, unexpected_count=2),
        ],
        "npi",
    )
    assert [(r.row_key, r.rule, r.value) for r in refused] == [
        ("1", "state:be_in_set", None),
        ("2", "state:be_in_set", "ON"),
    ]


def test_refused_rows_when_fewer_are_listed_than_were_counted_then_error_that_says_so() -> None:
    found = result("reject", False, unexpected_index_list=[{"npi": "1", "state": None}], unexpected_count=2)
    with pytest.raises(ValueError, match="state:be_in_set: 2 rows break it, and 1 of them are listed"):
        refused_rows([found], "npi")


def test_refused_rows_when_the_rule_could_not_be_evaluated_then_error_and_not_nobody() -> None:
    with pytest.raises(ValueError, match="could not be evaluated"):
        refused_rows([result("reject", False)], "npi")


def test_stopping_when_only_reject_and_warn_are_broken_then_nothing_stops() -> None:
    outcomes = [outcome(result(s, False, unexpected_count=1)) for s in ("reject", "warn", "fail")]
    assert [o.severity for o in stopping(outcomes)] == ["fail"]


@pytest.mark.parametrize(
    ("refused", "rows", "too_many"), [(10, 20, False), (11, 20, True), (50, 1000, False), (51, 1000, True)]
)
def test_refuses_too_many_when_over_ten_and_over_a_twentieth_then_true(refused: int, rows: int, too_many: bool) -> None:
    # Two rules refuse the same row: it is one row.
    found = [RefusedRow(str(n), rule, None, "Because.") for n in range(refused) for rule in ("a", "b")]
    assert refuses_too_many(found, rows) is too_many


def test_accepted_when_a_change_is_known_to_be_real_then_it_warns_and_other_rules_still_stop() -> None:
    changed = outcome(result("fail", False, unexpected_count=1))
    outcomes = accepted([replace(changed, acceptable=True), changed])
    assert [o.severity for o in outcomes] == ["warn", "fail"]
    assert outcomes[0].reason == "Because. A person accepted this change with accept_drift."
    assert stopping(outcomes) == [changed]
