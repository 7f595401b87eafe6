"""A promotion: parameters as its statement declares them, and again where BigQuery cancels it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from google.cloud import bigquery

from include.airflow.promote import PromoteOperator, promote
from include.warehouse import run as door
from services.embedded.cloud import Cloud
from tests.operators.context import context

ALERT = {
    "raised_on": "2026-01-02", "source": "x", "check_name": "c", "subject": "s", "severity": "warning", "message": "m",
}  # fmt: skip


def raised(**changes: Any) -> PromoteOperator:
    return promote("ops.alert", sql="raise", task_id="raise_alert", params={**ALERT, **changes})


def test_promote_when_parameters_are_given_then_their_types_are_the_statements(cloud: Cloud) -> None:
    given = raised().configuration["query"]["queryParameters"]
    assert {one["name"]: one["parameterType"]["type"] for one in given}["raised_on"] == "DATE"


def test_promote_when_a_parameter_is_missing_then_the_dag_does_not_parse(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match=r"ops.alert raise declares .*'source'.* and \['raised_on'\] are given"):
        promote("ops.alert", sql="raise", params={"raised_on": "2026-01-02"})


def test_execute_when_a_template_gave_another_type_then_nothing_runs(bigquery_client: bigquery.Client) -> None:
    with pytest.raises(ValueError, match="@raised_on is DATE"):
        raised(raised_on="yesterday").execute(context())
    assert list(bigquery_client.list_rows("ops.alert")) == []


def test_execute_when_bigquery_cancels_it_twice_then_the_third_job_is_done(
    bigquery_client: bigquery.Client, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "FIRST_WAIT_SECONDS", 0.01)
    body, headers = json.dumps({"table": "ops.alert", "times": 2}).encode(), {"content-type": "application/json"}
    request = urllib.request.Request(f"{cloud.warehouse.url}/__warehouse__/cancel", body, headers)
    urllib.request.urlopen(request, timeout=30).close()
    promotion = raised()
    promotion.durable = False  # or it keeps its job's id with Airflow's server
    run = context()
    run["ti"].xcom_push = lambda **link: None
    promotion.execute(run)
    assert [row["subject"] for row in bigquery_client.list_rows("ops.alert")] == ["s"]
