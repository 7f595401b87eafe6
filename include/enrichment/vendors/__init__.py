"""The vendors that answer about people and places, each in a file of its own, found by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.enrichment.answer_fields import Fields
from include.enrichment.candidate import Candidate
from include.enrichment.vendors import addy, apollo, clay, twilio, usps, wiza
from include.enrichment.vendors.vendor import Vendor

__all__ = ["VENDORS", "UnknownVendor", "Vendor", "parse_response", "vendor_of"]

VENDORS: Mapping[str, Vendor] = {
    module.VENDOR.name: module.VENDOR for module in (addy, apollo, clay, twilio, usps, wiza)
}


class UnknownVendor(ValueError):
    """Nobody has written down what is known of a vendor."""


def vendor_of(name: str) -> Vendor:
    """Return a vendor by the name of its connection `<name>_default`. Raises UnknownVendor."""
    if name not in VENDORS:
        raise UnknownVendor(
            f"{name!r} is no vendor that we can read: known are {', '.join(sorted(VENDORS))}. Add "
            f"include/enrichment/vendors/{name}.py and name it in include/enrichment/vendors/__init__.py (CONTRIBUTING.md)."
        )
    return VENDORS[name]


def parse_response(vendor: str, part: Any) -> Candidate:
    """Return what one person's part of a response says; nothing for a miss, or for a vendor that sells no contacts.

    Raises OddAnswer where a field that is read, by us or by SQL, is not of the documented type.
    """
    return vendor_of(vendor).parse_response(Fields(part)) if isinstance(part, Mapping) else Candidate()
