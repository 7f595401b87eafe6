"""What a run of the waterfall will come to, before a cent is spent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from include.enrichment.rules import BudgetExceeded
from include.enrichment.vendor_order import Rates
from include.enrichment.waterfall import Budget, VendorPolicy


@dataclass(frozen=True, slots=True)
class Route:
    """People of one segment who have the same vendors before them. asked: vendors that were asked in vain already."""

    segment: str
    asked: frozenset[str]
    order: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class VendorForecast:
    """One vendor's part. people, credits, usd, usable: expected. max_usd: when everybody reaches it at its full price."""

    vendor: str
    people: float
    calls: float
    credits: float
    usd: float
    usable: float
    max_usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class EnrichmentForecast:
    """not_asked: rows of clean.provider that nobody is asked about, by reason."""

    candidates: int
    vendors: tuple[VendorForecast, ...]
    not_asked: Mapping[str, int] = field(default_factory=dict)

    @property
    def usd(self) -> float:
        return sum(one.usd for one in self.vendors)

    @property
    def max_usd(self) -> float:
        return sum(one.max_usd for one in self.vendors)

    @property
    def usable(self) -> float:
        return sum(one.usable for one in self.vendors)

    @property
    def seconds(self) -> float:
        """Until the last answer: one vendor after the other, which is the slowest that it can go."""
        return sum(one.seconds for one in self.vendors)

    def lines(self) -> list[str]:
        """What the task prints."""
        total = (
            f"{self.candidates} people: {self.usable:.0f} usable contacts expected for {self.usd:.2f} USD, at most "
            f"{self.max_usd:.2f} USD, in about {self.seconds / 60:.1f} minutes"
        )
        left_out = ", ".join(f"{count} {name}" for name, count in self.not_asked.items()) or "nobody"
        return [total, f"  not asked for: {left_out}"] + [
            f"  {one.vendor}: {one.people:.0f} people in {one.calls:.0f} calls, {one.credits:.0f} credits, "
            f"{one.usd:.2f} USD (at most {one.max_usd:.2f}), {one.usable:.0f} usable, {one.seconds:.0f} s"
            for one in self.vendors
        ]


def enrichment_forecast(
    routes: Sequence[Route],
    rates: Rates,
    vendors: Mapping[str, VendorPolicy],
    not_asked: Mapping[str, int] | None = None,
) -> EnrichmentForecast:
    """Return the forecast of everybody's way through their order. Vendors that nobody may reach are left out."""
    people: dict[str, float] = defaultdict(float)
    credits: dict[str, float] = defaultdict(float)
    usable: dict[str, float] = defaultdict(float)
    most: dict[str, int] = defaultdict(int)
    for route in routes:
        left = float(route.people)
        before = route.asked
        for vendor in route.order:
            rate = rates.rate(route.segment, vendor, before)
            most[vendor] += route.people
            people[vendor] += left
            credits[vendor] += left * rate.credits
            usable[vendor] += left * rate.usable
            left *= 1.0 - rate.usable
            before = before | {vendor}
    forecasts = [
        _vendor_forecast(vendors[name], people[name], credits[name], usable[name], most[name])
        for name in vendors
        if most[name]
    ]
    return EnrichmentForecast(sum(route.people for route in routes), tuple(forecasts), dict(not_asked or {}))


def require_within_budget(plan: EnrichmentForecast, budget: Budget, spent_this_month: float, approved_usd: float) -> None:  # fmt: skip
    """Raise BudgetExceeded, before anything is asked, when the plan may cost more than it may.

    approved_usd: a person's leave to spend so much in this run, whatever the declared budgets say; 0 is none.
    """
    allowed = max(min(budget.usd_per_run, budget.usd_per_month - spent_this_month), approved_usd)
    if plan.max_usd <= allowed:
        return
    raise BudgetExceeded(
        f"The plan can cost {plan.max_usd:.2f} USD ({plan.usd:.2f} expected, {plan.usable:.0f} usable contacts) and "
        f"{allowed:.2f} are allowed: {budget.usd_per_run:.2f} a run, and {budget.usd_per_month:.2f} a month of which "
        f"{spent_this_month:.2f} are spent. Nothing was asked. Lower max_contacts, or run with approved_usd = "
        f"{plan.max_usd:.2f} to go on."
    )


def _vendor_forecast(
    vendor: VendorPolicy, people: float, credits: float, usable: float, max_people: int
) -> VendorForecast:
    calls = people / vendor.people_per_call
    return VendorForecast(
        vendor=vendor.name,
        people=people,
        calls=calls,
        credits=credits,
        usd=vendor.usd(credits),
        usable=usable,
        max_usd=vendor.usd(max_people * vendor.max_credits),
        seconds=calls / vendor.calls_per_second + vendor.answer_seconds,
    )
