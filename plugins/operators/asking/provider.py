"""What the operators need of a vendor that is paid for answers about people."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from google.cloud import storage

from include.enrichment.answer_fields import OddAnswer, read_json
from include.enrichment.asking import Question
from include.events.inbox import day_prefix
from include.lake.call_ledger import CallLedger, Entry

CALLBACK_DAYS = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """text: JSON, as received. credits: what the call took. unpaid: people left out because credits ran out."""

    text: str
    http_status: int
    credits: float
    unpaid: int = 0


class EnrichmentProvider(Protocol):
    """vendor: as in the policy. in_flight: calls of one task that may be on the way at once."""

    vendor: str
    in_flight: int

    def connect(self) -> float:
        """Make the connection, so that one that cannot be used fails before anything is claimed; return its calls a second."""

    def is_there(self) -> bool:
        """Whether the vendor knows us at all, so that a wrong host is not taken for ids that are gone."""

    def callback(self) -> dict[str, str]:
        """What the intent must keep so that a callback can be found again, or missed: {} where none will come."""

    def start(self, questions: Sequence[Question], purpose: dict[str, str]) -> str | Answer:
        """Make one paid call: the vendor's id of it, or its answer where that comes at once. Raises hooks.http.errors."""

    def answer(self, ref: str) -> Answer | None:
        """Read what came of a call, free of charge; None while it is not complete. Raises hooks.http.errors."""

    def find(self, bucket: storage.Bucket, entry: Entry, known: Collection[str]) -> str | None:
        """The vendor's id of a call whose answer was cut off, out of the callbacks that came; None when none tells.

        known: ids that belong to other calls.
        """

    def was_not_taken(self, bucket: storage.Bucket, ledger: CallLedger, entry: Entry) -> bool:
        """Whether a call that was cut off, and that the vendor is certainly done with, never reached it; False where nothing
        but a balance could tell."""

    def credits_left(self) -> float | None:
        """The balance; None where the vendor tells none."""


def callbacks_since(
    bucket: storage.Bucket, vendor: str, entry: Entry, reference: str = ""
) -> Iterator[Mapping[str, Any]]:
    """`data` of the callbacks of a vendor (of one reference) from the day of the question and the two after it, which is
    when they come. What has none, such as a test event, is left out."""
    for days in range(CALLBACK_DAYS):
        prefix = f"{day_prefix((entry.requested_at + timedelta(days=days)).date())}{vendor}/{reference}"
        for blob in bucket.list_blobs(prefix=prefix):
            try:
                event = read_json(json.loads(blob.download_as_bytes())["body"])
            except OddAnswer:
                continue
            data = event.get("data") if isinstance(event, Mapping) else None
            if isinstance(data, Mapping):
                yield data
