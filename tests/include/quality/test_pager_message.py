"""What the pager says: enough to act on, and nothing of a person."""

from __future__ import annotations

from importlib import import_module

import pytest
from airflow.sdk.exceptions import AirflowFailException

from hooks.http.errors import AuthFailed
from include.quality.pager_message import (
    LONGEST_ADVICE,
    SAFE_TEXT,
    Severity,
    error_text,
    failure,
    missed_deadline,
    severity_of,
    what_to_do,
    without_personal_values,
)

PAGE = """
# d

| Kind | convergent |

## When it fails

Opt-outs first.

* `AuthFailed`: correct the password,
  then clear the task.
* `gate_event` (GateFailed): mend the rule.
* `reconcile_*`: run again.

Something else.

## Backfill

None.
"""


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("AuthFailed", "VendorError"), "* `AuthFailed`: correct the password,\n  then clear the task."),
        (("KeyError", "gate_event"), "* `gate_event` (GateFailed): mend the rule."),
        (("KeyError", "reconcile_wiza"), "* `reconcile_*`: run again."),
    ],
)
def test_what_to_do_when_the_page_names_the_error_or_the_task_then_that_point(
    names: tuple[str, ...], said: str
) -> None:
    assert what_to_do(PAGE, *names) == said


def test_what_to_do_when_the_page_names_neither_then_all_of_the_section_and_no_other() -> None:
    said = what_to_do(PAGE, "KeyError", "load_rows")
    assert said.startswith("Opt-outs first.") and said.endswith("Something else.")
    assert what_to_do("# a page without that section", "KeyError") == ""
    long = what_to_do(f"## When it fails\n\n{'word ' * 1000}", "KeyError")
    assert len(long) < LONGEST_ADVICE + 60 and long.endswith("(The rest is on the DAG's page.)")


def test_error_text_when_the_class_is_ours_then_its_first_line_else_the_class_alone() -> None:
    key = AuthFailed("wiza", "reveal", 401, "The key was refused.\nmore")
    assert error_text(key) == "AuthFailed: wiza reveal: HTTP 401. The key was refused."
    assert (
        error_text(AirflowFailException("GHL refused 3 opt-outs\n  - …"))
        == "AirflowFailException: GHL refused 3 opt-outs"
    )
    foreign = error_text(ValueError("Could not cast literal 'Dana Smile, 12 Elm St' to type DATE"))
    assert foreign.startswith("ValueError (") and "Dana" not in foreign
    assert "ended from outside" in error_text(None)


def test_safe_classes_import() -> None:
    for name in SAFE_TEXT:
        module, _, attribute = name.rpartition(".")
        assert issubclass(getattr(import_module(module), attribute), BaseException), name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to dana@brightsmile.example: refused", "to [masked]: refused"),
        ("'a.b+c@x.example'", "'[masked]'"),
        ("call (512) 555-0142 or 512-555-0142", "call [masked] or [masked]"),
        ("such as 2000000002, 2000000010", "such as [masked], [masked]"),
        ("+15125550142", "+[masked]"),
        # What a reader needs stays: dates, times, counts, objects, links.
        ("gs://lake/raw/2025-11-09/a.zip of 2025-11-10T06:00:00+00:00, 123456789 rows", None),
        ("http://127.0.0.1:8080/dags/a/runs/manual__2025-11-10T06:00:00.123456+00:00_x", None),
    ],
)
def test_text_when_it_holds_something_personal_then_that_is_masked(text: str, said: str | None) -> None:
    assert without_personal_values(text) == (text if said is None else said)


@pytest.mark.parametrize(
    ("tags", "severity"),
    [({"tier:1", "stage:x"}, "critical"), ({"tier:2"}, "error"), ({"tier:3"}, "warning"), ({"stage:x"}, "critical")],
)
def test_severity_follows_the_tier_and_nobody_decides_by_leaving_it_out(tags: set[str], severity: str) -> None:
    assert severity_of(frozenset(tags)) == severity


def test_failure_when_a_mapped_task_fails_then_all_that_the_person_needs_is_said() -> None:
    said = failure(
        dag_id="clean_events", task_id="load_day", map_index=2, run_id="manual__1", as_of="2025-11-10T06:00:00+00:00",
        owner="growth", tags=frozenset({"tier:1"}), error=AuthFailed("ghl", "read", 401, "Refused."), page=PAGE,
        link="http://a/log",
    )  # fmt: skip
    assert said.title == "CRITICAL: clean_events.load_day [2] failed"
    assert said.key == "task/clean_events/load_day"
    assert said.text() == (
        "DAG: clean_events\nTask: load_day [2]\nRun: manual__1\nAs of: 2025-11-10T06:00:00+00:00\nOwner: growth\n"
        "Error: AuthFailed: ghl read: HTTP 401. Refused.\n\nWhat to do:\n* `AuthFailed`: correct the password,\n"
        "  then clear the task.\n\nhttp://a/log"
    )


def test_missed_deadline_says_since_when_and_which_run() -> None:
    said = missed_deadline(
        dag_id="activate_ghl", run_id="r", as_of="2025-11-10", owner="growth", severity=Severity.CRITICAL,
        deadline="2025-11-10T09:00:00+00:00", state="running",
    )  # fmt: skip
    assert said.title == "CRITICAL: activate_ghl missed its deadline"
    assert "Due: 2025-11-10T09:00:00+00:00\nState: running" in said.text()
