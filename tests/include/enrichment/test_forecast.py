"""What a run will come to, and when it may not begin."""

from __future__ import annotations

import pytest

from include.enrichment.forecast import Route, enrichment_forecast, require_within_budget
from include.enrichment.rules import BudgetExceeded
from include.enrichment.vendor_order import Rates, Tally
from include.enrichment.waterfall import Budget, policy

VENDORS = policy().vendors
RATES = Rates(
    [
        Tally("general/solo", "wiza", frozenset(), 1000, 600, 1200.0),
        Tally("general/solo", "apollo", frozenset({"wiza"}), 1000, 250, 500.0),
    ],
    VENDORS,
    0.0,
)


def test_forecast_when_rates_are_known_then_counts_who_reaches_each_vendor() -> None:
    routes = [
        Route("general/solo", frozenset(), ("wiza", "apollo"), 100),
        Route("general/solo", frozenset({"wiza"}), ("apollo",), 40),
    ]
    plan = enrichment_forecast(routes, RATES, VENDORS)
    wiza, apollo = plan.vendors
    assert (plan.candidates, wiza.vendor, apollo.vendor) == (140, "wiza", "apollo")
    assert (wiza.people, wiza.calls, wiza.credits, wiza.usable) == (100, 100, 120, 60)
    assert (apollo.people, apollo.calls, apollo.usable) == (80, 8, 20)
    assert (wiza.usd, apollo.usd) == (pytest.approx(6.0), pytest.approx(80 * 0.5 * 0.05))
    # at most: nobody is found, and each vendor still charges its most
    assert plan.max_usd == pytest.approx(100 * 2 * 0.05 + 140 * 1 * 0.05)
    assert wiza.seconds == pytest.approx(100 / 15 + 25)
    assert "140 people: 80 usable contacts expected for 8.00 USD, at most 17.00 USD" in plan.lines()[0]


def test_budget_when_the_plan_may_cost_more_then_stops_and_says_how_to_go_on() -> None:
    plan = enrichment_forecast([Route("general/solo", frozenset(), ("wiza",), 100)], RATES, VENDORS)
    assert plan.max_usd == pytest.approx(10.0)
    require_within_budget(plan, Budget(10.0, 100.0, 1.0), spent_this_month=90.0, approved_usd=0.0)
    with pytest.raises(
        BudgetExceeded, match=r"can cost 10\.00 USD.* 9\.00 are allowed.*run with approved_usd = 10\.00"
    ):
        require_within_budget(plan, Budget(9.0, 100.0, 1.0), spent_this_month=0.0, approved_usd=0.0)
    with pytest.raises(BudgetExceeded, match=r"5\.00 are allowed.*100\.00 a month of which 95\.00 are spent"):
        require_within_budget(plan, Budget(10.0, 100.0, 1.0), spent_this_month=95.0, approved_usd=0.0)
    require_within_budget(plan, Budget(1.0, 1.0, 1.0), spent_this_month=95.0, approved_usd=10.0)


def test_forecast_when_nobody_is_to_be_asked_then_costs_nothing() -> None:
    plan = enrichment_forecast([], RATES, VENDORS)
    assert (plan.candidates, plan.usd, plan.max_usd, plan.seconds) == (0, 0, 0, 0)
    require_within_budget(plan, Budget(0.0, 0.0, 0.0), spent_this_month=5.0, approved_usd=0.0)
