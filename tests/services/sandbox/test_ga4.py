"""GA4's export: published late, restated for 72 hours, the same for a seed, in the contract's shape."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox_runs import TestClient

from services.sandbox.ads import AdPlatforms
from services.sandbox.ga4 import Row, export_rows, published_at
from services.sandbox.ga4_export import SCHEMA
from services.sandbox.plan import Plan
from services.sandbox.site_visits import SiteVisits
from services.sandbox.world import World

DAY = date(2025, 11, 3)
ENDED = datetime(2025, 11, 4, 5, tzinfo=UTC)  # in New York
KEY = (
    "user_pseudo_id", "event_timestamp", "event_name", "event_bundle_sequence_id", "batch_page_id", "batch_ordering_id",
    "batch_event_index",
)  # fmt: skip


def visits(plan: Plan, seed: int = 7) -> SiteVisits:
    world = World(plan.nppes_dir, seed, plan.start)
    return SiteVisits(world, AdPlatforms(world))


def rows(plan: Plan, hours_later: float = 200, seed: int = 7, days: int = 1) -> list[Row]:
    """The rows of DAY, or of several days from it, each asked so many hours after its end."""
    of = visits(plan, seed)
    steps = [timedelta(days=n) for n in range(days)]
    return [row for n in steps for row in export_rows(of, DAY + n, ENDED + n + timedelta(hours=hours_later)) or []]


def texts(row: Row) -> dict[str, Any]:
    return {param["key"]: next(iter(param["value"].values())) for param in row["event_params"]}


def foreign(row: Any, fields: list[dict[str, Any]], path: str = "") -> Iterator[str]:
    """The names in a row that its schema does not have."""
    known = {field["name"]: field for field in fields}
    for name, value in row.items():
        if name not in known:
            yield path + name
        for nested in value if isinstance(value, list) else [value] if isinstance(value, dict) else []:
            yield from foreign(nested, known[name]["fields"], f"{path}{name}.")


def test_day_when_not_yet_published_then_no_table_and_a_late_day_comes_a_day_later(plan: Plan) -> None:
    assert rows(plan, hours_later=1.9) == []
    assert rows(plan, hours_later=6.1) != []
    delays = {published_at(7, DAY + timedelta(days=n)) - ENDED - timedelta(days=n) for n in range(60)}
    late = [delay for delay in delays if delay > timedelta(hours=24)]
    assert 0 < len(late) < 10


def test_day_when_asked_later_then_visits_are_added_none_is_lost_and_72_hours_settle_it(plan: Plan) -> None:
    first, second, settled = (rows(plan, hours, days=12) for hours in (7, 40, 72))
    keys = [{tuple(row.get(name) for name in KEY) for row in told} for told in (first, second, settled)]
    assert keys[0] < keys[1] < keys[2]
    assert len(keys[2]) == len(settled)
    assert rows(plan, 1000, days=12) == settled


def test_session_when_a_day_old_then_its_google_ads_campaign_is_told_without_a_new_row(plan: Plan) -> None:
    def told(hours: float) -> set[str]:
        sessions = [row["session_traffic_source_last_click"] for row in rows(plan, hours, days=5)]
        return {campaign["campaign_name"] for one in sessions if (campaign := one.get("google_ads_campaign"))}

    world = World(plan.nppes_dir, 7, plan.start)
    assert told(23) == set() != told(25)
    assert told(25) <= {ad.campaign_name for ad in AdPlatforms(world).ads("google_ads")}


def test_rows_when_made_then_are_of_the_day_in_the_property_s_zone_and_of_the_contract_s_columns(plan: Plan) -> None:
    found = rows(plan)
    assert {row["event_date"] for row in found} == {"20251103"}
    assert {"session_start", "page_view", "user_engagement"} <= {row["event_name"] for row in found}
    later = {row["event_name"] for row in rows(plan, days=12)}
    assert {"form_start", "form_submit", "generate_lead"} <= later
    fields = json.loads(SCHEMA.read_text())
    assert {name for row in found for name in foreign(row, fields)} == set()
    moments = [row["event_timestamp"] for row in found]
    assert moments == sorted(moments)
    assert all(timedelta(0) <= ENDED - datetime.fromtimestamp(at / 1e6, UTC) <= timedelta(days=1) for at in moments)


def test_visitor_when_without_consent_then_no_client_id_no_session_and_no_click_id(plan: Plan) -> None:
    found = rows(plan, days=5)
    refused = [row for row in found if row["privacy_info"]["analytics_storage"] == "No"]
    assert 0.1 < len(refused) / len(found) < 0.5
    assert not any("user_pseudo_id" in row or "ga_session_id" in texts(row) for row in refused)
    assert not any("gclid" in json.dumps(row) for row in refused)
    assert any("gclid" in (row["collected_traffic_source"] or {}) for row in found)


def test_client_ids_when_taken_then_are_those_that_leadfeeder_returns(plan: Plan) -> None:
    known = {visit.ga_client_id for visit in visits(plan).of(DAY, ENDED + timedelta(days=9))}
    assert {row["user_pseudo_id"] for row in rows(plan) if "user_pseudo_id" in row} <= known


def test_day_when_made_in_another_world_of_the_seed_then_the_same(plan: Plan) -> None:
    assert rows(plan) == rows(plan) != rows(plan, seed=8)


def test_export_when_asked_over_http_then_json_lines_or_why_not(client: TestClient) -> None:
    answer = client.get("/__sandbox__/ga4_export?day=2025-11-03")
    assert len([json.loads(line) for line in answer.text.splitlines()]) > 10
    assert client.get("/__sandbox__/ga4_export?day=2025-11-20").status_code == 404
    assert client.get("/__sandbox__/ga4_export?day=today").status_code == 400
