"""Apollo: ten people a call, answered at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from google.cloud import storage

from hooks.apollo import VENDOR, ApolloHook, PersonQuery
from include.enrichment.asking import Question
from include.lake.call_ledger import CallLedger, Entry
from operators.asking.provider import Answer


class ApolloProvider:
    vendor = VENDOR
    # One at a time: after a crash the balance tells of a single call whether it was charged, of several only how many.
    in_flight = 1

    def __init__(self) -> None:
        self._hook = ApolloHook()

    def connect(self) -> float:
        return self._hook.get_conn().requests_per_second

    def is_there(self) -> bool:
        return self._hook.test_connection()[0]

    def callback(self) -> dict[str, str]:
        return {}  # Apollo calls back for phones and waterfalls only

    def start(self, questions: Sequence[Question], purpose: dict[str, str]) -> str | Answer:
        found = self._hook.bulk_match([PersonQuery(**one.asked) for one in questions])
        return Answer(found.reply.text, found.reply.status, found.credits or 0.0)

    def answer(self, ref: str) -> Answer | None:
        raise ValueError(f"Apollo answers at once, so nothing can wait for {ref}")

    def find(self, bucket: storage.Bucket, entry: Entry, known: Collection[str]) -> str | None:
        return None

    def was_not_taken(self, bucket: storage.Bucket, ledger: CallLedger, entry: Entry) -> bool:
        return False  # the balance tells

    def credits_left(self) -> float | None:
        balance = self._hook.credits().get("lead_credit")
        return balance.left if balance else None
