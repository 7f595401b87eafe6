from __future__ import annotations

import hashlib

from google.cloud import bigquery

from include.activation.ghl import ghl_stop
from include.warehouse.tables import table
from tests.sql.clean.opt_out_bodies import OPT_OUTS, opt_out_row
from tests.sql.clean.raw_events import DANA, EVAN, alerts, clean, converge, ghl, instantly, know_contact, raw_row
from tests.sql.segmented.registry import insert


def person(name: str) -> str:
    return "p" + name * 20


def address(name: str) -> str:
    return f"{name}@example.example"


def hashed(name: str) -> str:
    return hashlib.sha256(address(name).encode()).hexdigest()


HASH = hashlib.sha256(b"dana@brightsmile.example").hexdigest()
EMAIL = ("email", HASH)


def suppressed(client: bigquery.Client) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Return (identifier_type, identifier_hash, channel) -> (reason, since)."""
    return {
        (r["identifier_type"], r["identifier_hash"], r["channel"]): (r["reason"], r["since"].isoformat())
        for r in client.list_rows("clean.suppression")
    }


def test_query_when_event_then_exactly_these_identifiers_are_suppressed(bigquery_client: bigquery.Client) -> None:
    some = {"Email": {"status": "active"}, "SMS": {"status": "active"}, "Call": {"status": "inactive"}}
    clean(
        bigquery_client,
        instantly("1", "lead_unsubscribed", person_id=person("1"), lead_email=address("1")),
        instantly("2", "email_bounced", person_id=person("2"), lead_email=address("2")),
        instantly("3", "lead_wrong_person", person_id=person("3"), lead_email=address("3")),
        instantly("4", "lead_not_interested", person_id=person("4"), lead_email=address("4")),
        instantly("5", "lead_unsubscribed", lead_email=f" {address('5').upper()}"),
        instantly("6", "lead_unsubscribed", person_id=person("6"), lead_email=None),
        ghl("7", "ContactDndUpdate", email=address("7"), dnd=True),
        ghl("8", "ContactDndUpdate", email=address("8"), dnd=False, dndSettings=some),
        ghl("9", "ContactDndUpdate", email=address("9"), dnd=False),
        ghl("10", "ContactDndUpdate", email=address("10"), dnd=False, dndSettings={"email": {"status": "permanent"}}),
        ghl("11", "ContactCreate", email=address("11"), dnd=True),
        instantly("a", "lead_interested", person_id=person("a"), lead_email=address("a")),
        instantly("b", "email_sent", person_id=person("b"), lead_email=address("b")),
    )
    assert {key: reason for key, (reason, _) in suppressed(bigquery_client).items()} == {
        ("email", hashed("1"), "email"): "unsubscribed",
        ("person", person("1"), "email"): "unsubscribed",
        ("email", hashed("2"), "email"): "bounced",
        ("email", hashed("3"), "email"): "wrong_person",
        ("email", hashed("4"), "email"): "do_not_contact",
        ("person", person("4"), "email"): "do_not_contact",
        ("email", hashed("5"), "email"): "unsubscribed",
        ("person", person("6"), "email"): "unsubscribed",
        ("email", hashed("7"), "all"): "dnd",
        ("email", hashed("8"), "email"): "dnd",
        ("email", hashed("8"), "sms"): "dnd",
        ("email", hashed("10"), "email"): "dnd",
        ("email", hashed("11"), "all"): "dnd",
    }


def test_query_when_several_reasons_then_the_earliest_whatever_came_first(bigquery_client: bigquery.Client) -> None:
    late = instantly("b", "email_bounced", "2026-11-03T00:00:00+00:00", timestamp="2026-11-02T12:00:00Z")
    early = instantly("u", "lead_unsubscribed", "2026-11-04T00:00:00+00:00", timestamp="2026-11-02T09:00:00Z")
    clean(bigquery_client, late)
    assert suppressed(bigquery_client)[(*EMAIL, "email")] == ("bounced", "2026-11-02T12:00:00+00:00")
    clean(bigquery_client, early)
    assert suppressed(bigquery_client)[(*EMAIL, "email")] == ("unsubscribed", "2026-11-02T09:00:00+00:00")


def test_query_when_consent_comes_back_then_the_row_stays(bigquery_client: bigquery.Client) -> None:
    off = ghl("1", "ContactDndUpdate", "2026-11-02T18:00:00+00:00", email="dana@brightsmile.example", dnd=True)
    on = ghl("2", "ContactDndUpdate", "2026-11-03T18:00:00+00:00", email="dana@brightsmile.example", dnd=False)
    clean(bigquery_client, off, on)
    assert list(suppressed(bigquery_client)) == [(*EMAIL, "all")]


def test_query_when_somebody_added_an_older_row_then_it_is_kept(bigquery_client: bigquery.Client) -> None:
    bigquery_client.query_and_wait(
        "INSERT INTO clean.suppression (identifier_type, identifier_hash, channel, reason, since) "
        "VALUES ('email', @hash, 'email', 'unsubscribed', TIMESTAMP '2020-01-01'), "
        "('person', 'by hand', 'all', 'do_not_contact', TIMESTAMP '2020-01-01')",
        job_config=bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("hash", "STRING", HASH)]),
    )
    clean(bigquery_client, instantly("b", "email_bounced"))
    assert suppressed(bigquery_client) == {
        (*EMAIL, "email"): ("unsubscribed", "2020-01-01T00:00:00+00:00"),
        ("person", "by hand", "all"): ("do_not_contact", "2020-01-01T00:00:00+00:00"),
    }


def test_query_when_nothing_changed_then_no_row_is_touched(bigquery_client: bigquery.Client) -> None:
    clean(bigquery_client, instantly("u", "lead_unsubscribed", person_id=DANA))
    converge(bigquery_client)
    job = bigquery_client.query(table("clean.suppression").sql())
    job.result()
    assert job.num_dml_affected_rows == 0


def test_query_when_documented_bodies_carry_an_opt_out_then_exactly_their_channels_are_closed(
    bigquery_client: bigquery.Client,
) -> None:
    rows = [
        opt_out_row(number, address(str(number)), sender, body, f"k{number}")
        for number, (sender, body, _) in enumerate(OPT_OUTS.values())
    ]
    clean(bigquery_client, *rows)
    closed = set(suppressed(bigquery_client))
    found = {
        name: {channel for kind, digest, channel in closed if (kind, digest) == ("email", hashed(str(number)))}
        for number, name in enumerate(OPT_OUTS)
    }
    assert found == {name: channels for name, (_, _, channels) in OPT_OUTS.items()}
    assert alerts(bigquery_client) == {}


def test_query_when_the_contact_is_ours_then_the_opt_out_is_the_persons_wherever_its_id_stands(
    bigquery_client: bigquery.Client,
) -> None:
    know_contact(bigquery_client, DANA, "dana@brightsmile.example", ghl_id="ctc1")
    know_contact(bigquery_client, EVAN, "evan@brightsmile.example", ghl_id="ctc2")
    clean(
        bigquery_client,
        ghl("stop", "InboundMessage", contactId="ctc1", messageType="SMS", body="stop"),
        ghl("under data", "ContactDndUpdate", data={"id": "ctc2", "dnd": True}),
    )
    assert set(suppressed(bigquery_client)) == {("person", DANA, "sms"), ("person", EVAN, "all")}


def test_query_when_our_own_stop_of_an_address_comes_back_then_the_person_is_not_closed(
    bigquery_client: bigquery.Client,
) -> None:
    know_contact(bigquery_client, DANA, "dana@brightsmile.example", ghl_id="ctc1")
    echo = {"id": "ctc1", "email": "dana@brightsmile.example", "dnd": False, **ghl_stop({"email"}, by_person=False)}
    clean(bigquery_client, ghl("echo", "ContactUpdate", **echo))
    assert set(suppressed(bigquery_client)) == {(*EMAIL, "email")}
    marked = {"email": echo["dndSettings"]["email"] | {"status": "permanent"}}  # the person opted out since
    clean(bigquery_client, ghl("echo", "ContactUpdate", **{**echo, "dndSettings": marked}))
    assert set(suppressed(bigquery_client)) == {(*EMAIL, "email"), ("person", DANA, "email")}
    clean(bigquery_client, ghl("echo", "ContactUpdate", **{**echo, "dnd": True}))
    assert set(suppressed(bigquery_client)) == {
        (*EMAIL, "email"),
        (*EMAIL, "all"),
        ("person", DANA, "all"),
        ("person", DANA, "email"),
    }


def test_query_when_a_person_decided_on_a_body_then_it_is_suppressed_and_the_alert_leaves(
    bigquery_client: bigquery.Client,
) -> None:
    cut = [
        raw_row("ghl", key, '{"type": "ContactUpdate", "note": "unsubscri', "2026-11-02T18:00:00+00:00") for key in "ab"
    ]
    clean(bigquery_client, *cut)
    assert set(alerts(bigquery_client)) == {"ghl/a", "ghl/b"}
    decision = {"sender": "ghl", "decided_by": "ann", "decided_at": "2026-11-03T09:00:00+00:00"}
    insert(bigquery_client, "clean.opt_out_decision", [
        {**decision, "dedup_key": "a", "channel": "email", "identifier_type": "email", "identifier_hash": HASH},
        {**decision, "dedup_key": "b", "channel": None, "identifier_type": None, "identifier_hash": None},
    ])  # fmt: skip
    converge(bigquery_client)
    assert suppressed(bigquery_client) == {(*EMAIL, "email"): ("decided", "2026-11-03T09:00:00+00:00")}
    assert alerts(bigquery_client) == {}
