"""How a rule says what happens when it breaks, and why it exists."""

from __future__ import annotations

from typing import Any


def fail(reason: str) -> dict[str, str]:
    """The promotion stops."""
    return {"severity": "fail", "reason": reason}


def fail_unless_accepted(reason: str) -> dict[str, Any]:
    """The promotion stops, for a rule that compares with an earlier state: the param ``accept_drift`` lets a real change pass."""
    return {"severity": "fail", "reason": reason, "acceptable": True}


def reject(reason: str) -> dict[str, str]:
    """The rows go to clean.rejected_row; the promotion goes on without them."""
    return {"severity": "reject", "reason": reason}


def warn(reason: str) -> dict[str, str]:
    """The outcome is recorded in ops.quality_result and nothing stops."""
    return {"severity": "warn", "reason": reason}
