"""What enrichment asks of vendors, how old an answer may be, what it may cost, and how a request is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PaidOperation:
    """One kind of paid call.

    name: the operation as the call ledger and raw.vendor_response know it.
    max_credits: the most that one call can cost, in the vendor's credits (0: not sold by credit).
    usd_per_credit, usd_per_call: list price; the contract's price is the owner's to set here.
    """

    vendor: str
    name: str
    max_credits: float
    usd_per_credit: float
    usd_per_call: float

    def max_usd(self, calls: int) -> float:
        """The most that so many calls can cost, in USD."""
        return calls * (self.max_credits * self.usd_per_credit + self.usd_per_call)

    def usd(self, credits: float) -> float:
        """What one call that took so many credits cost, in USD."""
        return credits * self.usd_per_credit + self.usd_per_call


# Twilio sells by call. (What the waterfall buys is declared in include/enrichment/waterfall.yaml.)
LOOKUP = PaidOperation("twilio", "line_type_intelligence", 0.0, 0.0, 0.008)
LOOKUP_MAX_AGE_DAYS = 365  # a practice keeps its number

MAX_CHUNK_ROWS = 200  # what one mapped task asks for: small enough to lose little, large enough to keep the grid short
MAX_CHUNKS = 200
MAX_LOST_IN_A_ROW = (
    3  # a vendor that breaks off three times running is out: each further call would be outcome unknown too
)
PACKAGE_RETRY_DAYS = 7  # when a look-up whose paid part failed is asked again


class BudgetExceeded(Exception):
    """The plan could cost more than it may. Nothing was asked."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a plan can cost at most."""

    calls: int
    credits: float
    usd: float


def forecast(operation: PaidOperation, calls: int, *, max_credits: float, max_usd: float) -> Forecast:
    """Return what so many calls can cost at most. Raises BudgetExceeded when that is above either limit."""
    plan = Forecast(calls, calls * operation.max_credits, operation.max_usd(calls))
    if plan.credits > max_credits:
        affordable = int(max_credits // operation.max_credits)
        raise BudgetExceeded(
            f"{operation.vendor} {operation.name}: {calls} calls can take {plan.credits:g} credits and the limit is "
            f"{max_credits:g}: lower the number of calls to {affordable} or raise the limit."
        )
    if plan.usd > max_usd:
        raise BudgetExceeded(
            f"{operation.vendor} {operation.name}: {calls} calls can cost {plan.usd:.2f} USD and the limit is "
            f"{max_usd:.2f} USD: lower the number of calls or raise the limit."
        )
    return plan


def too_many_refused(refused: int, rows: int) -> bool:
    """Whether so many refusals of a chunk are no longer about single people: at least 3, and more than 5 %."""
    return refused >= 3 and refused > 0.05 * rows


def request_key(operation: PaidOperation, subject: str, inputs: Mapping[str, str], after: str | None) -> str:
    """Return the name of one request: the same for the same question, so that it is never bought twice.

    subject: the NPI (or the phone number, where many people share the question). inputs: what is asked with.
    after: the key of the answer that has grown too old, None when this was never asked; without it a question could be
    bought only once in a lifetime.
    """
    normalized = {name: " ".join(value.casefold().split()) for name, value in inputs.items()}
    text = "|".join([operation.vendor, operation.name, subject, json.dumps(normalized, sort_keys=True), after or ""])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def lookup_request(row: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return (request key, what to ask Twilio) for one row of enriched/contact/lookup_candidates.sql."""
    asked = {"phone_number": str(row["phone_e164"]), "fields": LOOKUP.name}
    return request_key(LOOKUP, asked["phone_number"], asked, row["after"]), asked
