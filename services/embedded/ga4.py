"""Google's part in GA4's daily export, for the embedded stack."""

from __future__ import annotations

from datetime import date

from services.embedded.cloud import GA4_DATASET, PROJECT, Cloud
from services.embedded.sandbox import Sandbox
from services.sandbox.ga4_export import publish


def publish_ga4(cloud: Cloud, sandbox: Sandbox, day: date) -> int | None:
    """Write the day's export table as it is at the sandbox's time; return its rows, or None while it is not published."""
    return publish(sandbox.url, cloud.warehouse.url, PROJECT, GA4_DATASET, day)
