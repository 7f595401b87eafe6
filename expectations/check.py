"""A suite, checked in the warehouse by Great Expectations."""

from __future__ import annotations

import html
import os
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

# Great Expectations would otherwise report each run to its vendor.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
from great_expectations.data_context.types.base import ProgressBarsConfig

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

# What a result may say of a column with personal values, or of the rows that a statement of our own found.
COUNTS = {
    "element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent",
    "unexpected_percent_total", "unexpected_percent_nonmissing",
}  # fmt: skip
VALUES = {"partial_unexpected_list", "partial_unexpected_counts"}
SHOWN_VALUES = 20
# Also COMPLETE lists no more rows of a SQL table than the partial lists may hold, and those are 20 unless it is told otherwise.
EVERY_ROW = 1_000_000_000


def checked(
    client: Any, table_name: str, suite: gx.ExpectationSuite, row_key: str | None = None, rows: str | None = None
) -> ExpectationSuiteValidationResult:
    """Return what the suite found in a table.

    First whether each rule holds, a few statements for all of them; then, for those that do not and those that need not
    hold for every row (``mostly``), how many rows break it. Great Expectations would ask for those rows of every rule: half a
    minute of statements for a table that is good.

    :param client: a BigQuery client.
    :param row_key: column that names a row; broken ``reject`` rules then list every row.
    :param rows: a SELECT of the rows to check; None: all of the table.
    """
    batch = _batch(client, table_name, rows)
    result = batch.validate(suite, result_format="BOOLEAN_ONLY")
    held = {_key(_config(one)): one.success for one in result.results}
    broken = [e for e in suite.expectations if not held[_key(e.configuration)] or getattr(e, "mostly", 1) < 1]
    listed = [e for e in broken if row_key and e.configuration.meta["severity"] == "reject"]
    counted = [e for e in broken if e not in listed]
    detailed = _details(batch, counted, {"result_format": "BASIC"})
    every_row = {"unexpected_index_column_names": [row_key], "partial_unexpected_count": EVERY_ROW}
    detailed |= _details(batch, listed, {"result_format": "COMPLETE", **every_row})
    result.results = [detailed.get(_key(_config(one))) or _held(one) for one in result.results]
    return result


def without_personal_values(
    result: ExpectationSuiteValidationResult, personal: Collection[str]
) -> ExpectationSuiteValidationResult:
    """Return the result with nothing of a personal column but counts, and with no row keys; ready for HTML."""
    for one in result.results:
        column = _config(one).kwargs.get("column")
        allowed = COUNTS | VALUES if column and column not in personal else COUNTS
        one.result = {
            key: _escaped(value)
            for key, value in one.result.items()
            # What a rule on the table observed is a number of rows; text could be anything.
            if key in allowed or (key == "observed_value" and column not in personal and isinstance(value, int | float))
        }
    return result


def _batch(client: Any, table_name: str, rows: str | None) -> Batch:
    dataset, table_id = table_name.split(".")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # mypy: the fluent factories take the data source's own fields, of which `kwargs` (of the SQLAlchemy engine) is one.
    source = context.data_sources.add_sql(  # type: ignore[call-arg]
        "warehouse",
        connection_string=f"bigquery://{client.project}?user_supplied_client=True",
        kwargs={"connect_args": {"client": client}},
    )
    if rows:
        return source.add_query_asset(table_id, query=rows).add_batch_definition_whole_table("all").get_batch()
    asset = source.add_table_asset(table_id, table_name=table_id, schema_name=dataset)
    return asset.add_batch_definition_whole_table("all").get_batch()


def _details(
    batch: Batch, expectations: list[Expectation], result_format: dict[str, Any]
) -> dict[str, ExpectationValidationResult]:
    if not expectations:
        return {}
    suite = gx.ExpectationSuite(name="broken", expectations=expectations)
    return {_key(_config(one)): one for one in batch.validate(suite, result_format=result_format).results}


def _held(result: ExpectationValidationResult) -> ExpectationValidationResult:
    """Write down what follows of a rule that was not counted, because it holds for every row."""
    if "column" in _config(result).kwargs:
        result.result = {"unexpected_count": 0, "unexpected_percent": 0.0}
    return result


def _config(result: ExpectationValidationResult) -> ExpectationConfiguration:
    config = result.expectation_config
    assert config is not None  # Optional for results that were read from a file
    return config


def _key(config: ExpectationConfiguration) -> str:
    """Return what tells the rules of a suite apart, as in the key of ops.quality_result."""
    return f"{config.type}|{config.kwargs.get('column', '')}|{config.meta['reason']}"


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_escaped(item) for item in list(value)[:SHOWN_VALUES]]
    return value
