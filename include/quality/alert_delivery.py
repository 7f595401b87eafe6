"""Which alerts are to be sent now: those that are new, those that still stand when their repeat is due, those that are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.quality.mutes import Mute, is_muted
from include.quality.pager_message import Message, Severity, message

EXPIRED_MUTE = "expired_mute"
# How long an alert may stand before it is sent again, by its severity in ops.alert: as long as it may wait for somebody.
REPEAT_AFTER = {"error": timedelta(days=1), "warning": timedelta(days=7)}


@dataclass(frozen=True)
class Standing:
    """An alert that stands: what ops.alert has of one check, source and subject. dates: how many days raised it."""

    check_name: str
    source: str
    subject: str
    severity: str
    message: str
    dates: int = 1

    @property
    def key(self) -> tuple[str, str, str]:
        return self.check_name, self.source, self.subject


@dataclass(frozen=True)
class Delivered:
    """What was sent last about an alert that was not sent as resolved."""

    check_name: str
    source: str
    subject: str
    severity: str
    message: str
    delivered_at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        return self.check_name, self.source, self.subject


@dataclass(frozen=True)
class Delivery:
    """One alert to be sent. event: raised, repeated or resolved."""

    event: str
    alert: Standing

    def as_row(self) -> dict[str, str]:
        """Return it as ops.alert_delivery has it, without the time."""
        alert = self.alert
        return {
            "check_name": alert.check_name, "source": alert.source, "subject": alert.subject, "event": self.event,
            "severity": alert.severity, "message": alert.message,
        }  # fmt: skip


def due(
    standing: Sequence[Standing], delivered: Sequence[Delivered], mutes: Sequence[Mute], as_of: datetime
) -> list[Delivery]:
    """Return what is to be sent at ``as_of``. Mutes past their end are alerts, too, and silence nothing.

    An alert that is muted stays open: nothing is sent until the mute ends, or until the alert is gone.
    """
    day = as_of.date()
    now = {alert.key: alert for alert in (*standing, *expired(mutes, as_of))}
    before = {one.key: one for one in delivered}
    found = []
    for key, alert in now.items():
        if is_muted(mutes, *key, day):
            continue
        if key not in before or (before[key].severity, alert.severity) == ("warning", "error"):
            found.append(Delivery("raised", alert))
        elif as_of - before[key].delivered_at >= _repeat_after(alert.severity):
            found.append(Delivery("repeated", alert))
    gone = [one for key, one in before.items() if key not in now]
    found += [
        Delivery("resolved", Standing(one.check_name, one.source, one.subject, one.severity, one.message))
        for one in gone
    ]
    return sorted(found, key=lambda one: (one.event, one.alert.severity, one.alert.key))


def expired(mutes: Sequence[Mute], as_of: datetime) -> list[Standing]:
    """Return an alert for each mute that is past its end."""
    return [
        Standing(
            EXPIRED_MUTE,
            mute.source,
            f"{mute.check_name}/{mute.subject}",
            "error",
            f"The mute of {mute.check_name}, {mute.source}, {mute.subject} by {mute.by} ended on {mute.until} ({mute.reason}). "
            "What it muted is sent again. Delete it from include/quality/mutes.yaml, or give it a later end and say why.",
        )
        for mute in mutes
        if mute.is_past(as_of.date())
    ]


def messages(deliveries: Sequence[Delivery]) -> list[tuple[Message, list[Delivery]]]:
    """Return what is sent, each with the alerts that it is about: errors and ends one by one, all warnings of a run in one."""
    warnings = [one for one in deliveries if one.alert.severity == "warning" and one.event != "resolved"]
    single = [one for one in deliveries if one not in warnings]
    found = [(_message(one), [one]) for one in single]
    if len(warnings) == 1:
        found.append((_message(warnings[0]), warnings))
    elif warnings:
        found.append((_digest(warnings), warnings))
    return found


def _repeat_after(severity: str) -> timedelta:
    return REPEAT_AFTER.get(severity, REPEAT_AFTER["error"])


def _severity(alert: Standing) -> Severity:
    return Severity.WARNING if alert.severity == "warning" else Severity.ERROR


def _message(delivery: Delivery) -> Message:
    alert = delivery.alert
    about = alert.source if alert.subject == alert.source else f"{alert.source}, {alert.subject}"
    still = " still stands" if delivery.event == "repeated" else ""
    more = f" (raised for {alert.dates} dates; this is the newest)" if alert.dates > 1 else ""
    return message(
        key=f"alert/{'/'.join(alert.key)}",
        severity=_severity(alert),
        title=f"{alert.check_name}: {about}{still}",
        facts={"Check": alert.check_name, "Source": alert.source, "Subject": alert.subject},
        advice=f"{alert.message}{more}",
        is_resolved=delivery.event == "resolved",
    )


def _digest(warnings: Sequence[Delivery]) -> Message:
    lines = [f"* {one.alert.check_name}, {one.alert.source}: {one.alert.message}" for one in warnings]
    return message(
        key=f"alert/warnings/{'/'.join(warnings[0].alert.key)}",
        severity=Severity.WARNING,
        title=f"{len(warnings)} warnings in ops.alert",
        facts={"Severity": "warning: look at them this week"},
        advice="\n".join(lines),
    )
