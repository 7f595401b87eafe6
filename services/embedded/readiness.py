"""Wait until Airflow has parsed every DAG file, and say how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from services.embedded.airflow_api import AirflowApi
from services.embedded.process import ROOT
from services.embedded.runs import RunFailed

# A file takes a second or two; a busy machine may need ten times as long for one.
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Parsed:
    """How far the DAG files are. A file has the name of its one DAG (tests/dags/test_dags.py)."""

    expected: frozenset[str]
    known: frozenset[str]
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """Return the DAGs that are neither parsed nor refused."""
        return sorted(self.expected - self.known - {Path(file).stem for file in self.errors})

    def __str__(self) -> str:
        return f"{len(self.expected & self.known)} of {len(self.expected)} DAG files parsed"

    def faults(self) -> str:
        """Return the trace of every file that does not import."""
        return "\n".join(f"{file} does not import:\n{trace}" for file, trace in self.errors.items())


def dag_files() -> frozenset[str]:
    """Return the names of the DAGs of this repository."""
    return frozenset(path.stem for path in (ROOT / "dags").rglob("*.py"))


def parsed(api: AirflowApi, since: datetime | None = None) -> Parsed:
    """Return which DAG files Airflow has parsed.

    :param since: on kept data Airflow knows the DAGs of another day; they count once they are parsed anew
    """
    known = {
        dag["dag_id"]
        for dag in api.dags()
        if since is None or (dag["last_parsed_time"] and datetime.fromisoformat(dag["last_parsed_time"]) >= since)
    }
    return Parsed(dag_files(), frozenset(known), api.import_errors(since))


def await_parsed(
    api: AirflowApi,
    say: Callable[[str], None],
    *,
    since: datetime | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Parsed:
    """Wait until every DAG file is parsed, or refused; raise RunFailed that names the missing ones when nothing moves any more."""
    said = ""
    moved = time.monotonic()
    while (now := parsed(api, since)).missing:
        if str(now) != said:
            say(f"  {now}")
            said, moved = str(now), time.monotonic()
        if time.monotonic() - moved > patience_seconds:
            raise RunFailed(
                f"{now}, and none more for {patience_seconds:.0f} s. Missing: {', '.join(now.missing)}. "
                "See the log of the dag-processor; `make status` says whether it runs."
            )
        time.sleep(1)
    say(f"  {now}")
    return now
