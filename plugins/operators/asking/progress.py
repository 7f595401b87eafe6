"""Counts of one task that asks a vendor, and reading the answers of calls that the vendor has taken."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hooks.http.errors import BadRequest, OutOfCredits, VendorDown
from include.enrichment.rules import MAX_LOST_IN_A_ROW, too_many_refused
from include.enrichment.vendor_rows import tally
from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger
from operators.asking.provider import Answer, EnrichmentProvider

log = logging.getLogger(__name__)
READERS = 4


@dataclass
class Progress:
    """Counts of people; goes through the deferral, so it holds no person.

    waiting: call key -> [the vendor's id, people]: taken, and still to be read. had: answered before. missing: not asked
    because credits ran out. lost: asked in this try, and the answer was cut off. outcome_unknown: asked in an earlier try or run
    without an answer, and left alone. refused: by the vendor, or by us because their answer cannot be read. unasked: left out because too many answers were lost or refused. bad_refs: the
    vendor's ids that it does not show.
    """

    total: int
    waiting: dict[str, list[Any]] = field(default_factory=dict)
    had: int = 0
    answered: int = 0
    found: int = 0
    refused: int = 0
    outcome_unknown: int = 0
    lost: int = 0
    missing: int = 0
    unasked: int = 0
    credits: float = 0.0
    bad_refs: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.had + self.answered + self.refused + self.outcome_unknown + self.lost

    def took(self, vendor: str, people: int, answer: Answer) -> None:
        emails, odd = tally(vendor, answer.text, people)
        self.answered += people - answer.unpaid - odd
        self.refused += odd
        self.missing += answer.unpaid
        self.found += emails
        self.credits += answer.credits

    def line(self, vendor: str, seconds: float) -> str:
        """Done of total, found, spent, time left: what a person who looks at the log wants to know."""
        open_people = sum(people for _, people in self.waiting.values())
        left = self.total - self.done - open_people - self.missing - self.unasked
        pace = (self.total - left) / seconds if seconds and left < self.total else 0.0
        eta = f"{left / pace:.0f} s" if pace else "unknown"
        usd = policy().vendors[vendor].usd(self.credits)
        return (
            f"{vendor}: {self.done} of {self.total} people done, {open_people} being looked up, {self.found} e-mails found, "
            f"{self.credits:g} credits ({usd:.2f} USD) spent, {left} to ask in about {eta}"
        )


def record(ledger: CallLedger, vendor: str, key: str, answer: Answer, ref: str | None) -> None:
    ledger.record_response(
        key,
        answer.text,
        http_status=answer.http_status,
        vendor_ref=ref,
        credits=answer.credits,
        cost_usd=policy().vendors[vendor].usd(answer.credits),
    )


def read_waiting(progress: Progress, ledger: CallLedger, provider: EnrichmentProvider) -> None:
    """Record the answer of each waiting call that is complete; a bad one does not stop those after it.

    Raises AuthFailed, RateLimited, EndpointNotFound, and VendorDown after three failures in a row.
    """
    waiting = dict(progress.waiting)
    refused: dict[str, int | None] = {}
    down_in_a_row = 0
    with ThreadPoolExecutor(READERS) as pool:
        reads = {key: pool.submit(provider.answer, str(ref)) for key, (ref, _) in waiting.items()}
        try:
            for key, (ref, people) in waiting.items():
                try:
                    answer = reads[key].result()
                except OutOfCredits:
                    ledger.withdraw(key)  # nothing was found or charged: to be asked when there are credits again
                    progress.missing += people
                    del progress.waiting[key]
                    continue
                except BadRequest as unknown:
                    log.warning("Call %s (id %s) cannot be read: %s", key, ref, unknown)
                    refused[key] = unknown.status
                    continue
                except VendorDown as down:
                    log.warning("Call %s (id %s) cannot be read now: %s", key, ref, down)
                    down_in_a_row += 1
                    if down_in_a_row == MAX_LOST_IN_A_ROW:
                        raise
                    continue
                down_in_a_row = 0
                if answer is not None:
                    record(ledger, provider.vendor, key, answer, str(ref))
                    progress.took(provider.vendor, people, answer)
                    del progress.waiting[key]
        finally:
            for read in reads.values():
                read.cancel()
    # A few bad ids are final. Many, or a host that does not know us either, are no answer: those stay open.
    final = bool(refused) and not too_many_refused(len(refused), len(waiting)) and provider.is_there()
    for key, status in refused.items():
        ref, people = progress.waiting.pop(key)
        progress.bad_refs.append(str(ref))
        progress.refused += people
        if final:
            ledger.record_response(key, None, status="failed", http_status=status, vendor_ref=str(ref))


def fail_on_bad_refs(vendor: str, progress: Progress) -> None:
    if not progress.bad_refs:
        return
    raise BadRequest(
        vendor,
        "read_answer",
        None,
        f"{vendor} took {len(progress.bad_refs)} calls and does not show them (ids {', '.join(progress.bad_refs[:10])}); all "
        f"others are kept. Check the host of connection {vendor}_default and ask the vendor's support for them, then "
        "clear this task.",
    )
