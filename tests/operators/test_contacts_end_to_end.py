"""The tasks of validate_contacts one after another, with the validators down and up again. Nothing waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hooks.http.errors import VendorDown
from include.contacts.checks import PHONE_VALIDATION, USPS_ADDRESS
from include.contacts.postal_address import Published
from include.enrichment.rules import LOOKUP, lookup_request
from include.warehouse.tables import table
from operators.bigquery_to_chunks import BigQueryToChunksOperator
from operators.call_ledger_to_bigquery import CallLedgerToBigQueryOperator
from operators.twilio_lookup import TwilioLookupOperator
from operators.validate_contacts import ValidateContactsOperator
from tests.operators.chunks import spent
from tests.sql.clean.test_address import CANADA, ISLAND, MILITARY
from tests.sql.clean.test_address import _load as load
from tests.sql.clean.test_address import _row as address_row
from tests.sql.clean.test_phone import FAX, OWN, _phone, _provider

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

BOXES = [Published(f"P.O. Box {n}", "", "Austin", "TX", "78701", "US") for n in range(1, 12)]
AS_OF = "2025-11-10T06:00:00+00:00"
AGE = "365"


def _plan(table_name: str, sql: str, **params: str) -> list[dict[str, Any]]:
    plan = BigQueryToChunksOperator(
        task_id=f"plan_{sql}",
        sql=table(table_name).sql(sql),
        query_params={"as_of": AS_OF, "max_age_days": AGE, **params},
        folder=f"{table_name}_{sql}",
        chunk_rows=100,
        max_chunks=9,
    )
    return plan.execute({"run_id": "test"})


def test_contacts_when_usps_and_twilio_are_down_then_stay_pending_and_the_next_run_heals_them(
    bigquery_client: bigquery.Client, lake: storage.Bucket, sandbox: Sandbox
) -> None:
    def promoted() -> dict[str, int]:
        for asked in (USPS_ADDRESS, PHONE_VALIDATION, LOOKUP):
            CallLedgerToBigQueryOperator(task_id="load", vendor=asked.vendor, operation=asked.name).execute({})
        bigquery_client.query_and_wait(table("clean.address").sql("validated"))
        bigquery_client.query_and_wait(table("clean.phone").sql("looked_up"))
        sql = "SELECT validation_status, COUNT(*) AS n FROM clean.address GROUP BY validation_status"
        return {row["validation_status"]: row["n"] for row in bigquery_client.query_and_wait(sql)}

    def ask() -> None:
        addresses = _plan("clean.address", "candidates", validator="usps", max_addresses="100")
        ValidateContactsOperator(validator="usps", task_id="validate_us_addresses", chunk=addresses[0]).execute({})

    def validate() -> None:
        phones = _plan("clean.phone", "candidates", max_phones="100")
        ValidateContactsOperator(validator="twilio", task_id="validate_phones", chunk=phones[0]).execute({})

    load(bigquery_client, "clean.address", [address_row(one) for one in [*BOXES, MILITARY, ISLAND, CANADA]])
    load(bigquery_client, "clean.phone", [_phone(OWN), _phone(FAX, is_fax=True)])
    load(bigquery_client, "clean.provider", [_provider("2000000001", OWN), _provider("2000000002", FAX)])
    cost, again = spent(sandbox, "twilio")
    sandbox.admin.delete("faults")
    for vendor, call in (("usps", ask), ("twilio", validate)):
        sandbox.admin.post("faults", json={"vendor": vendor, "status": 503, "times": 4}).raise_for_status()
        with pytest.raises(VendorDown):
            call()
    assert promoted() == {"pending": 13, "unsupported_country": 1}

    ask()
    validate()
    # Boxes and military mail are delivered to; nobody in the sandbox's world works in that street in Puerto Rico.
    assert promoted() == {"confirmed": 12, "undeliverable": 1, "unsupported_country": 1}
    lookups = {"max_lookups": "9", "retry_age_days": "7", "resend_unknown": "false"}
    [lines] = _plan("clean.phone", "line_candidates", **lookups)
    assert lines["rows"] == 1  # a fax is not worth the price
    for counted in ("answered", "had"):
        assert TwilioLookupOperator(task_id="look_up_phones", chunk=lines).execute({})[counted] == 1
    # The request is the one that enrich_contacts would name: neither DAG buys it again.
    key, _ = lookup_request({"phone_e164": f"+1{OWN}", "after": None})
    assert lake.blob(f"calls/twilio/line_type_intelligence/{key}/response.json").exists()
    assert spent(sandbox, "twilio")[0] - cost <= 0.008 + 1e-9 and spent(sandbox, "twilio")[1] == again
    promoted()
    phones = {
        row["published"]: dict(row.items()) for row in bigquery_client.query_and_wait("SELECT * FROM clean.phone")
    }
    assert phones[OWN]["is_valid"] is phones[FAX]["is_valid"] is True
    assert phones[FAX]["line_type"] is None
    assert _plan("clean.phone", "candidates", max_phones="100") == []
