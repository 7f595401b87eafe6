"""The pools as Airflow imports them: ``python -m include.airflow_pools > pools.json && airflow pools import pools.json``."""

from __future__ import annotations

import json

from include.airflow_defaults import POOLS


def pools_json() -> str:
    """Return the pools in the form of ``airflow pools import``. A deferred task keeps its slot: its work is still at the vendor."""
    return json.dumps(
        {name: {"slots": s, "description": text, "include_deferred": True} for name, (s, text) in POOLS.items()},
        indent=2,
    )


if __name__ == "__main__":
    print(pools_json())
