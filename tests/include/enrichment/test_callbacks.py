"""The proofs of callbacks: vectors, and what does not pass."""

from __future__ import annotations

import pytest

from include.enrichment.callbacks import (
    REFERENCE_CHARACTERS,
    clay_signature,
    new_callback_address,
    reference_of_token,
    wiza_auth_key,
)

SECRET = "callback-secret-1"


def test_address_when_made_then_only_its_vendor_and_an_active_secret_give_the_reference_back() -> None:
    address = new_callback_address("https://hooks.example.org/", "apollo", SECRET)
    assert address.url.startswith("https://hooks.example.org/webhooks/apollo/")
    assert len(address.reference) == REFERENCE_CHARACTERS
    token = address.url.rsplit("/", 1)[1]
    assert reference_of_token([SECRET], "apollo", token) == address.reference
    assert reference_of_token(["newer", SECRET], "apollo", token) == address.reference, "while secrets are replaced"
    assert reference_of_token([SECRET], "wiza", token) is None
    assert reference_of_token(["newer"], "apollo", token) is None
    assert new_callback_address("https://hooks.example.org", "apollo", SECRET).reference != address.reference


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: "A" + t[1:] if t[0] != "A" else "B" + t[1:],
                                    lambda t: t + "x", lambda t: "", lambda t: t[:REFERENCE_CHARACTERS], lambda t: "é"])  # fmt: skip
def test_token_when_changed_then_it_is_nobodys(change: object) -> None:
    token = new_callback_address("https://h.example", "wiza", SECRET).url.rsplit("/", 1)[1]
    assert reference_of_token([SECRET], "wiza", change(token)) is None  # type: ignore[operator]


def test_address_when_there_is_no_secret_then_says_where_to_set_it() -> None:
    with pytest.raises(ValueError, match="wiza_default: extra has no callback_secret"):
        new_callback_address("https://h.example", "wiza", "")


def test_proofs_when_computed_then_as_openssl_computes_them() -> None:
    # printf %s sandbox-key | openssl dgst -sha256; printf %s '{"a":1}' | openssl dgst -sha256 -hmac whsec_test
    assert wiza_auth_key("sandbox-key") == "db6bcf6a2a36ee93dafa7dfcdc40973da39f2e2843e4c6f76e08aefc767b0caa"
    assert (
        clay_signature("whsec_test", b'{"a":1}')
        == "sha256=51426af50a41dd7ff2cd3f116594734766d4018d15d6fb07169aee5d2959adf5"
    )
