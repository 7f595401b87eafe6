"""JSON as a publisher sends it, where a name that an object has twice is a fault: parsers keep the last value in silence."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


class RepeatedName(ValueError):
    """An object has a name twice. The message names it."""


def loads(text: str | bytes) -> Any:
    """Return what a JSON text says. Raises RepeatedName, or another ValueError where it is not JSON."""
    return json.loads(text, object_pairs_hook=distinct)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raises RepeatedName."""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
        raise RepeatedName(f"an object has the names {twice} more than once")
    return made
