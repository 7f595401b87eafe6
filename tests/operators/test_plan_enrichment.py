"""Who is planned to be asked where, and that nobody falls out of a plan uncounted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.lake.call_ledger import CallLedger
from include.warehouse.tables import table
from operators.plan_enrichment import PlanEnrichmentOperator

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

AS_OF = "2025-11-10T06:00:00+00:00"


def _provider(number: int, **changes: Any) -> dict[str, Any]:
    npi = f"20000000{number:02d}"
    common = {
        "npi": npi, "entity_type": "individual", "person_id": f"p{npi}", "practice_id": f"o{number}", "first_name": "ADA",
        "last_name": f"MOLAR{number}", "city": "AUSTIN", "state": "TX", "taxonomy_code": "1223G0001X",
        "taxonomy_codes": ["1223G0001X"], "specialty": "general", "is_active": True, "source_file_date": "2025-11-03",
        "source_object": "x", "source_line": 2, "row_hash": "h",
    }  # fmt: skip
    return common | changes


def _company(number: int, of: int) -> dict[str, Any]:
    gone = {"entity_type": "organization", "person_id": None, "first_name": None, "last_name": None}
    return _provider(number, **gone, practice_id=f"o{of}", organization_name="BRIGHT DENTAL")


def _load(client: bigquery.Client, rows: list[dict[str, Any]]) -> None:
    from google.cloud import bigquery

    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table("clean.provider").columns]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(rows, "clean.provider", job_config=config).result()


def _plan(round_number: int = 1, max_contacts: int = 100) -> dict[str, list[dict[str, Any]]]:
    operator = PlanEnrichmentOperator(
        task_id="plan", as_of=AS_OF, round_number=round_number, max_contacts=max_contacts, approved_usd=1e6
    )
    return operator.execute({"run_id": "run-1"})


def _balance(client: bigquery.Client) -> dict[tuple[str, str], int]:
    sql = "SELECT kind, reason, row_count FROM ops.balance WHERE table_name = 'enriched.answer'"
    return {(row["kind"], row["reason"]): row["row_count"] for row in client.query_and_wait(sql)}


def test_plan_when_no_organization_is_registered_then_people_are_asked_for_by_place_where_that_can_be_answered(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    _load(
        bigquery_client,
        [
            _provider(1), _company(11, of=1), _provider(2), _provider(3, city=None), _provider(4, is_active=False),
            _provider(5, taxonomy_code="124Q00000X"),
        ],
    )  # fmt: skip
    plan = _plan()
    assert {vendor: sum(chunk["rows"] for chunk in chunks) for vendor, chunks in plan.items()} == {
        "wiza": 1,
        "apollo": 0,
        "clay": 1,
    }
    (asked,) = json.loads(lake.blob(plan["clay"][0]["object"]).download_as_bytes())
    assert (asked["npi"], asked["company"], asked["city"], asked["state"]) == ("2000000002", None, "AUSTIN", "TX")
    left_out = {"inactive": 1, "no_company_and_no_place": 1, "no_dentist": 1, "organization": 1}
    assert _balance(bigquery_client) == {
        ("in", "clean.provider"): 6,
        ("out", "asked_for"): 2,
        **{("filtered", reason): count for reason, count in left_out.items()},
    }
    rows = list(bigquery_client.query_and_wait("SELECT candidates, not_asked FROM ops.enrichment_forecast"))
    assert rows and all(json.loads(row["not_asked"]) == left_out and row["candidates"] == 2 for row in rows)


def test_plan_when_nobody_can_be_asked_then_the_forecast_and_the_balance_say_why(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    _load(bigquery_client, [_provider(1, state=None), _provider(2, practice_id=None, city=None)])
    assert not any(_plan().values())
    assert _balance(bigquery_client) == {("in", "clean.provider"): 2, ("filtered", "no_company_and_no_place"): 2} | {
        ("out", "asked_for"): 0
    }
    rows = list(bigquery_client.query_and_wait("SELECT vendor, not_asked, candidates FROM ops.enrichment_forecast"))
    assert sorted(row["vendor"] for row in rows) == ["apollo", "clay", "wiza"]
    assert {row["not_asked"] for row in rows} == {'{"no_company_and_no_place": 2}'}


def test_plan_when_more_fit_than_may_be_asked_or_an_outcome_is_unknown_then_both_are_counted(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    _load(bigquery_client, [row for n in range(1, 6) for row in (_provider(n), _company(10 + n, of=n))])
    CallLedger(lake, "wiza", "individual_reveal").claim("open", {}, "2000000001", {"segment": "solo"})
    plan = _plan(max_contacts=2)
    assert sum(chunk["rows"] for chunks in plan.values() for chunk in chunks) == 2
    balance = _balance(bigquery_client)
    assert balance["in", "clean.provider"] == 10 == sum(n for (kind, _), n in balance.items() if kind != "in")
    assert (balance["out", "asked_for"], balance["filtered", "organization"]) == (2, 5)
    # Never asked come first, so the one whose outcome is unknown is behind them: counted with those who did not fit in.
    assert balance["filtered", "over_max_contacts"] == 3
    everybody = _plan(max_contacts=100)
    assert sum(chunk["rows"] for chunks in everybody.values() for chunk in chunks) == 4
    assert _balance(bigquery_client)["filtered", "outcome_unknown"] == 1


def test_plan_when_the_one_vendor_that_can_be_asked_by_place_had_nothing_then_the_person_is_counted(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    _load(bigquery_client, [_provider(1)])
    people = [{"key": "k", "npi": "2000000001", "segment": "solo", "asked": {"full_name": "ADA MOLAR1"}}]
    clay = CallLedger(lake, "clay", "contact_routine")
    clay.claim("batch", {"people": people})
    clay.record_response("batch", '[{"data": [{"id": "k", "status": "complete", "result": {}}]}]')
    assert not any(_plan().values())
    assert _balance(bigquery_client)["filtered", "no_company_and_asked_by_place"] == 1
