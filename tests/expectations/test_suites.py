"""What holds for every suite: each rule has one severity and a reason of its own, and each limit on drift can be measured."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from include.quality.drift import profile_sql
from include.quality.gate import SEVERITIES
from include.warehouse.tables import table

ROOT = Path(__file__).resolve().parents[2] / "expectations"
TABLES = sorted(f"{path.parent.name}.{path.stem}" for path in ROOT.glob("*/*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", TABLES)
def test_suite_when_built_then_rules_and_limits_have_severity_and_reason_and_name_columns_of_the_table(
    name: str,
) -> None:
    module = importlib.import_module(f"expectations.{name}")
    suite = module.suite()
    assert suite.name == name
    columns = {c.name for c in table(name).columns}
    keys = []
    for rule in suite.expectations:
        config = rule.configuration
        named = {config.kwargs["column"]} if "column" in config.kwargs else set(config.kwargs.get("column_list", []))
        assert named <= columns
        assert config.meta["severity"] in SEVERITIES
        assert config.meta["reason"].endswith(".")
        # As in ops.quality_result.
        keys.append((config.type, config.kwargs.get("column", ""), config.meta["reason"]))
    limits = module.drift()
    profile_sql(table(name), limits)
    assert {limit.severity for limit in limits} <= {"fail", "warn"}
    assert any(limit.metric == "row_count" and limit.falls for limit in limits)
    keys += [(f"drift_of_{limit.metric}", limit.column, limit.reason) for limit in limits]
    assert len(set(keys)) == len(keys)
