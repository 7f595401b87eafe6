"""``make demo``: start the stack, live through two weeks, write the report, stop everything.

``python -m services.demo [--nppes-dir DIR] [--board-forms SEED]``
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import randbelow

from services.demo.report import write_report
from services.demo.sources import board_run, monthly_runs, site_and_ad_runs
from services.demo.weeks import Week, weeks
from services.embedded.ga4 import publish_ga4
from services.embedded.graph import Graph
from services.embedded.process import ROOT, StartError, emptied
from services.embedded.rb2b import drop_rb2b_export
from services.embedded.record import read_record
from services.embedded.runs import RunFailed
from services.embedded.stack import Stack, running_stack
from services.embedded.state import held

BUILD = ROOT / "build" / "demo"
# They run once, while rate limits leave the processor idle, and not again for the second week's few providers.
NO_LEAD_WAITS_FOR = ("resolve_identity", "validate_contacts")
# It takes ten contacts a second, whatever we do: what does not need it need not wait.
CRM = "activate_ghl"

# What a first week checks: Twilio and USPS take a few a second, however many there are.
FIRST_CHECKS = {"max_addresses": 100, "max_phones": 300, "max_line_types": 100}


class Clock:
    """Progress lines with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._start:5.0f} s] {text}", flush=True)


def live(stack: Stack, cycles: list[Week], clock: Clock) -> Graph:
    """Run the set-up DAGs and every cycle; return the graph, at rest."""
    graph = Graph(stack, clock.say)
    graph.ready()
    clock.say("tables and webhooks")
    graph.start("register_webhooks")
    graph.run("apply_tables")
    for number, week in enumerate(cycles, start=1):
        clock.say(f"cycle {number}: Monday {week.as_of:%Y-%m-%d}, the registry's week until {week.sunday}")
        move_clock(stack, week.as_of)
        if not week.published:
            clock.say("  no new file this week: the audiences are made from what is known")
            graph.run("segment_leads", conf=week.conf, without=[CRM])
        elif number == 1:
            first_monday(stack, graph, week)
        else:
            with graph.paused(*NO_LEAD_WAITS_FOR):
                graph.run("ingest_nppes_weekly", week.interval, week.conf, without=[CRM])
        if number > 1:
            start_site_and_ads(stack, graph, cycles[number - 2])
        graph.rest()
        # After the last Sunday's training nobody is scored, and contacted, for a week that is not shown.
        with graph.paused(*(["score_leads"] if week is cycles[-1] else [])):
            sunday(stack, graph, number, week, clock)
    graph.rest()
    graph.run("deliver_alerts", conf={"as_of": cycles[-1].answers_as_of.isoformat()})
    return graph


def sunday(stack: Stack, graph: Graph, number: int, week: Week, clock: Clock) -> None:
    """Let the week pass and learn from its answers."""
    started = datetime.now(UTC).date()
    delivered = move_clock(stack, week.answers_as_of)
    clock.say(f"cycle {number}: Sunday {week.answers_as_of:%Y-%m-%d}, webhooks delivered: {delivered}")
    # The receiver stamps real time: all of this week's events lie in today's partition (or in two, over midnight).
    for day in sorted({started, datetime.now(UTC).date()}):
        conf = {"received_date": day.isoformat(), "as_of": week.answers_as_of.isoformat()}
        graph.run("load_events", conf=conf, without=[CRM])


def first_monday(stack: Stack, graph: Graph, week: Week) -> None:
    """Load the registry's month and week while CLEAN waits, so that it folds them once; what no lead waits for while the CRM is filled."""
    with graph.paused(*NO_LEAD_WAITS_FOR):
        with graph.paused("clean_providers"):
            for run in monthly_runs(stack.sandbox.nppes_dir, week):
                graph.start(run.dag_id, run.interval, run.conf)
            graph.run("ingest_nppes_weekly", week.interval, week.conf)
        graph.start("clean_providers", conf=week.conf)
        graph.await_start(CRM)
    boards = board_run(week)
    graph.start(boards.dag_id, boards.interval, boards.conf)  # resolve_identity follows
    graph.run("validate_contacts", conf=week.conf | FIRST_CHECKS)


def start_site_and_ads(stack: Stack, graph: Graph, week: Week) -> None:
    """Start what reads the site and the ads of a past week's last days."""
    sunday = week.answers_as_of.date()
    for back in range(1, 7):
        publish_ga4(stack.cloud, stack.sandbox, sunday - timedelta(days=back))
    drop_rb2b_export(stack.cloud, stack.sandbox, sunday - timedelta(days=1))
    for run in site_and_ad_runs(week):
        graph.start(run.dag_id, run.interval, run.conf)


def move_clock(stack: Stack, to: datetime) -> dict[str, int]:
    """Let the sandbox's world live until a moment; return how many webhooks each vendor delivered meanwhile."""
    moved = stack.sandbox.admin.post("clock", json={"now": to.isoformat()})
    moved.raise_for_status()
    return dict(moved.json()["delivered"])


def told_forms(forms: Mapping[str, str]) -> str:
    """Return the boards' forms in one line."""
    return "; ".join(f"{state} {form}" for state, form in sorted(forms.items()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--nppes-dir", type=Path, help="folder of weekly NPPES zips under CMS's own names")
    parser.add_argument(
        "--board-forms", type=int, help="seed of the forms in which the boards write (default: at random)"
    )
    arguments = parser.parse_args()
    # A stop by `kill` unwinds like Ctrl-C, so that everything started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    clock = Clock()
    try:
        nppes_dir = arguments.nppes_dir.resolve() if arguments.nppes_dir else None
        first = weeks(nppes_dir)[0].as_of.isoformat() if nppes_dir else None
        with held(BUILD):
            if left := read_record(BUILD):
                left.end_all()
            emptied(BUILD)
            with running_stack(
                BUILD, nppes_dir=nppes_dir, code_is_edited=False, say=clock.say, start_at=first
            ) as stack:
                clock.say(f"Airflow: {stack.addresses()['Airflow']}")
                seed = randbelow(1000) if arguments.board_forms is None else arguments.board_forms
                drawn = stack.sandbox.draw_board_forms(seed)
                clock.say(
                    f"boards write in other forms than declared first (--board-forms {seed}): {told_forms(drawn)}"
                )
                cycles = weeks(stack.sandbox.nppes_dir)
                graph = live(stack, cycles, clock)
                clock.say("writing the report")
                print(write_report(stack, cycles, graph.seconds(), BUILD))
        clock.say(f"done: {BUILD / 'report.html'}, {BUILD / 'report.json'}; `make up DATA=demo` goes on with its data")
    except KeyboardInterrupt:
        sys.exit("\nStopped by you; everything that was started is stopped.")
    except (RunFailed, StartError, ValueError) as error:
        sys.exit(f"\nmake demo failed.\n{error}")


if __name__ == "__main__":
    main()
