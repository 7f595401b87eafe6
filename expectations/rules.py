"""How a rule says what happens when it breaks, and why it exists."""

from __future__ import annotations


def fail(reason: str) -> dict[str, str]:
    """The promotion stops."""
    return {"severity": "fail", "reason": reason}


def reject(reason: str) -> dict[str, str]:
    """The rows go to clean.rejected_row; the promotion goes on without them."""
    return {"severity": "reject", "reason": reason}


def warn(reason: str) -> dict[str, str]:
    """The outcome is recorded in ops.quality_result and nothing stops."""
    return {"severity": "warn", "reason": reason}
