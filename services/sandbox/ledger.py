"""The ledger: what every call cost. The truth that a pipeline's own books are compared with."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Line:
    """One operation. `charges` counts charges by subject: a subject charged twice was bought twice."""

    calls: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    credits: float = 0.0
    cost_usd: float = 0.0
    charges: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "credits": self.credits,
            "cost_usd": round(self.cost_usd, 6),
            "charged_subjects": len(self.charges),
            "charged_again": sum(self.charges.values()) - len(self.charges),
        }


class Ledger:
    """Calls, credits and money per vendor and operation, and what is left of each vendor's credits."""

    def __init__(self, balances: dict[str, float]) -> None:
        self.balances = dict(balances)
        self._lines: dict[str, dict[str, Line]] = defaultdict(lambda: defaultdict(Line))

    def count(self, vendor: str, operation: str, status: int) -> None:
        """One answered call. Status 0: the connection was cut and no status was sent."""
        line = self._lines[vendor][operation]
        line.calls += 1
        line.statuses[status] += 1

    def charge(self, vendor: str, operation: str, subject: str, credits: float, cost_usd: float) -> None:
        """Books a charge and takes the credits from the balance."""
        line = self._lines[vendor][operation]
        line.credits += credits
        line.cost_usd += cost_usd
        line.charges[subject] += 1
        if vendor in self.balances:
            self.balances[vendor] -= credits

    def as_dict(self) -> dict[str, Any]:
        """{vendors: {vendor: {calls, credits, cost_usd, operations}}, balances}."""
        vendors = {}
        for vendor, lines in sorted(self._lines.items()):
            vendors[vendor] = {
                "calls": sum(line.calls for line in lines.values()),
                "credits": sum(line.credits for line in lines.values()),
                "cost_usd": round(sum(line.cost_usd for line in lines.values()), 6),
                "charged_again": _charged_again(lines.values()),
                "operations": {name: line.as_dict() for name, line in sorted(lines.items())},
            }
        return {"vendors": vendors, "balances": dict(self.balances)}


def _charged_again(lines: Iterable[Line]) -> int:
    """How often something was bought that had been bought, by whichever operation."""
    charges = sum((line.charges for line in lines), Counter[str]())
    return charges.total() - len(charges)
