"""Faults that a test orders: the next calls of a vendor fail in a chosen way. First ordered, first served."""

from dataclasses import asdict, dataclass, field
from typing import Any

CALL_KINDS = ("status", "slow", "drop_response", "false_refusal")
WEBHOOK_KINDS = ("lost_webhook", "duplicate_webhook", "late_webhook")
CALLBACK_KINDS = (*WEBHOOK_KINDS, "forged_webhook")


@dataclass
class Fault:
    """`operation`: operation id, or event type for webhooks; None is any. `times`: how many calls are left to spoil."""

    vendor: str
    kind: str = "status"
    operation: str | None = None
    status: int = 503
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 5.0


class Faults:
    """The ordered faults. A fault is used up after `times` calls."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def order(self, document: dict[str, Any]) -> Fault:
        """Adds one fault. ValueError names the field that is unknown, missing or out of range."""
        unknown = set(document) - set(Fault.__dataclass_fields__)
        if unknown:
            raise ValueError(f"unknown fields {sorted(unknown)}; known: {sorted(Fault.__dataclass_fields__)}")
        if "vendor" not in document:
            raise ValueError(
                "vendor is required, for example wiza, apollo, clay, twilio, usps, ghl, instantly or nppes"
            )
        fault = Fault(**{name: value for name, value in document.items() if value is not None})
        if fault.kind not in CALL_KINDS + CALLBACK_KINDS:
            raise ValueError(f"kind {fault.kind!r} is not one of {CALL_KINDS + CALLBACK_KINDS}")
        if fault.times < 1:
            raise ValueError("times must be 1 or more")
        self._faults.append(fault)
        return fault

    def take(self, vendor: str, operation: str, kinds: tuple[str, ...]) -> Fault | None:
        """The fault that spoils this call, used up by one; None if none is ordered."""
        for fault in self._faults:
            if fault.vendor == vendor and fault.kind in kinds and fault.operation in (None, operation):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._faults.clear()

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]
