from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery, storage

from include.quality.pages import page_object, page_url
from operators.gate import DataDocsLink, GateFailed, GateOperator
from tests.operators.context import context
from tests.sql.clean.raw_rows import deactivated, load_week, promote
from tests.sql.clean.raw_rows import dentist as published
from tests.sql.clean.raw_rows import stage as stage_candidates
from tests.sql.segmented.registry import contact, dentist, insert, npis, rows

A, B, C = "2000000002", "2000000010", "2000000028"
AS_OF = "2025-11-10T06:00:00+00:00"
STATE = "provider_business_practice_location_address_state_name"


def gate_candidates(**options: Any) -> GateOperator:
    return GateOperator(
        task_id="gate",
        table_name="clean.provider_candidate",
        as_of=AS_OF,
        row_key="npi",
        rejects_for="clean.provider",
        **options,
    )


def candidate(npi: str, **fields: Any) -> dict[str, Any]:
    """Return a row of clean.provider_candidate, which is one of clean.provider before its gate."""
    return dentist(npi, address_parse_level="pattern", **fields)


def replace(client: bigquery.Client, name: str, new: list[dict[str, Any]]) -> None:
    client.query_and_wait(f"TRUNCATE TABLE {name}")
    insert(client, name, new)


def test_gate_when_rows_break_reject_rules_then_they_are_stored_with_origin_until_they_are_mended(
    bigquery_client: bigquery.Client,
) -> None:
    organization = {"entity_type": "organization", "organization_name": "EXAMPLE DENTAL", "last_name": None}
    wrong = candidate(A, state="ONTARIO", first_name=None, source_line=7)
    insert(bigquery_client, "clean.provider_candidate", [wrong, candidate(B), candidate(C, **organization)])
    assert gate_candidates().execute(context())["refused"] == 2
    stored = rows(bigquery_client, "SELECT * FROM clean.rejected_row ORDER BY rule")
    assert [(r["row_key"], r["rule"], r["value"]) for r in stored] == [
        (A, "first_name:not_be_null", None),
        (A, "state:be_in_set", "ONTARIO"),
    ]
    assert (stored[0]["line"], stored[0]["source_object"]) == (7, "gs://lake/raw/week.zip")

    replace(bigquery_client, "clean.provider_candidate", [candidate(A), candidate(B)])
    gate_candidates().execute(context())
    assert rows(bigquery_client, "SELECT * FROM clean.rejected_row") == []
    assert rows(bigquery_client, "SELECT DISTINCT run_key, success FROM ops.quality_result") == [
        {"run_key": "dag/test/task", "success": True}
    ]


def test_gate_when_a_weekly_file_deletes_a_third_of_a_state_then_it_fails_until_a_person_accepts_it(
    bigquery_client: bigquery.Client,
) -> None:
    texans = [f"20000{n:05}" for n in range(30)]
    others = [published(f"21000{n:05}", **{STATE: "CA"}) for n in range(60)]
    load_week(bigquery_client, "2025-11-09", [*(published(npi) for npi in texans), *others])
    stage_candidates(bigquery_client)
    promote(bigquery_client)
    load_week(bigquery_client, "2025-11-16", [deactivated(npi, "11/12/2025") for npi in texans[:10]])
    stage_candidates(bigquery_client)
    with pytest.raises(GateFailed, match="No state loses a fifth of its dentists[^$]*run the DAG with accept_drift"):
        gate_candidates().execute(context())
    counts = "SELECT (SELECT COUNT(*) FROM clean.provider) AS served, (SELECT COUNT(*) FROM clean.provider_pending) AS pending"
    assert rows(bigquery_client, counts) == [{"served": 90, "pending": 10}]
    assert gate_candidates(accept_drift="True").execute(context())["warnings"] == 1
    (recorded,) = rows(bigquery_client, "SELECT severity, reason FROM ops.quality_result WHERE NOT success")
    assert recorded["severity"] == "warn"
    assert recorded["reason"].endswith("A person accepted this change with accept_drift.")


def test_gate_when_raw_is_empty_then_it_fails(bigquery_client: bigquery.Client) -> None:
    with pytest.raises(GateFailed, match="RAW was not loaded"):
        gate_candidates(accept_drift="True").execute(context())


def test_gate_when_many_rows_are_refused_then_it_stops_before_the_promotion_with_the_rows_kept(
    bigquery_client: bigquery.Client,
) -> None:
    wrong = [candidate(f"20000{n:05}", state="ONTARIO") for n in range(20, 31)]
    insert(bigquery_client, "clean.provider_candidate", [*wrong, candidate(A)])
    with pytest.raises(GateFailed, match="11 of 12 rows were refused"):
        gate_candidates().execute(context())
    assert len(rows(bigquery_client, "SELECT * FROM clean.rejected_row")) == 11
    assert rows(bigquery_client, "SELECT DISTINCT good FROM ops.table_profile") == [{"good": False}]


def test_gate_when_more_rows_are_refused_than_a_report_shows_then_each_of_them_is_kept_back(
    bigquery_client: bigquery.Client,
) -> None:
    everybody = npis(700)
    wrong = [candidate(npi, state="ONTARIO") for npi in everybody[:30]]
    insert(bigquery_client, "clean.provider_candidate", [*wrong, *(candidate(npi) for npi in everybody[30:])])
    assert gate_candidates().execute(context())["refused"] == 30
    stored = rows(bigquery_client, "SELECT row_key FROM clean.rejected_row")
    assert {row["row_key"] for row in stored} == set(everybody[:30])


def test_gate_when_it_fails_then_the_page_says_why_without_personal_values_and_the_link_leads_there(
    bigquery_client: bigquery.Client, lake: storage.Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [
        contact(A, email="ada@b.example, ben@b.example", phone_e164="(512) 555-0100"),
        contact(
            B, email="carl@c.example", email_status="<i>maybe</i>", linkedin_url="https://linkedin.example/in/carl"
        ),
    ]
    insert(bigquery_client, "enriched.contact", wrong)
    gate = GateOperator(task_id="task", table_name="enriched.contact", as_of=AS_OF)
    ti = context()["ti"]
    with pytest.raises(GateFailed) as raised:
        gate.execute({"ti": ti})  # type: ignore[typeddict-item]
    name = page_object("enriched.contact", "dag", "test", "task")
    blob = lake.get_blob(name)
    page = blob.download_as_bytes().decode()
    assert blob.content_type == "text/html; charset=utf-8"
    assert "One plain address: a list, a name or a space in it bounces" in page
    assert "BROKEN" in page and "held" in page
    # What is not personal is shown, as text: a vendor's words are no HTML.
    assert "&lt;i&gt;maybe&lt;/i&gt;" in page and "<i>maybe" not in page
    for personal in ("ada@", "ben@", "carl", "555-0100"):
        assert personal not in page
        assert personal not in str(raised.value) + caplog.text
    assert DataDocsLink().get_link(gate, ti_key=ti) == page_url(lake.name, name)


def tiers(first: int, second: int) -> list[dict[str, Any]]:
    """Return so many matches of tier 1 and of tier 2."""
    known = {"license_state": "TX", "profession": "dentist", "rule": "r", "score": 9.0, "status_class": "active"}
    found = [{"tier": 1}] * first + [{"tier": 2}] * second
    return [
        {"npi": npi, "license_key": f"TX-{npi}", **known, **tier}
        for npi, tier in zip(npis(first + second), found, strict=True)
    ]


def test_gate_when_a_table_drifts_then_it_warns_or_fails_and_only_a_good_run_is_compared_with(
    bigquery_client: bigquery.Client,
) -> None:
    balance = {"table_name": "clean.license_match", "reason": "r", "row_count": 1}
    insert(bigquery_client, "ops.balance", [balance | {"kind": "in"}, balance | {"kind": "out"}])

    def gate(run_id: str, found: list[dict[str, Any]], **options: Any) -> int:
        replace(bigquery_client, "clean.license_match", found)
        operator = GateOperator(task_id="gate", table_name="clean.license_match", as_of=AS_OF, **options)
        return int(operator.execute(context(run_id=run_id))["warnings"])

    def drifted(run_id: str) -> list[str]:
        sql = f"SELECT observed FROM ops.quality_result WHERE run_key LIKE '%/{run_id}/%' AND NOT success ORDER BY observed"
        return [row["observed"] for row in rows(bigquery_client, sql)]

    assert gate("run-1", tiers(20, 5)) == 0
    assert gate("run-2", tiers(15, 10)) == 1
    assert drifted("run-2") == [
        "share of tier 1 went from 80.0 % to 60.0 %; share of tier 2 went from 20.0 % to 40.0 %, limit 10 points"
    ]
    with pytest.raises(GateFailed, match="row count went from 25 to 10, limit -20 %"):
        gate("run-3", tiers(6, 4))
    # Run 3 was not good: the table is compared with run 2 still, and so is run 3 when it runs again.
    with pytest.raises(GateFailed, match="row count went from 25 to 10"):
        gate("run-4", tiers(6, 4))
    assert gate("run-4", tiers(6, 4), accept_drift="True") == 1
    good = "SELECT DISTINCT run_key FROM ops.table_profile WHERE good ORDER BY 1"
    assert [row["run_key"].split("/")[1] for row in rows(bigquery_client, good)] == ["run-1", "run-2", "run-4"]
