"""Buy what one vendor knows about a chunk of people, each question at most once."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator

from hooks.http.errors import (
    AuthFailed,
    BadRequest,
    EndpointNotFound,
    OutcomeUnknown,
    OutOfCredits,
    RateLimited,
    ResponseLost,
    VendorDown,
    VendorError,
)
from hooks.http.limits import TokenBucket
from include.airflow.google import GCSHook
from include.enrichment.asking import VendorCall, calls, follow_up, is_about_many
from include.enrichment.rules import MAX_LOST_IN_A_ROW, too_many_refused
from include.enrichment.vendor_rows import unpaid_keys
from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger
from include.settings import lake_bucket
from operators.asking import Answer, EnrichmentProvider, provider_of
from operators.asking.progress import Progress, fail_on_bad_refs, read_waiting, record
from triggers.vendor_answers import VendorAnswersTrigger

if TYPE_CHECKING:
    from google.cloud import storage

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 10.0  # between two lines of progress


class AskVendorOperator(BaseOperator):
    """Ask one vendor about each person of a chunk, wait in the triggerer where answers come later, and record them.

    Every call is claimed in the call ledger before it is made. A second try asks only what was not asked yet and reads by
    its id what was taken. Out of credits: stops asking, keeps what it bought, then fails and says how many are missing. A
    lost answer: goes on with the others, but not after three in a row, then fails for good; its people stay outcome unknown.
    More than 5 % refused: stops asking, then fails for good.

    Returns the counts of the chunk. Raises hooks.http.errors.

    :param vendor: wiza, apollo or clay.
    :param chunk: ``{"object", "rows", "label"}`` from PlanEnrichmentOperator.
    :param deadline_seconds: how long to wait for answers; Wiza documents 380 s for the slowest e-mail.
    """

    template_fields: Sequence[str] = ("chunk", "poll_seconds")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        vendor: str,
        chunk: Mapping[str, Any],
        deadline_seconds: float = 900.0,
        poll_seconds: float | str = 5.0,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor
        self.chunk = chunk
        self.deadline_seconds = deadline_seconds
        self.poll_seconds = poll_seconds
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        bucket = self._lake()
        people = json.loads(bucket.blob(self.chunk["object"]).download_as_bytes())
        provider = provider_of(self.vendor)
        progress = Progress(total=len(people))
        ledger = self._ledger(bucket)
        round_ = AskingRound(provider, ledger, progress, str(context["run_id"]))
        try:
            round_.ask(calls(self.vendor, people))
            if progress.waiting:
                read_waiting(progress, ledger, provider)
        except VendorError as stopped:
            self._fail_if_outcome_unknown(progress, stopped)
            raise
        if progress.waiting:
            self._wait(progress)
        return self._finish(progress)

    def execute_complete(self, context: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
        if event["error"]:
            self.log.warning("Polling stopped early: %s", event["error"])
        progress = Progress(**event["progress"])
        provider = provider_of(self.vendor)
        provider.connect()
        try:
            read_waiting(progress, self._ledger(self._lake()), provider)
        except VendorError as stopped:
            self._fail_if_outcome_unknown(progress, stopped)
            raise
        return self._finish(progress)

    def _wait(self, progress: Progress) -> NoReturn:
        deadline = datetime.now(UTC) + timedelta(seconds=self.deadline_seconds)
        self.log.info("Waiting for %s answers until %s", len(progress.waiting), deadline.isoformat())
        self.defer(
            trigger=VendorAnswersTrigger(self.vendor, asdict(progress), deadline.isoformat(), float(self.poll_seconds)),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.deadline_seconds + 120),
        )

    def _finish(self, progress: Progress) -> dict[str, Any]:
        """Return the counts, or fail: first with what a retry would hide, last with what a retry mends."""
        counts = {name: value for name, value in asdict(progress).items() if name != "waiting"}
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        self._fail_if_outcome_unknown(progress, None)
        operation = policy().vendors[self.vendor].operation
        if progress.missing:
            raise OutOfCredits(
                self.vendor,
                operation,
                None,
                f"Credits ran out: {progress.missing} of {progress.total} people of this chunk are missing, "
                f"{progress.answered + progress.had} answers are kept. Top the account up, then clear this task.",
            )
        fail_on_bad_refs(self.vendor, progress)
        if too_many_refused(progress.refused, progress.total):
            raise BadRequest(
                self.vendor,
                operation,
                None,
                f"{progress.refused} of {progress.total} people of this chunk were refused, or answered in a form that we "
                f"cannot read, and are kept as failed; {progress.unasked} were not asked any more. So many are not about "
                "people: compare our request, and the answers in the call ledger, with the vendor's contract. Then clear "
                "this task for those who were not asked.",
            )
        if progress.waiting:
            raise VendorDown(
                self.vendor,
                operation,
                None,
                f"{len(progress.waiting)} answers were not complete after {self.deadline_seconds:g} s. The next try "
                "reads them by their ids and buys nothing again.",
            )
        if progress.outcome_unknown:
            self.log.warning(
                "%s people are outcome unknown since an earlier try and were not asked", progress.outcome_unknown
            )
        return counts

    def _fail_if_outcome_unknown(self, progress: Progress, stopped: VendorError | None) -> None:
        """Raise when this try lost answers: its retry would skip those people and be green."""
        if not progress.lost:
            return
        raise OutcomeUnknown(
            self.vendor,
            policy().vendors[self.vendor].operation,
            None,
            f"{progress.lost} people's answers were lost on the way and they are outcome unknown; all others are kept. "
            f"{progress.missing + progress.unasked} people were not asked, {len(progress.waiting)} calls wait to be read by "
            "their ids. The next run reconciles what can be reconciled (reconcile_*). Clear this task to go on without them (they: "
            "raw.vendor_response, status outcome_unknown)." + (f" It stopped at: {stopped}" if stopped else ""),
        ) from stopped

    def _ledger(self, bucket: storage.Bucket) -> CallLedger:
        return CallLedger(bucket, self.vendor, policy().vendors[self.vendor].operation)

    def _lake(self) -> storage.Bucket:
        return GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())


class AskingRound:
    """The calls of one chunk, so many at once as the vendor's provider allows, at the vendor's pace.

    Waits for the pace before it claims, so that a worker that dies while it waits leaves nothing outcome unknown.
    """

    def __init__(self, provider: EnrichmentProvider, ledger: CallLedger, progress: Progress, run_id: str) -> None:
        self._provider = provider
        self._ledger = ledger
        self._progress = progress
        self._run_id = run_id
        self._lock = threading.Lock()
        self._lost_in_a_row = 0
        self._stop: VendorError | None = None
        self._is_stopped = False
        self._told = self._began = time.monotonic()

    def ask(self, planned: Sequence[VendorCall]) -> None:
        """Ask all of it. Raises what stopped it where the next try can go on: wrong key or host, limit, vendor down."""
        self._pace = TokenBucket(self._provider.connect())
        with ThreadPoolExecutor(self._provider.in_flight) as pool:
            for asked in [pool.submit(self._ask, call) for call in planned]:
                asked.result()
        if self._stop and not isinstance(self._stop, OutOfCredits):
            raise self._stop

    def _ask(self, call: VendorCall) -> None:
        people = len(call.questions)
        if self._is_stopped:
            with self._lock:
                name = "missing" if isinstance(self._stop, OutOfCredits) else "unasked"
                setattr(self._progress, name, getattr(self._progress, name) + people)
            return
        time.sleep(self._pace.reserve())
        purpose = {
            "run_id": self._run_id,
            "segment": call.questions[0].segment,
            **self._provider.callback(),
        }
        many = is_about_many(self._provider.vendor)
        claim = self._ledger.claim(call.key, call.request(many), None if many else call.questions[0].npi, purpose)
        if claim.state == "has_response":
            entry = self._ledger.entry(call.key)
            rest = follow_up(call, unpaid_keys(entry)) if entry else None
            self._count(had=people - (len(rest.questions) if rest else 0))
            if rest:
                self._ask(rest)
        elif claim.vendor_ref is not None:
            with self._lock:
                self._progress.waiting[call.key] = [claim.vendor_ref, people]
        elif claim.state == "outcome_unknown":
            self._count(outcome_unknown=people)
        else:
            self._make(call, purpose)

    def _make(self, call: VendorCall, purpose: dict[str, str]) -> None:
        people = len(call.questions)
        try:
            outcome = self._provider.start(call.questions, purpose)
        except OutOfCredits as empty:
            self._ledger.withdraw(call.key)
            self._end(empty)
            self._count(missing=people)
        except ResponseLost as lost:
            log.warning("Call %s is now outcome unknown: %s", call.key, lost)
            self._ledger.record_cut_off(call.key)
            with self._lock:
                self._lost_in_a_row += 1
                self._is_stopped |= self._lost_in_a_row >= MAX_LOST_IN_A_ROW
            self._count(lost=people)
        except (AuthFailed, RateLimited, VendorDown, EndpointNotFound) as stopped:
            self._ledger.withdraw(call.key)  # certainly not made: the next try may ask
            self._end(stopped)
            self._count(unasked=people)
        except BadRequest as refused:
            log.warning("Call %s was refused: %s", call.key, refused)
            self._ledger.record_response(call.key, None, status="failed", http_status=refused.status)
            self._count(refused=people)
            with self._lock:
                self._lost_in_a_row = 0
                self._is_stopped |= too_many_refused(self._progress.refused, self._progress.total)
        else:
            self._keep(call.key, people, outcome)

    def _keep(self, key: str, people: int, outcome: str | Answer) -> None:
        if isinstance(outcome, Answer):
            record(self._ledger, self._provider.vendor, key, outcome, None)
        else:
            self._ledger.record_started(key, outcome)
        with self._lock:
            self._lost_in_a_row = 0
            if isinstance(outcome, Answer):
                self._progress.took(self._provider.vendor, people, outcome)
                self._is_stopped |= too_many_refused(self._progress.refused, self._progress.total)
            else:
                self._progress.waiting[key] = [outcome, people]
        self._tell()

    def _count(self, **more: int) -> None:
        with self._lock:
            for name, number in more.items():
                setattr(self._progress, name, getattr(self._progress, name) + number)

    def _end(self, error: VendorError) -> None:
        with self._lock:
            self._stop = self._stop or error
            self._is_stopped = True

    def _tell(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._told < PROGRESS_SECONDS:
                return
            self._told = now
            line = self._progress.line(self._provider.vendor, now - self._began)
        log.info(line)
