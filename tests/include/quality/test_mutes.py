"""Mutes: complete, with an end, or refused by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.quality.mutes import Mute, is_muted, mutes

GOOD: dict[str, Any] = {
    "check_name": "freshness", "source": "rb2b", "subject": "*", "reason": "Starts in the new year.", "by": "Ann Lee",
    "since": date(2025, 11, 10), "until": date(2025, 11, 20),
}  # fmt: skip


def written(path: Path, *items: Any) -> Path:
    file = path / "mutes.yaml"
    file.write_text(yaml.safe_dump({"mutes": list(items)}))
    return file


def test_mutes_of_the_repository_are_complete() -> None:
    assert isinstance(mutes(), tuple)


def test_mute_when_it_is_on_then_it_covers_its_check_and_source_until_its_last_day(tmp_path: Path) -> None:
    (mute,) = found = mutes(written(tmp_path, GOOD))
    assert isinstance(mute, Mute)
    days = {day: is_muted(found, "freshness", "rb2b", "x", date(2025, 11, day)) for day in (9, 10, 20, 21)}
    assert days == {9: False, 10: True, 20: True, 21: False}
    assert not is_muted(found, "freshness", "ga4", "x", date(2025, 11, 12))
    (narrow,) = mutes(written(tmp_path, GOOD | {"subject": "y"}))
    assert narrow.covers("freshness", "rb2b", "y") and not narrow.covers("freshness", "rb2b", "x")


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([GOOD, {key: value for key, value in GOOD.items() if key != "by"}], "mute 2 must have exactly .*by"),
        ([GOOD | {"reason": " "}], "mute 1: reason must be a text that is not empty"),
        ([GOOD | {"until": "soon"}], "mute 1: until must be a date"),
        ([GOOD | {"until": date(2025, 11, 9)}], "until 2025-11-09 must be on or after since 2025-11-10"),
        ([GOOD | {"until": date(2099, 1, 1)}], "by 92 days at most"),
        ([GOOD, GOOD], r"freshness/rb2b/\* is muted twice"),
        (["freshness"], "mute 1 must have exactly .*found freshness"),
    ],
)
def test_mute_when_it_is_incomplete_then_file_mute_and_field_are_named(
    tmp_path: Path, items: list[Any], said: str
) -> None:
    with pytest.raises(ValueError, match=f"mutes.yaml: .*{said}|mutes.yaml: {said}"):
        mutes(written(tmp_path, *items))


def test_mutes_when_the_file_is_something_else_then_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mutes.yaml"
    file.write_text("freshness: off\n")
    with pytest.raises(ValueError, match=r"mutes\.yaml: expected one key, mutes"):
        mutes(file)
