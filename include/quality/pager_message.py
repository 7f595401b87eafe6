"""What the pager says: one message for a failed task, a missed deadline or an alert, and nothing personal in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# Exceptions whose text we wrote, and of which it is known that no row's value stands in it; their subclasses, too. Of any other
# only the class is told: BigQuery, for one, quotes the value that it could not convert.
SAFE_TEXT = (
    "airflow.sdk.exceptions.AirflowFailException",
    "airflow.sdk.exceptions.AirflowTaskTimeout",
    "hooks.http.errors.VendorError",
    "include.enrichment.rules.BudgetExceeded",
    "include.warehouse.google_waits.ServiceAway",
    "operators.check_connection.ConnectionBroken",
)
LONGEST_ADVICE = 1500
# A second guard, for all that is sent: what looks like an e-mail address, a telephone number or an NPI.
_PERSONAL = re.compile(r"[^\s<>\"'(),;:/]+@[^\s<>\"'(),;:/]+|\d{10,}|\(?\b\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b")


class Severity(StrEnum):
    """critical: page at once. error: mend today. warning: mend this week."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"


OF_TIER = {"tier:1": Severity.CRITICAL, "tier:2": Severity.ERROR, "tier:3": Severity.WARNING}


@dataclass(frozen=True)
class Message:
    """One message.

    key: the same for every message about one thing, so that a pager joins them and can end them.
    title: what happened, in one line. facts: name -> value, in the order in which they are shown. advice: what to do.
    link: where to look. is_resolved: the thing is over.
    """

    key: str
    severity: Severity
    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    link: str = ""
    is_resolved: bool = False

    def text(self) -> str:
        """Return all of it but the title, for people."""
        lines = [f"{name}: {value}" for name, value in self.facts.items() if value]
        parts = ["\n".join(lines), self.advice and f"What to do:\n{self.advice}", self.link]
        return "\n\n".join(part for part in parts if part)


def message(
    *,
    key: str,
    severity: Severity,
    title: str,
    facts: Mapping[str, str] | None = None,
    advice: str = "",
    link: str = "",
    is_resolved: bool = False,
) -> Message:
    """Return the message, with everything masked that looks as if it were a person's."""
    return Message(
        key=key,
        severity=severity,
        title=without_personal_values(title),
        facts={name: without_personal_values(value) for name, value in (facts or {}).items()},
        advice=without_personal_values(advice),
        link=link,
        is_resolved=is_resolved,
    )


def failure(
    *,
    dag_id: str,
    task_id: str,
    map_index: int,
    run_id: str,
    as_of: str,
    owner: str,
    tags: frozenset[str],
    error: BaseException | str | None,
    page: str,
    link: str,
) -> Message:
    """Return the message of a task that failed for good. Its mapped instances and its later runs share a key: one incident.

    :param page: the DAG's documentation, in which the person on call finds what to do.
    """
    severity = severity_of(tags)
    mapped = f" [{map_index}]" if map_index >= 0 else ""
    return message(
        key=f"task/{dag_id}/{task_id}",
        severity=severity,
        title=f"{severity.upper()}: {dag_id}.{task_id}{mapped} failed",
        facts={
            "DAG": dag_id, "Task": f"{task_id}{mapped}", "Run": run_id, "As of": as_of, "Owner": owner,
            "Error": error_text(error),
        },
        advice=what_to_do(page, *_names(error), task_id),
        link=link,
    )  # fmt: skip


def missed_deadline(
    *, dag_id: str, run_id: str, as_of: str, owner: str, severity: Severity, deadline: str, state: str
) -> Message:
    """Return the message of a run that had not ended by its deadline."""
    return message(
        key=f"deadline/{dag_id}/{run_id}",
        severity=severity,
        title=f"{severity.upper()}: {dag_id} missed its deadline",
        facts={"DAG": dag_id, "Run": run_id, "As of": as_of, "Owner": owner, "Due": deadline, "State": state},
        advice="Open the run: the log of the task that is at work says what it waits for. Where nothing is at work, look at "
        "the pools, at the scheduler and at the runs before this one. The DAG's page says what each failure needs.",
    )


def severity_of(tags: frozenset[str]) -> Severity:
    """Return how urgent a DAG's failure is, by its tier; critical where it has none, for nobody decided that it may wait."""
    return next((severity for tier, severity in OF_TIER.items() if tier in tags), Severity.CRITICAL)


def error_text(error: BaseException | str | None) -> str:
    """Return the class and, of an exception whose text is safe, its first line."""
    if error is None:
        return "none was recorded: the process was ended from outside, or never began"
    if isinstance(error, str):  # what Airflow itself says of a task whose process died
        return first_line(error)
    name = type(error).__name__
    if any(_path(kind) in SAFE_TEXT for kind in type(error).__mro__):
        return f"{name}: {first_line(str(error))}"
    return f"{name} (its text may hold a row's values: see the log)"


def what_to_do(page: str, *names: str) -> str:
    """Return what a DAG's page says under "When it fails": the points that name the error or the task, else all of it, cut."""
    found = re.search(r"^## When it fails\s*\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    section = found[1].strip() if found else ""
    points = re.findall(r"^\* .*?(?=^\* |^\S|\Z)", section, re.MULTILINE | re.DOTALL)
    for name in names:
        if fitting := [point.strip() for point in points if _is_named(name, point)]:
            return _cut("\n".join(fitting))
    return _cut(section)


def without_personal_values(text: str) -> str:
    """Return the text with [masked] in place of what looks like an address, a telephone number or an NPI."""
    return _PERSONAL.sub("[masked]", text)


def first_line(text: str) -> str:
    """Return the first line that is not empty, cut to 300 characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= 300 else f"{line[:299]}…"


def _names(error: BaseException | str | None) -> list[str]:
    if not isinstance(error, BaseException):
        return []
    return [kind.__name__ for kind in type(error).__mro__ if kind not in (Exception, BaseException, object)]


def _is_named(name: str, point: str) -> bool:
    # Pages write `reconcile_*` for reconcile_wiza, reconcile_apollo …
    stem = re.escape(name.split("_")[0])
    return bool(re.search(rf"\b{re.escape(name)}\b|`{stem}_[*…]`", point))


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _cut(text: str) -> str:
    return (
        text if len(text) <= LONGEST_ADVICE else f"{text[:LONGEST_ADVICE].rstrip()}…\n(The rest is on the DAG's page.)"
    )
