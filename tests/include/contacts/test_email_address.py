"""One validator for every e-mail address: what people write around an address goes, and what is none says why."""

import pytest

from include.contacts.email_address import email_address, normalized_email
from tests.include.email_addresses import DANA, WRITTEN


@pytest.mark.parametrize(("written", "expected"), WRITTEN)
def test_normalized_email_of_what_people_write_is_the_bare_address(written, expected):
    assert normalized_email(written) == expected


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "empty"),
        (7, "empty"),
        (" \u200b\n", "empty"),
        ("n/a", "not_an_address"),
        (f"{DANA}, lee@brightsmile.example", "several"),
        ("dana@brightsmile", "malformed"),
        ("dana..reed@brightsmile.example", "malformed"),
        ("dana@-smile.example", "malformed"),
        ("dana@10.0.0.1", "malformed"),
        ("dana@dental.local", "malformed"),
        ("email_not_unlocked@domain.com", "placeholder"),
        ("email_not_unlocked@brightsmile.example", "placeholder"),
        ("Jane.Doe@Example.com", "placeholder"),
    ],
)
def test_email_address_of_what_is_none_says_why(written, reason):
    read = email_address(written)
    assert (read.address, read.reason) == (None, reason)


@pytest.mark.parametrize("written", [DANA, f"Dana <{DANA.upper()}>", f"'{DANA}'", f"mailto:{DANA}"])
def test_email_address_of_one_address_is_that_address_in_lower_case(written):
    read = email_address(written)
    assert (read.address, read.reason) == (DANA, None)


def test_email_address_with_letters_beyond_ascii_is_kept_as_it_is_written():
    assert email_address("Zoë@Zahnärzte.Example").address == "zoë@zahnärzte.example"


def test_email_address_that_is_read_again_stays_the_same():
    for written, _ in WRITTEN:
        if (address := email_address(written).address) is not None:
            assert email_address(address).address == address
