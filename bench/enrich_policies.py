"""What each policy would have paid for the same people: every vendor's answer is bought once, and the policies replayed.

A vendor's answer about a person does not depend on who was asked before, so the replay is exact: a policy pays for the
answers that it would have asked for, until one is accepted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from math import sqrt
from typing import Any

from include.enrichment.asking import calls
from include.enrichment.vendor_order import Rates, Tally, best_order
from include.enrichment.vendor_rows import vendor_rows
from include.enrichment.waterfall import policy
from include.lake.call_ledger import Entry
from operators.asking import Answer, EnrichmentProvider, provider_of


@dataclass(frozen=True)
class Bought:
    """One vendor's answer about one person."""

    credits: float
    email: str | None
    usable: bool


def buy_everything(people: Sequence[dict[str, Any]]) -> dict[str, dict[str, Bought]]:
    """Return npi -> vendor -> answer, asked of every vendor about everybody."""
    answers: dict[str, dict[str, Bought]] = {person["npi"]: {} for person in people}
    rules = policy()
    for vendor in rules.vendors.values():
        provider = provider_of(vendor.name)
        provider.connect()
        planned = calls(vendor.name, people)
        started = [(call, provider.start(call.questions, {})) for call in planned]
        for call, outcome in started:
            answer = outcome if isinstance(outcome, Answer) else _waited(provider, outcome)
            many = len(call.questions) > 1 or vendor.people_per_call > 1
            entry = Entry(
                vendor.name, vendor.operation, call.key, call.questions[0].npi, "responded", 200, None,
                json.dumps(call.request(many)), answer.text, answer.credits, vendor.usd(answer.credits),
                datetime.now(UTC), datetime.now(UTC), {"segment": call.questions[0].segment},
            )  # fmt: skip
            for row in vendor_rows(entry):
                found = json.loads(row["found"] or "{}")
                accepted = found.get("email_status") in rules.email.statuses
                usable = accepted and found.get("email_confidence", 0.0) >= rules.email.min_confidence
                answers[row["person_key"]][vendor.name] = Bought(row["credits"], found.get("email"), usable)
    return answers


def replayed(
    people: Sequence[Mapping[str, Any]],
    answers: Mapping[str, Mapping[str, Bought]],
    orders: Mapping[str, Sequence[str]],
) -> tuple[float, int, int]:
    """Return (USD, usable contacts, of these truly the person's) of asking in these orders until one is accepted."""
    vendors = policy().vendors
    usd, usable, true = 0.0, 0, 0
    for person in people:
        for vendor in orders[person["segment"]]:
            bought = answers[person["npi"]][vendor]
            usd += vendors[vendor].usd(bought.credits)
            if bought.usable:
                usable += 1
                true += bought.email == person["true_email"]
                break
    return usd, usable, true


def learned_orders(
    people: Sequence[Mapping[str, Any]], answers: Mapping[str, Mapping[str, Bought]]
) -> dict[str, tuple[str, ...]]:
    """Return the order of each segment learned from these people, as if a share of them had been asked in each order."""
    rules = policy()
    tallies = []
    orders = list(permutations(rules.email.order))
    for number, person in enumerate(people):
        before: frozenset[str] = frozenset()
        for vendor in orders[number % len(orders)]:
            bought = answers[person["npi"]][vendor]
            tallies.append(Tally(person["segment"], vendor, before, 1, int(bought.usable), bought.credits))
            if bought.usable:
                break
            before |= {vendor}
    rates = Rates(tallies, rules.vendors, rules.learned_order.prior_weight)
    segments = sorted({person["segment"] for person in people})
    return {s: best_order(rates, s, rules.email.order, rules.budget.usd_per_usable).order for s in segments}


def wilson(successes: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, successes / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return round(middle - half, 4), round(middle + half, 4)


def _waited(provider: EnrichmentProvider, ref: str) -> Answer:
    while True:
        answer = provider.answer(ref)
        if answer is not None:
            return answer
        time.sleep(0.2)
