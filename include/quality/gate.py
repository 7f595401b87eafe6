"""What a gate found: outcomes of expectations, read from a Great Expectations result, and what they mean for a promotion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

SEVERITIES = ("fail", "reject", "warn")
# Begins the name of what a limit on drift found; what it observed is a sentence.
DRIFT = "drift_of_"


@dataclass(frozen=True)
class Outcome:
    """What one expectation, or one limit on drift, found.

    severity: fail stops the promotion, reject refuses the rows, warn is recorded.
    acceptable: it compares with an earlier state, so that a person may know that the change is real.
    unexpected_count, element_count, observed: None where nothing was counted, as for a rule that holds for every row.
    """

    expectation: str
    column_name: str
    severity: str
    success: bool
    reason: str
    unexpected_count: int | None
    element_count: int | None
    observed: str | None
    acceptable: bool = False

    def as_row(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        where = f" on {self.column_name}" if self.column_name else ""
        return f"{self.expectation}{where}: {self.found()}. {self.reason}"

    def found(self) -> str:
        if self.unexpected_count is not None:
            return f"{self.unexpected_count} rows"
        if self.observed is None:
            return "nothing unexpected"
        return self.observed if self.expectation.startswith(DRIFT) else f"found {self.observed}"


@dataclass(frozen=True)
class RefusedRow:
    row_key: str
    rule: str
    value: str | None
    reason: str


def outcome(result: dict[str, Any]) -> Outcome:
    """Return the outcome of one expectation from its JSON result; raise ValueError when it could not be evaluated."""
    config, body = result["expectation_config"], _body(result)
    observed = body.get("observed_value")
    return Outcome(
        expectation=config["type"],
        column_name=config["kwargs"].get("column", ""),
        severity=config["meta"]["severity"],
        success=bool(result["success"]),
        reason=config["meta"]["reason"],
        unexpected_count=body.get("unexpected_count"),
        element_count=body.get("element_count"),
        observed=None if observed is None else str(observed),
        acceptable=config["meta"].get("acceptable", False),
    )


def _body(result: dict[str, Any]) -> dict[str, Any]:
    body = result.get("result") or {}
    if not body and not result["success"]:
        kind = result["expectation_config"]["type"]
        raise ValueError(f"{kind} could not be evaluated: {result.get('exception_info')}")
    return dict(body)


def refused_rows(results: Iterable[dict[str, Any]], row_key: str) -> list[RefusedRow]:
    """Return every row that a ``reject`` expectation refused, once per rule, sorted by key and rule.

    Raises ValueError when a rule lists other rows than it counted: the rows that are not listed would be promoted.
    """
    refused = []
    for result in results:
        config = result["expectation_config"]
        if config["meta"]["severity"] != "reject" or result["success"]:
            continue
        column = config["kwargs"]["column"]
        rule = f"{column}:{config['type'].removeprefix('expect_column_values_to_')}"
        body = _body(result)
        listed, counted = body["unexpected_index_list"], body["unexpected_count"]
        if len(listed) != counted:
            raise ValueError(
                f"{rule}: {counted} rows break it, and {len(listed)} of them are listed; nothing is promoted."
            )
        for row in listed:
            value = row.get(column)
            refused.append(
                RefusedRow(str(row[row_key]), rule, None if value is None else str(value), config["meta"]["reason"])
            )
    return sorted(refused, key=lambda row: (row.row_key, row.rule))


def refuses_too_many(refused: Sequence[RefusedRow], rows: int) -> bool:
    """Whether so many rows are refused, over ten and over 5 %, that the file or the rule must be wrong."""
    keys = len({row.row_key for row in refused})
    return keys > max(10, 0.05 * rows)


def accepted(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes with each change that stops a promotion recorded as one that a person knows to be real."""
    return [
        replace(o, severity="warn", reason=f"{o.reason} A person accepted this change with accept_drift.")
        if o.acceptable and o.severity == "fail" and not o.success
        else o
        for o in outcomes
    ]


def stopping(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that stop a promotion."""
    return [o for o in outcomes if o.severity == "fail" and not o.success]
