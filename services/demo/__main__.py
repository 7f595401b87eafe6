"""``make demo``: start the stack, live through two weeks, write the report, stop everything.

``python -m services.demo [--nppes-dir DIR]``
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.demo.report import write_report
from services.demo.weeks import Week, weeks
from services.embedded.airflow import AirflowApi
from services.embedded.process import ROOT, StartError, emptied
from services.embedded.runs import DONE, Interval, RunFailed, raise_for_failures, run_body, run_seconds
from services.embedded.stack import Stack, running_stack

BUILD = ROOT / "build" / "demo"
# The scheduler turns asset events into runs within a second or two: this long without an active run means that the graph is at rest.
QUIET_SECONDS = 4
CHAIN_SECONDS = 900


class Clock:
    """Progress lines with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._start:5.0f} s] {text}", flush=True)


class Graph:
    """The DAGs as one graph: trigger one, and wait until everything that follows from it is done."""

    def __init__(self, stack: Stack, clock: Clock) -> None:
        self._api = AirflowApi(stack.airflow.url, stack.airflow.password)
        self._logs = stack.airflow.home / "logs"
        self._clock = clock
        self._said: set[tuple[str, str]] = set()

    def ready(self) -> None:
        """Wait until every DAG file is parsed, then unpause; raise RunFailed with the trace of a file that does not import."""
        expected = len(list((ROOT / "dags").rglob("*.py")))
        deadline = time.monotonic() + 180
        while len(self._api.dag_ids()) < expected:
            if errors := self._api.import_errors():
                raise RunFailed("\n".join(f"{file} does not import:\n{trace}" for file, trace in errors.items()))
            if time.monotonic() > deadline:
                raise RunFailed(f"After 180 s Airflow knows {len(self._api.dag_ids())} of {expected} DAGs.")
            time.sleep(1)
        self._api.unpause_all()

    def run(
        self,
        dag_id: str,
        interval: Interval | None = None,
        conf: dict[str, Any] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        """Trigger ``dag_id`` and wait for it and all that its assets start; raise RunFailed when a task fails.

        :param without: DAGs that may still be at work when this returns
        """
        run_id = self._api.trigger(dag_id, run_body(interval, conf))
        self.rest((dag_id, run_id), without)

    def rest(self, first: tuple[str, str] | None = None, without: frozenset[str] = frozenset()) -> None:
        """Wait until no run is active, ``first`` is done and nothing follows; raise RunFailed when any run failed."""
        quiet_since = None
        deadline = time.monotonic() + CHAIN_SECONDS
        while quiet_since is None or time.monotonic() - quiet_since < QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise RunFailed(f"The DAGs were not at rest after {CHAIN_SECONDS} s.")
            time.sleep(0.5)
            runs = self._api.runs()
            finished = [run for run in runs if run["state"] in DONE]
            for run in finished:
                self._tell(run)
            raise_for_failures(self._api, finished, self._logs)
            active = {run["dag_id"] for run in runs if run["state"] not in DONE} - without
            first_done = first is None or first in {_key(run) for run in finished}
            quiet_since = (quiet_since or time.monotonic()) if first_done and not active else None

    def seconds(self) -> dict[str, list[float]]:
        """Return the seconds of every finished run by dag_id, oldest first."""
        seconds: dict[str, list[float]] = {}
        for run in self._api.runs():
            if run["state"] in DONE:
                seconds.setdefault(run["dag_id"], []).append(round(run_seconds(run), 1))
        return seconds

    def _tell(self, run: dict[str, Any]) -> None:
        if _key(run) not in self._said:
            self._said.add(_key(run))
            self._clock.say(f"  {run['state']:8} {run['dag_id']:24} {run_seconds(run):5.0f} s")


def _key(run: dict[str, Any]) -> tuple[str, str]:
    return run["dag_id"], run["dag_run_id"]


def live(stack: Stack, cycles: list[Week], clock: Clock) -> Graph:
    """Run the set-up DAGs and every cycle; return the graph, at rest."""
    graph = Graph(stack, clock)
    graph.ready()
    admin = stack.sandbox.admin
    clock.say("tables and webhooks")
    graph.run("apply_tables")
    graph.run("register_webhooks")
    for number, week in enumerate(cycles, start=1):
        clock.say(f"cycle {number}: Monday {week.as_of:%Y-%m-%d}, the registry's week until {week.sunday}")
        admin.post("clock", json={"now": week.as_of.isoformat()}).raise_for_status()
        if week.published:
            graph.run("ingest_nppes_weekly", week.interval, {"as_of": week.as_of.isoformat()})
        else:
            clock.say("  no new file this week: the audiences are made from what is known")
            graph.run("segment_leads", conf={"as_of": week.as_of.isoformat()})
        started = datetime.now(UTC).date()
        moved = admin.post("clock", json={"now": week.answers_as_of.isoformat()})
        moved.raise_for_status()
        clock.say(
            f"cycle {number}: Sunday {week.answers_as_of:%Y-%m-%d}, webhooks delivered: {moved.json()['delivered']}"
        )
        # The receiver stamps real time: all of this week's events lie in today's partition (or in two, over midnight).
        for day in sorted({started, datetime.now(UTC).date()}):
            # The CRM takes ten contacts a second, whatever we do; the next week need not wait for it.
            conf = {"received_date": day.isoformat(), "as_of": week.answers_as_of.isoformat()}
            graph.run("load_events", conf=conf, without=frozenset({"activate_ghl"}))
    graph.rest()
    return graph


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--nppes-dir", type=Path, help="folder of weekly NPPES zips under CMS's own names")
    arguments = parser.parse_args()
    # A stop by `kill` unwinds like Ctrl-C, so that everything started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    clock = Clock()
    emptied(BUILD)
    try:
        nppes_dir = arguments.nppes_dir.resolve() if arguments.nppes_dir else None
        first = weeks(nppes_dir)[0].as_of.isoformat() if nppes_dir else None
        start_at = {"start_at": first} if first else {}
        with running_stack(BUILD, nppes_dir=nppes_dir, say=clock.say, **start_at) as stack:
            clock.say(f"Airflow: {stack.addresses()['Airflow']}")
            cycles = weeks(stack.sandbox.nppes_dir)
            graph = live(stack, cycles, clock)
            clock.say("writing the report")
            print(write_report(stack, cycles, graph.seconds(), BUILD))
        clock.say(f"done: {BUILD / 'report.html'}, {BUILD / 'report.json'}")
    except KeyboardInterrupt:
        sys.exit("\nStopped by you; everything that was started is stopped.")
    except (RunFailed, StartError, ValueError) as error:
        sys.exit(f"\nmake demo failed.\n{error}")


if __name__ == "__main__":
    main()
