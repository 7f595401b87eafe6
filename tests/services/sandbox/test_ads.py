"""The campaigns' truth: named for our audiences and states, the same for a seed, restated while a day is young."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.sandbox.ads import AUDIENCES, BEGAN, RATES, AdPlatforms, Delivered
from services.sandbox.plan import Plan
from services.sandbox.world import World

DAY = date(2025, 11, 6)


def asked(plan: Plan, platform: str, days_later: int, day: date = DAY, seed: int = 7) -> list[Delivered]:
    world = World(plan.nppes_dir, seed, plan.start)
    now = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=days_later, hours=12)
    return AdPlatforms(world).delivered(platform, day, now)


@pytest.mark.parametrize("platform", RATES)
def test_delivered_when_asked_again_in_another_world_of_the_seed_then_the_same(plan: Plan, platform: str) -> None:
    assert asked(plan, platform, 9) == asked(plan, platform, 9) != asked(plan, platform, 9, seed=8)


@pytest.mark.parametrize("platform", RATES)
def test_delivered_when_asked_on_later_days_then_restated_for_three_and_settled_from_the_fourth(
    plan: Plan, platform: str
) -> None:
    told = [sum(one.impressions for one in asked(plan, platform, age)) for age in range(6)]
    assert told[0] < told[1] < told[2] <= told[3] <= told[4] == told[5]
    assert asked(plan, platform, 4) == asked(plan, platform, 40)
    conversions = [sum(one.conversions for one in asked(plan, platform, age)) for age in (1, 4)]
    assert conversions[0] < conversions[1]


def test_campaigns_when_listed_then_name_an_audience_and_a_state_of_the_world(plan: Plan) -> None:
    world = World(plan.nppes_dir, 7, plan.start)
    states = {person.state for person in world.people().values()}
    ads = AdPlatforms(world).ads("meta_ads")
    named = {tuple(ad.campaign_name.split(" | ")) for ad in ads}
    assert {audience for audience, _ in named} <= set(AUDIENCES)
    assert {state for _, state in named} <= states
    assert len({ad.creative_id for ad in ads}) == len(ads) == 4 * len(named) > 0


def test_delivered_when_the_day_is_in_the_future_or_before_the_campaigns_then_nothing(plan: Plan) -> None:
    assert asked(plan, "ttd", -1) == []
    assert asked(plan, "ttd", 30, day=BEGAN - timedelta(days=1)) == []


def test_performance_max_when_listed_then_has_no_ads_and_only_google_has_it(plan: Plan) -> None:
    platforms = AdPlatforms(World(plan.nppes_dir, 7, plan.start))
    assert [ad.campaign_name for ad in platforms.ads("google_ads") if not ad.creative_id] == [
        "Performance Max, all dentists | US"
    ]
    assert all(ad.creative_id for platform in ("meta_ads", "ttd") for ad in platforms.ads(platform))
