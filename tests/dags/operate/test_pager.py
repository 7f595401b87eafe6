"""A tier 1 task that fails in Airflow: the pager is told, and a pager that is down changes nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.embedded.cloud import Cloud
from tests.dags.airflow_process import Airflow, run, states

FUTURE = "2199-01-01T00:00:00+00:00"


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "pages.jsonl"
    monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps({"conn_type": "fs", "extra": {"path": str(path)}}))
    return path


@pytest.mark.timeout(600)
def test_tier_one_task_when_it_fails_then_one_message_says_what_where_and_what_to_do(
    airflow_env: Airflow, cloud: Cloud, pages: Path
) -> None:
    found = run(airflow_env, "clean_events", as_of=FUTURE)
    assert found["run"] == "failed"
    (page,) = map(json.loads, pages.read_text().splitlines())  # what only waited for it tells nobody
    assert page["title"] == "CRITICAL: clean_events.resolve_as_of failed"
    assert page["severity"] == "critical"
    facts = page["facts"]
    assert (facts["DAG"], facts["Task"], facts["Owner"]) == ("clean_events", "resolve_as_of", "data")
    assert facts["As of"] == FUTURE
    assert facts["Run"].startswith("manual__")
    assert facts["Error"].startswith("AirflowFailException: as_of 2199-01-01T00:00:00+00:00 is in the future")
    assert "Opt-outs reach clean.suppression here" in page["advice"]
    assert "/dags/clean_events/runs/manual__" in page["link"] and "/tasks/resolve_as_of" in page["link"]


@pytest.mark.timeout(600)
def test_pager_when_it_is_down_then_the_task_fails_for_its_own_reason_and_nothing_else_does(
    airflow_env: Airflow, cloud: Cloud, pages: Path
) -> None:
    told = states(airflow_env, "clean_events", as_of=FUTURE)
    pages.unlink()
    pages.mkdir()  # a folder in the place of the file
    found = run(airflow_env, "clean_events", as_of=FUTURE)
    assert {"run": found["run"], **{task["task_id"]: task["state"] for task in found["tasks"]}} == told
    assert told["resolve_as_of"] == "failed"
    assert "is in the future" in found["log"]
    assert "pager write_file: no answer" in found["log"]
