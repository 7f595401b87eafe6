"""Let USPS, Addy or Twilio check a chunk of addresses or telephone numbers, each once. Free of charge by call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseOperator

from hooks.addy import AddyHook
from hooks.http.errors import BadRequest, VendorError
from hooks.twilio import TwilioHook
from hooks.usps import UspsHook
from include.airflow.google import GCSHook
from include.contacts.address_validation import AddressValidator
from include.contacts.checks import ADDY_ADDRESS, PHONE_VALIDATION, USPS_ADDRESS, address_request, phone_request
from include.enrichment.rules import PaidOperation, too_many_refused
from include.lake.call_ledger import CallLedger
from include.settings import lake_bucket


@dataclass(frozen=True, slots=True)
class FreeCall:
    """One request. ask: makes the call and returns (HTTP status, body as received)."""

    key: str
    request: Mapping[str, Any]
    ask: Callable[[], tuple[int, str]]


@dataclass(frozen=True)
class Validator:
    """One vendor's check. call: what is asked about one row of the chunk."""

    operation: PaidOperation
    hook: Callable[[], Any]
    call: Callable[[PaidOperation, Mapping[str, Any], Any], FreeCall]


class ValidateContactsOperator(BaseOperator):
    """Check each row of a chunk and record each answer; what is recorded already is not asked again.

    Returns the counts of the chunk. Raises hooks.http.errors; what was answered before stays.

    :param validator: ``usps`` or ``addy`` for rows of clean/address/candidates.sql, ``twilio`` for those of clean/phone/candidates.sql
    :param chunk: ``{"object", "rows", "label"}`` from BigQueryToChunksOperator
    """

    template_fields: Sequence[str] = ("chunk",)
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        validator: str,
        chunk: Mapping[str, Any],
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.validator = validator
        self.chunk = chunk
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        rows = json.loads(bucket.blob(self.chunk["object"]).download_as_bytes())
        validator = VALIDATORS[self.validator]
        hook = validator.hook()
        hook.get_conn()  # a connection that cannot be used fails here, before anything is claimed
        asked = validator.operation
        counts = ask_each(
            asked, [validator.call(asked, row, hook) for row in rows], CallLedger(bucket, asked.vendor, asked.name)
        )
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        return counts


def ask_each(operation: PaidOperation, calls: Sequence[FreeCall], ledger: CallLedger) -> dict[str, int]:
    """Make each call that has no answer yet, record what comes, and return the counts.

    A claim without an answer is a call of a task that died: it is made again, since it costs nothing. A refused row is kept as
    failed; more than 5 % of them stop the chunk with BadRequest. Any other error withdraws the claim and goes up: the
    next try asks.
    """
    counts = {"had": 0, "answered": 0, "refused": 0}
    for call in calls:
        claim = ledger.claim(call.key, call.request)
        if claim.state == "has_response":
            counts["had"] += 1
            continue
        try:
            status, body = call.ask()
        except BadRequest as refused:
            ledger.record_response(call.key, None, status="failed", http_status=refused.status)
            counts["refused"] += 1
            if too_many_refused(counts["refused"], len(calls)):
                raise BadRequest(
                    operation.vendor,
                    operation.name,
                    refused.status,
                    f"{counts['refused']} of {len(calls)} rows were refused, so it is not about rows; the others were not "
                    f"asked. The last one: {refused.advice}",
                ) from refused
            continue
        except VendorError:
            ledger.withdraw(call.key)
            raise
        ledger.record_response(call.key, body, http_status=status)
        counts["answered"] += 1
    return counts


def _address(asked: PaidOperation, row: Mapping[str, Any], validator: AddressValidator) -> FreeCall:
    key, request, question = address_request(asked, row)

    def ask() -> tuple[int, str]:
        verdict = validator.validate(question)
        return verdict.http_status, verdict.answer

    return FreeCall(key, request, ask)


def _phone(asked: PaidOperation, row: Mapping[str, Any], twilio: TwilioHook) -> FreeCall:
    key, request = phone_request(row)

    def ask() -> tuple[int, str]:
        reply = twilio.lookup(request["phone_number"]).reply
        return reply.status, reply.text

    return FreeCall(key, request, ask)


VALIDATORS = {
    "usps": Validator(USPS_ADDRESS, UspsHook, _address),
    "addy": Validator(ADDY_ADDRESS, AddyHook, _address),
    "twilio": Validator(PHONE_VALIDATION, TwilioHook, _phone),
}
