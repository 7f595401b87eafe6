"""GA4's export against raw.ga4_events: what is refused, what is left out, and how a moved nested field is read."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from include.marketing.ga4 import OURS, Drift, drift, export_table, loaded_rows, published_rows, replace_day
from include.settings import ga4_dataset
from include.warehouse.tables import column_types, table

CONTRACT = Path(__file__).resolve().parents[3] / "services/sandbox/contracts/exports/ga4-events.schema.json"
EXPORT = "analytics_1.events_20251110"


def schema() -> list[dict[str, Any]]:
    """Return Google's schema, to be changed."""
    found: list[dict[str, Any]] = json.loads(CONTRACT.read_text())
    return found


def at(fields: list[dict[str, Any]], path: str) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    found = next(field for field in fields if field["name"] == first)
    return at(found["fields"], rest) if rest else found


def test_table_when_compared_with_the_contract_then_the_same_columns_in_the_same_order_and_ours_before_them() -> None:
    ours = column_types(table("raw.ga4_events").schema())
    assert ours.pop(OURS) == ("DATE", "REQUIRED")
    assert list(ours.items()) == list(column_types(schema()).items())
    assert len(ours) == 216


def test_drift_when_the_export_is_as_expected_then_none_and_rows_are_read_as_they_are() -> None:
    assert drift(schema()) == Drift((), ())
    rows = published_rows(EXPORT, schema())
    assert rows.startswith("SELECT event_date, event_timestamp, event_name, event_params, ")
    assert rows.endswith("publisher FROM `analytics_1.events_20251110`")


def test_drift_when_columns_are_missing_retyped_or_repeated_then_each_is_refused_with_what_was_expected() -> None:
    changed = [field for field in schema() if field["name"] != "user_pseudo_id"]
    at(changed, "event_timestamp")["type"] = "STRING"
    at(changed, "device.web_info")["fields"].pop()
    at(changed, "geo")["mode"] = "REPEATED"
    assert drift(changed).refused == (
        "event_timestamp: STRING NULLABLE, expected INT64 NULLABLE",
        "user_pseudo_id: missing, expected STRING NULLABLE",
        "device.web_info.hostname: missing, expected STRING NULLABLE",
        "geo: RECORD REPEATED, expected RECORD NULLABLE",
    )


def test_drift_when_google_adds_columns_then_they_are_named_and_left_out() -> None:
    changed = [{"name": "new_column", "type": "STRING"}, *schema()]
    at(changed, "event_params.value")["fields"].append({"name": "json_value", "type": "JSON"})
    assert drift(changed) == Drift((), ("new_column", "event_params.value.json_value"))
    rows = published_rows(EXPORT, changed)
    assert "new_column" not in rows and "json_value" not in rows
    assert "UNNEST(event_params) AS e0 WITH OFFSET AS o0 ORDER BY o0) AS event_params" in rows


def test_rows_when_a_nested_field_moved_then_only_its_record_is_built_anew_by_name() -> None:
    changed = copy.deepcopy(schema())
    at(changed, "geo")["fields"].reverse()
    rows = published_rows(EXPORT, changed)
    assert "IF(geo IS NULL, NULL, STRUCT(geo.city AS city, geo.country AS country," in rows
    assert ", device, IF(geo" in rows


def test_statements_when_made_then_touch_one_partition_only() -> None:
    assert loaded_rows().endswith("FROM raw.ga4_events WHERE event_day = @day")
    assert "WHEN NOT MATCHED BY SOURCE AND loaded.event_day = @day THEN DELETE" in replace_day("SELECT 1")
    assert export_table("analytics_1", date(2025, 1, 9)) == "analytics_1.events_20250109"


@pytest.mark.parametrize("name", ["analytics_", "raw", "analytics_1; DROP", "p.analytics_1", "analytics_1`"])
def test_dataset_when_it_is_no_export_s_name_then_refused_with_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GTM_GA4_DATASET", name)
    with pytest.raises(RuntimeError, match=r"GTM_GA4_DATASET is .* such as analytics_250000001"):
        ga4_dataset()


def test_dataset_when_it_is_not_set_then_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GTM_GA4_DATASET", raising=False)
    with pytest.raises(RuntimeError, match=r"GTM_GA4_DATASET is not set"):
        ga4_dataset()
