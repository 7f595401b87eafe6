"""Published telephone numbers and what can be dialed of them."""

from __future__ import annotations

import pytest

from include.contacts.phone_number import phone_key, phone_number


@pytest.mark.parametrize(
    ("published", "e164", "extension", "region", "toll_free"),
    [
        ("2125550143", "+12125550143", None, "US", False),
        ("(212) 555-0143 x12", "+12125550143", "12", "US", False),
        ("1-212-555-0143", "+12125550143", None, "US", False),
        ("787-555-0143", "+17875550143", None, "PR", False),
        ("416-555-0143", "+14165550143", None, "CA", False),
        ("1 (800) 555-0143", "+18005550143", None, "US", True),
        ("+64 9 303 1010", "+6493031010", None, "NZ", False),
    ],
)
def test_phone_number_when_it_can_be_dialled_then_is_e164(
    published: str, e164: str, extension: str | None, region: str, toll_free: bool
) -> None:
    found = phone_number(published)
    assert (found.e164, found.extension, found.toll_free, found.valid) == (e164, extension, toll_free, True)
    assert found.reason is None and (toll_free or found.region == region)


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        (None, "empty"),
        (" - ", "empty"),
        ("5", "too_short"),
        ("555-0143", "too_short"),
        ("212555014", "too_short"),
        ("212555014399999", "too_long"),
        ("1112223333", "not_in_plan"),
        ("0000000000", "placeholder"),
        ("+1 000-000-0000", "placeholder"),
        ("555-555-5555", "placeholder"),
        ("512-555-1212", "placeholder"),
        ("CALL US", "not_a_number"),
    ],
)
def test_phone_number_when_it_cannot_be_dialled_then_is_no_number_and_says_why(
    published: str | None, reason: str
) -> None:
    found = phone_number(published)
    assert (found.e164, found.valid, found.reason) == (None, False, reason)


def test_phone_number_when_the_country_is_another_then_its_plan_reads_the_number() -> None:
    assert phone_number("09 303 1010", "NZ").e164 == "+6493031010"
    assert phone_number("09 303 1010", "ZZ").reason == "unknown_country"
    assert phone_key("09 303 1010", "NZ") != phone_key("09 303 1010", "US") == phone_key("09 303 1010", None)
