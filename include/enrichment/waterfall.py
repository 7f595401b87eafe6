"""The waterfall: what is asked of whom next, as include/enrichment/waterfall.yaml declares it. Pure: the same facts, the same step."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from include.enrichment.rules import PaidOperation

POLICY = Path(__file__).with_name("waterfall.yaml")
COME_ALONG = ("phone", "linkedin", "firmographics")  # what nothing is bought for alone
REGISTRY = "registry"  # not a vendor: what clean.provider has, free of charge

Reason = Literal["ask", "accepted", "outcome_unknown", "exhausted"]


class PolicyError(ValueError):
    """include/enrichment/waterfall.yaml is wrong. The message says where, and what stands there."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Rates of one vendor until there are answers: share of people asked who get a usable contact, credits a person."""

    usable: float
    credits: float
    source: str


@dataclass(frozen=True, slots=True)
class VendorStatus:
    """What a vendor's word for an e-mail means to us."""

    status: Literal["valid", "risky"]
    confidence: float


@dataclass(frozen=True, slots=True)
class VendorPolicy:
    """One vendor. calls_per_second: its published limit. answer_seconds: until an answer is there.

    needs_company: it cannot be asked by name, city and state alone.
    """

    name: str
    operation: str
    people_per_call: int
    max_credits: float
    usd_per_credit: float
    calls_per_second: float
    answer_seconds: float
    needs_company: bool
    prior: Prior
    statuses: Mapping[str, VendorStatus]

    def paid(self) -> PaidOperation:
        """This vendor's call as a paid operation; the price is a person's."""
        return PaidOperation(self.name, self.operation, self.max_credits, self.usd_per_credit, 0.0)

    def usd(self, credits: float) -> float:
        return credits * self.usd_per_credit


@dataclass(frozen=True, slots=True)
class EmailPolicy:
    """What is bought. order: who is asked, one after the other, until one answer is accepted.

    statuses, min_confidence: what is accepted. max_age_days: an accepted answer older than this is bought again, and
    after stale_after_days it is not used. ask_again_days: a vendor that had nothing good is asked again after so long.
    """

    order: tuple[str, ...]
    statuses: tuple[str, ...]
    min_confidence: float
    max_age_days: int
    stale_after_days: int
    ask_again_days: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Most USD: of a run, of a calendar month, and for one more usable contact."""

    usd_per_run: float
    usd_per_month: float
    usd_per_usable: float


@dataclass(frozen=True, slots=True)
class Eligible:
    taxonomy_prefix: str
    min_icp_score: float


@dataclass(frozen=True, slots=True)
class LearnedOrder:
    apply: bool
    prior_weight: float
    explore_share: float


@dataclass(frozen=True, slots=True)
class Policy:
    vendors: Mapping[str, VendorPolicy]
    email: EmailPolicy
    orders: Mapping[str, tuple[str, ...]]  # of what comes along: whose value stands
    budget: Budget
    eligible: Eligible
    learned_order: LearnedOrder

    @property
    def names(self) -> str:
        """The vendors with commas between, for statements."""
        return ",".join(self.vendors)

    def can_be_asked(self, order: Sequence[str], company: str | None) -> tuple[str, ...]:
        """The vendors of an order that can be asked about a person at this company; None: about one without any."""
        return tuple(name for name in order if company or not self.vendors[name].needs_company)

    def max_usd_per_person(self) -> float:
        """What one person costs when every vendor is asked and charges its most."""
        return sum(self.vendors[name].usd(self.vendors[name].max_credits) for name in self.email.order)


@dataclass(frozen=True, slots=True)
class Answered:
    """What one vendor's newest call about a person came to.

    usable: an accepted, verified e-mail came. request_key: names the answer when it is asked for again.
    """

    vendor: str
    status: Literal["responded", "failed", "outcome_unknown"]
    usable: bool
    asked_at: datetime
    request_key: str


@dataclass(frozen=True, slots=True)
class Step:
    """What to do for one person. vendor: None unless reason is `ask`. after: key of the answer that grew too old."""

    reason: Reason
    vendor: str | None = None
    after: str | None = None


def next_step(email: EmailPolicy, order: Sequence[str], answers: Sequence[Answered], as_of: datetime) -> Step:
    """Return what is to be done next about one person's e-mail.

    An accepted answer that is young enough ends it. A call with an unknown outcome holds the person back from every vendor: what it
    bought may be the accepted value.
    """
    newest = {answer.vendor: answer for answer in sorted(answers, key=lambda one: one.asked_at)}
    if any(one.usable and one.asked_at >= as_of - timedelta(days=email.max_age_days) for one in answers):
        return Step("accepted")
    if any(one.status == "outcome_unknown" for one in newest.values()):
        return Step("outcome_unknown")
    again_before = as_of - timedelta(days=email.ask_again_days)
    for vendor in order:
        known = newest.get(vendor)
        if known is None:
            return Step("ask", vendor)
        if known.asked_at < again_before:
            return Step("ask", vendor, known.request_key)
    return Step("exhausted")


def turned(order: Sequence[str], npi: str, share: float) -> tuple[str, ...]:
    """Return the order for one person: turned round for `share` of people, so that each vendor is also asked first.

    By a hash of the NPI, so that a person keeps the same order for ever.
    """
    draw = int(hashlib.sha256(f"order:{npi}".encode()).hexdigest()[:8], 16) / 16**8
    if draw >= share or not order:
        return tuple(order)
    turns = 1 + int(draw / share * (len(order) - 1)) if len(order) > 1 else 0
    return (*order[turns:], *order[:turns])


@cache
def policy() -> Policy:
    """Return the declared policy. Raises PolicyError."""
    return parsed(yaml.safe_load(POLICY.read_text(encoding="utf-8")), f"include/{POLICY.name}")


def parsed(body: Any, where: str) -> Policy:
    """Return the policy in a YAML document; raises PolicyError naming ``where`` and every fault."""
    _keys(where, body, {"vendors", "fields", "budget", "eligible", "learned_order"})
    vendors = {name: _vendor(f"{where}: vendors.{name}", name, one) for name, one in body["vendors"].items()}
    fields = body["fields"]
    _keys(f"{where}: fields", fields, {"email", *COME_ALONG})
    for name in COME_ALONG:
        _keys(f"{where}: fields.{name}", fields[name], {"order"})
    made = Policy(
        vendors=vendors,
        email=_email(f"{where}: fields.email", fields["email"]),
        orders={name: tuple(fields[name]["order"]) for name in COME_ALONG},
        budget=_made(f"{where}: budget", Budget, body["budget"]),
        eligible=_made(f"{where}: eligible", Eligible, body["eligible"]),
        learned_order=_made(f"{where}: learned_order", LearnedOrder, body["learned_order"]),
    )
    faults = _faults(made)
    if faults:
        raise PolicyError(f"{where}: " + "; ".join(faults))
    return made


def _vendor(where: str, name: str, body: Any) -> VendorPolicy:
    numbers = {"max_credits", "usd_per_credit", "calls_per_second", "answer_seconds"}
    _keys(where, body, {"operation", "people_per_call", "needs_company", "prior", "statuses", *numbers})
    if not isinstance(body["needs_company"], bool):
        raise PolicyError(f"{where}.needs_company: must be true or false, found {body['needs_company']!r}")
    return VendorPolicy(
        name=name,
        operation=str(body["operation"]),
        people_per_call=int(_number(f"{where}.people_per_call", body["people_per_call"])),
        needs_company=body["needs_company"],
        **{key: _number(f"{where}.{key}", body[key]) for key in numbers},
        prior=_made(f"{where}.prior", Prior, body["prior"]),
        statuses={
            str(word): _made(f"{where}.statuses.{word}", VendorStatus, meaning)
            for word, meaning in body["statuses"].items()
        },
    )


def _email(where: str, body: Any) -> EmailPolicy:
    days = {"max_age_days", "stale_after_days", "ask_again_days"}
    _keys(where, body, {"order", "accept", *days})
    _keys(f"{where}.accept", body["accept"], {"statuses", "min_confidence"})
    return EmailPolicy(
        order=tuple(body["order"]),
        statuses=tuple(body["accept"]["statuses"]),
        min_confidence=_number(f"{where}.accept.min_confidence", body["accept"]["min_confidence"]),
        **{name: int(_number(f"{where}.{name}", body[name])) for name in days},
    )


def _made[T](where: str, kind: type[T], body: Any) -> T:
    """Return a dataclass of exactly the keys in ``body``; fields annotated float take numbers only."""
    annotations: Mapping[str, str] = kind.__annotations__
    _keys(where, body, set(annotations))
    return kind(**{key: _number(f"{where}.{key}", body[key]) if annotations[key] == "float" else body[key] for key in annotations})  # fmt: skip


def _keys(where: str, body: Any, expected: set[str]) -> None:
    if not isinstance(body, Mapping):
        raise PolicyError(f"{where}: must be a mapping of {sorted(expected)}, found {body!r}")
    missing, unknown = sorted(expected - set(body)), sorted(set(body) - expected)
    if missing or unknown:
        raise PolicyError(f"{where}: missing {missing}, unknown {unknown}")


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise PolicyError(f"{where}: must be a number of 0 or more, found {value!r}")
    return float(value)


def _faults(made: Policy) -> list[str]:
    known = {*made.vendors, REGISTRY}
    faults = []
    for name, order in {"email": made.email.order, **made.orders}.items():
        if not order or len(set(order)) != len(order):
            faults.append(f"fields.{name}.order must name each vendor once, found {list(order)}")
        if unknown := sorted(set(order) - known):
            faults.append(f"fields.{name}.order names {unknown}, and vendors has {sorted(made.vendors)}")
    if REGISTRY in made.email.order:
        faults.append("fields.email.order names the registry, which has no e-mail")
    for vendor in made.vendors.values():
        if vendor.people_per_call < 1 or vendor.calls_per_second <= 0:
            faults.append(f"vendors.{vendor.name}: people_per_call and calls_per_second must be above 0")
        if not 0 < vendor.prior.usable <= 1 or vendor.prior.credits > vendor.max_credits:
            faults.append(f"vendors.{vendor.name}.prior: usable is a share above 0, credits at most max_credits")
        if wrong := sorted({str(s.status) for s in vendor.statuses.values()} - {"valid", "risky"}):
            faults.append(f"vendors.{vendor.name}.statuses: status must be valid or risky, found {wrong}")
    if not isinstance(made.learned_order.apply, bool) or made.learned_order.explore_share > 1:
        faults.append("learned_order: apply is true or false, explore_share at most 1")
    return faults
