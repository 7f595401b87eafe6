"""Buy the line type of a chunk of phone numbers from Twilio, each at most once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.errors import AuthFailed, BadRequest, OutOfCredits, RateLimited, ResponseLost, VendorDown
from hooks.twilio import LINE_TYPE, VENDOR, TwilioHook
from include.call_ledger import CallLedger
from include.enrichment import LOOKUP, lookup_request
from include.settings import lake_bucket


class TwilioLookupOperator(BaseOperator):
    """Look each number of a chunk up and record each answer; what is recorded already is not asked again.

    A lost answer: goes on with the others, then fails once; the number stays in doubt.
    Returns the counts of the chunk. Raises hooks.errors.

    :param chunk: ``{"object", "rows", "label"}`` from BigQueryToChunksOperator; rows of lookup_candidates.sql.
    :param resend_in_doubt: "true" asks again where an earlier answer never came, and may pay twice for it.
    """

    template_fields: Sequence[str] = ("chunk", "resend_in_doubt")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        chunk: Mapping[str, Any],
        resend_in_doubt: str = "false",
        twilio_conn_id: str = TwilioHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chunk = chunk
        self.resend_in_doubt = resend_in_doubt
        self.twilio_conn_id = twilio_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        ledger = CallLedger(bucket, VENDOR, LOOKUP.name)
        hook = TwilioHook(self.twilio_conn_id)
        counts = dict.fromkeys(("had", "answered", "package_errors", "refused", "in_doubt", "lost"), 0)
        for row in json.loads(bucket.blob(self.chunk["object"]).download_as_bytes()):
            for outcome in self._look_up(row, ledger, hook):
                counts[outcome] += 1
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        if counts["lost"]:
            raise ResponseLost(
                VENDOR,
                LOOKUP.name,
                None,
                f"{counts['lost']} answers were lost on the way and their numbers are in doubt; all others are kept. "
                "Clear this task to go on without them; run with resend_in_doubt to ask again, which may pay twice.",
            )
        return counts

    def _look_up(self, row: Mapping[str, Any], ledger: CallLedger, hook: TwilioHook) -> list[str]:
        """Ask for one number if that is allowed, record the answer, and return the counts to raise by one."""
        key, asked = lookup_request(row)
        claim = ledger.claim(key, asked, person_key=str(row["npi"]))
        if claim.state == "in_doubt" and self.resend_in_doubt == "true":
            claim = ledger.reopen(key)
        if claim.state == "has_response":
            return ["had"]
        if claim.state == "in_doubt":
            return ["in_doubt"]
        try:
            answer = hook.lookup(asked["phone_number"], [LINE_TYPE])
        except ResponseLost as lost:
            self.log.warning("Request %s is now in doubt: %s", key, lost)
            return ["lost"]
        except (AuthFailed, OutOfCredits, RateLimited, VendorDown):
            ledger.withdraw(key)  # certainly not made: the next try may ask
            raise
        except BadRequest as refused:
            ledger.record_response(key, None, status="failed", http_status=refused.status)
            return ["refused"]
        ledger.record_response(key, answer.reply.text, http_status=answer.reply.status, cost_usd=LOOKUP.usd_per_call)
        return ["answered", "package_errors"] if answer.package_errors else ["answered"]
