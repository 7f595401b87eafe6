"""segment_leads through Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from tests.dags.airflow_process import Airflow, run, states
from tests.sql.segmented.registry import AS_OF, contact, dentist, insert, npis, person_id, rows

if TYPE_CHECKING:
    from google.cloud import bigquery


def test_segment_leads_when_run_then_members_have_an_arm_and_the_asset_is_announced(
    airflow_env: Airflow, bigquery_client: bigquery.Client
) -> None:
    (npi,) = npis(1)
    insert(bigquery_client, "clean.provider", [dentist(npi)])
    insert(bigquery_client, "enriched.contact", [contact(npi)])
    found = states(airflow_env, "segment_leads", as_of=AS_OF)
    assert set(found.values()) == {"success"} and "announce_audience_member" in found
    members = rows(bigquery_client, "SELECT person_id, arm, as_of FROM segmented.audience_member")
    assert [(row["person_id"], row["as_of"].isoformat()) for row in members] == [(person_id(npi), AS_OF)]


def profiled(leads: int) -> dict[str, Any]:
    """Return a row of ops.table_profile: what an earlier, good run of gate_lead counted."""
    return {
        "profile_date": "2025-11-03", "as_of": "2025-11-03T06:00:00+00:00", "run_key": "segment_leads/earlier/gate_lead", "good": True,
        "table_name": "segmented.lead", "metric": "row_count", "column_name": "", "category": "", "value": float(leads),
    }  # fmt: skip


def test_segment_leads_when_most_leads_are_gone_then_nobody_is_drawn_and_the_gates_link_opens_its_page(
    airflow_env: Airflow, bigquery_client: bigquery.Client
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(npi) for npi in npis(2)])
    insert(bigquery_client, "ops.table_profile", [profiled(100)])
    found = run(airflow_env, "segment_leads", as_of=AS_OF)
    assert found["run"] == "failed"
    assert [task["tries"] for task in found["tasks"] if task["task_id"] == "gate_lead"] == [
        1
    ]  # the same rows break it again
    assert rows(bigquery_client, "SELECT * FROM segmented.holdout") == []
    with urlopen(found["links"]["gate_lead/Data docs"]) as page:
        assert page.headers["content-type"].startswith("text/html")
        assert "row count went from 100 to 2, limit -20 %" in page.read().decode()


def test_segment_leads_when_a_person_accepts_that_most_leads_are_gone_then_it_goes_on(
    airflow_env: Airflow, bigquery_client: bigquery.Client
) -> None:
    insert(bigquery_client, "clean.provider", [dentist(npi) for npi in npis(2)])
    insert(bigquery_client, "ops.table_profile", [profiled(100)])
    found = states(airflow_env, "segment_leads", as_of=AS_OF, accept_drift=True)
    assert set(found.values()) == {"success"}, found
