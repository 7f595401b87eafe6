"""What a vendor's balance fell by, against what our books say."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from google.cloud import storage

from include.lake.call_ledger import CallLedger

MIN_CREDITS = 0.01  # what two sums of fractions may differ by


class Balance:
    """A vendor's balance at a moment when it worked on nothing of ours: ``calls/<vendor>/<operation>.balance.json``.

    read_at: that moment by the lake's clock, ISO 8601; None when there is no reading yet.
    """

    def __init__(self, bucket: storage.Bucket, ledger: CallLedger) -> None:
        self._ledger = ledger
        self._path = f"{ledger.prefix.rstrip('/')}.balance.json"
        self._bucket = bucket
        self._before = bucket.get_blob(self._path)
        self.read_at = self._before.time_created.isoformat() if self._before else None

    def unexplained(self, left: float | None) -> float | None:
        """Credits that the balance fell by since the last reading, less what our books say; below zero after a top-up.

        None where there is nothing to compare.
        """
        if self._before is None or left is None:
            return None
        before = float(json.loads(self._before.download_as_bytes())["credits_left"])
        return before - left - self._ledger.booked_since(self._before.time_created)

    def write(self, left: float | None) -> None:
        """Note the balance for the next comparison; nothing where the vendor tells none, or one without end."""
        if left is not None and left != float("inf"):
            text = json.dumps({"credits_left": left, "read_at": datetime.now(UTC).isoformat()})
            self._bucket.blob(self._path).upload_from_string(text, content_type="application/json")
