"""Ask USPS about a chunk of addresses, each once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.usps import UspsHook
from include.address_validation import AddressQuestion, AddressValidator
from include.call_ledger import CallLedger
from include.contact_checks import USPS_ADDRESS, address_request
from include.settings import lake_bucket
from operators.ask_free import FreeCall, ask_each


class UspsValidateOperator(BaseOperator):
    """Validate each address of a chunk and record each answer; what is recorded already is not asked again.

    Returns the counts of the chunk. Raises hooks.errors; what was answered before stays.

    :param chunk: ``{"object", "rows", "label"}`` from BigQueryToChunksOperator; rows of clean/address/candidates.sql.
    """

    template_fields: Sequence[str] = ("chunk",)
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        chunk: Mapping[str, Any],
        usps_conn_id: str = UspsHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chunk = chunk
        self.usps_conn_id = usps_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        rows = json.loads(bucket.blob(self.chunk["object"]).download_as_bytes())
        hook = UspsHook(self.usps_conn_id)
        hook.get_conn()  # a connection that cannot be used fails here, before anything is claimed
        ledger = CallLedger(bucket, USPS_ADDRESS.vendor, USPS_ADDRESS.name)
        counts = ask_each(USPS_ADDRESS, [_call(row, hook) for row in rows], ledger)
        self.log.info("Chunk %s: %s", self.chunk["label"], counts)
        return counts


def _call(row: Mapping[str, Any], validator: AddressValidator) -> FreeCall:
    key, request, question = address_request(USPS_ADDRESS, row)
    return FreeCall(key, request, lambda: _asked(validator, question))


def _asked(validator: AddressValidator, question: AddressQuestion) -> tuple[int, str]:
    verdict = validator.validate(question)
    return verdict.http_status, verdict.answer
