"""``make up``, ``make down``, ``make dag``: the embedded stack kept running, and one run of one DAG on it.

``python -m services.embedded up|serve|down|dag``
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from services.embedded.airflow import AirflowApi
from services.embedded.process import ROOT, StartError, emptied, python
from services.embedded.runs import RunFailed, finished_run, interval_of, run_body
from services.embedded.stack import running_stack

STATE = ROOT / "build" / "up"
SUPERVISOR = STATE / "supervisor.json"


def up() -> None:
    """Start the stack in the background and print its addresses."""
    if (running := _supervisor()) is not None:
        print("The stack is up already (`make down` stops it).")
        _print_addresses(running["addresses"])
        return
    log = emptied(STATE) / "supervisor.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [python("airflow"), "-m", "services.embedded", "serve"],
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    print("Starting the stack; this takes about a minute.")
    while not SUPERVISOR.exists():
        if child.poll() is not None:
            sys.exit(f"The stack did not start. {log}:\n{log.read_text()}")
        time.sleep(0.5)
    _print_addresses(json.loads(SUPERVISOR.read_text())["addresses"])


def serve() -> None:
    """Hold the stack until SIGTERM; runs in the background, started by `up`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with running_stack(STATE) as stack:
        AirflowApi(stack.airflow.url, stack.airflow.password).unpause_all()
        body = {
            "pid": os.getpid(),
            "addresses": stack.addresses(),
            "airflow": stack.airflow.url,
            "password": stack.airflow.password,
            "env": stack.cloud.env(),
        }
        partial = SUPERVISOR.with_suffix(".partial")
        partial.write_text(json.dumps(body))
        partial.rename(SUPERVISOR)
        signal.pause()


def down() -> None:
    """Stop the stack and everything that it started."""
    running = _supervisor()
    if running is None:
        print("The stack is not up.")
        return
    os.kill(running["pid"], signal.SIGTERM)
    while _is_alive(running["pid"]):
        time.sleep(0.2)
    SUPERVISOR.unlink(missing_ok=True)
    print("The stack is down. Its data stays in build/up until the next `make up`.")


def dag(dag_id: str, day: str) -> None:
    """Run one DAG for one date on the running stack and wait for it."""
    running = _supervisor()
    if running is None:
        sys.exit("The stack is not up: run `make up` first.")
    api = AirflowApi(running["airflow"], running["password"])
    if dag_id not in api.dag_ids():
        sys.exit(f"No DAG {dag_id!r}. There are: {', '.join(api.dag_ids())}")
    run_id = api.trigger(dag_id, run_body(interval_of(dag_id, date.fromisoformat(day))))
    print(f"{dag_id} {run_id}: {running['airflow']}/dags/{dag_id}/runs/{run_id}")
    try:
        seconds = finished_run(api, dag_id, run_id, STATE / "airflow" / "logs")
    except RunFailed as failed:
        sys.exit(str(failed))
    print(f"{dag_id} succeeded in {seconds:.0f} s")


def _supervisor() -> dict[str, Any] | None:
    if not SUPERVISOR.exists():
        return None
    body: dict[str, Any] = json.loads(SUPERVISOR.read_text())
    return body if _is_alive(body["pid"]) else None


def _is_alive(pid: int) -> bool:
    try:
        return "services.embedded" in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except FileNotFoundError:
        return False


def _print_addresses(addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        print(f"  {name:28} {address}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "serve", "down"):
        commands.add_parser(name)
    one = commands.add_parser("dag")
    one.add_argument("dag_id")
    one.add_argument("day", help="YYYY-MM-DD; for an interval DAG a day inside the interval")
    arguments = parser.parse_args()
    try:
        if arguments.command == "dag":
            dag(arguments.dag_id, arguments.day)
        else:
            {"up": up, "serve": serve, "down": down}[arguments.command]()
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
