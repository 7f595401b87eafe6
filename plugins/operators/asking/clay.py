"""Clay: a run of our contact routine over some people, answered in the background."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import timedelta

from google.cloud import storage

from hooks.clay import VENDOR, ClayHook, Item
from hooks.http.errors import BadRequest, NotFound
from include.enrichment.asking import Question
from include.enrichment.vendors.clay import is_unpaid
from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger, Entry
from operators.asking.provider import CALLBACK_DAYS, Answer, callbacks_since

# So many runs must have been heard of, all of them, before the silence about one more is believed.
MIN_HEARD_RUNS = 20


class ClayProvider:
    vendor = VENDOR
    in_flight = 2

    def __init__(self) -> None:
        self._hook = ClayHook()

    def connect(self) -> float:
        self._hook.routine("contact")
        return self._hook.get_conn().requests_per_second

    def is_there(self) -> bool:
        return self._hook.test_connection()[0]

    def callback(self) -> dict[str, str]:
        # A callback names the run; the run's items name our questions. That one was asked for makes its absence tell something.
        webhook_id = self._hook.webhook_id()
        return {"webhook_id": webhook_id} if webhook_id else {}

    def start(self, questions: Sequence[Question], purpose: dict[str, str]) -> str | Answer:
        # The e-mail alone: each further field that our routine finds is charged for.
        items = [Item(one.key, {**one.asked, "fields": ["email"]}) for one in questions]
        return self._hook.start_run(self._hook.routine("contact"), items).id

    def answer(self, ref: str) -> Answer | None:
        results = self._hook.results(ref)
        if not results.is_over:
            return None
        if results.status != "complete":
            raise BadRequest(VENDOR, "results", 200, f"Run {ref} ended as {results.status}: look at it in Clay.")
        # A run is a page, or pages; Clay tells no charge: our routine's price for each e-mail that it brought.
        emails = sum(bool(item.result and item.result.get("work_email")) for item in results.items)
        text = json.dumps([reply.body for reply in results.replies])  # ASCII: half a surrogate pair has no UTF-8
        unpaid = sum(is_unpaid(item.error) for item in results.items)
        return Answer(text, 200, emails * policy().vendors[VENDOR].max_credits, unpaid)

    def find(self, bucket: storage.Bucket, entry: Entry, known: Collection[str]) -> str | None:
        keys = {person["key"] for person in json.loads(entry.request)["people"]}
        for data in callbacks_since(bucket, VENDOR, entry):
            run_id = str(data.get("routine_run_id") or "")
            if run_id and run_id not in known and keys & self._keys_of(run_id):
                return run_id
        return None

    def was_not_taken(self, bucket: storage.Bucket, ledger: CallLedger, entry: Entry) -> bool:
        """Clay lists no runs and tells no balance, but it calls back about every run. So where none came about this call, and
        one came about each of the many others around it, one of them started later, it was never taken (docs/adr/0061).

        Not where the line was cut, which may have cut off the callback, too; nor where a callback names a run that is none of
        ours and cannot be read: it may be this call's."""
        if "webhook_id" not in entry.purpose or entry.was_cut_off:
            return False
        until = entry.requested_at + timedelta(days=CALLBACK_DAYS - 1)
        runs = [one for one in ledger.entries(skip={entry.request_key}) if one.vendor_ref]
        others = {
            str(one.vendor_ref): one.requested_at
            for one in runs
            if "webhook_id" in one.purpose
            and entry.requested_at.date() <= one.requested_at.date() and one.requested_at < until
        }  # fmt: skip
        if len(others) < MIN_HEARD_RUNS or max(others.values()) < entry.requested_at:
            return False
        heard = {str(data.get("routine_run_id")) for data in callbacks_since(bucket, VENDOR, entry)}
        unknown = heard - {str(one.vendor_ref) for one in runs}
        return others.keys() <= heard and all(self._keys_of(run_id) for run_id in unknown)

    def credits_left(self) -> float | None:
        return None

    def _keys_of(self, run_id: str) -> set[str]:
        try:
            return {item.id for item in self._hook.results(run_id).items}
        except NotFound:
            return set()
