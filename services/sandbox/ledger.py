"""The ledger: what every call cost. The truth that a pipeline's own books are compared with."""

import heapq
import time
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
        self._balances = dict(balances)
        # (due, vendor, operation, subject, credits, cost in USD), the next one due first.
        self._promised: list[tuple[float, str, str, str, float, float]] = []
        self._lines: dict[str, dict[str, Line]] = defaultdict(lambda: defaultdict(Line))

    @property
    def balances(self) -> dict[str, float]:
        """What is left of each vendor's credits at this moment."""
        self._book_due()
        return self._balances

    def free(self, vendor: str) -> float:
        """What is left for new work: the balance less what work under way will take."""
        left = self.balances[vendor]
        return left - sum(credits for _, whose, _, _, credits, _ in self._promised if whose == vendor)

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
        if vendor in self._balances:
            self._balances[vendor] -= credits

    def charge_at(self, due: float, vendor: str, operation: str, subject: str, credits: float, cost_usd: float) -> None:
        """Books a charge when work is done. `due`: a monotonic time. Who looks before sees nothing of it."""
        heapq.heappush(self._promised, (due, vendor, operation, subject, credits, cost_usd))

    def _book_due(self) -> None:
        while self._promised and self._promised[0][0] <= time.monotonic():
            _, vendor, operation, subject, credits, cost_usd = heapq.heappop(self._promised)
            self.charge(vendor, operation, subject, credits, cost_usd)

    def as_dict(self) -> dict[str, Any]:
        """{vendors: {vendor: {calls, credits, cost_usd, operations}}, balances}."""
        self._book_due()
        vendors = {}
        for vendor, lines in sorted(self._lines.items()):
            vendors[vendor] = {
                "calls": sum(line.calls for line in lines.values()),
                "credits": sum(line.credits for line in lines.values()),
                "cost_usd": round(sum(line.cost_usd for line in lines.values()), 6),
                "charged_again": _charged_again(lines.values()),
                "operations": {name: line.as_dict() for name, line in sorted(lines.items())},
            }
        return {"vendors": vendors, "balances": dict(self._balances)}


def _charged_again(lines: Iterable[Line]) -> int:
    """How often something was bought that had been bought, by whichever operation."""
    charges = sum((line.charges for line in lines), Counter[str]())
    return charges.total() - len(charges)
