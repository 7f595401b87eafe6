"""The process behind `make up`: starts the stack, makes it ready for use, starts again what dies, and ends it when told to."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from services.embedded.airflow_api import AirflowApi
from services.embedded.process import Service, StartError, revive_guardian
from services.embedded.readiness import await_parsed
from services.embedded.record import Process, Record, with_processes
from services.embedded.runs import RunFailed, finished_run, run_body
from services.embedded.stack import Stack, running_stack
from services.embedded.state import held, read_json, write_json

SET_UP = ("apply_tables", "register_webhooks")
SET_UP_SECONDS = 600
HOLD_SECONDS = 5
LOOK_SECONDS = 2
CLOCK_SECONDS = 10
MAX_RESTARTS, WITHIN_SECONDS = 5, 600


class Startable(Protocol):
    """What knows its processes and can start one of them again."""

    @property
    def services(self) -> list[Service]: ...

    def begin_again(self, service: Service) -> None: ...


@dataclass
class Restarts:
    """When each process was started again: one that dies again and again is given up, and named by `make status`."""

    at: dict[str, list[float]] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)

    def allows(self, name: str, now: float) -> bool:
        """Note one more death and say whether the process is started again."""
        recent = [moment for moment in self.at.get(name, []) if now - moment < WITHIN_SECONDS]
        self.at[name] = [*recent, now]
        if len(recent) >= MAX_RESTARTS:
            self.given_up.append(name)
            return False
        return True


def revive(stack: Startable, restarts: Restarts, say: Callable[[str], None]) -> bool:
    """Start again each process that died; return whether there was one."""
    changed = False
    for service in stack.services:
        code = service.popen.poll()
        if code is None or service.name in restarts.given_up:
            continue
        changed = True
        if restarts.allows(service.name, time.monotonic()):
            say(f"{service.name} ended with code {code}: started again. Its log: {service.log}")
            stack.begin_again(service)
        else:
            say(f"{service.name} ended {MAX_RESTARTS + 1} times in {WITHIN_SECONDS // 60} minutes: given up. Its log: {service.log}")  # fmt: skip
    return changed


def unpause_new(api: AirflowApi, state: Path) -> list[str]:
    """Unpause each DAG that no `make up` has unpaused before; return those that are paused because a person paused them."""
    path = state / "unpaused.json"
    before = set((read_json(path) or {}).get("dag_ids", []))
    dags = api.dags()
    for dag in dags:
        if dag["is_paused"] and dag["dag_id"] not in before:
            api.set_paused(dag["dag_id"], False)
    write_json(path, {"dag_ids": sorted(before | {dag["dag_id"] for dag in dags})})
    return [dag["dag_id"] for dag in dags if dag["is_paused"] and dag["dag_id"] in before]


def make_ready(stack: Stack, say: Callable[[str], None]) -> list[str]:
    """Wait for every DAG file, unpause, bring the tables up to date and register the webhooks; return what failed of it.

    The stack stays up then: its UI is where a person sees why.
    """
    api = AirflowApi(stack.airflow.url, stack.airflow.password)
    say("waiting for the DAG files")
    found = await_parsed(api, say, since=stack.airflow.began)
    faults = [found.faults()] if found.errors else []
    for dag_id in unpause_new(api, stack.state):
        say(f"{dag_id} stays paused, as it was")
    for dag_id in SET_UP:
        say(f"running {dag_id}")
        try:
            run_id = api.trigger(dag_id, run_body(None))
            finished_run(api, dag_id, run_id, stack.airflow.home / "logs", say, SET_UP_SECONDS)
        except (RunFailed, StartError) as error:
            faults.append(str(error))
    return faults


def serve(state: Path) -> None:
    """Hold the stack until SIGTERM; runs in the background, started by `make up`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", flush=True)

    with held(state, HOLD_SECONDS):
        record = Record(Process.own("supervisor", state / "supervisor.log")).write(state)

        def started(services: list[Service]) -> None:
            nonlocal record
            record = with_processes(record, services).write(state)

        try:
            with running_stack(state, say=say, started=started) as stack:
                record = replace(
                    record, addresses=stack.addresses(), airflow=stack.airflow.url, password=stack.airflow.password
                ).write(state)
                faults = make_ready(stack, say)
                record = replace(record, ready=True, faults=faults).write(state)
                say("\n".join(["ready, but:", *faults]) if faults else "ready")
                watch(stack, record, say)
        except (RunFailed, StartError) as error:
            sys.exit(
                f"{error}\nLogs: {state / 'logs'}. What was stored is kept; `make up FRESH=1` starts from nothing."
            )


def watch(stack: Stack, record: Record, say: Callable[[str], None]) -> None:
    """Look after the processes until SIGTERM."""
    restarts = Restarts()
    noted = time.monotonic()
    while True:
        time.sleep(LOOK_SECONDS)
        revive_guardian()
        if revive(stack, restarts, say):
            counts = {name: len(moments) for name, moments in restarts.at.items()}
            record = replace(
                with_processes(record, stack.services), restarts=counts, given_up=list(restarts.given_up)
            ).write(stack.state)
        if time.monotonic() - noted > CLOCK_SECONDS:
            stack.note_clock()
            noted = time.monotonic()
