"""A task that failed: Airflow's context becomes a message; a failure that alerts tell of is left to them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hooks.http.errors import AuthFailed, VendorDown
from notifiers.pager import PagerNotifier
from operators.check_freshness import SourcesSilent

PAGE = "# d\n\n## When it fails\n\n* `AuthFailed`: correct the key.\n"


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "pages.jsonl"
    monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps({"conn_type": "fs", "extra": {"path": str(path)}}))
    return path


def failed(error: BaseException | None, **more: Any) -> Any:
    """Return what a notifier reads of the context that Airflow gives to a failure callback."""
    ti = SimpleNamespace(dag_id="d", task_id="t_a", map_index=-1, run_id="r", log_url="http://a/log")
    dag = SimpleNamespace(tags={"tier:2"}, doc_md=PAGE, get_template_env=lambda **_: None)
    run = SimpleNamespace(logical_date=None, run_after=datetime(2025, 11, 10, 6, tzinfo=UTC))
    task = SimpleNamespace(owner="ml")
    return {"ti": ti, "dag": dag, "task": task, "dag_run": run, "exception": error, "params": {}, **more}


def test_notify_when_a_task_failed_then_the_page_has_all_of_it(pages: Path) -> None:
    PagerNotifier()(failed(AuthFailed("wiza", "reveal", 401, "Refused.")))
    (page,) = map(json.loads, pages.read_text().splitlines())
    assert (page["title"], page["severity"], page["link"]) == ("ERROR: d.t_a failed", "error", "http://a/log")
    assert page["facts"] == {
        "DAG": "d", "Task": "t_a", "Run": "r", "As of": "2025-11-10T06:00:00+00:00", "Owner": "ml",
        "Error": "AuthFailed: wiza reveal: HTTP 401. Refused.",
    }  # fmt: skip
    assert page["advice"] == "* `AuthFailed`: correct the key."


def test_notify_when_a_run_has_an_as_of_then_it_is_the_params_or_the_newest_that_an_event_carries(pages: Path) -> None:
    def event(as_of: str) -> SimpleNamespace:
        return SimpleNamespace(extra={"as_of": as_of})

    carried = {"a": [event("2025-11-08T00:00:00Z"), event("2025-11-09T00:00:00Z")], "b": [SimpleNamespace(extra={})]}
    PagerNotifier()(failed(None, triggering_asset_events=carried))
    PagerNotifier()(failed(None, triggering_asset_events=carried, params={"as_of": "2025-11-01T00:00:00Z"}))
    found = [json.loads(line)["facts"]["As of"] for line in pages.read_text().splitlines()]
    assert found == ["2025-11-09T00:00:00+00:00", "2025-11-01T00:00:00Z"]


def test_notify_when_alerts_tell_of_the_failure_then_the_pager_is_not_told_twice(pages: Path) -> None:
    PagerNotifier()(failed(SourcesSilent("ga4 has not come")))
    assert not pages.exists()


def test_notify_when_the_pager_is_down_then_the_error_is_raised_for_airflow_to_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PAGER_DEFAULT", json.dumps({"conn_type": "fs", "extra": {"path": str(tmp_path)}}))
    with pytest.raises(VendorDown, match="pager write_file"):
        PagerNotifier()(failed(None))
