"""What a lead does with the e-mails of a sequence: pure functions from (seed, mailbox, creative, time) to happenings.

Base rates over the generated dentists: open 45 %, click 9 %, positive answer 12-15 %, unsubscribe 1.5 %, bounce 3 %.
The draws do not contain the creative: another creative changes the chances, not the luck, so creatives compare fairly.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.sandbox.base_rates import base_rates
from services.sandbox.draws import normal, uniform
from services.sandbox.traits import Traits, positive_chance, traits
from services.sandbox.world import Mailbox, Person

ZONES = {
    "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO ID MT NM UT WY",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR VI",
    "Pacific/Guam": "GU MP",
}
ZONE_OF_STATE = {state: ZoneInfo(zone) for zone, states in ZONES.items() for state in states.split()}
NEW_YORK = ZoneInfo("America/New_York")
WORKING_DAYS = 5
POSITIVE = [
    "Yes, tell me more.",
    "Interested. When could we talk?",
    "Sure, send me some times.",
    "What would it cost us?",
]
NEGATIVE = ["Not interested, thanks.", "We already have someone for this.", "Please do not write again."]


@dataclass(frozen=True)
class Window:
    """When a campaign may send, in the lead's local time. `days`: weekday numbers, Monday is 0."""

    opens: time = time(9, 0)
    closes: time = time(17, 0)
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})


@dataclass(frozen=True)
class Happening:
    """One event of a lead. `kind` is Instantly's event type; `text` only for replies."""

    at: datetime
    kind: str
    text: str = ""


def zone(state: str) -> ZoneInfo:
    """The time zone of a practice by state; New York for anything unknown."""
    return ZONE_OF_STATE.get(state, NEW_YORK)


def first_send(seed: int, key: str, added: datetime, place: ZoneInfo, window: Window) -> datetime:
    """A moment on one of the next five sending days: the mailboxes send about a fifth of the queue each day."""
    local = added.astimezone(place)
    day = local.date() if local.time() <= window.opens else local.date() + timedelta(days=1)
    skip = int(uniform(seed, key, "send day") * WORKING_DAYS)
    return _moment(seed, key, _working_day(day, skip, window), place, window)


def next_send(seed: int, key: str, last: datetime, days: float, place: ZoneInfo, window: Window) -> datetime:
    """A moment on the first sending day that is at least `days` after the last e-mail."""
    day = (last.astimezone(place) + timedelta(days=days)).date()
    return max(last + timedelta(days=days), _moment(seed, key, _working_day(day, 0, window), place, window))


def answers(seed: int, key: str, mailbox: Mailbox, block: str, step: int, sent: datetime) -> list[Happening]:
    """Everything that one sent e-mail leads to in the mailbox, in time order. `key` names lead and campaign."""
    label = f"{key} step {step}"
    if uniform(seed, label, "bounce") < base_rates().bounces[mailbox.kind] / (1 if step == 1 else 10):
        return [Happening(sent + timedelta(seconds=5 + 90 * uniform(seed, label, "bounce delay")), "email_bounced")]
    if mailbox.person is None or mailbox.kind in ("former", "wrong") or not mailbox.person.is_active:
        return sorted(_stranger(seed, label, mailbox, sent), key=lambda happening: happening.at)
    return sorted(_reader(seed, label, mailbox.person, block, step, sent), key=lambda happening: happening.at)


def chances(seed: int, person: Person, block: str) -> float:
    """The true chance of a positive answer to the first e-mail at a middling hour: what an oracle would know."""
    hidden = traits(person, seed)
    return positive_chance(hidden, block, 1, 12)


def _reader(seed: int, label: str, person: Person, block: str, step: int, sent: datetime) -> list[Happening]:
    hidden = traits(person, seed)
    hour = sent.astimezone(zone(person.state)).hour
    is_positive = uniform(seed, label, "positive") < positive_chance(hidden, block, step, hour)
    is_negative = not is_positive and uniform(seed, label, "negative") < 0.035
    reads = is_positive or is_negative or uniform(seed, label, "open") < _open_chance(hidden)
    happenings = []
    if uniform(seed, label, "proxy") < 0.09:
        happenings.append(
            Happening(sent + timedelta(seconds=3 + 40 * uniform(seed, label, "proxy delay")), "email_opened")
        )
    if uniform(seed, label, "auto") < 0.04:
        happenings.append(
            Happening(
                sent + timedelta(seconds=30 + 200 * uniform(seed, label, "auto delay")),
                "auto_reply_received",
                "I am out of the office.",
            )
        )
    if not reads:
        return happenings
    opened = sent + timedelta(minutes=_minutes(seed, f"{label} open", 95, 1.3, 40 * 60))
    happenings.append(Happening(opened, "email_opened"))
    if uniform(seed, label, "again") < 0.2:
        happenings.append(
            Happening(opened + timedelta(minutes=_minutes(seed, f"{label} again", 300, 1.0, 2000)), "email_opened")
        )
    if uniform(seed, label, "click") < (0.3 if is_positive else 0.12):
        happenings.append(
            Happening(opened + timedelta(seconds=20 + 120 * uniform(seed, label, "click delay")), "email_link_clicked")
        )
    if not is_positive and uniform(seed, label, "unsubscribe") < 0.035:
        happenings.append(
            Happening(opened + timedelta(minutes=1 + 5 * uniform(seed, label, "leave delay")), "lead_unsubscribed")
        )
    if is_positive or is_negative:
        happenings += _reply(seed, label, opened, is_positive, hidden)
    return happenings


def _reply(seed: int, label: str, opened: datetime, is_positive: bool, hidden: Traits) -> list[Happening]:
    replied = opened + timedelta(minutes=_minutes(seed, f"{label} reply", 110, 1.2, 30 * 60))
    texts = POSITIVE if is_positive else NEGATIVE
    text = texts[int(uniform(seed, label, "text") * len(texts))]
    labeled = replied + timedelta(minutes=2 + 25 * uniform(seed, label, "label delay"))
    happenings = [
        Happening(replied, "reply_received", text),
        Happening(labeled, "lead_interested" if is_positive else "lead_not_interested"),
    ]
    if is_positive and uniform(seed, label, "meeting") < meeting_chance(hidden):
        booked = labeled + timedelta(hours=1 + 40 * uniform(seed, label, "meeting delay"))
        happenings.append(Happening(booked, "lead_meeting_booked"))
    return happenings


def _stranger(seed: int, label: str, mailbox: Mailbox, sent: datetime) -> list[Happening]:
    """Somebody else, or nobody, reads this mailbox: some opens, now and then "wrong person"."""
    happenings = []
    if uniform(seed, label, "open") < 0.2:
        happenings.append(
            Happening(sent + timedelta(minutes=_minutes(seed, f"{label} open", 200, 1.2, 3000)), "email_opened")
        )
    if mailbox.kind == "wrong" and uniform(seed, label, "wrong") < 0.15:
        replied = sent + timedelta(minutes=_minutes(seed, f"{label} reply", 300, 1.0, 3000))
        happenings.append(Happening(replied, "reply_received", "You have the wrong person."))
        happenings.append(Happening(replied + timedelta(minutes=10), "lead_wrong_person"))
    return happenings


def meeting_chance(hidden: Traits) -> float:
    """Chance that a positive answer becomes a meeting: budget decides."""
    return 0.15 + 0.55 / (1 + math.exp(-1.2 * hidden.budget))


def _open_chance(hidden: Traits) -> float:
    return 0.1 + 0.22 / (1 + math.exp(-hidden.need))


def _minutes(seed: int, label: str, median: float, spread: float, most: float) -> float:
    """A log-normal delay in minutes, at most `most`."""
    return min(most, median * math.exp(spread * normal(seed, label)))


def _working_day(day: date, skip: int, window: Window) -> date:
    """The sending day that comes `skip` sending days after the first one on or after `day`."""
    while day.weekday() not in window.days or skip > 0:
        skip -= day.weekday() in window.days
        day += timedelta(days=1)
    return day


def _moment(seed: int, key: str, day: date, place: ZoneInfo, window: Window) -> datetime:
    opens, closes = datetime.combine(day, window.opens, place), datetime.combine(day, window.closes, place)
    return opens + (closes - opens) * uniform(seed, key, "send moment", day.isoformat())
