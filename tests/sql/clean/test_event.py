from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from include.contacts.email_address import normalized_email
from tests.include.email_addresses import WRITTEN
from tests.sql.clean.raw_events import (
    CLEAN_TABLES,
    DANA,
    EVAN,
    alerts,
    balance,
    clean,
    converge,
    ghl,
    instantly,
    know_contact,
    raw_row,
    replace_partitions,
    state,
)


def order(number: str, *items: dict[str, Any]) -> dict[str, Any]:
    """The fields of a completed order."""
    return {"_id": f"ord{number}", "contactId": "ctc1", "status": "completed", "amount": 199, "items": list(items)}


ONE_TIME = {"price": {"type": "one_time"}}


def test_query_when_known_types_then_canonical_types_of_the_contract(bigquery_client: bigquery.Client) -> None:
    expected = {
        "email_sent": "email_sent",
        "email_opened": "email_opened",
        "link_clicked": "email_clicked",
        "email_link_clicked": "email_clicked",
        "reply_received": "email_replied",
        "auto_reply_received": "email_auto_replied",
        "email_bounced": "email_bounced",
        "lead_unsubscribed": "email_unsubscribed",
        "lead_meeting_booked": "meeting_booked",
        "lead_no_show": "meeting_status_changed",
        "lead_interested": "lead_status_changed",
        "lead_closed": "lead_status_changed",
        "account_error": "sender_health",
    }
    events = clean(bigquery_client, *(instantly(f"i-{name}", name) for name in expected))
    assert {key: row["canonical_type"] for key, row in events.items()} == {f"i-{k}": v for k, v in expected.items()}


def test_query_when_ghl_events_then_canonical_types_of_the_contract_and_the_others_are_ignored(
    bigquery_client: bigquery.Client,
) -> None:
    recurring = {"price": {"type": "recurring"}}
    expected = {
        "contact": ("contact_created", ghl("contact", "ContactCreate", id="ctc1")),
        "dnd": ("consent_changed", ghl("dnd", "ContactDndUpdate", id="ctc1", dnd=True)),
        "won": ("deal_won", ghl("won", "OpportunityStatusUpdate", status="won")),
        "lost": ("deal_lost", ghl("lost", "OpportunityStatusUpdate", status="abandoned")),
        "open": (None, ghl("open", "OpportunityStatusUpdate", status="open")),
        "booked": (
            "meeting_booked",
            ghl("booked", "AppointmentCreate", appointment={"appointmentStatus": "confirmed"}),
        ),
        "invalid": (None, ghl("invalid", "AppointmentCreate", appointment={"appointmentStatus": "invalid"})),
        "paid": ("purchase", ghl("paid", "OrderCreate", **order("1", ONE_TIME, ONE_TIME))),
        "mixed": ("subscription_started", ghl("mixed", "OrderCreate", **order("2", ONE_TIME, recurring))),
        "pending": (None, ghl("pending", "OrderCreate", **{**order("3", ONE_TIME), "status": "pending"})),
        "no items": (None, ghl("no items", "OrderCreate", **order("4"))),
        "invoice": ("purchase", ghl("invoice", None, invoiceNumber="1042", status="paid", _id="inv1")),
        "failed": ("email_bounced", ghl("failed", "LCEmailStats", webhookPayload={"event": "failed"})),
        "complained": ("email_unsubscribed", ghl("complained", "LCEmailStats", webhookPayload={"event": "complained"})),
        "mail": ("email_replied", ghl("mail", "InboundMessage", messageType="Email")),
        "sms": ("sms_replied", ghl("sms", "InboundMessage", messageType="SMS")),
        "update": (None, ghl("update", "ContactUpdate", id="ctc1")),
    }
    events = clean(bigquery_client, *(row for _, row in expected.values()))
    found = {key: events[key]["canonical_type"] if key in events else None for key in expected}
    assert found == {key: canonical for key, (canonical, _) in expected.items()}
    assert balance(bigquery_client)["filtered", "ignored"] == 5


def test_query_when_our_keys_come_back_then_they_are_columns(bigquery_client: bigquery.Client) -> None:
    fields: dict[str, Any] = {
        "person_id": DANA,
        "content_block_id": "b7",
        "audience_id": "tx-solo",
        "step": 2,
        "variant": 1,
    }
    [event] = clean(bigquery_client, instantly("k", "email_sent", **fields, is_first=False)).values()
    assert (event["person_id"], event["campaign_id"], event["content_block_id"], event["step"]) == (DANA, "c1", "b7", 2)
    assert event["attributes"] == {"audience_id": "tx-solo", "variant": 1, "is_first": False}
    assert event["occurred_at"] == datetime(2026, 11, 2, 16, tzinfo=UTC)
    assert len(event["email_hash"]) == 64


def test_query_when_times_differ_then_the_events_own_time_else_the_envelopes_else_receipt(
    bigquery_client: bigquery.Client,
) -> None:
    opened = {"event": "opened"}
    events = clean(
        bigquery_client,
        ghl("own, of a zone", "AppointmentCreate", appointment={"dateAdded": "2026-11-04T10:00:00-06:00"}),
        # dateAdded is when the deal was created, not when it was won.
        ghl("envelope", "OpportunityStatusUpdate", status="won", dateAdded="2026-10-01T00:00:00Z"),
        ghl("seconds", "LCEmailStats", webhookPayload={**opened, "timestamp": 1795341600.4}),
        ghl("out of range", "LCEmailStats", webhookPayload={**opened, "timestamp": 1795341600000000}),
        instantly("receipt", "email_sent", timestamp="soon"),
    )
    assert {key: event["occurred_at"] for key, event in events.items()} == {
        "own, of a zone": datetime(2026, 11, 4, 16, tzinfo=UTC),
        "envelope": datetime(2026, 11, 2, 17, tzinfo=UTC),
        "seconds": datetime(2026, 11, 22, 10, tzinfo=UTC),
        "out of range": datetime(2026, 11, 2, 17, tzinfo=UTC),
        "receipt": datetime(2026, 11, 2, 18, tzinfo=UTC),
    }


def test_query_when_no_key_of_ours_then_contact_id_then_address_names_the_person(
    bigquery_client: bigquery.Client,
) -> None:
    know_contact(bigquery_client, DANA, "dana@brightsmile.example", ghl_id="ctc1")
    know_contact(bigquery_client, EVAN, "evan@example.example")
    events = clean(
        bigquery_client,
        instantly("by address", "email_opened", lead_email=" Dana@BrightSmile.example "),
        instantly("bad key", "email_opened", person_id="someone", lead_email="evan@example.example"),
        ghl("by contact", "OpportunityStatusUpdate", status="won", contactId="ctc1"),
        ghl("contact first", "ContactCreate", id="ctc1", email="evan@example.example"),
        ghl("nobody", "ContactCreate", id="ctc9", email="new@example.example"),
    )
    assert {key: event["person_id"] for key, event in events.items()} == {
        "by address": DANA,
        "bad key": EVAN,
        "by contact": DANA,
        "contact first": DANA,
        "nobody": None,
    }


def test_query_when_two_people_share_an_address_then_it_names_nobody(bigquery_client: bigquery.Client) -> None:
    know_contact(bigquery_client, DANA, "office@brightsmile.example")
    know_contact(bigquery_client, EVAN, "OFFICE@brightsmile.example")
    [event] = clean(bigquery_client, instantly("k", "email_opened", lead_email="office@brightsmile.example")).values()
    assert event["person_id"] is None


def test_query_when_contact_is_bought_later_then_the_old_event_finds_its_person(
    bigquery_client: bigquery.Client,
) -> None:
    row = instantly("k", "email_opened")
    assert clean(bigquery_client, row)["k"]["person_id"] is None
    know_contact(bigquery_client, DANA, "dana@brightsmile.example")
    assert clean(bigquery_client, row)["k"]["person_id"] == DANA


def test_query_when_delivered_again_on_other_days_then_one_event_of_the_first_receipt(
    bigquery_client: bigquery.Client,
) -> None:
    deliveries = [instantly("k", "email_opened", f"2026-11-0{day}T18:00:00+00:00") for day in (4, 2, 3)]
    [event] = clean(bigquery_client, *deliveries).values()
    assert event["received_date"].isoformat() == "2026-11-02"
    assert balance(bigquery_client)["filtered", "duplicate"] == 2


def test_query_when_one_order_is_announced_twice_then_one_purchase(bigquery_client: bigquery.Client) -> None:
    events = clean(
        bigquery_client,
        ghl("created", "OrderCreate", **order("1", ONE_TIME)),
        ghl("updated", "OrderStatusUpdate", "2026-11-03T18:00:00+00:00", **order("1", ONE_TIME)),
        ghl("another", "OrderCreate", **order("2", ONE_TIME)),
    )
    assert sorted(events) == ["another", "created"]


def test_query_when_only_the_second_announcement_says_do_not_disturb_then_it_closes_and_the_order_is_one_purchase(
    bigquery_client: bigquery.Client,
) -> None:
    know_contact(bigquery_client, DANA, "dana@brightsmile.example", ghl_id="ctc1")
    first = ghl("created", "OrderCreate", **order("1", ONE_TIME))
    second = ghl(
        "updated", "OrderStatusUpdate", "2026-11-03T18:00:00+00:00", **order("1", ONE_TIME), contact={"dnd": True}
    )
    events = clean(bigquery_client, first, second, {**second, "received_date": "2026-11-04"})
    assert {key: row["canonical_type"] for key, row in events.items()} == {
        "created": "purchase",
        "updated": "consent_changed",
    }
    assert (events["updated"]["person_id"], events["updated"]["attributes"]["dnd"]) == (DANA, True)
    assert balance(bigquery_client)["filtered", "duplicate"] == 1
    [row] = bigquery_client.query_and_wait("SELECT identifier_hash, channel FROM clean.suppression")
    assert (row["identifier_hash"], row["channel"]) == (DANA, "all")


def test_query_when_another_body_comes_under_a_known_key_then_its_opt_out_is_not_a_duplicate(
    bigquery_client: bigquery.Client,
) -> None:
    later = "2026-11-03T18:00:00+00:00"
    rows = [
        instantly("said", "reply_received", reply_text="Sounds good"),
        instantly("said", "reply_received", later, reply_text="Unsubscribe"),
        instantly("marked", "campaign_completed"),
        instantly("marked", "campaign_completed", later, dnd=True),
        instantly("unread", "email_opened"),
        instantly("unread", "email_opened", later, email_opt_out=True),
        instantly("same", "email_opened"),
        instantly("same", "email_opened", later, first=True),
    ]
    replace_partitions(bigquery_client, rows)
    converge(bigquery_client)
    events = bigquery_client.query_and_wait("SELECT dedup_key, canonical_type FROM clean.event")
    assert sorted((row["dedup_key"], row["canonical_type"]) for row in events) == [
        ("marked", "consent_changed"),
        ("said", "email_replied"),
        ("said", "email_unsubscribed"),
        ("same", "email_opened"),
        ("unread", "email_opened"),
    ]
    assert alerts(bigquery_client) == {"instantly/unread": "error"}


@pytest.mark.parametrize(
    ("booked", "canonical"),
    [("2026-11-05T16:00:00Z", "lead_status_changed"), ("2026-11-05T16:00:01Z", "meeting_booked")],
)
def test_query_when_crm_books_the_meeting_of_a_label_then_it_counts_once_within_three_days(
    bigquery_client: bigquery.Client, booked: str, canonical: str
) -> None:
    know_contact(bigquery_client, DANA, "dana@brightsmile.example", ghl_id="ctc1")
    appointment = {"contactId": "ctc1", "appointmentStatus": "confirmed", "dateAdded": booked}
    events = clean(
        bigquery_client,
        instantly("label", "lead_meeting_booked"),
        ghl("crm", "AppointmentCreate", appointment=appointment),
    )
    assert (events["crm"]["canonical_type"], events["label"]["canonical_type"]) == ("meeting_booked", canonical)


def test_query_when_body_or_type_is_bad_then_rejected_with_rule_and_the_rest_goes_on(
    bigquery_client: bigquery.Client,
) -> None:
    at = "2026-11-02T18:00:00+00:00"
    events = clean(
        bigquery_client,
        raw_row("ghl", "cut", '{"type": "ContactCreate"', at),
        raw_row("ghl", "list", "[1]", at),
        raw_row("instantly", "label", '{"event_type": "my label", "timestamp": "2026-11-02T16:00:00Z"}', at),
        raw_row("ghl", "forged", '{"type": "ContactCreate", "id": "x"}', at, verified=False),
        instantly("good", "email_sent", wide=1.2345678901234567890123),
        *(raw_row(sender, "answer", '{"type": "x"}', at) for sender in ("wiza", "apollo", "clay", "clay_table")),
    )
    assert list(events) == ["good"]
    rejected = bigquery_client.query_and_wait("SELECT * FROM clean.rejected_row ORDER BY row_key")
    assert [(r["row_key"], r["rule"], r["value"], r["source_object"]) for r in rejected] == [
        ("ghl/cut", "body_unparseable", None, "inbox/2026-11-02/ghl/cut.json"),
        ("ghl/forged", "not_verified", None, "inbox/2026-11-02/ghl/forged.json"),
        ("ghl/list", "body_unparseable", None, "inbox/2026-11-02/ghl/list.json"),
        ("instantly/label", "event_type_unknown", "my label", "inbox/2026-11-02/instantly/label.json"),
    ]
    assert balance(bigquery_client) == {
        ("in", "raw.event"): 9,
        ("out", "clean.event"): 1,
        ("filtered", "ignored"): 4,
        ("rejected", "body_unparseable"): 2,
        ("rejected", "not_verified"): 1,
        ("rejected", "event_type_unknown"): 1,
    }


def test_query_when_raw_is_empty_then_nothing_and_it_balances(bigquery_client: bigquery.Client) -> None:
    converge(bigquery_client)
    assert state(bigquery_client)["clean.event"] == []
    assert balance(bigquery_client) == {("in", "raw.event"): 0, ("out", "clean.event"): 0}


def test_query_when_other_tables_have_refusals_then_they_are_left_alone(bigquery_client: bigquery.Client) -> None:
    bigquery_client.query_and_wait(
        "INSERT INTO clean.rejected_row (run_date, table_name, rule, reason) "
        "VALUES (DATE '2026-11-02', 'clean.provider', 'npi_check_digit', 'x')"
    )
    clean(bigquery_client, raw_row("ghl", "list", "[1]", "2026-11-02T18:00:00+00:00"))
    names = [row["table_name"] for row in bigquery_client.list_rows("clean.rejected_row")]
    assert sorted(names) == ["clean.event", "clean.provider"]


def days() -> dict[str, list[dict[str, Any]]]:
    """Three received dates that depend on each other: repeats, an order in two parts, a meeting in two systems."""
    booked = {"contactId": "ctc1", "appointmentStatus": "confirmed", "dateAdded": "2026-11-04T10:00:00Z"}
    bad = '{"type": "Nope"}'
    return {
        "2026-11-02": [
            instantly("sent", "email_sent", "2026-11-02T18:00:00+00:00", person_id=DANA),
            instantly("meeting", "lead_meeting_booked", "2026-11-02T19:00:00+00:00"),
            ghl("status", "OrderStatusUpdate", "2026-11-02T20:00:00+00:00", **order("1", ONE_TIME)),
            raw_row("ghl", "bad", bad, "2026-11-02T21:00:00+00:00"),
        ],
        "2026-11-03": [
            instantly("sent", "email_sent", "2026-11-03T18:00:00+00:00", person_id=DANA),
            instantly("bounce", "email_bounced", "2026-11-03T18:00:01+00:00", timestamp="2026-11-03T09:00:00Z"),
            ghl("created", "OrderCreate", "2026-11-03T20:00:00+00:00", **order("1", ONE_TIME)),
        ],
        "2026-11-04": [
            ghl("crm", "AppointmentCreate", "2026-11-04T10:00:00+00:00", appointment=booked),
            instantly("stop", "lead_unsubscribed", "2026-11-04T11:00:00+00:00", timestamp="2026-11-03T08:00:00Z"),
            raw_row("ghl", "bad", bad, "2026-11-04T21:00:00+00:00"),
        ],
    }


# Every day comes first, in the middle and last, and one comes again.
ARRIVALS = [("02", "03", "04"), ("04", "02", "03", "04")]


@pytest.mark.timeout(600)
def test_query_when_partitions_come_in_any_order_and_again_then_the_same_clean_tables(
    bigquery_client: bigquery.Client,
) -> None:
    partitions = days()
    know_contact(bigquery_client, DANA, "dana@brightsmile.example", ghl_id="ctc1")
    ends = []
    for number, arrivals in enumerate(ARRIVALS):
        for name in ("raw.event", *CLEAN_TABLES):
            bigquery_client.query_and_wait(f"TRUNCATE TABLE {name}")
        for day in arrivals:
            rows = partitions[f"2026-11-{day}"]
            replace_partitions(bigquery_client, rows if number % 2 else rows[::-1])
            converge(bigquery_client)
        ends.append(state(bigquery_client))
    assert len(ends[0]["clean.event"]) == 6
    assert all(end == ends[0] for end in ends[1:])


def test_query_when_an_event_leaves_raw_then_it_leaves_clean(bigquery_client: bigquery.Client) -> None:
    clean(bigquery_client, instantly("a", "email_sent"), instantly("b", "email_opened"))
    assert list(clean(bigquery_client, instantly("a", "email_sent"))) == ["a"]


def test_query_when_fields_stand_under_data_then_they_count_as_at_the_top(bigquery_client: bigquery.Client) -> None:
    know_contact(bigquery_client, DANA, "dana@brightsmile.example", ghl_id="ctc1")
    appointment = {
        "id": "a1",
        "contactId": "ctc1",
        "appointmentStatus": "confirmed",
        "startTime": "2026-11-05T10:00:00Z",
    }
    invoice = {"invoiceNumber": "1042", "status": "paid", "_id": "inv1", "contactDetails": {"id": "ctc1"}}
    won = {"id": "o1", "contactId": "ctc1", "status": "won", "monetaryValue": 100, "dateAdded": "2026-10-01T00:00:00Z"}
    bodies = {
        "met": ("meeting_booked", "AppointmentCreate", {"appointment": appointment}),
        "won": ("deal_won", "OpportunityStatusUpdate", won),
        "made": ("contact_created", "ContactCreate", {"id": "ctc1", "dateAdded": "2026-11-02T15:00:00Z"}),
        "paid": ("purchase", "OrderCreate", order("1", ONE_TIME)),
        "invoice": ("purchase", None, invoice),
        "seen": ("email_opened", "LCEmailStats", {"webhookPayload": {"event": "opened", "recipient": "dana@brightsmile.example"}}),
        "said": ("sms_replied", "InboundMessage", {"contactId": "ctc1", "messageType": "SMS", "body": "Yes"}),
    }  # fmt: skip
    nested = [ghl(f"{key} below", kind, data=fields) for key, (_, kind, fields) in bodies.items() if key != "paid"]
    flat = [ghl(key, kind, **fields) for key, (_, kind, fields) in bodies.items()]
    below = ghl("paid below", "OrderCreate", data={**order("2", ONE_TIME)})
    events = clean(bigquery_client, *flat, *nested, below)
    for key, (canonical, _, _) in bodies.items():
        top, under = events[key], events.get(f"{key} below")
        assert (top["canonical_type"], top["person_id"]) == (canonical, DANA)
        if key == "invoice":  # one paid invoice is one purchase
            assert under is None
            continue
        columns = ("canonical_type", "vendor_event", "person_id", "destination_id", "email_hash", "occurred_at")
        assert [under[name] for name in columns] == [top[name] for name in columns]
        assert under["attributes"] | {"object_id": ""} == top["attributes"] | {"object_id": ""}


def test_query_when_addresses_are_written_as_people_do_then_hashed_as_python_normalizes_them(
    bigquery_client: bigquery.Client,
) -> None:
    bodies = {str(number): written for number, (written, _) in enumerate(WRITTEN)}
    events = clean(bigquery_client, *(instantly(key, "email_sent", lead_email=text) for key, text in bodies.items()))
    expected = {key: normalized_email(text) for key, text in bodies.items()}
    hashes = {key: address and hashlib.sha256(address.encode()).hexdigest() for key, address in expected.items()}
    assert {key: events[key]["email_hash"] for key in bodies} == hashes


def test_query_when_mail_statistics_are_in_milliseconds_then_the_same_moment(bigquery_client: bigquery.Client) -> None:
    [event] = clean(
        bigquery_client, ghl("k", "LCEmailStats", webhookPayload={"event": "opened", "timestamp": 1762000000123})
    ).values()
    assert event["occurred_at"] == datetime(2025, 11, 1, 12, 26, 40, tzinfo=UTC)


def test_query_when_an_opt_out_may_stand_in_an_unread_body_then_an_alert_names_it(
    bigquery_client: bigquery.Client,
) -> None:
    at = "2026-11-02T18:00:00+00:00"
    long = "I retired last spring and my associate bought the whole practice from me, so kindly take me off whatever list I am on"
    # Every body but the last two may hold an opt-out that nothing read.
    clean(
        bigquery_client,
        raw_row("instantly", "cut", '{"event_type":"lead_unsubscribed","lead_email":"dana@b', at),
        raw_row("ghl", "form", "type=ContactDndUpdate&dnd=true", at),
        raw_row("ghl", "list", '[{"type": "ContactUpdate", "dnd": true}]', at),
        raw_row("clay", "vendor", "please STOP", at),
        raw_row("rb2b", "seller", '{"email": "dana@brightsmile.example", "opted_out": true}', at),
        raw_row("ghl", "foreign", "unsubscribe dana", at, verified=False),
        ghl("new type", "PersonSaid", text="I want to opt out"),
        ghl("deep", "ContactUpdate", id="c", data={"person": {"dnd": True}}),
        ghl("settings", "ContactUpdate", id="c", data={"person": {"dndSettings": {"Email": {"status": "active"}}}}),
        ghl("word", "ContactUpdate", id="c", dnd="sms only"),
        ghl("tag", "ContactTagUpdate", id="c", tags=["vip", "Do not contact"]),
        instantly("nobody", "lead_unsubscribed", lead_email="n/a"),
        ghl("channel", "InboundMessage", contactId="c", messageType="WhatsApp", body="Stop"),
        instantly("field", "lead_interested", email_opt_out=True),
        instantly("long reply", "reply_received", reply_text=long),
        instantly("new reply", "reply_of_a_new_kind", reply_text="Take me off"),
        raw_row("instantly", "untyped", '{"reply_text": "Quit"}', at),
        ghl("plain", "PersonSaid", text="hello"),
        raw_row("ghl", "empty", "", at),
    )  # fmt: skip
    assert alerts(bigquery_client) == {
        **dict.fromkeys(
            ["instantly/cut", "ghl/form", "ghl/list", "clay/vendor", "ghl/new type", "ghl/foreign", "rb2b/seller"],
            "error",
        ),
        **dict.fromkeys(["ghl/deep", "ghl/settings", "ghl/word", "ghl/tag", "ghl/channel"], "error"),
        **dict.fromkeys(["instantly/nobody", "instantly/field", "instantly/long reply"], "error"),
        **dict.fromkeys(["instantly/new reply", "instantly/untyped"], "error"),
        "event_type_unknown": "warning",
        "body_unparseable": "warning",
    }
    [row] = bigquery_client.query_and_wait(
        "SELECT raised_on, source, message FROM ops.alert WHERE subject = 'instantly/cut'"
    )
    assert (row["raised_on"].isoformat(), row["source"]) == ("2026-11-02", "instantly")
    assert "inbox/2026-11-02/instantly/cut.json" in row["message"] and "clean.opt_out_decision" in row["message"]


@pytest.mark.parametrize("amount", ["1e400", "Infinity", "NaN", "-1e308", "9" * 400])
def test_query_when_a_number_is_absurd_then_it_is_left_out_and_the_event_stays(
    bigquery_client: bigquery.Client, amount: str
) -> None:
    body = f'{{"type": "OpportunityStatusUpdate", "id": "o1", "status": "won", "monetaryValue": "{amount}"}}'
    bare = body.replace(f'"{amount}"', amount if amount[0] in "-19" else "1e999")
    at = "2026-11-02T18:00:00+00:00"
    events = clean(bigquery_client, raw_row("ghl", "text", body, at), raw_row("ghl", "number", bare, at))
    assert [event["canonical_type"] for event in events.values()] in (["deal_won"], ["deal_won", "deal_won"])
    assert all("amount" not in event["attributes"] for event in events.values())
