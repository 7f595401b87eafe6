"""Buy e-mail and LinkedIn of a chunk of people from Wiza, each at most once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.errors import (
    AuthFailed,
    BadRequest,
    LeftInDoubt,
    OutOfCredits,
    RateLimited,
    ResponseLost,
    VendorDown,
    VendorError,
    WrongAddress,
)
from hooks.wiza import VENDOR, WizaHook
from include.call_ledger import CallLedger, Claim
from include.enrichment import MAX_LOST_IN_A_ROW, REVEAL, reveal_request, too_many_refused
from include.settings import lake_bucket
from triggers.wiza import WizaRevealTrigger

if TYPE_CHECKING:
    from google.cloud import storage


@dataclass
class Progress:
    """Counts of one chunk, and what is still to be fetched; goes through the deferral, so it holds no person.

    waiting: request key -> Wiza's id. missing: people not asked because credits ran out. lost: asked in this try, and
    the answer was cut off. in_doubt: asked in an earlier try or run without an answer, and left alone. unasked: left
    out because too many answers were lost or refused. bad_ids: Wiza's ids that it refuses to show.
    """

    waiting: dict[str, int]
    had: int = 0
    asked: int = 0
    answered: int = 0
    refused: int = 0
    in_doubt: int = 0
    lost: int = 0
    missing: int = 0
    unasked: int = 0
    credits: float = 0.0
    bad_ids: list[int] = field(default_factory=list)


class WizaRevealOperator(BaseOperator):
    """Start a reveal for each person of a chunk, wait in the triggerer, then fetch and record each answer.

    Every request is claimed in the call ledger before it is made. A second try asks only for who was not asked yet and
    fetches by id what was started. Out of credits: stops asking, keeps what it bought, then fails and says how many are
    missing. A lost answer: goes on with the others, but not after three in a row, then fails for good; the person stays
    in doubt. More than 5 % refused: stops asking, then fails for good.

    Returns the counts of the chunk. Raises hooks.errors.

    :param chunk: ``{"object", "rows", "label"}`` from BigQueryToChunksOperator; rows of reveal_candidates.sql.
    :param resend_in_doubt: "true" asks again where an earlier answer never came, and may pay twice for it.
    :param deadline_seconds: how long to wait for Wiza; it documents 380 s for the slowest e-mail.
    """

    template_fields: Sequence[str] = ("chunk", "resend_in_doubt", "poll_seconds")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        chunk: Mapping[str, Any],
        resend_in_doubt: str = "false",
        deadline_seconds: float = 900.0,
        poll_seconds: float | str = 5.0,
        wiza_conn_id: str = WizaHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chunk = chunk
        self.resend_in_doubt = resend_in_doubt
        self.deadline_seconds = deadline_seconds
        self.poll_seconds = poll_seconds
        self.wiza_conn_id = wiza_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        bucket = _lake(self.gcp_conn_id)
        people = json.loads(bucket.blob(self.chunk["object"]).download_as_bytes())
        hook = WizaHook(self.wiza_conn_id)
        hook.get_conn()  # a connection that cannot be used fails here, before anything is claimed
        progress = Progress(waiting={})
        try:
            self._ask(people, progress, CallLedger(bucket, VENDOR, REVEAL.name), hook)
        except VendorError as stopped:
            self._fail_if_in_doubt(progress, stopped)
            raise
        if progress.waiting:
            self._wait(progress)
        return self._finish(progress)

    def _wait(self, progress: Progress) -> NoReturn:
        deadline = datetime.now(UTC) + timedelta(seconds=self.deadline_seconds)
        self.log.info("Waiting for %s reveals until %s", len(progress.waiting), deadline.isoformat())
        self.defer(
            trigger=WizaRevealTrigger(
                progress=asdict(progress),
                deadline=deadline.isoformat(),
                poll_seconds=float(self.poll_seconds),
                wiza_conn_id=self.wiza_conn_id,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.deadline_seconds + 120),
        )

    def execute_complete(self, context: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
        if event["error"]:
            self.log.warning("Polling stopped early: %s", event["error"])
        ledger = CallLedger(_lake(self.gcp_conn_id), VENDOR, REVEAL.name)
        counted = Progress(**event["progress"])
        try:
            _fetch(counted, ledger, WizaHook(self.wiza_conn_id), self.log)
        except VendorError as stopped:
            self._fail_if_in_doubt(counted, stopped)
            raise
        return self._finish(counted)

    def _ask(self, people: list[dict[str, Any]], progress: Progress, ledger: CallLedger, hook: WizaHook) -> None:
        lost_in_a_row = 0
        for number, person in enumerate(people):
            key, asked = reveal_request(person)
            claim = self._claim(ledger, key, asked, person["npi"])
            if claim.state == "has_response":
                progress.had += 1
            elif claim.vendor_ref is not None:
                progress.waiting[key] = int(claim.vendor_ref)
            elif claim.state == "in_doubt":
                progress.in_doubt += 1
            else:
                try:
                    reveal = hook.start_reveal(asked["full_name"], company=asked["company"])
                except OutOfCredits:
                    ledger.withdraw(key)
                    progress.missing = len(people) - number
                    break
                except ResponseLost as lost:
                    self.log.warning("Request %s is now in doubt: %s", key, lost)
                    progress.lost += 1
                    lost_in_a_row += 1
                    if lost_in_a_row == MAX_LOST_IN_A_ROW:
                        progress.unasked = len(people) - number - 1
                        break
                except (AuthFailed, RateLimited, VendorDown, WrongAddress):
                    ledger.withdraw(key)  # certainly not made: the next try may ask
                    raise
                except BadRequest as refused:
                    self.log.warning("Request %s was refused: %s", key, refused)
                    ledger.record_response(key, None, status="failed", http_status=refused.status)
                    progress.refused += 1
                    lost_in_a_row = 0
                    if too_many_refused(progress.refused, len(people)):
                        progress.unasked = len(people) - number - 1
                        break
                else:
                    ledger.record_started(key, str(reveal.id))
                    progress.waiting[key] = reveal.id
                    progress.asked += 1
                    lost_in_a_row = 0

    def _claim(self, ledger: CallLedger, key: str, asked: dict[str, str], npi: str) -> Claim:
        claim = ledger.claim(key, asked, person_key=npi)
        if claim.state == "in_doubt" and claim.vendor_ref is None and self.resend_in_doubt == "true":
            self.log.warning("Request %s was in doubt and is asked again, as resend_in_doubt says", key)
            return ledger.reopen(key)
        return claim

    def _finish(self, progress: Progress) -> dict[str, Any]:
        """Return the counts, or fail: first with what a retry would hide, last with what a retry mends."""
        counts = {name: value for name, value in asdict(progress).items() if name != "waiting"}
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        self._fail_if_in_doubt(progress, None)
        if progress.missing:
            raise OutOfCredits(
                VENDOR,
                REVEAL.name,
                200,
                f"Credits ran out: {progress.missing} of {self.chunk['rows']} people of this chunk are missing, "
                f"{progress.answered + progress.had} answers are kept. Top the account up, then clear this task.",
            )
        if too_many_refused(progress.refused, self.chunk["rows"]):
            raise BadRequest(
                VENDOR,
                REVEAL.name,
                None,
                f"{progress.refused} of {self.chunk['rows']} people of this chunk were refused and are kept as failed, "
                f"{progress.unasked} were not asked any more. So many are not about people: compare our request with "
                "Wiza's contract. Then clear this task for those who were not asked.",
            )
        _fail_on_bad_ids(progress)
        if progress.waiting:
            raise VendorDown(
                VENDOR,
                REVEAL.name,
                None,
                f"{len(progress.waiting)} reveals were not complete after {self.deadline_seconds:g} s. The next try "
                "fetches them by their ids and buys nothing again.",
            )
        if progress.in_doubt:
            self.log.warning("%s people are in doubt since an earlier try and were not asked", progress.in_doubt)
        return counts

    def _fail_if_in_doubt(self, progress: Progress, stopped: VendorError | None) -> None:
        """Raise when this try lost answers: its retry would skip those people and be green."""
        if not progress.lost:
            return
        left = progress.missing + progress.unasked
        raise LeftInDoubt(
            VENDOR,
            REVEAL.name,
            None,
            f"{progress.lost} answers were lost on the way and their people are in doubt; all others are kept. "
            f"{left} people were not asked, {len(progress.waiting)} reveals wait to be fetched by their ids. "
            "Clear this task to go on without those in doubt (they: raw.vendor_response, status in_doubt), or run with "
            "resend_in_doubt to ask again, which may pay twice." + (f" It stopped at: {stopped}" if stopped else ""),
        ) from stopped


class WizaSettleOperator(BaseOperator):
    """Fetch, free of charge, the answers of reveals that an earlier run started and never fetched.

    One that Wiza has not completed yet stays open for the next run. Returns counts. Raises hooks.errors, BadRequest
    for ids that Wiza refuses to show, after all others are recorded.
    """

    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        wiza_conn_id: str = WizaHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wiza_conn_id = wiza_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        ledger = CallLedger(_lake(self.gcp_conn_id), VENDOR, REVEAL.name)
        progress = Progress(waiting={key: int(ref) for key, ref in ledger.started().items()})
        open_before = len(progress.waiting)
        _fetch(progress, ledger, WizaHook(self.wiza_conn_id), self.log)
        counts = {"open": open_before, "answered": progress.answered, "still_open": len(progress.waiting)}
        self.log.info("Reveals of earlier runs: %s", counts)
        _fail_on_bad_ids(progress)
        return counts


def _lake(gcp_conn_id: str) -> storage.Bucket:
    return GCSHook(gcp_conn_id=gcp_conn_id).get_conn().bucket(lake_bucket())


def _fetch(progress: Progress, ledger: CallLedger, hook: WizaHook, log: Any) -> None:
    """Record the answer of each waiting reveal that is complete; a bad one does not stop those after it.

    Raises AuthFailed, RateLimited, WrongAddress, and VendorDown after three failures in a row.
    """
    fetched = len(progress.waiting)
    refused: dict[str, int | None] = {}
    down_in_a_row = 0
    for key, reveal_id in list(progress.waiting.items()):
        try:
            reveal = hook.reveal(reveal_id)
        except OutOfCredits:
            ledger.withdraw(key)  # nothing was found or charged: to be asked when there are credits again
            progress.missing += 1
            del progress.waiting[key]
            continue
        except BadRequest as unknown:
            log.warning("Reveal %s of request %s cannot be read: %s", reveal_id, key, unknown)
            refused[key] = unknown.status
            continue
        except VendorDown as down:
            log.warning("Reveal %s of request %s cannot be read now: %s", reveal_id, key, down)
            down_in_a_row += 1
            if down_in_a_row == MAX_LOST_IN_A_ROW:
                raise
            continue
        down_in_a_row = 0
        if not reveal.is_complete:
            continue
        ledger.record_response(
            key,
            reveal.reply.text,
            http_status=reveal.reply.status,
            vendor_ref=str(reveal_id),
            credits=reveal.credits,
            cost_usd=REVEAL.usd(reveal.credits),
        )
        progress.answered += 1
        progress.credits += reveal.credits
        del progress.waiting[key]
    # A few bad ids are final. Many, or a host that does not know us either, are no answer: those stay open.
    final = bool(refused) and not too_many_refused(len(refused), fetched) and hook.test_connection()[0]
    for key, status in refused.items():
        reveal_id = progress.waiting.pop(key)
        progress.bad_ids.append(reveal_id)
        if final:
            ledger.record_response(key, None, status="failed", http_status=status, vendor_ref=str(reveal_id))


def _fail_on_bad_ids(progress: Progress) -> None:
    if not progress.bad_ids:
        return
    some = ", ".join(str(id_) for id_ in progress.bad_ids[:10])
    raise BadRequest(
        VENDOR,
        "get_reveal",
        None,
        f"Wiza took {len(progress.bad_ids)} reveals and does not show them (ids {some}); all others are kept. Check the "
        "host of connection wiza_default and ask Wiza's support for them, then clear this task.",
    )
