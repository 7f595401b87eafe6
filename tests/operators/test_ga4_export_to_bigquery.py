"""GA4's export through the warehouse: a day is replaced when it changed, and only then; a day not there changes nothing."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.marketing.ga4 import EmptiedExport, ExportContractError, NotLinked
from operators.ga4_export_to_bigquery import Ga4ExportToBigQueryOperator
from services.embedded.cloud import GA4_DATASET
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery

DAY, NEXT = "2025-11-10", "2025-11-11"
CONTRACT = Path(__file__).resolve().parents[2] / "services/sandbox/contracts/exports/ga4-events.schema.json"
EVENT: dict[str, Any] = {
    "event_date": "20251110",
    "event_timestamp": 1762790400000000,
    "event_name": "page_view",
    "event_params": [
        {"key": "ga_session_id", "value": {"int_value": 1762790400}},
        {"key": "page_location", "value": {"string_value": "https://www.ours.example/demo?gclid=x"}},
    ],
    "user_pseudo_id": "123.456",
    "device": {"category": "desktop", "web_info": {"browser": "Chrome"}},
    "geo": {"city": "Austin", "region": "Texas"},
    "items": [{"item_id": "plan", "item_params": [{"key": "tier", "value": {"string_value": "gold"}}]}],
    "session_traffic_source_last_click": {"google_ads_campaign": {"campaign_name": "Dentists | TX"}},
    "is_active_user": True,
}
NO_CONSENT = {**EVENT, "user_pseudo_id": None, "event_params": [], "items": []}
HELD = """
SELECT event_day, event_name, user_pseudo_id, geo.city AS city, device.web_info.browser AS browser,
  ARRAY(SELECT p.key FROM UNNEST(event_params) AS p ORDER BY p.key) AS params,
  (SELECT p.value.int_value FROM UNNEST(event_params) AS p WHERE p.key = 'ga_session_id') AS session,
  session_traffic_source_last_click.google_ads_campaign.campaign_name AS campaign,
  ARRAY_LENGTH(items) AS items
FROM raw.ga4_events ORDER BY event_day, user_pseudo_id, event_name
"""


@pytest.fixture
def linked(bigquery_client: bigquery.Client) -> bigquery.Client:
    """The warehouse with an empty export dataset."""
    bigquery_client.delete_dataset(GA4_DATASET, delete_contents=True, not_found_ok=True)
    bigquery_client.create_dataset(GA4_DATASET)
    return bigquery_client


def publish(client: bigquery.Client, day: str, *events: dict[str, Any], schema: Any = None) -> None:
    """Write the day's export table, as Google does."""
    from google.cloud import bigquery

    fields = schema or json.loads(CONTRACT.read_text())
    config = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField.from_api_repr(field) for field in fields],
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
    )
    lines = "\n".join(json.dumps(event) for event in events).encode()
    name = f"{GA4_DATASET}.events_{date.fromisoformat(day):%Y%m%d}"
    if events:
        client.load_table_from_file(io.BytesIO(lines), name, job_config=config).result()
    else:
        client.create_table(bigquery.Table(f"{client.project}.{name}", schema=config.schema))


def load(day: str = DAY, run_day: str = "2025-11-12", **arguments: str) -> dict[str, Any]:
    operator = Ga4ExportToBigQueryOperator(task_id="load_day", day=day, run_day=run_day, **arguments)
    return operator.execute(context())


def held(client: bigquery.Client) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query_and_wait(HELD)]


def manifest(client: bigquery.Client) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query_and_wait("SELECT * FROM ops.load_manifest ORDER BY `partition`")]


def test_load_when_a_day_is_published_then_it_is_in_whole_and_a_second_run_writes_the_same(
    linked: bigquery.Client,
) -> None:
    publish(linked, DAY, EVENT, NO_CONSENT, EVENT)
    assert load() == {"day": DAY, "outcome": "loaded", "rows_before": 0, "rows": 3}
    first = (held(linked), manifest(linked))
    assert load()["outcome"] == "unchanged"

    assert (held(linked), manifest(linked)) == first
    without, one, other = first[0]
    assert (without["user_pseudo_id"], without["params"], without["items"]) == (None, [], 0)
    assert one == other == {
        "event_day": date(2025, 11, 10), "event_name": "page_view", "user_pseudo_id": "123.456", "city": "Austin",
        "browser": "Chrome", "params": ["ga_session_id", "page_location"], "session": 1762790400,
        "campaign": "Dentists | TX", "items": 1,
    }  # fmt: skip
    (row,) = first[1]
    assert (row["source"], row["file_name"], row["rows"], row["source_rows"]) == ("ga4", "events_20251110", 3, 3)
    assert row["source_object"] == f"bigquery-table://{GA4_DATASET}/events_20251110"
    assert len(row["sha256"]) == 64 and row["note"] is None


def test_load_when_a_day_is_restated_then_it_alone_is_replaced_even_if_the_number_of_rows_is_the_same(
    linked: bigquery.Client,
) -> None:
    publish(linked, DAY, EVENT, NO_CONSENT)
    publish(linked, NEXT, {**EVENT, "event_date": "20251111"})
    load(), load(NEXT)
    before = {row["partition"]: row["sha256"] for row in manifest(linked)}

    publish(linked, DAY, EVENT, {**NO_CONSENT, "event_name": "session_start"})
    assert load() == {"day": DAY, "outcome": "restated", "rows_before": 2, "rows": 2}

    assert [row["event_name"] for row in held(linked)] == ["session_start", "page_view", "page_view"]
    after = {row["partition"]: row["sha256"] for row in manifest(linked)}
    assert {day for day in before if before[day] != after[day]} == {date(2025, 11, 10)}


def test_load_when_rows_come_in_another_order_then_nothing_is_written(linked: bigquery.Client) -> None:
    publish(linked, DAY, EVENT, NO_CONSENT)
    load()
    publish(linked, DAY, NO_CONSENT, EVENT)
    assert load()["outcome"] == "unchanged"


def test_load_when_a_day_is_not_published_then_what_is_held_stays_and_the_log_says_late_or_lost(
    linked: bigquery.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(linked, DAY, EVENT)
    load()
    linked.delete_table(f"{GA4_DATASET}.events_20251110")
    for run_day, level, said in [
        ("2025-11-13", "[info ", "The next runs look again"),
        ("2025-11-14", "[warning ", "was not published in 72 hours"),
    ]:
        assert load(run_day=run_day)["outcome"] == "not published"
        (line,) = [line for line in capsys.readouterr().out.splitlines() if said in line]
        assert level in line
    assert len(held(linked)) == len(manifest(linked)) == 1


def test_load_when_the_dataset_is_not_there_then_says_what_to_link(linked: bigquery.Client) -> None:
    linked.delete_dataset(GA4_DATASET, delete_contents=True)
    with pytest.raises(NotLinked, match=rf"no dataset {GA4_DATASET} in .*GTM_GA4_DATASET"):
        load()


def test_load_when_a_column_is_gone_or_retyped_then_refused_with_both_and_nothing_is_loaded(
    linked: bigquery.Client,
) -> None:
    schema = [field for field in json.loads(CONTRACT.read_text()) if field["name"] != "is_active_user"]
    next(field for field in schema if field["name"] == "event_timestamp")["type"] = "STRING"
    event = {name: value for name, value in EVENT.items() if name != "is_active_user"}
    publish(linked, DAY, event, schema=schema)
    with pytest.raises(ExportContractError) as refused:
        load()
    assert "events_20251110 is not what raw.ga4_events expects" in str(refused.value)
    assert "event_timestamp: STRING NULLABLE, expected INT64 NULLABLE" in str(refused.value)
    assert "is_active_user: missing, expected BOOL NULLABLE" in str(refused.value)
    assert held(linked) == manifest(linked) == []


def test_load_when_google_adds_and_moves_columns_then_known_ones_are_in_by_name_and_the_manifest_says_so(
    linked: bigquery.Client,
) -> None:
    publish(linked, DAY, EVENT, NO_CONSENT)
    load()
    schema = json.loads(CONTRACT.read_text())[::-1]
    at = {field["name"]: field for field in schema}
    at["geo"]["fields"].reverse()
    at["device"]["fields"][-1]["fields"].insert(0, {"name": "engine", "type": "STRING"})
    at["event_params"]["fields"][1]["fields"].insert(0, {"name": "json_value", "type": "STRING"})
    at["items"]["fields"][-1]["fields"][1]["fields"].reverse()
    at["session_traffic_source_last_click"]["fields"].insert(0, {"name": "new", "type": "STRING"})
    publish(linked, DAY, EVENT, NO_CONSENT, schema=schema)

    before = held(linked)
    load()
    assert held(linked) == before
    (row,) = manifest(linked)
    assert row["note"] == (
        "Not loaded, because GA4 added them: session_traffic_source_last_click.new, device.web_info.engine, "
        "event_params.value.json_value."
    )


def test_load_when_the_export_of_a_loaded_day_is_emptied_then_its_rows_are_kept_until_a_person_accepts_it(
    linked: bigquery.Client,
) -> None:
    publish(linked, DAY, EVENT, NO_CONSENT)
    load()
    before = (held(linked), manifest(linked))
    linked.query_and_wait(f"TRUNCATE TABLE {GA4_DATASET}.events_20251110")
    with pytest.raises(EmptiedExport, match=r"events_20251110 is empty.*holds 2 rows.*kept.*accept_empty"):
        load()
    assert (held(linked), manifest(linked)) == before
    assert load(accept_empty="True")["outcome"] == "restated"
    assert held(linked) == []
    assert load()["outcome"] == "unchanged"


def test_load_when_the_export_is_empty_then_an_empty_partition_with_a_note(linked: bigquery.Client) -> None:
    publish(linked, DAY)
    assert load()["rows"] == 0
    (row,) = manifest(linked)
    assert (row["rows"], row["note"]) == (0, "The export table is empty.")
