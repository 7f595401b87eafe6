"""The activation DAGs through Airflow: what their params do, and that a failed send fails the run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hooks.instantly import InstantlyHook
from tests.dags.airflow_process import Airflow, states
from tests.operators.activation import email, ready
from tests.sql.segmented.registry import AS_OF, rows

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

SENDS = "SELECT destination, operation FROM activation.send ORDER BY destination"


def test_activate_instantly_when_dry_run_then_nothing_is_sent_and_nothing_starts_after_it(
    airflow_env: Airflow, sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    (npi,) = ready(bigquery_client, 1)
    found = states(airflow_env, "activate_instantly", as_of=AS_OF, dry_run=True)
    assert (found["run"], found["send_leads"], found["announce_send"]) == ("success", "success", "skipped")
    assert found["load_sends"] == "skipped"
    assert list(InstantlyHook().iter_leads(contacts=[email(npi)])) == []
    assert rows(bigquery_client, SENDS) == []
    assert list(lake.list_blobs()) == []


def test_activate_when_run_in_order_then_lead_and_contact_exist(
    airflow_env: Airflow, sandbox: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    ready(bigquery_client, 2)
    found = states(airflow_env, "activate_instantly", as_of=AS_OF, max_new_leads=1)
    assert set(found.values()) == {"success"}
    assert set(states(airflow_env, "activate_ghl", as_of=AS_OF).values()) == {"success"}
    assert [tuple(row.values()) for row in rows(bigquery_client, SENDS)] == [("ghl", "create"), ("instantly", "create")]


def test_activate_ghl_when_key_is_wrong_then_run_fails_although_results_are_loaded(
    airflow_env: Airflow,
    sandbox: Sandbox,
    bigquery_client: bigquery.Client,
    lake: storage.Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready(bigquery_client, 1)
    states(airflow_env, "activate_instantly", as_of=AS_OF)
    good = os.environ["AIRFLOW_CONN_GHL_DEFAULT"]
    monkeypatch.setenv("AIRFLOW_CONN_GHL_DEFAULT", good.replace("ghl-sandbox-token", "another"))
    found = states(airflow_env, "activate_ghl", as_of=AS_OF)
    assert (found["run"], found["send_contacts"], found["load_sends"]) == ("failed", "failed", "success")
