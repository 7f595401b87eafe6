"""Buy e-mail and LinkedIn of a chunk of people from Wiza, each at most once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.errors import AuthFailed, BadRequest, OutOfCredits, RateLimited, ResponseLost, VendorDown
from hooks.wiza import VENDOR, WizaHook
from include.call_ledger import CallLedger, Claim
from include.enrichment import REVEAL, reveal_request
from include.settings import lake_bucket
from triggers.wiza import WizaRevealTrigger


@dataclass
class Progress:
    """Counts of one chunk, and what is still to be fetched; goes through the deferral, so it holds no person.

    waiting: request key -> Wiza's id. missing: people not asked because credits ran out. lost: asked in this try, and
    the answer was cut off. in_doubt: asked in an earlier try or run without an answer, and left alone.
    """

    waiting: dict[str, int]
    had: int = 0
    asked: int = 0
    answered: int = 0
    refused: int = 0
    in_doubt: int = 0
    lost: int = 0
    missing: int = 0
    credits: float = 0.0


class WizaRevealOperator(BaseOperator):
    """Start a reveal for each person of a chunk, wait in the triggerer, then fetch and record each answer.

    Every request is claimed in the call ledger before it is made. A second try asks only for who was not asked yet and
    fetches by id what was started. Out of credits: stops asking, keeps what it bought, then fails and says how many are
    missing. A lost answer: goes on with the others, then fails once; the person stays in doubt.

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
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        people = json.loads(bucket.blob(self.chunk["object"]).download_as_bytes())
        progress = self._ask(people, CallLedger(bucket, VENDOR, REVEAL.name), WizaHook(self.wiza_conn_id))
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
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        counted = Progress(**event["progress"])
        self._fetch(counted, CallLedger(bucket, VENDOR, REVEAL.name), WizaHook(self.wiza_conn_id))
        return self._finish(counted)

    def _ask(self, people: list[dict[str, Any]], ledger: CallLedger, hook: WizaHook) -> Progress:
        progress = Progress(waiting={})
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
                except (AuthFailed, RateLimited, VendorDown):
                    ledger.withdraw(key)  # certainly not made: the next try may ask
                    raise
                except BadRequest as refused:
                    self.log.warning("Request %s was refused: %s", key, refused)
                    ledger.record_response(key, None, status="failed", http_status=refused.status)
                    progress.refused += 1
                else:
                    ledger.record_started(key, str(reveal.id))
                    progress.waiting[key] = reveal.id
                    progress.asked += 1
        return progress

    def _claim(self, ledger: CallLedger, key: str, asked: dict[str, str], npi: str) -> Claim:
        claim = ledger.claim(key, asked, person_key=npi)
        if claim.state == "in_doubt" and claim.vendor_ref is None and self.resend_in_doubt == "true":
            self.log.warning("Request %s was in doubt and is asked again, as resend_in_doubt says", key)
            return ledger.reopen(key)
        return claim

    def _fetch(self, progress: Progress, ledger: CallLedger, hook: WizaHook) -> None:
        for key, reveal_id in list(progress.waiting.items()):
            try:
                reveal = hook.reveal(reveal_id)
            except OutOfCredits:
                ledger.withdraw(key)  # nothing was found or charged: to be asked when there are credits again
                progress.missing += 1
                del progress.waiting[key]
                continue
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

    def _finish(self, progress: Progress) -> dict[str, Any]:
        """Return the counts, or fail: with the reason that only a person can mend first."""
        counts = {name: value for name, value in asdict(progress).items() if name != "waiting"}
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        if progress.missing:
            raise OutOfCredits(
                VENDOR,
                REVEAL.name,
                200,
                f"Credits ran out: {progress.missing} of {self.chunk['rows']} people of this chunk are missing, "
                f"{progress.answered + progress.had} answers are kept. Top the account up, then clear this task.",
            )
        if progress.waiting:
            raise VendorDown(
                VENDOR,
                REVEAL.name,
                None,
                f"{len(progress.waiting)} reveals were not complete after {self.deadline_seconds:g} s. The next try "
                "fetches them by their ids and buys nothing again.",
            )
        if progress.lost:
            raise ResponseLost(
                VENDOR,
                REVEAL.name,
                None,
                f"{progress.lost} answers were lost on the way and their people are in doubt; all others are kept. "
                "Clear this task to go on without them; run with resend_in_doubt to ask again, which may pay twice.",
            )
        if progress.in_doubt:
            self.log.warning("%s people are in doubt since an earlier try and were not asked", progress.in_doubt)
        return counts
