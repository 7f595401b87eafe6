"""Rows of clean.address and clean.phone for published texts, without what validators and look-ups add later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from include.contacts.phone_number import phone_key, phone_number
from include.contacts.postal_address import (
    PostalAddress,
    Published,
    address_key,
    location_key,
    standard_addresses,
    standard_key,
)


def address_rows(published: Sequence[Published]) -> list[dict[str, Any]]:
    """Return the row of each published address, in order: key, published parts, standard parts, keys, status."""
    return [
        {
            "address_key": address_key(text),
            **{f"published_{part}": value for part, value in text._asdict().items()},
            **asdict(standard),
            "location_key": location_key(standard),
            "standard_key": standard_key(standard),
            "validation_status": "pending" if _can_be_asked(standard) else "not_asked",
        }
        for text, standard in zip(published, standard_addresses(published), strict=True)
    ]


def phone_rows(published: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the row of each published number, in order. published: text, and country of its address (ISO alpha-2)."""
    rows = []
    for text, country in published:
        number = phone_number(text, country)
        rows.append(
            {
                "phone_key": phone_key(text, country),
                "published": text,
                "country": country,
                "phone_e164": number.e164,
                "extension": number.extension,
                "region": number.region,
                "reason": number.reason,
                "is_toll_free": number.toll_free,
                "is_fax": False,
                "shared_by": 0,
            }
        )
    return rows


def _can_be_asked(address: PostalAddress) -> bool:
    """Whether a validator can be asked: there is an address, and somebody could read its line."""
    return address.kind == "foreign" or address.parse_level not in ("empty", "plain")
