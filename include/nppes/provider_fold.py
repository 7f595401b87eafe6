"""How RAW becomes clean.provider: each slice of RAW is read once (map), then the NPIs that it touched are folded anew."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from include.warehouse.tables import table

# What decides how a published text is read: a change of one of them has everything read again.
READERS = ("phone_number.py", "postal_address.py", "postal_forms.py", "postal_lines.py", "postal_places.py")
LIBRARIES = ("phonenumbers", "usaddress", "usaddress-scourgify")


def mapping_version() -> str:
    """Return a hash of all that decides what a row of RAW becomes in clean.provider_version, clean.address and clean.phone.

    It is part of a slice's fingerprint in ops.mapped_slice, so that another one has every slice mapped and every NPI folded.
    """
    read = [
        table("clean.provider_version").sql(),
        *((Path(__file__).parents[1] / "contacts" / name).read_text() for name in READERS),
    ]
    text = "\n".join([*read, *(f"{name}=={version(name)}" for name in LIBRARIES)])
    return hashlib.sha256(text.encode()).hexdigest()
