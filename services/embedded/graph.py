"""The DAGs of a running stack as one graph: start one, and wait until everything that follows from it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from services.embedded.airflow_api import AirflowApi
from services.embedded.readiness import await_parsed
from services.embedded.runs import DONE, Interval, RunFailed, raise_for_failures, run_body, run_seconds
from services.embedded.stack import Stack

# The scheduler turns asset events into runs within a second or two: this long without an active run means that the graph is at rest.
QUIET_SECONDS = 3
CHAIN_SECONDS = 900


class Graph:
    """The DAGs as one graph: trigger one, and wait until everything that follows from it is done."""

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self._api = AirflowApi(stack.airflow.url, stack.airflow.password)
        self._logs = stack.airflow.home / "logs"
        self._say = say
        self._said: set[tuple[str, str]] = set()

    def ready(self, only: Sequence[str] = ()) -> None:
        """Wait until every DAG file is parsed, then unpause; raise RunFailed with the trace of a file that does not import.

        :param only: unpause these; default: every DAG
        """
        parsed = await_parsed(self._api, self._say)
        if parsed.errors:
            raise RunFailed(parsed.faults())
        for dag_id in only:
            self._api.set_paused(dag_id, False)
        if not only:
            self._api.unpause_all()

    @contextmanager
    def paused(self, *dag_ids: str) -> Iterator[None]:
        """Hold DAGs back while their tables are loaded. Airflow does not keep what their assets are told meanwhile: start them after."""
        for dag_id in dag_ids:
            self._api.set_paused(dag_id, True)
        yield
        for dag_id in dag_ids:
            self._api.set_paused(dag_id, False)

    def run(
        self,
        dag_id: str,
        interval: Interval | None = None,
        conf: dict[str, Any] | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Trigger ``dag_id`` and wait for it and all that its assets start; raise RunFailed when a task fails.

        :param without: DAGs that may still be at work when this returns
        """
        self.rest(self.start(dag_id, interval, conf), without)

    def start(
        self, dag_id: str, interval: Interval | None = None, conf: dict[str, Any] | None = None
    ) -> tuple[str, str]:
        """Trigger ``dag_id`` and return at once, with what names the run for ``rest``."""
        return dag_id, self._api.trigger(dag_id, run_body(interval, conf))

    def await_start(self, dag_id: str) -> None:
        """Wait until a run of ``dag_id`` has begun; raise RunFailed when any run failed before."""
        deadline = time.monotonic() + CHAIN_SECONDS
        while not any(run["dag_id"] == dag_id and run["state"] != "queued" for run in self._told_runs()):
            if time.monotonic() > deadline:
                raise RunFailed(f"No run of {dag_id} began within {CHAIN_SECONDS} s.")
            time.sleep(1)

    def rest(self, first: tuple[str, str] | None = None, without: Collection[str] = ()) -> None:
        """Wait until no run is active, ``first`` is done and nothing follows; raise RunFailed when any run failed."""
        quiet_since = None
        deadline = time.monotonic() + CHAIN_SECONDS
        while quiet_since is None or time.monotonic() - quiet_since < QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise RunFailed(f"The DAGs were not at rest after {CHAIN_SECONDS} s.")
            time.sleep(1)
            runs = self._told_runs()
            finished = [run for run in runs if run["state"] in DONE]
            active = {run["dag_id"] for run in runs if run["state"] not in DONE}.difference(without)
            first_done = first is None or first in {_key(run) for run in finished}
            quiet_since = (quiet_since or time.monotonic()) if first_done and not active else None

    def seconds(self) -> dict[str, list[float]]:
        """Return the seconds of every finished run by dag_id, oldest first."""
        seconds: dict[str, list[float]] = {}
        for run in self._api.runs():
            if run["state"] in DONE:
                seconds.setdefault(run["dag_id"], []).append(round(run_seconds(run), 1))
        return seconds

    def _told_runs(self) -> list[dict[str, Any]]:
        """Return every run; say which have ended, and raise RunFailed when one has failed."""
        runs = self._api.runs()
        finished = [run for run in runs if run["state"] in DONE]
        for run in finished:
            self._tell(run)
        raise_for_failures(self._api, finished, self._logs)
        return runs

    def _tell(self, run: dict[str, Any]) -> None:
        if _key(run) not in self._said:
            self._said.add(_key(run))
            self._say(f"  {run['state']:8} {run['dag_id']:24} {run_seconds(run):5.0f} s")


def _key(run: dict[str, Any]) -> tuple[str, str]:
    return run["dag_id"], run["dag_run_id"]
