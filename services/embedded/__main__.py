"""``make up``, ``make down``, ``make status``, ``make dag``: the embedded stack kept running, and one run of one DAG on it.

``python -m services.embedded up|down|status|dag [--data up|demo]``
"""

from __future__ import annotations

import argparse
import difflib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from services.embedded.airflow_api import AirflowApi
from services.embedded.process import ROOT, StartError, emptied, python
from services.embedded.readiness import dag_files, parsed
from services.embedded.record import Record, read_record
from services.embedded.runs import RunFailed, finished_run, interval_of, run_body
from services.embedded.state import held, is_held
from services.embedded.status import address_lines, report
from services.embedded.supervisor import serve

STATES = {"up": ROOT / "build" / "up", "demo": ROOT / "build" / "demo"}
UP_SECONDS = 1800  # about 60 on an idle machine
DOWN_SECONDS = 60
HELD_SECONDS = 60  # about 1 on an idle machine
RECORD_SECONDS = 3
PARSED_SECONDS = 180


def up(state: Path, fresh: bool) -> None:
    """Start the stack in the background, show how it comes up, and print its addresses."""
    log = state / "supervisor.log"
    # Two at once: the second one sees what the first one started.
    with held(state.with_name(f"{state.name}-start"), HELD_SECONDS):
        child = None if is_held(state) else _begun(state, log, fresh)
    if child is None:
        join(state, log, fresh)
        return
    try:
        follow(state, log, lambda: child.poll() is None)
    except BaseException:
        # Stopped by hand, or at the deadline: nothing is left half started.
        child.send_signal(signal.SIGTERM)
        child.wait(DOWN_SECONDS)
        raise
    _print_addresses(state)
    if (record := read_record(state)) and record.faults:
        raise StartError("\n".join(["The stack is up, but:", *record.faults]))


def join(state: Path, log: Path, fresh: bool) -> None:
    """Go along with the stack that is up or starting; raise StartError for a demo, or where the data was to be deleted."""
    # A supervisor writes its record right after it took the folder; a demo writes none.
    deadline = time.monotonic() + RECORD_SECONDS
    while (record := read_record(state)) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    if fresh or record is None or not record.supervisor.is_alive():
        raise StartError(
            f"{state} is in use: `make down DATA={state.name}` stops a stack; a demo ends by itself. Then start again."
        )
    if record.ready:
        print("The stack is up already (`make down` stops it, `make status` says how it is).")
    else:
        print("The stack is starting already.")
        follow(state, log, lambda: is_held(state))
    _print_addresses(state)


def _begun(state: Path, log: Path, fresh: bool) -> subprocess.Popen[bytes]:
    """Start the supervisor on a folder in which nothing else runs, and return once it holds the folder or has ended."""
    if (left := _left(state, fresh)) and (ended := left.end_all()):
        print(f"A stack lost its supervisor: ended {', '.join(process.name for process in ended)}.")
    if fresh and state.exists():
        print(f"FRESH=1: what {state} held is deleted: warehouse, lake, call ledger and Airflow's history.")
        emptied(state)
    kept = (state / "airflow" / "airflow.db").exists()
    if state.name == "demo" and not kept:
        raise StartError("There is no data of a demo: `make demo` makes it.")
    print(f"Starting the stack {'with the data that it had' if kept else 'on nothing'}, in {state}.")
    state.mkdir(parents=True, exist_ok=True)
    (state / "stack.json").unlink(missing_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [python("airflow"), "-m", "services.embedded", "serve", "--data", state.name],
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + HELD_SECONDS
    while not is_held(state) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    return child


def _left(state: Path, fresh: bool) -> Record | None:
    """Return what the last stack of the folder left; who empties it does not mind that this cannot be read."""
    try:
        return read_record(state)
    except StartError:
        if fresh:
            return None
        raise


def follow(state: Path, log: Path, lives: Callable[[], bool]) -> None:
    """Print what the supervisor says until the stack is ready; raise StartError when it ends, or at the deadline, with what it was at."""
    deadline = time.monotonic() + UP_SECONDS
    shown = last = ""
    while True:
        is_over = not lives()
        record = read_record(state)
        text = log.read_text(errors="replace") if log.exists() else ""
        complete = text[: text.rfind("\n") + 1]
        if complete != shown:
            print(complete[len(shown) :], end="", flush=True)
            shown, last = complete, complete.splitlines()[-1]
        if record is not None and record.ready:
            return
        if is_over:
            raise StartError(f"The stack did not start; {log} has the above.")
        if time.monotonic() > deadline:
            raise StartError(f"The stack was not up after {UP_SECONDS} s. It was at: {last}")
        time.sleep(0.5)


def down(state: Path) -> None:
    """Stop the stack and everything that it started, also where its supervisor is dead."""
    record = read_record(state)
    if record is None or not record.alive():
        print("The stack is not up.")
        return
    if record.supervisor.is_alive():
        print("Stopping the stack.")
        os.kill(record.supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while record.supervisor.is_alive() and time.monotonic() < deadline:
            time.sleep(0.2)
    # Read again: the supervisor may have started one meanwhile.
    if left := (read_record(state) or record).end_all():
        print(f"Ended what would not, or what a dead supervisor left: {', '.join(process.name for process in left)}.")
    again = "make up" if state == STATES["up"] else f"make up DATA={state.name}"
    print(f"The stack is down. Its data stays in {state}: `{again}` goes on with it, `{again} FRESH=1` empties it.")


def status(state: Path) -> None:
    """Print each process, the DAGs and the addresses. Exit code 1 when something is not well, 3 when nothing is up."""
    record = read_record(state)
    if record is None or not record.alive():
        print("The stack is not up: `make up` starts it.")
        sys.exit(3)
    text, is_well = report(state, record)
    print(text)
    sys.exit(0 if is_well else 1)


def dag(state: Path, dag_id: str, day: date, timeout_seconds: float) -> None:
    """Run one DAG for one date on the running stack and wait for it."""
    record = running(state)
    api = AirflowApi(record.airflow, record.password)
    await_dag(api, dag_id)
    if api.dag(dag_id)["is_paused"]:
        raise RunFailed(
            f"{dag_id} is paused: its run would wait for ever. Unpause it at {record.airflow}/dags/{dag_id}, then run this again."
        )
    run_id = api.trigger(dag_id, run_body(interval_of(dag_id, day, state / "airflow")))
    print(f"{dag_id} {run_id}: {record.airflow}/dags/{dag_id}/runs/{run_id}")
    seconds = finished_run(api, dag_id, run_id, state / "airflow" / "logs", _say, timeout_seconds)
    print(f"{dag_id} succeeded in {seconds:.0f} s")


def await_dag(api: AirflowApi, dag_id: str) -> None:
    """Wait until Airflow knows a DAG; raise RunFailed when there is none, its file does not import, or at the deadline."""
    if dag_id not in dag_files():
        close = difflib.get_close_matches(dag_id, dag_files(), 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise RunFailed(f"No DAG {dag_id!r}.{hint} There are: {', '.join(sorted(dag_files()))}")
    deadline = time.monotonic() + PARSED_SECONDS
    said = ""
    while dag_id not in (now := parsed(api)).known:
        if dag_id in {Path(file).stem for file in now.errors}:
            raise RunFailed(now.faults())
        if time.monotonic() > deadline:
            raise RunFailed(f"{dag_id} was not parsed after {PARSED_SECONDS} s: {now}. `make status` says what runs.")
        if str(now) != said:
            print(f"  waiting for {dag_id}: {now}", flush=True)
            said = str(now)
        time.sleep(1)


def running(state: Path) -> Record:
    """Return the record of the stack that is up; raise StartError that says what is missing."""
    record = read_record(state)
    if record is None or not record.alive():
        raise StartError("The stack is not up: run `make up` first.")
    if not record.supervisor.is_alive():
        raise StartError("The stack has lost its supervisor: `make up` starts it again, with its data.")
    if not record.airflow:
        raise StartError("The stack is still starting: `make up` shows how far it is.")
    return record


def chosen(name: str | None) -> Path:
    """Return the folder that a command is about: the named one, or that of the one stack that is up."""
    if name:
        return STATES[name]
    return next((state for state in STATES.values() if (record := read_record(state)) and record.alive()), STATES["up"])


def a_day(text: str) -> date:
    """Return the day that a person wrote."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write YYYY-MM-DD ({error})") from error


def _say(text: str) -> None:
    print(text, flush=True)


def _print_addresses(state: Path) -> None:
    if record := read_record(state):
        print("\n".join(address_lines(record.addresses)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "serve", "down", "status", "dag"):
        command = commands.add_parser(name)
        command.add_argument("--data", choices=STATES, help="whose data: of `make up` (default) or of the last demo")
        if name == "up":
            command.add_argument("--fresh", action="store_true", help="empty the folder first")
        if name == "dag":
            command.add_argument("dag_id")
            command.add_argument("day", type=a_day, help="YYYY-MM-DD; a day inside the DAG's interval")
            command.add_argument("--timeout", type=float, default=1800, help="seconds")
    arguments = parser.parse_args()
    # A stop by `kill` unwinds like Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        match arguments.command:
            case "up":
                up(STATES[arguments.data or "up"], arguments.fresh)
            case "serve":
                serve(STATES[arguments.data or "up"])
            case "down":
                down(chosen(arguments.data))
            case "status":
                status(chosen(arguments.data))
            case "dag":
                dag(chosen(arguments.data), arguments.dag_id, arguments.day, arguments.timeout)
    except (RunFailed, StartError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nStopped by you.")


if __name__ == "__main__":
    main()
