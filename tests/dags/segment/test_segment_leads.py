"""segment_leads through Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dags.airflow_process import Airflow, states
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
