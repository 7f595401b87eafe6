"""A day of each platform from the sandbox into its slice: twice the same, restated a version beside, damaged nothing."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from include.lake.answers import DamagedAnswer
from operators.ad_report_to_parquet import HOOKS, AdReportToParquetOperator
from operators.parquet_to_bigquery_partition import ParquetToBigQueryPartitionOperator
from tests.hooks.scripted_server import Answer, scripted
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

    from services.embedded.sandbox import Sandbox

DAY = "2025-11-06"


@pytest.fixture
def vendor(sandbox: Sandbox) -> Sandbox:
    sandbox.admin.delete("faults")
    return sandbox


def pull(platform: str, day: str = DAY) -> dict[str, Any]:
    operator = AdReportToParquetOperator(task_id="pull", platform=platform, day=day)
    assert operator.pool == platform
    return operator.execute(context())


def load(platform: str, staged: dict[str, Any]) -> int:
    return ParquetToBigQueryPartitionOperator(
        task_id="load",
        table_name="raw.ad_performance",
        partition=staged["day"],
        source_uri=staged["source_uri"],
        slice_by={"platform": platform},
    ).execute(context())


def rows(client: bigquery.Client, platform: str) -> list[dict[str, Any]]:
    query = f"SELECT * FROM raw.ad_performance WHERE platform = '{platform}' ORDER BY campaign_id, creative_id"
    return [dict(row) for row in client.query_and_wait(query)]


@pytest.mark.parametrize("platform", HOOKS)
def test_day_when_read_and_loaded_twice_then_one_object_and_the_same_rows(
    vendor: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket, platform: str
) -> None:
    first = pull(platform)
    assert load(platform, first) == first["rows"] > 20
    before = rows(bigquery_client, platform)
    assert pull(platform) == first
    load(platform, first)
    assert rows(bigquery_client, platform) == before
    assert [blob.name for blob in lake.list_blobs(prefix="raw/")] == [first["source_object"].split("/", 3)[3]]
    assert {row["day"] for row in before} == {date(2025, 11, 6)}
    assert {row["source_object"] for row in before} == {first["source_object"]}
    assert all(isinstance(row["spend"], Decimal) for row in before)
    assert {row["currency"] for row in before} == {"USD"}
    assert sum(row["spend"] for row in before) > 0


def test_day_when_another_platform_has_loaded_then_its_slice_stays(
    vendor: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    load("ttd", pull("ttd"))
    before = rows(bigquery_client, "ttd")
    load("meta_ads", pull("meta_ads"))
    assert rows(bigquery_client, "ttd") == before


def test_day_when_empty_then_the_slice_is_emptied_and_noted(
    vendor: Sandbox, bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    load("ttd", pull("ttd"))
    empty = pull("ttd", "2025-08-01")  # before the campaigns began
    assert (empty["rows"], empty["note"][:8]) == (0, "no rows:")
    assert load("ttd", empty | {"day": DAY}) == 0
    assert rows(bigquery_client, "ttd") == []


def test_day_when_restated_then_a_version_beside_the_first_and_its_rows(
    lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def insights(spend: str, cursor: str) -> Answer:
        row = {"account_id": "1", "account_currency": "USD", "campaign_id": "2", "campaign_name": "c", "adset_id": "3",
               "ad_id": "4", "date_start": DAY, "date_stop": DAY, "impressions": "9", "clicks": "1", "spend": spend}  # fmt: skip
        return Answer(200, json.dumps({"data": [row], "paging": {"cursors": {"after": cursor}}}))

    job = Answer(200, '{"report_run_id": "7", "async_status": "Job Completed", "async_percent_completion": 100}')
    answers = [(job, job, insights(*told)) for told in (("1.00", "a"), ("1.00", "b"), ("1.05", "c"))]
    with scripted(*(one for three in answers for one in three)) as server:
        extra = {"app_secret": "s", "account_ids": ["1"], "requests_per_second": 1000}
        connection = {"conn_type": "http", "host": server.url, "password": "t", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_META_ADS_DEFAULT", json.dumps(connection))
        first, same, restated = (pull("meta_ads") for _ in range(3))
    assert first == same
    assert restated["source_object"] == first["source_object"].replace(".json", f".{restated['sha256'][:8]}.json")
    assert len(list(lake.list_blobs(prefix="raw/meta_ads/"))) == 2


def test_day_when_the_answer_is_damaged_then_it_is_archived_and_nothing_is_staged(
    vendor: Sandbox, lake: storage.Bucket
) -> None:
    renamed = [{"results": [{"metrics": {"cost": "1"}}], "fieldMask": "x", "requestId": "r"}]
    fault = {"vendor": "google_ads", "operation": "searchStream", "status": 200, "body": renamed, "times": 2}
    vendor.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(DamagedAnswer, match=r"gs://.*/raw/google_ads/2025-11-06/report\.json: answer 1, row 1: has no"):
        pull("google_ads")
    assert [blob.name for blob in lake.list_blobs()] == ["raw/google_ads/2025-11-06/report.json"]
