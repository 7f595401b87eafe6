"""Leads for Instantly and what may still change of them, without Instantly."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from include.activation.content_blocks import content_block
from include.activation.instantly import (
    instantly_payload,
    iso_week,
    lead_changes,
    merged,
    remaining,
)
from tests.include.activation.rows import ROW


def lead(**changes: Any) -> dict[str, Any]:
    row = {**ROW, **changes}
    return instantly_payload(row, content_block(row["content_block_id"]))


def test_payload_when_names_are_capitals_then_people_write_them_so() -> None:
    payload = lead()
    assert (payload["first_name"], payload["last_name"]) == ("Dana", "O'Brien")
    assert payload["company_name"] == "Smith's Dental PLLC"
    assert "phone" not in payload


def test_payload_when_block_is_filled_then_footer_names_us_and_the_way_out() -> None:
    body = lead()["custom_variables"]["body"]
    assert "{{" not in body and "100 Example Plaza" in body and "/p1" in body


def test_payload_when_a_name_is_missing_then_no_mail_with_a_gap_is_made() -> None:
    with pytest.raises(ValueError, match="first_name"):
        lead(first_name=None)


def test_payload_when_company_has_markup_then_html_is_escaped() -> None:
    assert "Tooth &amp; Co" in lead(company_name="TOOTH & CO")["custom_variables"]["body"]


@pytest.mark.parametrize(
    ("as_of", "monday"),
    [
        ("2025-11-10T06:00:00+00:00", date(2025, 11, 10)),
        ("2025-11-16T23:59:59+00:00", date(2025, 11, 10)),
        ("2025-11-17T00:30:00+02:00", date(2025, 11, 10)),  # still Sunday in UTC
        ("2026-01-01T00:00:00+00:00", date(2025, 12, 29)),
    ],
)
def test_iso_week_when_day_is_given_then_monday_of_its_week(as_of: str, monday: date) -> None:
    assert iso_week(as_of)[0] == monday
    assert (iso_week(as_of)[1] - monday).days == 6


def test_remaining_when_week_is_over_full_then_zero() -> None:
    assert (remaining(600, 0), remaining(600, 590), remaining(600, 700)) == (600, 10, 0)


def test_lead_changes_when_nothing_differs_then_empty() -> None:
    assert lead_changes(lead(), lead(), contacted=False) == {}


def test_lead_changes_when_contacted_then_content_stays_and_score_goes() -> None:
    held, wanted = lead(), lead(content_block_id="peer-invite", score=60.0, email="new@x.example")
    free = lead_changes(held, wanted, contacted=False)
    assert set(free["custom_variables"]) == {"content_block_id", "subject", "body", "lead_score"}
    assert lead_changes(held, wanted, contacted=True) == {"custom_variables": {"lead_score": 60}}
    assert "email" not in free
    assert merged(held, free)["custom_variables"] == wanted["custom_variables"]
    assert merged(held, free)["email"] == held["email"]
