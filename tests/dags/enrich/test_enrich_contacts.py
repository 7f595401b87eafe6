"""The whole DAG through Airflow: what it buys, what it does not buy again, and what survives an empty account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dags.airflow_process import run
from tests.operators.chunks import people, spent

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

AS_OF = "2025-11-10T06:00:00+00:00"


def _enrich(env: dict[str, str], **conf: Any) -> dict[str, Any]:
    """Run the DAG and return {"run": state, "states": {task: [states]}, "names": names of mapped tasks, "log": text}."""
    given = {"as_of": AS_OF, "poll_seconds": 0.2, **conf}
    found = run(env, "enrich_contacts", **given)
    states: dict[str, list[str]] = {}
    for one in found["tasks"]:
        states.setdefault(one["task_id"], []).append(one["state"])
    names = [one["name"] for one in found["tasks"] if one["name"]]
    return {"run": found["run"], "states": states, "names": names, "log": found["log"]}


def _load_registry(client: bigquery.Client, rows: list[dict[str, Any]]) -> None:
    """Put these people and a practice for each into clean.provider."""
    from google.cloud import bigquery

    from include.warehouse.tables import table

    common = {
        "taxonomy_code": "1223G0001X",
        "taxonomy_codes": ["1223G0001X"],
        "specialty": "general",
        "is_active": True,
        "source_file_date": "2025-11-03",
        "source_object": "x",
        "source_line": 2,
        "row_hash": "h",
    }
    providers = []
    for number, row in enumerate(rows):
        first, last = row["full_name"].split(" ", 1)
        practice = {"practice_id": f"o{number}", "phone_e164": f"+1512555{number:04d}", **common}
        person = {"npi": row["npi"], "entity_type": "individual", "person_id": f"p{row['npi']}"}
        providers.append({**practice, **person, "first_name": first, "last_name": last})
        organization = {"npi": f"19{number:08d}", "entity_type": "organization", "organization_name": row["company"]}
        providers.append({**practice, **organization})
    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table("clean.provider").columns]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(providers, "clean.provider", job_config=config).result()


def _scalar(client: bigquery.Client, sql: str) -> Any:
    return next(iter(client.query_and_wait(sql)))[0]


VENDORS = ("wiza", "clay", "apollo")


@pytest.mark.timeout(600)
def test_enrich_contacts_when_an_account_ran_dry_then_the_next_run_buys_what_is_missing_and_nothing_twice(
    airflow_env: dict[str, str], bigquery_client: bigquery.Client, lake: storage.Bucket, sandbox: Sandbox
) -> None:
    sandbox.admin.delete("faults")
    for vendor in VENDORS:
        sandbox.admin.put(f"credits/{vendor}", json={"credits": 10_000})
    sandbox.admin.put("credits/wiza", json={"credits": 6})
    rows = people(sandbox, 200, 24)
    _load_registry(bigquery_client, rows)
    before = {vendor: spent(sandbox, vendor) for vendor in VENDORS}

    # The account runs dry: what was bought is loaded and folded, downstream is not told.
    dry = _enrich(airflow_env, max_lookup_usd=0)
    assert dry["run"] == "failed"
    assert dry["states"]["ask_wiza_1"] == ["failed"]
    assert dry["states"]["load_answers"] == ["success"]
    assert dry["states"]["announce_contact"] == ["upstream_failed"]
    assert "people of this chunk are missing" in dry["log"]
    assert dry["states"]["forecast_lookups"] == ["failed"] and "the limit is 0.00 USD" in dry["log"]

    # Topped up: only the missing ones are asked for, and the next vendor about whom nothing good came.
    sandbox.admin.put("credits/wiza", json={"credits": 10_000})
    full = _enrich(airflow_env)
    assert full["run"] == "success", full["states"]
    assert full["states"]["announce_contact"] == ["success"]
    assert _scalar(bigquery_client, "SELECT COUNT(*) FROM enriched.contact") == 24
    unknown_line = (
        "SELECT COUNT(*) FROM enriched.contact WHERE usable_email AND phone_line_type IS NULL AND NOT phone_valid"
    )
    assert _scalar(bigquery_client, unknown_line) == 0
    assert _scalar(bigquery_client, "SELECT COUNT(*) FROM enriched.provider_360 WHERE usable_email") > 6
    assert _scalar(bigquery_client, "SELECT COUNT(*) FROM enriched.firmographics WHERE domain IS NOT NULL") > 0
    # Our books and the vendors' differ by nothing.
    for vendor in VENDORS:
        booked = _scalar(
            bigquery_client, f"SELECT COALESCE(SUM(credits), 0) FROM ops.vendor_usage WHERE vendor = '{vendor}'"
        )  # noqa: E501
        after = spent(sandbox, vendor)
        assert booked == pytest.approx(after[0] - before[vendor][0]), vendor
        assert after[1] == before[vendor][1], vendor
    forecasts = list(
        bigquery_client.query_and_wait(
            "SELECT vendor, actual_people FROM ops.enrichment_forecast WHERE actual_people IS NOT NULL"
        )
    )  # noqa: E501
    assert {row["vendor"] for row in forecasts} >= {"wiza", "clay"}
    assert (
        _scalar(bigquery_client, "SELECT COUNT(*) FROM ops.vendor_order WHERE NOT applied AND learned_order != ''") > 0
    )
    assert "usable contacts expected for" in full["log"] and "on paper" in full["log"]

    # No name, address or number of a person is in a log.
    emails = [row[0] for row in bigquery_client.query_and_wait("SELECT email FROM enriched.contact WHERE usable_email")]
    for log in (dry["log"], full["log"]):
        assert not any(text in log for text in [*emails, *(row["full_name"] for row in rows), "+1512555"])
