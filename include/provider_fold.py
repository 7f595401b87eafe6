"""How RAW becomes clean.provider: read each slice once (map), then fold the NPIs that it touched."""

from __future__ import annotations

import hashlib

from include.tables import table


def mapping_version() -> str:
    """Return a hash of the SQL that maps a slice: when it changes, every slice has to be mapped again."""
    return hashlib.sha256(table("clean.provider_version").sql().encode()).hexdigest()
