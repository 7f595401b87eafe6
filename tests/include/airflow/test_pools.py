from __future__ import annotations

import json

from include.airflow.defaults import System
from include.airflow.pools import POOLS, pools_json


def test_every_vendor_and_the_warehouse_have_a_pool() -> None:
    # Webhooks are received and GA4 is in our own warehouse; vendors' answers are loaded one load after the other.
    systems = {system.removeprefix("system:") for system in System}
    assert set(POOLS) == systems - {"webhooks", "ga4"} | {"vendor_response"}
    for name, (slots, description) in POOLS.items():
        assert slots > 0 and description, name


def test_pools_json_when_a_task_is_deferred_then_it_keeps_its_slot() -> None:
    pools = json.loads(pools_json())
    assert set(pools) == set(POOLS)
    assert {pool["include_deferred"] for pool in pools.values()} == {True}
