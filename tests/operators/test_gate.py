from __future__ import annotations

import pytest
from google.cloud import bigquery

from operators.gate import GateFailed, GateOperator
from tests.operators.context import context
from tests.sql.clean.raw_rows import deactivated, dentist, load_week, promote
from tests.sql.clean.raw_rows import stage as stage_candidates

A, B, C = "2000000002", "2000000010", "2000000028"
AS_OF = "2025-11-10T06:00:00+00:00"
STATE = "provider_business_practice_location_address_state_name"


def gate_candidates() -> GateOperator:
    return GateOperator(
        task_id="gate",
        table_name="clean.provider_candidate",
        as_of=AS_OF,
        row_key="npi",
        rejects_for="clean.provider",
    )


def stage(client: bigquery.Client, *rows: dict[str, object]) -> None:
    load_week(client, "2025-11-09", list(rows))
    stage_candidates(client)


def test_gate_when_rows_break_reject_rules_then_they_are_stored_with_origin_and_the_gate_holds(
    bigquery_client: bigquery.Client,
) -> None:
    organization = {"entity_type_code": "2", "provider_organization_name_legal_business_name": "EXAMPLE DENTAL"}
    stage(
        bigquery_client,
        dentist(A, **{STATE: "ONTARIO"}, provider_first_name=""),
        dentist(B),
        dentist(C, provider_last_name_legal_name="", **organization),
    )
    result = gate_candidates().execute(context())
    assert result["refused"] == 2
    rows = [dict(r) for r in bigquery_client.query_and_wait("SELECT * FROM clean.rejected_row ORDER BY rule")]
    assert [(r["row_key"], r["rule"], r["value"]) for r in rows] == [
        (A, "first_name:not_be_null", None),
        (A, "state:be_in_set", "ONTARIO"),
    ]
    assert rows[0]["line"] == 2
    assert rows[0]["source_object"].endswith("nppes_weekly.zip#member.csv")


def test_gate_when_run_again_after_the_row_is_mended_then_the_refusal_is_gone(bigquery_client: bigquery.Client) -> None:
    stage(bigquery_client, dentist(A, **{STATE: "ONTARIO"}), dentist(B))
    gate_candidates().execute(context())
    stage(bigquery_client, dentist(A), dentist(B))
    gate_candidates().execute(context())
    assert list(bigquery_client.query_and_wait("SELECT * FROM clean.rejected_row")) == []
    outcomes = list(
        bigquery_client.query_and_wait("SELECT DISTINCT run_key, COUNT(*) n FROM ops.quality_result GROUP BY 1")
    )
    assert [row["run_key"] for row in outcomes] == ["dag/test/task"]


def test_gate_when_a_weekly_file_deletes_a_third_of_a_state_then_it_fails_and_all_are_still_served(
    bigquery_client: bigquery.Client,
) -> None:
    npis = [f"20000{n:05}" for n in range(30)]
    stage(
        bigquery_client, *(dentist(npi) for npi in npis), *(dentist(f"21000{n:05}", **{STATE: "CA"}) for n in range(60))
    )
    promote(bigquery_client)
    load_week(bigquery_client, "2025-11-16", [deactivated(npi, "11/12/2025") for npi in npis[:10]])
    stage_candidates(bigquery_client)
    with pytest.raises(GateFailed, match="No state loses a fifth of its dentists"):
        gate_candidates().execute(context())
    counts = "SELECT (SELECT COUNT(*) FROM clean.provider) AS served, (SELECT COUNT(*) FROM clean.provider_pending) AS pending"
    (row,) = bigquery_client.query_and_wait(counts)
    assert (row["served"], row["pending"]) == (90, 10)


def test_gate_when_rows_are_lost_then_the_balance_stops_it(bigquery_client: bigquery.Client) -> None:
    stage(bigquery_client, dentist(A), dentist(B))
    promote(bigquery_client)
    balance = GateOperator(task_id="gate", table_name="clean.provider", as_of=AS_OF)
    balance.execute(context())
    bigquery_client.query_and_wait("UPDATE ops.balance SET row_count = row_count + 1 WHERE kind = 'in'")
    with pytest.raises(GateFailed, match="neither out, rejected nor filtered"):
        balance.execute(context())


def test_gate_when_raw_is_empty_then_it_fails(bigquery_client: bigquery.Client) -> None:
    with pytest.raises(GateFailed, match="RAW was not loaded"):
        gate_candidates().execute(context())


def test_gate_when_many_rows_are_refused_then_it_stops_before_the_promotion_with_the_rows_kept(
    bigquery_client: bigquery.Client,
) -> None:
    stage(bigquery_client, *(dentist(f"20000{n:05}", **{STATE: "ONTARIO"}) for n in range(20, 31)), dentist(A))
    with pytest.raises(GateFailed, match="11 of 12 rows were refused"):
        gate_candidates().execute(context())
    assert len(list(bigquery_client.query_and_wait("SELECT * FROM clean.rejected_row"))) == 11
