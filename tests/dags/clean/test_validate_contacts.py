"""The whole DAG through Airflow: validators that are down hold nothing up, and the next run heals what is pending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.enrichment import lookup_request
from include.postal_address import Published
from tests.dags.airflow_process import run
from tests.operators.chunks import spent
from tests.sql.clean.test_address import CANADA, ISLAND, MILITARY
from tests.sql.clean.test_address import _load as load
from tests.sql.clean.test_address import _row as address_row
from tests.sql.clean.test_phone import FAX, OWN, _phone, _provider

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

BOXES = [Published(f"P.O. Box {n}", "", "Austin", "TX", "78701", "US") for n in range(1, 12)]


def _validate(env: dict[str, str]) -> dict[str, Any]:
    """Run the DAG and return {"run": state, "states": {task: [states]}, "log": text}."""
    found = run(env, "validate_contacts", as_of="2025-11-10T06:00:00+00:00")
    states: dict[str, list[str]] = {}
    for one in found["tasks"]:
        states.setdefault(one["task_id"], []).append(one["state"])
    return {"run": found["run"], "states": states, "log": found["log"]}


@pytest.mark.timeout(600)
def test_validate_contacts_when_usps_and_twilio_are_down_then_stays_pending_and_the_next_run_heals_it(
    airflow_env: dict[str, str], bigquery_client: bigquery.Client, lake: storage.Bucket, sandbox: Sandbox
) -> None:
    def statuses() -> dict[str, int]:
        sql = "SELECT validation_status, COUNT(*) AS n FROM clean.address GROUP BY validation_status"
        return {row["validation_status"]: row["n"] for row in bigquery_client.query_and_wait(sql)}

    load(bigquery_client, "clean.address", [address_row(one) for one in [*BOXES, MILITARY, ISLAND, CANADA]])
    load(bigquery_client, "clean.phone", [_phone(OWN), _phone(FAX, is_fax=True)])
    load(bigquery_client, "clean.provider", [_provider("2000000001", OWN), _provider("2000000002", FAX)])
    cost, again = spent(sandbox, "twilio")
    sandbox.admin.delete("faults")
    for vendor in ("usps", "twilio"):
        sandbox.admin.post("faults", json={"vendor": vendor, "status": 503, "times": 1000}).raise_for_status()
    down = _validate(airflow_env)
    assert down["run"] == "failed"
    assert down["states"]["validate_us_addresses"] == down["states"]["validate_phones"] == ["failed"]
    assert down["states"]["promote_address"] == down["states"]["promote_phone"] == ["success"]
    assert statuses() == {"pending": 13, "unsupported_country": 1}

    sandbox.admin.delete("faults")
    healed = _validate(airflow_env)
    assert healed["run"] == "success", healed["states"]
    # Boxes and military mail are delivered to; nobody in the sandbox's world works in that street in Puerto Rico.
    assert statuses() == {"confirmed": 12, "undeliverable": 1, "unsupported_country": 1}
    phones = {
        row["published"]: dict(row.items()) for row in bigquery_client.query_and_wait("SELECT * FROM clean.phone")
    }
    assert phones[OWN]["is_valid"] is phones[FAX]["is_valid"] is True
    assert phones[FAX]["line_type"] is None  # a fax is not worth the price
    # The request is the one that enrich_contacts would name: neither DAG buys it again.
    key, _ = lookup_request({"phone_e164": f"+1{OWN}", "after": None})
    assert lake.blob(f"calls/twilio/line_type_intelligence/{key}/response.json").exists()
    assert spent(sandbox, "twilio")[0] - cost <= 0.008 + 1e-9 and spent(sandbox, "twilio")[1] == again
    for log in (down["log"], healed["log"]):
        assert not any(text in log for text in (OWN, FAX, "PO BOX 1", "LAS GLADIOLAS"))
