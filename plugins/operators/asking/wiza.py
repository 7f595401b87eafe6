"""Wiza: one reveal a person, answered in the background."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from google.cloud import storage

from hooks.wiza import VENDOR, WizaHook
from include.enrichment.asking import Question
from include.enrichment.callbacks import new_callback_address
from include.lake.call_ledger import CallLedger, Entry
from operators.asking.provider import Answer, callbacks_since


class WizaProvider:
    vendor = VENDOR
    # A start takes up to half a second, its two lines in the ledger some more: fifteen a second need nine.
    in_flight = 12

    def __init__(self) -> None:
        self._hook = WizaHook()
        self._urls: dict[str, str] = {}

    def connect(self) -> float:
        return self._hook.get_conn().requests_per_second

    def is_there(self) -> bool:
        return self._hook.test_connection()[0]

    def callback(self) -> dict[str, str]:
        receiver = os.environ.get("GTM_WEBHOOK_URL", "")
        secret = str(self._hook.get_connection(self._hook.wiza_conn_id).extra_dejson.get("callback_secret") or "")
        if not receiver or not secret:
            return {}  # a lost answer then stays outcome unknown until a person looks
        address = new_callback_address(receiver, VENDOR, secret)
        self._urls[address.reference] = address.url
        return {"callback_reference": address.reference}

    def start(self, questions: Sequence[Question], purpose: dict[str, str]) -> str | Answer:
        (one,) = questions
        url = self._urls.pop(purpose.get("callback_reference", ""), "")
        reveal = self._hook.start_reveal(one.asked["full_name"], company=one.asked["company"], callback_url=url)
        return str(reveal.id)

    def answer(self, ref: str) -> Answer | None:
        reveal = self._hook.reveal(int(ref))
        return Answer(reveal.reply.text, reveal.reply.status, reveal.credits) if reveal.is_complete else None

    def find(self, bucket: storage.Bucket, entry: Entry, known: Collection[str]) -> str | None:
        reference = entry.purpose.get("callback_reference")
        if reference is None:
            return None
        for data in callbacks_since(bucket, VENDOR, entry, reference):
            # The body is not trusted, only the id in it; the answer is read from Wiza.
            if isinstance(data.get("id"), int):
                return str(data["id"])
        return None

    def was_not_taken(self, bucket: storage.Bucket, ledger: CallLedger, entry: Entry) -> bool:
        return False  # the balance tells

    def credits_left(self) -> float | None:
        return self._hook.credits().get("api_credits")
