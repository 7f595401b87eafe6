"""Which point in time a convergent run works at, by what triggered it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.airflow.as_of import resolve_as_of

DUE = datetime(2025, 11, 17, 6, tzinfo=UTC)
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


def resolved(monkeypatch: pytest.MonkeyPatch, given: str | None = None, *carried: str, due: datetime = DUE) -> str:
    context: dict[str, Any] = {
        "params": {"as_of": given},
        "triggering_asset_events": {"asset": [SimpleNamespace(extra={"as_of": at}) for at in carried]},
        "dag_run": SimpleNamespace(logical_date=None, run_after=due),
    }
    monkeypatch.setattr("include.airflow.as_of.get_current_context", lambda: context)
    as_of: str = resolve_as_of.function()
    return as_of


def test_resolve_as_of_when_given_carried_or_neither_then_takes_the_first_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = ("2025-11-10T06:00:00+00:00", "2025-11-10T08:00:00+01:00")
    assert resolved(monkeypatch, "2025-11-03T00:00:00Z", *events) == "2025-11-03T00:00:00+00:00"
    assert resolved(monkeypatch, None, *events) == "2025-11-10T07:00:00+00:00"
    assert resolved(monkeypatch, None) == "2025-11-17T06:00:00+00:00"


def test_resolve_as_of_when_the_param_is_in_the_future_then_fails_without_a_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(AirflowFailException, match=r"is in the future: it is .* leave as_of empty"):
        resolved(monkeypatch, TOMORROW, "2025-11-10T06:00:00+00:00")


def test_resolve_as_of_when_an_event_or_the_run_is_ahead_of_the_clock_then_works_at_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    carried = resolved(monkeypatch, None, TOMORROW, "2025-11-10T06:00:00+00:00")
    due = resolved(monkeypatch, None, due=datetime.fromisoformat(TOMORROW))
    after = datetime.now(UTC)
    assert before <= datetime.fromisoformat(carried) <= after
    assert before <= datetime.fromisoformat(due) <= after
