"""What is asked next, and what a wrong policy says."""

from __future__ import annotations

import copy
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from include.enrichment.waterfall import POLICY, Answered, PolicyError, Step, next_step, parsed, policy, turned

AS_OF = datetime(2025, 11, 10, 6, tzinfo=UTC)
ORDER = ("wiza", "apollo", "clay")
EMAIL = policy().email


def _answer(vendor: str, days: float, *, usable: bool = False, status: Any = "responded", key: str = "k") -> Answered:
    return Answered(vendor, status, usable, AS_OF - timedelta(days=days), key)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], Step("ask", "wiza")),
        ([_answer("wiza", 1)], Step("ask", "apollo")),
        ([_answer("wiza", 1, status="failed")], Step("ask", "apollo")),
        ([_answer("wiza", 1), _answer("apollo", 1, usable=True)], Step("accepted")),
        ([_answer("wiza", 1), _answer("apollo", 1), _answer("clay", 1)], Step("exhausted")),
        # a good value that has grown old is bought again, first where the order says
        ([_answer("wiza", 181, usable=True, key="old")], Step("ask", "wiza", "old")),
        # the negative cache: asked again after its days, not before
        ([_answer("wiza", 181, key="old"), _answer("apollo", 3), _answer("clay", 3)], Step("ask", "wiza", "old")),
        ([_answer("wiza", 179), _answer("apollo", 3), _answer("clay", 3)], Step("exhausted")),
        # outcome unknown: nobody else is asked either, because what it bought may be the answer
        ([_answer("wiza", 1, status="outcome_unknown")], Step("outcome_unknown")),
        ([_answer("wiza", 1), _answer("apollo", 1, status="outcome_unknown")], Step("outcome_unknown")),
        # reconciled since by a later answer
        ([_answer("wiza", 9, status="outcome_unknown"), _answer("wiza", 1)], Step("ask", "apollo")),
    ],
)
def test_next_step_when_vendors_have_answered_then_is_the_policys(answers: list[Answered], expected: Step) -> None:
    assert next_step(EMAIL, ORDER, answers, AS_OF) == expected
    assert next_step(EMAIL, ORDER, list(reversed(answers)), AS_OF) == expected


def test_turned_when_a_share_explores_then_each_vendor_leads_for_some_and_a_person_keeps_the_order() -> None:
    orders = [turned(ORDER, f"2{number:09d}", 0.1) for number in range(4000)]
    firsts = Counter(order[0] for order in orders)
    assert 150 < firsts["apollo"] < 250 and 150 < firsts["clay"] < 250
    assert {frozenset(order) for order in orders} == {frozenset(ORDER)}
    assert turned(ORDER, "2000000001", 0.0) == ORDER
    assert turned(("wiza",), "2000000001", 1.0) == ("wiza",)


def test_policy_when_read_then_prices_a_person_at_the_most_of_every_vendor() -> None:
    declared = policy()
    assert declared.max_usd_per_person() == pytest.approx(2 * 0.05 + 1 * 0.05 + 4 * 0.05)
    assert declared.vendors["apollo"].statuses["verified"].status == "valid"
    assert declared.learned_order.apply is False  # a saving on paper is not yet a decision


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("colour",), 1, r"missing \[\], unknown \['colour'\]"),
        (("fields", "fax"), {}, r"fields: missing \[\], unknown \['fax'\]"),
        (("fields", "email", "order"), ["wiza", "wiza"], r"fields.email.order must name each vendor once"),
        (("fields", "email", "order"), ["hunter"], r"fields.email.order names \['hunter'\]"),
        (("fields", "email", "order"), ["registry"], r"fields.email.order names the registry, which has no e-mail"),
        (("fields", "phone", "accept"), {}, r"fields.phone: missing \[\], unknown \['accept'\]"),
        (("fields", "linkedin", "order"), [], r"fields.linkedin.order must name each vendor once"),
        (("fields", "email", "max_age_days"), "half a year", r"fields.email.max_age_days: must be a number"),
        (("vendors", "wiza", "usd_per_credit"), -1, r"vendors.wiza.usd_per_credit: must be a number of 0 or more"),
        (("vendors", "wiza", "prior", "credits"), 3, r"vendors.wiza.prior: .*credits at most max_credits"),
        (("vendors", "wiza", "statuses", "valid", "status"), "good", r"vendors.wiza.statuses: .*found \['good'\]"),
        (("vendors", "wiza", "prior"), None, r"vendors.wiza.prior: must be a mapping of"),
        (("budget", "usd_per_run"), True, r"budget.usd_per_run: must be a number"),
        (("learned_order", "apply"), "yes", r"learned_order: apply is true or false"),
    ],
)
def test_policy_when_wrong_then_says_where_and_what(path: tuple[str, ...], value: Any, said: str) -> None:
    body = copy.deepcopy(yaml.safe_load(POLICY.read_text()))
    target = body
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(PolicyError, match=f"^w.yaml: {said}"):
        parsed(body, "w.yaml")
