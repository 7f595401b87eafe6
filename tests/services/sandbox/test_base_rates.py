"""The world's base rates: each with a public source, and together what is published of a waterfall of three vendors."""

from __future__ import annotations

import copy
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from registry_files import MEMBER_1, WEEK_1, dentists, write_zip

from services.sandbox.base_rates import FILE, SIZES, VENDORS, base_rates, parsed
from services.sandbox.views import apollo_view, clay_view
from services.sandbox.world import World, size_of

PUBLISHED = (0.40, 0.68)  # usable after verification, of raw and of cleaned rows
START = "2025-11-10T06:00:00Z"


def test_world_when_every_vendor_is_asked_then_as_many_are_usable_as_is_published(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(6000))
    world = World(tmp_path, 7, START)
    usable: dict[str, list[bool]] = defaultdict(list)
    single: dict[str, list[bool]] = defaultdict(list)
    for person in world.people().values():
        wiza = world.wiza_view(person).email_status == "valid"
        clay, apollo = clay_view(world, person), apollo_view(world, person)
        each = {"wiza": wiza, **{name: bool(view.email) and view.confidence >= 0.7 for name, view in (("clay", clay), ("apollo", apollo))}}  # fmt: skip # noqa: E501
        for name, told in each.items():
            single[name].append(told)
            assert not told or world.is_findable(person)
        usable[size_of(person)].append(any(each.values()))
    for size, told in usable.items():
        assert PUBLISHED[0] <= sum(told) / len(told) <= PUBLISHED[1], size
    # no vendor alone comes near: that is why there is a waterfall
    assert all(0.3 < sum(told) / len(told) < 0.6 for told in single.values())


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("findable", "source"), "", "findable needs a source"),
        (("wiza", "mobile", "source"), "ours", "wiza.mobile needs a source"),
        (("bounces", "source"), None, "bounces needs a source"),
        (("findable", "solo"), 1.5, "findable.solo must be a share"),
        (("clay", "finds", "group", "email"), None, "clay.finds.email must be a share"),
        (("apollo", "mailboxes", "solo", "former"), 0.9, "apollo.mailboxes adds up to more than 1"),
    ],
)
def test_parsed_when_a_rate_is_no_share_or_has_no_source_then_names_it(
    path: tuple[str, ...], value: Any, told: str
) -> None:
    body = copy.deepcopy(yaml.safe_load(FILE.read_text()))
    at = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(ValueError, match=told):
        parsed(body)


def test_base_rates_when_read_then_every_vendor_has_every_size() -> None:
    rates = base_rates()
    assert set(rates.vendors) == set(VENDORS)
    assert all(set(one.finds) == set(one.mailboxes) == set(one.company) == set(SIZES) for one in rates.vendors.values())
