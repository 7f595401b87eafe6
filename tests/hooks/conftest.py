"""The sandbox as a vendor: no faults, enough credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox


@pytest.fixture
def vendor(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.admin.delete("faults")
    sandbox.admin.put("credits/wiza", json={"credits": 10_000})
    yield sandbox
    sandbox.admin.delete("faults")
    sandbox.admin.put("credits/wiza", json={"credits": 10_000})
