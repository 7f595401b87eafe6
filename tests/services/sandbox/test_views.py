"""Apollo and Clay: others than Wiza, and well or badly by segment."""

from collections import defaultdict
from pathlib import Path

from registry_files import MEMBER_1, WEEK_1, dentists, write_zip

from services.sandbox.views import Known, View, apollo_view, clay_view, company_view, true_company
from services.sandbox.world import World, size_of

START = "2025-11-10T06:00:00Z"


def test_views_when_counted_over_many_then_apollo_differs_by_size_and_clay_hardly(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(6000))
    world = World(tmp_path, 7, START)
    views: dict[str, dict[str, list[View]]] = {"apollo": defaultdict(list), "clay": defaultdict(list)}
    for person in world.people().values():
        views["apollo"][size_of(person)].append(apollo_view(world, person))
        views["clay"][size_of(person)].append(clay_view(world, person))

    def share_true(vendor: str, size: str) -> float:
        seen = views[vendor][size]
        return sum(view.mailbox == "true" for view in seen) / len(seen)

    sizes = sorted(views["apollo"])
    assert len(sizes) >= 2
    by_size = [share_true("apollo", size) for size in sizes]
    assert max(by_size) - min(by_size) > 0.15
    assert abs(share_true("clay", sizes[0]) - share_true("clay", sizes[1])) < 0.12
    everybody = [view for seen in views["apollo"].values() for view in seen]
    assert {view.mailbox for view in everybody} == {"true", "catch_all", "former", "wrong", "none"}
    assert all(view.confidence >= 0.7 for view in everybody if view.mailbox in ("true", "former", "wrong"))


def test_vendors_when_compared_then_each_knows_somebody_whom_the_others_do_not(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(800))
    world = World(tmp_path, 7, START)
    people = list(world.people().values())
    wiza = {p.npi for p in people if world.wiza_view(p).mailbox == "true"}
    apollo = {p.npi for p in people if apollo_view(world, p).mailbox == "true"}
    clay = {p.npi for p in people if clay_view(world, p).mailbox == "true"}
    assert wiza - apollo - clay
    assert apollo - wiza - clay
    assert clay - wiza - apollo


def test_company_view_when_known_then_close_to_the_truth_and_the_same_for_all_at_one_practice(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(800))
    world = World(tmp_path, 7, START)
    told = [(true_company(world, p), company_view(world, "apollo", p)) for p in world.people().values()]
    known = [(true, seen) for true, seen in told if seen]
    assert 0 < len(known) < len(told)
    assert all(seen.domain == true.domain for true, seen in known)
    off = [abs(seen.revenue - true.revenue) / true.revenue for true, seen in known]
    assert 0.02 < sum(off) / len(off) < 0.2


def test_known_when_the_registry_changes_then_worked_out_anew(tmp_path: Path) -> None:
    world = World(tmp_path, 7, START)
    known = Known(world, lambda person: True)
    assert known.people() == []
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(5))
    assert len(known.people()) == 5
    assert known.people() is known.people()
