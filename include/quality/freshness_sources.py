"""Every source that is loaded from outside: which DAG loads it, how often it comes, and when its silence is an alarm."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from include.boards.sources import MAX_GAPS, board_sources

# How far back a missing file is still worth a word: longer than any publisher keeps what it has replaced.
LOOK_BACK = timedelta(days=60)
# Days without an event after which a sender is silent: its webhook is off, or its key is another. Who writes to people is
# heard on every working day, and a long weekend has four; whoever answers our calls is heard when enrich_contacts has asked,
# which is after each weekly file.
SENDER_GAPS = {"ghl": 7, "instantly": 5, "rb2b": 7, "wiza": 16, "apollo": 16, "clay": 16, "clay_table": 16}
SENDER = "event_"
# A sender that was heard within this time is in use.
SENDER_LOOK_BACK = timedelta(days=400)


@dataclass(frozen=True)
class Source:
    """One source.

    :param name: as in ops.load_manifest.source; event_<sender> for who sends us webhooks.
    :param table: the table whose partitions tell that it came, as dataset.table.
    :param dag_id: the DAG that loads it.
    :param longest_gap: days from the newest partition until its successor must have been loaded: the usual distance of
        two files, plus the days that the publisher usually takes.
    :param every: days between two partitions where that is fixed, so that a hole is seen; 0 where it is not.
    """

    name: str
    table: str
    dag_id: str
    longest_gap: int
    every: int = 0


SOURCES: tuple[Source, ...] = (
    # A week ends on Sunday and is on CMS's page by Tuesday.
    Source("nppes_weekly", "raw.nppes_npi", "ingest_nppes_weekly", longest_gap=9, every=7),
    # Both come about the second Monday, the 8th to the 14th, and are loaded on the 15th to the 20th. The monthly file ends
    # on the Sunday before, the report is of the Monday. From the earliest such day to the next month's 20th:
    Source("nppes_monthly", "raw.nppes_npi", "ingest_nppes_monthly", longest_gap=44),
    Source("nppes_deactivation", "raw.nppes_deactivation", "ingest_nppes_deactivation", longest_gap=43),
    # A day is published up to 72 hours after its end, and loaded at the noon after that: the fourth day after it. So
    # five days after the newest day, its successor must be there.
    Source("ga4", "raw.ga4_events", "ingest_ga4", longest_gap=5, every=1),
    # A day is read the noon after it has ended; a platform that is down for a night is no alarm yet.
    Source("google_ads", "raw.ad_performance", "ingest_ad_performance", longest_gap=3, every=1),
    Source("meta_ads", "raw.ad_performance", "ingest_ad_performance", longest_gap=3, every=1),
    Source("ttd", "raw.ad_performance", "ingest_ad_performance", longest_gap=3, every=1),
    Source("leadfeeder", "raw.company_visit", "ingest_site_visits", longest_gap=3, every=1),
    # A day is loaded at the midnight that ends it, also one without an event: an opt-out must not wait for longer.
    Source("events", "raw.event", "load_events", longest_gap=2, every=1),
    *(Source(f"{SENDER}{name}", "raw.event", "load_events", longest_gap=gap) for name, gap in SENDER_GAPS.items()),
    # A day on which a board has nothing new loads nothing, so no fixed distance.
    *(
        Source(board.name, "raw.board_license", "ingest_board_licenses", longest_gap=MAX_GAPS[board.cadence])
        for board in board_sources()
        if board.scheduled
    ),
)


@dataclass(frozen=True)
class Alert:
    """A row of ops.alert, without its date and check. severity: error fails the check, warning does not."""

    source: str
    subject: str
    severity: str
    message: str


def freshness_alerts(loaded: Mapping[str, Collection[date]], day: date) -> list[Alert]:
    """Return what has not come by `day`.

    :param loaded: source name -> its partitions in ops.load_manifest, or a sender's in raw.event; those after `day` are
        not looked at.
    """
    return [alert for source in SOURCES for alert in _alerts(source, loaded.get(source.name, ()), day)]


def _alerts(source: Source, loaded: Collection[date], day: date) -> list[Alert]:
    known = sorted(partition for partition in loaded if partition <= day)
    if not known:
        # No error: not every team uses every source, and a source that is not used is not late.
        look_at = _publisher(source) if source.name.startswith(SENDER) else "its connection"
        message = f"{source.name} was never loaded. If it is used, unpause {source.dag_id} and look at {look_at}."
        return [Alert(source.name, source.name, "warning", message)]
    return [*_overdue(source, known[-1], day), *_holes(source, known, day)]


def _overdue(source: Source, newest: date, day: date) -> list[Alert]:
    silent = (day - newest).days
    if silent <= source.longest_gap:
        return []
    return [
        Alert(
            source.name,
            source.table,
            "error",
            f"{source.name}: the newest data is of {newest}, {silent} days before {day}; more than {source.longest_gap} "
            f"is not usual. Look at the last runs of {source.dag_id} and at {_publisher(source)}.",
        )
    ]


def _publisher(source: Source) -> str:
    if source.name.startswith(SENDER):
        return 'the sender\'s webhook: docs/webhooks.md, "No events from a sender"'
    return "the publisher's page"


def _holes(source: Source, known: list[date], day: date) -> list[Alert]:
    if not source.every:
        return []
    step, at, missing = timedelta(days=source.every), known[-1], []
    while (at := at - step) > max(known[0], day - LOOK_BACK):
        # A file that may still come late is no hole yet, even if a younger one came before it.
        if at not in known and (day - (at - step)).days > source.longest_gap:
            missing.append(at)
    return [
        Alert(
            source.name,
            f"{source.table} {hole}",
            "error",
            f"{source.name}: {hole} is missing between {known[0]} and {known[-1]}. Run {source.dag_id} for it; a file that "
            "its publisher has taken down is read from the archive, if it ever came.",
        )
        for hole in sorted(missing)
    ]
