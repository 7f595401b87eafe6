"""What a request is called, and what a plan may cost."""

from __future__ import annotations

from typing import Any

import pytest

from include.enrichment.asking import calls, question
from include.enrichment.rules import (
    LOOKUP,
    BudgetExceeded,
    PaidOperation,
    forecast,
    lookup_request,
    request_key,
)

ADA = {
    "npi": "2000000001",
    "full_name": "ADA MOLAR",
    "first_name": "ADA",
    "last_name": "MOLAR",
    "company": "EXAMPLE DENTAL",
    "segment": "solo",
    "after": None,
}
REVEAL = PaidOperation("wiza", "individual_reveal", 2.0, 0.05, 0.0)


def test_question_when_only_case_and_spaces_differ_then_is_the_same_question() -> None:
    ada = question("wiza", ADA)
    assert ada.asked == {"full_name": "ADA MOLAR", "company": "EXAMPLE DENTAL", "level": "partial"}
    assert ada.key == "c2ff9d41a2d55e048e8b91318013f71b"  # what earlier versions asked is still known by its key
    assert question("wiza", {**ADA, "full_name": " Ada  Molar", "company": "Example Dental "}).key == ada.key


@pytest.mark.parametrize("change", [{"npi": "2000000002"}, {"company": "OTHER DENTAL"}, {"after": "k1"}], ids=str)
def test_question_when_it_differs_then_is_another_one(change: dict[str, Any]) -> None:
    assert question("wiza", {**ADA, **change}).key != question("wiza", ADA).key


def test_calls_when_a_vendor_takes_many_then_the_same_rows_make_the_same_calls() -> None:
    rows = [{**ADA, "npi": f"2{number:09d}"} for number in range(23)]
    assert [len(call.questions) for call in calls("apollo", rows)] == [10, 10, 3]
    assert [call.key for call in calls("apollo", rows)] == [call.key for call in calls("apollo", list(rows))]
    assert calls("apollo", rows)[0].key != calls("apollo", rows[1:])[0].key
    assert len(calls("wiza", rows)) == 23 and calls("wiza", rows)[0].key == question("wiza", rows[0]).key


def test_lookup_request_when_two_people_share_a_number_then_is_one_request() -> None:
    ada = {"npi": "2000000001", "phone_e164": "+15125550100", "after": None}
    assert lookup_request(ada)[0] == lookup_request({**ada, "npi": "2000000002"})[0]


def test_request_key_when_operations_differ_then_never_meets() -> None:
    assert request_key(REVEAL, "1", {}, None) != request_key(LOOKUP, "1", {}, None)


def test_forecast_when_within_the_budget_then_gives_the_most_it_can_cost() -> None:
    plan = forecast(REVEAL, 1500, max_credits=3000, max_usd=150.0)
    assert (plan.calls, plan.credits, plan.usd) == (1500, 3000.0, 150.0)
    assert forecast(LOOKUP, 1000, max_credits=0, max_usd=8.0).usd == pytest.approx(8.0)


def test_forecast_when_credits_may_not_suffice_then_says_what_to_lower() -> None:
    with pytest.raises(BudgetExceeded, match=r"1501 calls can take 3002 credits.*lower the number of calls to 1500"):
        forecast(REVEAL, 1501, max_credits=3000, max_usd=1e9)


def test_forecast_when_money_may_not_suffice_then_stops() -> None:
    with pytest.raises(BudgetExceeded, match=r"twilio line_type_intelligence: 1001 calls can cost 8\.01 USD"):
        forecast(LOOKUP, 1001, max_credits=0, max_usd=8.0)
