"""Every operator that works at a point in time refuses one that has not come, before it opens a connection."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseOperator

from include.as_of import FutureAsOf
from tests.operators.context import context

ROOT = Path(__file__).resolve().parents[2]
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
GIVEN = {"max_new_leads": 1, "table_name": "clean.event", "vendor": "wiza", "round_number": 1}


def parameters(operator: type[BaseOperator]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(operator.__init__).parameters)


def is_needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def operators() -> list[type[BaseOperator]]:
    """Return the operators of ours that take an ``as_of``."""
    files = sorted((ROOT / "plugins" / "operators").glob("*.py"))
    modules = [import_module(f"operators.{file.stem}") for file in files if file.stem != "__init__"]
    found = {one for module in modules for one in vars(module).values() if inspect.isclass(one)}
    ours = [one for one in found if one.__module__.startswith("operators.") and issubclass(one, BaseOperator)]
    return sorted((one for one in ours if "as_of" in parameters(one)), key=lambda one: one.__name__)


def test_operators_when_listed_then_those_that_write_at_a_point_in_time_are_among_them() -> None:
    names = {one.__name__ for one in operators()}
    assert {"TrainLeadScoreOperator", "ScoreLeadsOperator", "GateOperator"} <= names
    assert len(names) >= 8


@pytest.mark.parametrize("operator", operators(), ids=lambda one: one.__name__)
def test_execute_when_as_of_is_in_the_future_then_refuses(operator: type[BaseOperator]) -> None:
    needed = {name: GIVEN[name] for name, one in parameters(operator).items() if name in GIVEN and is_needed(one)}
    task: Any = operator(task_id="task", as_of=TOMORROW, **needed)
    with pytest.raises(FutureAsOf, match="is in the future"):
        task.execute(context())
