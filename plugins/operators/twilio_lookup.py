"""Buy the line type of a chunk of phone numbers from Twilio, each at most once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

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
from hooks.twilio import ABOUT_THE_NUMBER, LINE_TYPE, VENDOR, TwilioHook, is_e164
from include.airflow.google import GCSHook
from include.enrichment.rules import LOOKUP, MAX_LOST_IN_A_ROW, lookup_request, too_many_refused
from include.lake.call_ledger import CallLedger
from include.settings import lake_bucket

ON_ITS_WAY = timedelta(minutes=5)  # a call ends long before: its reads and writes time out within a minute
NOT_ASKED = {"had", "outcome_unknown", "unusable"}
COUNTS = ("had", "answered", "package_errors", "refused", "outcome_unknown", "lost", "unusable", "unasked")


class TwilioLookupOperator(BaseOperator):
    """Look each number of a chunk up and record each answer; what is recorded already is not asked again.

    A lost answer: goes on with the others, but not after three in a row, then fails for good; the number stays in
    doubt. More than 5 % refused or without the package: stops asking, then fails for good.
    Returns the counts of the chunk. Raises hooks.http.errors.

    :param chunk: ``{"object", "rows", "label"}`` from BigQueryToChunksOperator; rows of lookup_candidates.sql.
    :param resend_unknown: "true" asks again where an earlier answer never came, and may pay twice for it; not
        within five minutes, while another DAG's call for the same number may be on its way.
    :param resend_param: the DAG's param that does so, as the message names it.
    """

    template_fields: Sequence[str] = ("chunk", "resend_unknown")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        chunk: Mapping[str, Any],
        resend_unknown: str = "false",
        resend_param: str = "resend_unknown",
        twilio_conn_id: str = TwilioHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chunk = chunk
        self.resend_unknown = resend_unknown
        self.resend_param = resend_param
        self.twilio_conn_id = twilio_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        rows = json.loads(bucket.blob(self.chunk["object"]).download_as_bytes())
        hook = TwilioHook(self.twilio_conn_id)
        hook.get_conn()  # a connection that cannot be used fails here, before anything is claimed
        counts = dict.fromkeys(COUNTS, 0)
        self._purpose = {"run_id": str(context["run_id"])} if context.get("run_id") else {}
        try:
            self._look_up_all(rows, counts, CallLedger(bucket, VENDOR, LOOKUP.name), hook)
        except VendorError as stopped:
            self._fail_if_outcome_unknown(counts, stopped)
            raise
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        self._fail_if_outcome_unknown(counts, None)
        if too_many_refused(counts["refused"] + counts["package_errors"], len(rows)):
            raise BadRequest(
                VENDOR,
                LOOKUP.name,
                None,
                f"Of {len(rows)} numbers of this chunk {counts['refused']} were refused and {counts['package_errors']} "
                f"came without the package; {counts['unasked']} were not asked any more. So many are not about numbers: "
                "check that the account may use line type intelligence, then clear this task for the others.",
            )
        return counts

    def _look_up_all(
        self, rows: list[dict[str, Any]], counts: dict[str, int], ledger: CallLedger, hook: TwilioHook
    ) -> None:
        lost_in_a_row = 0
        for number, row in enumerate(rows):
            outcomes = self._look_up(row, ledger, hook)
            for outcome in outcomes:
                counts[outcome] += 1
            if "lost" in outcomes:
                lost_in_a_row += 1
            elif not NOT_ASKED.intersection(outcomes):
                lost_in_a_row = 0
            failed = counts["refused"] + counts["package_errors"]
            if lost_in_a_row == MAX_LOST_IN_A_ROW or too_many_refused(failed, len(rows)):
                counts["unasked"] = len(rows) - number - 1
                return

    def _look_up(self, row: Mapping[str, Any], ledger: CallLedger, hook: TwilioHook) -> list[str]:
        """Ask for one number if that is allowed, record the answer, and return the counts to raise by one."""
        key, asked = lookup_request(row)
        if not is_e164(asked["phone_number"]):
            return ["unusable"]
        claim = ledger.claim(key, asked, person_key=str(row["npi"]), purpose=self._purpose)
        if claim.state == "outcome_unknown" and self.resend_unknown == "true":
            claim = ledger.reopen(key, asked_before=datetime.now(UTC) - ON_ITS_WAY)
        if claim.state == "has_response":
            return ["had"]
        if claim.state == "outcome_unknown":
            return ["outcome_unknown"]
        try:
            answer = hook.lookup(asked["phone_number"], [LINE_TYPE])
        except ResponseLost as lost:
            self.log.warning("Request %s is now outcome unknown: %s", key, lost)
            return ["lost"]
        except (AuthFailed, OutOfCredits, RateLimited, VendorDown, EndpointNotFound):
            ledger.withdraw(key)  # certainly not made: the next try may ask
            raise
        except BadRequest as refused:
            ledger.record_response(key, None, status="failed", http_status=refused.status)
            return ["refused"]
        # Twilio's price list names caller_name as the package that is billed even without data: we take it that line
        # type is billed with data only. An invalid number, which comes without the package, is booked all the same.
        cost = 0.0 if answer.package_errors else LOOKUP.usd_per_call
        ledger.record_response(key, answer.reply.text, http_status=answer.reply.status, cost_usd=cost)
        by_account = set(answer.package_errors.values()) - ABOUT_THE_NUMBER
        return ["answered", "package_errors"] if by_account else ["answered"]

    def _fail_if_outcome_unknown(self, counts: Mapping[str, int], stopped: VendorError | None) -> None:
        """Raise when this try lost answers: its retry would skip those numbers and be green."""
        if not counts["lost"]:
            return
        raise OutcomeUnknown(
            VENDOR,
            LOOKUP.name,
            None,
            f"{counts['lost']} answers were lost on the way and their numbers are outcome unknown; all others are kept, "
            f"{counts['unasked']} were not asked. Clear this task to go on without those outcome unknown (they: "
            f"raw.vendor_response, status outcome_unknown), or run with {self.resend_param} in five minutes or later to ask again, "
            "which may pay twice." + (f" It stopped at: {stopped}" if stopped else ""),
        ) from stopped
