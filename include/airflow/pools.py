"""The pools, and the form in which Airflow imports them: ``python -m include.airflow.pools > pools.json && airflow pools import pools.json``."""

from __future__ import annotations

import json

# One pool per external system makes its concurrency limit global over all DAGs (slots, description).
POOLS = {
    "bigquery": (8, "Concurrent BigQuery jobs"),
    "vendor_response": (1, "Loads of raw.vendor_response: two at once that bring the same answer would both insert it"),
    "nppes": (2, "Downloads from CMS"),
    "board": (4, "State boards read at once; each is another site, paced by its declaration"),
    "wiza": (4, "Chunks of Wiza reveals in flight"),
    "apollo": (1, "Apollo is asked by one task at a time: its balance then tells what a lost answer cost"),
    "clay": (2, "Clay runs in flight"),
    "twilio": (2, "Chunks of Twilio look-ups and validations in flight"),
    "usps": (1, "USPS counts calls by the hour: one reader"),
    "addy": (1, "Chunks of Addy validations in flight"),
    "google_ads": (2, "Days of Google Ads read at once"),
    "meta_ads": (2, "Days of Meta's ads read at once"),
    "ttd": (4, "The Trade Desk allows four callers an endpoint"),
    "leadfeeder": (1, "Leadfeeder's 100 requests a minute: one reader"),
    "ghl": (1, "Go High Level limits by location: one writer"),
    "instantly": (1, "Instantly limits by workspace: one writer"),
}


def pools_json() -> str:
    """Return the pools for ``airflow pools import``. A deferred task keeps its slot: its work is still at the vendor."""
    return json.dumps(
        {name: {"slots": s, "description": text, "include_deferred": True} for name, (s, text) in POOLS.items()},
        indent=2,
    )


if __name__ == "__main__":
    print(pools_json())
