"""A name that an object has twice is refused by name."""

from __future__ import annotations

import pytest

from include.lake.json_objects import RepeatedName, loads


def test_loads_when_sound_then_as_json_does() -> None:
    assert loads(b'[{"a": {"b": 1}, "b": null}, 2]') == [{"a": {"b": 1}, "b": None}, 2]


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '[{"x": {"a": 1, "b": 2, "a": 3}}]'])
def test_loads_when_an_object_has_a_name_twice_then_refused_by_name(text: str) -> None:
    with pytest.raises(RepeatedName, match=r"the names \['a'\] more than once"):
        loads(text)
