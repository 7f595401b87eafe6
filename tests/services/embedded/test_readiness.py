"""Nothing is unpaused or run before every DAG file is parsed; a file that does not import, or never comes, is named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.embedded import readiness
from services.embedded.readiness import await_parsed, dag_files, parsed
from services.embedded.runs import RunFailed
from tests.services.embedded.stand_in import StandIn


@pytest.fixture(autouse=True)
def three_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "dag_files", lambda: frozenset({"a_b", "c_d", "e_f"}))


def test_dag_files_are_those_of_the_repository() -> None:
    assert "apply_tables" in dag_files() and len(dag_files()) > 20


def test_await_parsed_when_files_come_one_by_one_then_each_step_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = StandIn(a_b={})
    coming = iter(["c_d", "e_f"])

    def sleep(_: float) -> None:
        dag_id = next(coming)
        airflow.dags_[dag_id] = {"dag_id": dag_id}

    monkeypatch.setattr(readiness.time, "sleep", sleep)
    said: list[str] = []
    assert await_parsed(airflow.api(), said.append).errors == {}
    assert [line.split()[0] for line in said] == ["1", "2", "3"]


def test_await_parsed_when_nothing_moves_then_the_error_counts_and_names_the_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness.time, "sleep", lambda _: None)
    with pytest.raises(RunFailed, match=r"1 of 3 DAG files parsed, and none more for 0 s. Missing: c_d, e_f"):
        await_parsed(StandIn(a_b={}).api(), lambda _: None, patience_seconds=0.1)


def test_await_parsed_when_a_file_does_not_import_then_its_trace_is_returned_and_nothing_waits_for_it() -> None:
    airflow = StandIn(a_b={}, c_d={})
    airflow.errors = {"ingest/e_f.py": "SyntaxError: line 3"}
    assert "ingest/e_f.py does not import:\nSyntaxError: line 3" in await_parsed(airflow.api(), lambda _: None).faults()


def test_parsed_when_airflow_knows_a_dag_of_another_day_then_it_does_not_count() -> None:
    began = datetime(2026, 1, 5, 12, tzinfo=UTC)
    old, new = ({"last_parsed_time": f"2026-01-05T{hour}:00:00Z"} for hour in (11, 13))
    assert parsed(StandIn(a_b=old, c_d=new, e_f={"last_parsed_time": None}).api(), began).missing == ["a_b", "e_f"]
