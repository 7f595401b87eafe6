"""The sandbox as a vendor: no faults, enough credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox


@pytest.fixture
def vendor(sandbox: Sandbox) -> Iterator[Sandbox]:
    _reset(sandbox)
    yield sandbox
    _reset(sandbox)


def _reset(sandbox: Sandbox) -> None:
    sandbox.admin.delete("faults")
    for name in ("wiza", "apollo", "clay"):
        sandbox.admin.put(f"credits/{name}", json={"credits": 10_000})
