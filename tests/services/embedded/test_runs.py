"""A run that does not move says why, and the wait for it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.embedded import runs
from services.embedded.runs import RunFailed, finished_run, interval_of, tasks_in_words, what_it_waits_for
from tests.services.embedded.stand_in import StandIn, run, task

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def everything_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "silent_components", lambda url: [])


def test_what_it_waits_for_when_the_dag_is_paused_then_it_says_so() -> None:
    airflow = StandIn(clean_events={"is_paused": True})
    assert "clean_events is paused" in what_it_waits_for(airflow.api(), run("queued"))


def test_what_it_waits_for_when_another_run_is_at_work_then_it_is_named() -> None:
    airflow = StandIn(clean_events={})
    airflow.runs_ = [run("running", "manual__1"), run("queued")]
    assert what_it_waits_for(airflow.api(), run("queued")) == "queued behind manual__1: clean_events allows 1 at a time"


def test_what_it_waits_for_when_the_run_began_meanwhile_then_it_is_not_behind_itself() -> None:
    airflow = StandIn(clean_events={})
    airflow.runs_ = [run("running")]
    assert what_it_waits_for(airflow.api(), run("queued")).startswith("queued: the scheduler begins it")


def test_what_it_waits_for_when_the_scheduler_is_silent_then_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "silent_components", lambda url: ["scheduler", "triggerer"])
    told = what_it_waits_for(StandIn(clean_events={}).api(), run("queued"))
    assert "no sign of life of scheduler: `make status`" in told


def test_tasks_in_words_when_tasks_are_held_up_then_each_reason_names_them() -> None:
    tasks = [task("a", "success"), task("b", "skipped"), task("c", "running"), task("d", "scheduled"), task("e", None)]
    assert tasks_in_words(tasks) == "2 of 5 tasks done; running: c; waiting for a slot of its pool: d"


def test_finished_run_when_it_never_begins_then_the_deadline_names_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs.time, "sleep", lambda _: None)
    airflow = StandIn(clean_events={"is_paused": True})
    airflow.runs_ = [run("queued")]
    said: list[str] = []
    with pytest.raises(RunFailed, match=r"manual__0 was not done after 0 s: queued; clean_events is paused"):
        finished_run(airflow.api(), "clean_events", "manual__0", Path(), said.append, timeout_seconds=0.2)
    assert len(said) == 1, "the same cause is said once in half a minute"


def test_finished_run_when_it_has_ended_then_it_returns_its_seconds() -> None:
    airflow = StandIn(clean_events={})
    airflow.runs_ = [run("success")]
    assert finished_run(airflow.api(), "clean_events", "manual__0", Path()) == 1


def test_interval_of_when_five_ask_at_once_in_a_new_home_then_all_are_told(tmp_path: Path) -> None:
    ask: Callable[[int], runs.Interval | None] = lambda _: interval_of(  # noqa: E731
        "ingest_nppes_weekly", date(2025, 11, 5), tmp_path / "airflow"
    )
    with ThreadPoolExecutor(5) as pool:
        assert (
            list(pool.map(ask, range(5)))
            == [(datetime(2025, 11, 3, tzinfo=UTC), datetime(2025, 11, 10, tzinfo=UTC))] * 5
        )


def test_interval_of_when_airflow_cannot_say_then_the_error_has_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text(f"#!{sys.executable}\nimport sys; sys.exit('no such module')\n")
    broken.chmod(0o755)
    monkeypatch.setattr(runs, "python", lambda _: broken)
    with pytest.raises(runs.StartError, match="(?s)which interval of load_events 2025-11-05.*no such module"):
        interval_of("load_events", date(2025, 11, 5), tmp_path)
