"""`make up`, `make down`, `make status`, `make dag`: data is kept unless FRESH, nothing starts twice, no process stays behind."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from services.embedded import __main__ as commands
from services.embedded.__main__ import a_day, await_dag, chosen, dag, down, status, up
from services.embedded.process import ROOT, Service, StartError
from services.embedded.record import Process, Record, read_record
from services.embedded.runs import RunFailed
from services.embedded.state import held
from tests.services.embedded.stand_in import StandIn

pytestmark = pytest.mark.slow

# What `python -m services.embedded serve` is to the other commands: it holds the folder, says how far it is, and keeps a process.
SUPERVISOR = """#!{python}
import sys
sys.path.insert(0, {root!r})
import pathlib, time
from services.embedded.process import free_port, start
from services.embedded.record import Process, Record, with_processes
from services.embedded.state import held
state = pathlib.Path({state!r})
with held(state, 5):
    print("waiting for the DAG files", flush=True)
    if (state / "broken").exists():
        sys.exit("no such disk")
    lake = start("lake", [sys.executable, "-c", "import time; time.sleep(120)"], port=free_port(), log=state / "logs" / "lake",
                 env={{}}, healthy=lambda _: True)
    record = with_processes(Record(Process.own("supervisor", state / "log"), addresses={{"Airflow": "http://here"}}), [lake])
    faults = ["apply_tables failed"] if (state / "drifted").exists() else []
    Record(**{{**record.__dict__, "ready": True, "faults": faults}}).write(state)
    time.sleep(120)
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the data of a stack, and a supervisor that holds it in a second."""
    state = tmp_path / "up"
    (state / "warehouse").mkdir(parents=True)
    (state / "warehouse" / "data").write_text("kept")
    program = tmp_path / "python"
    program.write_text(SUPERVISOR.format(python=sys.executable, root=str(ROOT), state=str(state)))
    program.chmod(0o755)
    monkeypatch.setattr(commands, "python", lambda _: program)
    monkeypatch.setattr(commands, "STATES", {"up": state, "demo": tmp_path / "demo"})
    yield state
    if record := read_record(state):
        record.end_all(5)


def supervisor(state: Path) -> Process:
    record = read_record(state)
    assert record is not None and record.ready
    return record.supervisor


def killed(process: Process) -> None:
    """Kill a process and return once it is gone."""
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not process.is_alive()


def data(state: Path) -> str:
    path = state / "warehouse" / "data"
    return path.read_text() if path.exists() else ""


def test_up_when_it_is_called_twice_then_there_is_one_stack(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    up(state, fresh=False)
    first = supervisor(state)
    assert "waiting for the DAG files\n" in capsys.readouterr().out
    up(state, fresh=False)
    assert "up already" in capsys.readouterr().out
    assert supervisor(state) == first
    with pytest.raises(StartError, match="is in use: `make down DATA=up`"):
        up(state, fresh=True)
    assert data(state) == "kept"


def test_up_when_two_are_called_at_once_then_there_is_one_stack(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: up(state, fresh=False), range(2)))
    said = capsys.readouterr().out
    assert said.count("Starting the stack") == 1
    assert said.count("starting already") + said.count("up already") == 1


def test_up_when_fresh_is_asked_for_after_a_crash_then_what_is_left_is_ended_first(state: Path) -> None:
    up(state, fresh=False)
    record = read_record(state)
    assert record is not None
    killed(record.supervisor)
    up(state, fresh=True)
    assert not record.processes[0].is_alive()
    assert data(state) == ""


def test_up_when_the_record_is_damaged_then_fresh_starts_anew(state: Path) -> None:
    (state / "stack.json").write_text("{")
    with pytest.raises(StartError, match=r"stack\.json cannot be read"):
        up(state, fresh=False)
    up(state, fresh=True)
    assert supervisor(state).is_alive()


def test_up_when_the_supervisor_was_killed_then_one_new_stack_has_the_data(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up(state, fresh=False)
    record = read_record(state)
    assert record is not None
    killed(record.supervisor)
    up(state, fresh=False)
    assert data(state) == "kept"
    assert not record.processes[0].is_alive()
    assert supervisor(state) != record.supervisor
    assert [process.name for process in (read_record(state) or record).alive()] == ["supervisor", "lake"]


def test_up_when_fresh_is_asked_for_then_the_data_is_deleted_and_it_says_so(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up(state, fresh=True)
    assert data(state) == ""
    assert "FRESH=1: what" in capsys.readouterr().out


def test_up_when_the_supervisor_ends_then_the_error_says_where_it_says_why(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "broken").touch()
    with pytest.raises(StartError, match="did not start"):
        up(state, fresh=False)
    assert "no such disk" in capsys.readouterr().out


def test_up_when_the_tables_could_not_be_applied_then_the_stack_is_up_and_the_error_says_so(state: Path) -> None:
    (state / "drifted").touch()
    with pytest.raises(StartError, match="(?s)The stack is up, but:.*apply_tables failed"):
        up(state, fresh=False)
    assert supervisor(state).is_alive()


def test_up_when_the_supervisor_says_nothing_more_then_the_deadline_says_what_it_was_at(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = state / "supervisor.log"
    log.write_text("[  1 s] 12 of 23 DAG files parsed\n")
    monkeypatch.setattr(commands, "UP_SECONDS", 0)
    with pytest.raises(StartError, match=r"not up after 0 s. It was at: .*12 of 23 DAG files parsed"):
        commands.follow(state, log, lambda: True)


def test_down_when_the_supervisor_is_dead_then_what_it_started_is_ended(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=True)
    lake = Process.of(Service("lake", "http://127.0.0.1:4443", state / "log", orphan))
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    Record(Process("supervisor", gone.pid, lake.started), [lake]).write(state)
    down(state)
    assert orphan.wait(10) < 0
    assert "lake" in capsys.readouterr().out
    down(state)
    assert capsys.readouterr().out == "The stack is not up.\n"


def test_status_when_nothing_is_up_then_it_says_so_with_a_code_of_its_own(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        status(state)
    assert ended.value.code == 3
    assert "make up" in capsys.readouterr().out


def test_status_when_a_process_is_dead_then_it_is_named_with_its_log(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up(state, fresh=False)
    record = read_record(state)
    assert record is not None
    (lake,) = record.processes
    killed(lake)
    with pytest.raises(SystemExit) as ended:
        status(state)
    assert ended.value.code == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  lake")]
    assert f"dead; its log: {lake.log}" in line


def test_chosen_when_only_the_demos_stack_is_up_then_it_is_that_one(state: Path, tmp_path: Path) -> None:
    assert chosen(None) == state
    Record(Process.own("supervisor", tmp_path)).write(tmp_path / "demo")
    assert chosen(None) == tmp_path / "demo"
    assert chosen("up") == state


def test_demo_data_when_there_was_no_demo_then_up_says_what_to_do(state: Path, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="`make demo` makes it"):
        up(tmp_path / "demo", fresh=False)


def test_up_when_a_demo_works_in_the_folder_then_it_is_refused(state: Path) -> None:
    with held(state), pytest.raises(StartError, match="a demo ends by itself"):
        up(state, fresh=False)


def test_await_dag_when_there_is_none_of_that_name_then_the_closest_is_named() -> None:
    with pytest.raises(RunFailed, match=r"No DAG 'load_event'. Did you mean load_events\? There are: activate_ghl"):
        await_dag(StandIn().api(), "load_event")


def test_await_dag_when_its_file_does_not_import_then_the_trace_is_shown() -> None:
    airflow = StandIn()
    airflow.errors = {"feedback/load_events.py": "SyntaxError: line 3"}
    with pytest.raises(RunFailed, match=r"(?s)load_events\.py does not import.*line 3"):
        await_dag(airflow.api(), "load_events")


def test_await_dag_when_it_is_not_parsed_then_the_deadline_says_how_far_airflow_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "PARSED_SECONDS", 0.2)
    with pytest.raises(RunFailed, match=r"load_events was not parsed after 0.2 s: 1 of \d+ DAG files parsed"):
        await_dag(StandIn(clean_events={}).api(), "load_events")
    assert "waiting for load_events: 1 of" in capsys.readouterr().out


def test_dag_when_it_is_paused_then_it_is_not_started_and_the_error_says_why(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = StandIn(load_events={"is_paused": True})
    monkeypatch.setattr(commands, "AirflowApi", lambda url, password: airflow)
    Record(Process.own("supervisor", state), airflow="http://airflow").write(state)
    try:
        with pytest.raises(RunFailed, match="load_events is paused: its run would wait for ever"):
            dag(state, "load_events", date(2025, 11, 9), timeout_seconds=1)
    finally:
        (state / "stack.json").unlink()
    assert airflow.triggered == []


def test_a_day_when_it_is_none_then_the_error_says_how_to_write_it() -> None:
    assert a_day("2025-11-09") == date(2025, 11, 9)
    with pytest.raises(argparse.ArgumentTypeError, match=r"'2025-13-09' is no date: write YYYY-MM-DD"):
        a_day("2025-13-09")


def test_dag_when_nothing_is_up_then_it_says_what_to_run(state: Path) -> None:
    with pytest.raises(StartError, match="run `make up` first"):
        dag(state, "load_events", date(2025, 11, 9), timeout_seconds=1)
