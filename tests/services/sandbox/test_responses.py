"""Sending times and what e-mails lead to: working hours, base rates, and no dependence on anything but the labels."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from registry_files import MEMBER_1, WEEK_1, dentists, write_zip

from services.sandbox.responses import Window, answers, first_send, next_send, zone
from services.sandbox.world import Mailbox, World

MONDAY = datetime(2025, 11, 10, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def mailboxes(tmp_path_factory: pytest.TempPathFactory) -> list[Mailbox]:
    """What Wiza would sell of 4,000 people."""
    folder = tmp_path_factory.mktemp("many")
    write_zip(folder, WEEK_1, MEMBER_1, dentists(4000))
    world = World(folder, 7, "2025-11-10")
    emails = (world.wiza_view(person).email for person in world.people().values())
    return [world.mailbox(email) for email in emails if email]


def sent_to(mailbox: Mailbox, added: datetime = MONDAY) -> datetime:
    assert mailbox.person
    return first_send(7, mailbox.person.npi, added, zone(mailbox.person.state), Window())


def test_first_send_when_added_before_monday_morning_then_about_a_fifth_a_day_in_local_hours(
    mailboxes: list[Mailbox],
) -> None:
    days: Counter[int] = Counter()
    for mailbox in mailboxes:
        assert mailbox.person
        local = sent_to(mailbox).astimezone(zone(mailbox.person.state))
        assert 9 <= local.hour < 17
        assert MONDAY < local < MONDAY + timedelta(days=5)
        days[local.weekday()] += 1
    assert set(days) == {0, 1, 2, 3, 4}
    assert max(days.values()) < 1.3 * min(days.values())


def test_first_send_when_added_on_friday_evening_then_from_monday_on(mailboxes: list[Mailbox]) -> None:
    friday = datetime(2025, 11, 15, 1, tzinfo=UTC)
    assert all(sent_to(mailbox, friday).astimezone(UTC).weekday() < 5 for mailbox in mailboxes[:100])
    assert min(sent_to(mailbox, friday) for mailbox in mailboxes[:100]) > datetime(2025, 11, 17, 12, tzinfo=UTC)


def test_next_send_when_three_days_end_on_a_weekend_then_on_monday() -> None:
    thursday = datetime(2025, 11, 13, 16, tzinfo=UTC)
    later = next_send(7, "someone", thursday, 3, zone("TX"), Window()).astimezone(zone("TX"))
    assert (later.weekday(), 9 <= later.hour < 17) == (0, True)


def test_answers_when_counted_over_first_emails_then_near_the_base_rates(mailboxes: list[Mailbox]) -> None:
    kinds: Counter[str] = Counter()
    for mailbox in mailboxes:
        assert mailbox.person
        happenings = answers(7, f"{mailbox.person.npi} c", mailbox, "", 1, sent_to(mailbox))
        kinds.update({happening.kind for happening in happenings})
    rates = {kind: count / len(mailboxes) for kind, count in kinds.items()}
    assert 0.33 < rates["email_opened"] < 0.55
    assert 0.04 < rates["email_link_clicked"] < 0.12
    assert 0.09 < rates["lead_interested"] < 0.17
    assert 0.005 < rates["lead_unsubscribed"] < 0.025
    assert 0.015 < rates["email_bounced"] < 0.05
    assert rates["reply_received"] > rates["lead_interested"]
    assert rates["lead_meeting_booked"] < rates["lead_interested"]


def test_answers_when_asked_twice_then_equal_and_in_time_order_after_sending(mailboxes: list[Mailbox]) -> None:
    for mailbox in mailboxes[:300]:
        sent = sent_to(mailbox)
        first = answers(7, mailbox.address, mailbox, "growth", 1, sent)
        assert first == answers(7, mailbox.address, mailbox, "growth", 1, sent)
        assert [item.at for item in first] == sorted(item.at for item in first)
        assert all(item.at > sent for item in first)


def test_answers_when_positive_then_the_label_comes_within_three_days(mailboxes: list[Mailbox]) -> None:
    delays = [
        happening.at - sent_to(mailbox)
        for mailbox in mailboxes
        for happening in answers(7, mailbox.address, mailbox, "", 1, sent_to(mailbox))
        if happening.kind == "lead_interested"
    ]
    assert delays
    assert max(delays) < timedelta(days=3)
    assert min(delays) < timedelta(hours=2)


def test_answers_when_address_is_former_then_mostly_bounced_and_never_interested(mailboxes: list[Mailbox]) -> None:
    former = [mailbox for mailbox in mailboxes if mailbox.kind == "former"]
    assert len(former) > 20
    kinds = [{item.kind for item in answers(7, m.address, m, "", 1, MONDAY)} for m in former]
    assert sum("email_bounced" in found for found in kinds) > 0.7 * len(former)
    assert not any("lead_interested" in found for found in kinds)


def test_answers_when_address_is_unknown_then_nobody_engages() -> None:
    stranger = Mailbox("x@y.example", "unknown", None)
    kinds = {item.kind for n in range(200) for item in answers(7, str(n), stranger, "growth", 1, MONDAY)}
    assert kinds == {"email_bounced", "email_opened"}
