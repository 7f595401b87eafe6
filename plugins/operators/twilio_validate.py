"""Let Twilio validate a chunk of phone numbers, each once. Free of charge: no package is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.twilio import TwilioHook
from include.call_ledger import CallLedger
from include.contact_checks import PHONE_VALIDATION, phone_request
from include.settings import lake_bucket
from operators.ask_free import FreeCall, ask_each


class TwilioValidateOperator(BaseOperator):
    """Validate each number of a chunk and record each answer; what is recorded already is not asked again.

    Returns the counts of the chunk. Raises hooks.errors; what was answered before stays.

    :param chunk: ``{"object", "rows", "label"}`` from BigQueryToChunksOperator; rows of clean/phone/candidates.sql.
    """

    template_fields: Sequence[str] = ("chunk",)
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        chunk: Mapping[str, Any],
        twilio_conn_id: str = TwilioHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chunk = chunk
        self.twilio_conn_id = twilio_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        rows = json.loads(bucket.blob(self.chunk["object"]).download_as_bytes())
        hook = TwilioHook(self.twilio_conn_id)
        hook.get_conn()  # a connection that cannot be used fails here, before anything is claimed
        ledger = CallLedger(bucket, PHONE_VALIDATION.vendor, PHONE_VALIDATION.name)
        counts = ask_each(PHONE_VALIDATION, [_call(row, hook) for row in rows], ledger)
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        return counts


def _call(row: Mapping[str, Any], hook: TwilioHook) -> FreeCall:
    key, request = phone_request(row)
    return FreeCall(key, request, lambda: _asked(hook, request["phone_number"]))


def _asked(hook: TwilioHook, phone: str) -> tuple[int, str]:
    reply = hook.lookup(phone).reply
    return reply.status, reply.text
