"""The world's people, their addresses, and how far the vendors' view is from the truth."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from registry_files import MEMBER_1, MEMBER_2, WEEK_1, WEEK_2, Provider, dentists, npi, write_zip

from services.sandbox.world import World, company_overlap, name_key

ADA = Provider(npi(1), "ADA", "ABBOT")
CLINIC = Provider(npi(9), organization="Bright Smile Family Dental LLC", taxonomy="261QD0000X")
START = "2025-11-10T06:00:00Z"


def world(folder: Path, seed: int = 7) -> World:
    return World(folder, seed, START)


def test_person_when_a_clinic_shares_the_address_then_it_is_the_practice(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, [ADA, replace(ADA, npi=npi(2), first_name="BEN"), CLINIC])
    ada = world(tmp_path).person(npi(1))
    assert ada is not None
    assert (ada.practice_name, ada.practice_size) == ("Bright Smile Family Dental LLC", 2)
    assert ada.email.startswith("ada.abbot.")
    assert ada.email.endswith(".example")
    assert world(tmp_path).person(npi(9)) is None, "an organization is not a person"


def test_people_when_a_zip_appears_later_then_they_are_there_without_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "nppes"
    living = world(folder)
    assert living.people() == {}
    write_zip(folder, WEEK_1, MEMBER_1, [ADA])
    assert set(living.people()) == {npi(1)}
    write_zip(folder, WEEK_2, MEMBER_2, [replace(ADA, npi=npi(2), first_name="BEN")])
    assert set(living.people()) == {npi(1), npi(2)}


def test_person_when_week_two_moves_them_then_the_newer_address_holds(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_2, MEMBER_2, [replace(ADA, address="9 NEW RD")])
    write_zip(tmp_path, WEEK_1, MEMBER_1, [ADA])
    ada = world(tmp_path).person(npi(1))
    assert ada is not None
    assert ada.address == "9 NEW RD"


def test_people_when_read_in_two_worlds_then_equal_and_another_seed_differs(nppes_dir: Path) -> None:
    first, second, other = world(nppes_dir), world(nppes_dir), world(nppes_dir, seed=8)
    some = sorted(first.people())[5]
    second.person(some)
    assert first.people() == second.people()
    assert first.people()[some].email != other.people()[some].email


def test_mailbox_when_asked_for_each_address_then_it_leads_to_its_person(nppes_dir: Path) -> None:
    living = world(nppes_dir)
    for person in list(living.people().values())[:50]:
        for kind in ("true", "catch_all", "former", "wrong"):
            mailbox = living.mailbox(living.address_of(person, kind).upper())
            assert (mailbox.kind, mailbox.person) == (kind, person)
    assert living.mailbox("made@up.example").kind == "unknown"


def test_wiza_view_when_counted_over_many_then_three_quarters_of_the_findable_have_an_email(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(3000))
    living = world(tmp_path)
    views = [living.wiza_view(person) for person in living.people().values()]
    boxes = Counter(view.mailbox for view in views if view.email)
    findable = sum(living.is_findable(person) for person in living.people().values())
    assert sum(boxes.values()) / findable == pytest.approx(0.75, abs=0.03)
    assert boxes["true"] / sum(boxes.values()) == pytest.approx(0.81, abs=0.03)
    assert set(boxes) == {"true", "catch_all", "former", "wrong"}
    assert {view.email_status for view in views if view.mailbox == "former"} == {"valid"}


def test_person_at_when_two_share_a_name_then_the_company_decides(tmp_path: Path) -> None:
    other = replace(ADA, npi=npi(2), address="2 ELM ST", postal="10001")
    clinic = replace(CLINIC, npi=npi(8), organization="Riverside Dental PC", address="2 ELM ST", postal="10001")
    write_zip(tmp_path, WEEK_1, MEMBER_1, [ADA, other, CLINIC, clinic])
    living = world(tmp_path)
    found = living.person_at("Ada Abbot, DDS", "Riverside", "")
    assert found is not None
    assert found.npi == npi(2)
    assert living.person_at("Ada Abbot", "Nothing Alike", "") is None


@pytest.mark.parametrize("name", ["Ada Abbot", "DR. ADA M. ABBOT, DDS", "ada  abbot jr."])
def test_name_key_when_written_with_titles_then_the_same(name: str) -> None:
    assert name_key(name) == "ADA ABBOT"


def test_company_overlap_when_forms_differ_then_legal_words_do_not_count(tmp_path: Path) -> None:
    write_zip(tmp_path, WEEK_1, MEMBER_1, [ADA, CLINIC])
    ada = world(tmp_path).person(npi(1))
    assert ada is not None
    assert company_overlap("BRIGHT SMILE FAMILY DENTAL, P.C.", ada) == 1.0
    assert company_overlap("", ada) == 0.0
