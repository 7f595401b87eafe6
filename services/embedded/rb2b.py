"""A person's part in RB2B's export, for the embedded stack."""

from __future__ import annotations

from datetime import date

from services.embedded.cloud import BUCKET, Cloud
from services.embedded.process import loopback_client
from services.embedded.sandbox import Sandbox


def drop_rb2b_export(cloud: Cloud, sandbox: Sandbox, day: date) -> None:
    """Download the day's export from the dashboard and put it where ingest_site_visits looks for it."""
    exported = sandbox.admin.get("rb2b_export", params={"day": day.isoformat()})
    exported.raise_for_status()
    with loopback_client(cloud.lake.url, timeout=30) as lake:
        stored = lake.post(
            f"/upload/storage/v1/b/{BUCKET}/o",
            params={"uploadType": "media", "name": f"drop/rb2b/{day}/export.csv"},
            content=exported.content,
            headers={"content-type": "text/csv"},
        )
        stored.raise_for_status()
