"""Bodies that carry an opt-out, as the senders document them or were seen to send them, and the channels that each closes.

The fields are those of the vendors' published examples; ``AT`` stands for the address, one for each body.
"""

from __future__ import annotations

import json
from typing import Any

from tests.sql.clean.raw_events import raw_row

AT = "AT"
EMAIL_ACTIVE = {"Email": {"status": "active", "message": "unsubscribed", "code": "101"}}
CONTACT = {
    "locationId": "loc1",
    "webhookId": "wh-1",
    "timestamp": "2026-11-02T15:10:00.000Z",
    "id": "ctc1",
    "email": AT,
}
INSTANTLY = {"timestamp": "2026-11-02T16:00:00.000Z", "campaign_id": "c1", "workspace": "w1"}
WORKFLOW = {"contact_id": "ctc1", "full_name": "Dana Okoro", "email": AT, "workflow": {"id": "wf1", "name": "dnd"}}
MAIL = {"id": "lce-1", "timestamp": 1795341600, "recipient": AT}
SPEECH = "please stop \\ud83d"

# name -> (sender, body, channels that it closes)
OPT_OUTS: dict[str, tuple[str, dict[str, Any] | str, set[str]]] = {
    # Go High Level, contacts: whatever the type, and in either letter case of the channels.
    "dnd update": ("ghl", {"type": "ContactDndUpdate", **CONTACT, "dnd": True, "dndSettings": EMAIL_ACTIVE}, {"all", "email"}),
    "create": ("ghl", {"type": "ContactCreate", **CONTACT, "dnd": True, "dateAdded": "2026-11-02T15:04:04.120Z"}, {"all"}),
    "update": ("ghl", {"type": "ContactUpdate", **CONTACT, "dnd": True, "dndSettings": EMAIL_ACTIVE}, {"all", "email"}),
    "tag update": ("ghl", {"type": "ContactTagUpdate", **CONTACT, "tags": ["x"], "dnd": True}, {"all"}),
    "delete": ("ghl", {"type": "ContactDelete", **CONTACT, "dnd": True}, {"all"}),
    "text": ("ghl", {"type": "ContactUpdate", **CONTACT, "dnd": "true"}, {"all"}),
    "one channel": ("ghl", {"type": "ContactUpdate", **CONTACT, "dnd": False, "dndSettings": {"SMS": {"status": "active"}}}, {"sms"}),
    "version 3": ("ghl", {"type": "ContactUpdate", **CONTACT, "dndSettings": {"email": {"status": "permanent"}, "call": {"status": "active"}}}, {"email", "call"}),
    # Seen: dnd beside channels that are all inactive. It closes all.
    "dnd alone": ("ghl", {"type": "ContactDndUpdate", **CONTACT, "dnd": True, "dndSettings": {"Email": {"status": "inactive"}}}, {"all"}),
    "off": ("ghl", {"type": "ContactUpdate", **CONTACT, "dnd": False, "dndSettings": {"Email": {"status": "inactive"}}}, set()),
    "inbound": ("ghl", {"type": "ContactUpdate", **CONTACT, "inboundDndSettings": {"all": {"status": "active"}}}, set()),
    "new type": ("ghl", {"type": "ContactConsentUpdate", **CONTACT, "dnd": True}, {"all"}),
    "no type": ("ghl", {"email": AT, "dnd": True}, {"all"}),
    # ... and wherever the contact stands.
    "data": ("ghl", {"type": "ContactDndUpdate", "webhookId": "n1", "data": {"id": "ctc1", "email": AT, "dnd": True}}, {"all"}),
    "data settings": ("ghl", {"type": "ContactUpdate", "data": {"id": "ctc1", "email": AT, "dndSettings": EMAIL_ACTIVE}}, {"email"}),
    "data contact": ("ghl", {"type": "ContactUpdate", "data": {"contact": {"id": "ctc1", "email": AT, "dnd": True}}}, {"all"}),
    "contact": ("ghl", {"type": "ContactUpdate", "contact": {"id": "ctc1", "email": AT, "dnd": True}}, {"all"}),
    "workflow": ("ghl", {**WORKFLOW, "customData": {"event_kind": "dnd", "event_id": "d-1", "dnd": "true"}}, {"all"}),
    "workflow settings": ("ghl", {**WORKFLOW, "dndSettings": {"SMS": {"status": "active"}}, "customData": {}}, {"sms"}),
    "workflow trigger": ("ghl", {**WORKFLOW, "triggerData": {"dnd": True}, "customData": {}}, {"all"}),
    "workflow contact": ("ghl", {**WORKFLOW, "contact": {"dnd": True}, "customData": {}}, {"all"}),
    # Go High Level, e-mail statistics: Mailgun's words.
    "unsubscribed": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "unsubscribed"}}, {"email"}),
    "complained": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "complained"}}, {"email"}),
    "failed for good": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "failed", "severity": "permanent"}}, {"email"}),
    "failed": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "failed"}}, {"email"}),
    "permanent fail": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "permanent_fail"}}, {"email"}),
    "suppressed": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "failed", "severity": "permanent", "reason": "suppress-unsubscribe"}}, {"email"}),
    "mail under data": ("ghl", {"type": "LCEmailStats", "data": {"webhookPayload": {**MAIL, "event": "unsubscribed"}}}, {"email"}),
    "greylisted": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "failed", "severity": "temporary", "reason": "greylisted", "delivery-status": {"code": 451}}}, set()),
    "temporary fail": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "temporary_fail"}}, set()),
    "try again": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "failed", "delivery-status": {"code": 421}}}, set()),
    "refused": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "failed", "delivery-status": {"code": 550}}}, {"email"}),
    "delivered": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "delivered", "delivery-status": {"code": 250}}}, set()),
    # Go High Level, what people write back.
    "sms stop": ("ghl", {"type": "InboundMessage", "email": AT, "contactId": "ctc1", "messageType": "SMS", "body": "STOP"}, {"sms"}),
    "sms in words": ("ghl", {"type": "InboundMessage", "email": AT, "messageType": "SMS", "body": "Please stop texting me!"}, {"sms"}),
    "sms opt out": ("ghl", {"type": "InboundMessage", "email": AT, "messageType": "SMS", "body": " Opt-out. "}, {"sms"}),
    "sms chat": ("ghl", {"type": "InboundMessage", "email": AT, "messageType": "SMS", "body": "Yes, please call me at the end of the week"}, set()),
    "mail reply": ("ghl", {"type": "InboundMessage", "email": AT, "messageType": "Email", "body": "Unsubscribe\n\nOn Monday you wrote"}, {"email"}),
    "mail in HTML": ("ghl", {"type": "InboundMessage", "email": AT, "messageType": "Email", "body": "<html><head><style>p {color: red}</style></head><body><div style='font-family: verdana, geneva; font-size: 11pt; line-height: 120%; color: black'><b>STOP</b></div><p>You wrote: hello</p>"}, {"email"}),
    "glad mail in HTML": ("ghl", {"type": "InboundMessage", "email": AT, "messageType": "Email", "body": "<div>Sounds good!</div><blockquote>to <a href='https://x.example'>unsubscribe</a></blockquote>"}, set()),
    "sms no": ("ghl", {"type": "InboundMessage", "email": AT, "messageType": "SMS", "body": "No thank you. STOP"}, {"sms"}),
    # Instantly.
    "lead_unsubscribed": ("instantly", {**INSTANTLY, "event_type": "lead_unsubscribed", "lead_email": AT}, {"email"}),
    "lead_not_interested": ("instantly", {**INSTANTLY, "event_type": "lead_not_interested", "lead_email": AT}, {"email"}),
    "email_bounced": ("instantly", {**INSTANTLY, "event_type": "email_bounced", "lead_email": AT}, {"email"}),
    "a label": ("instantly", {**INSTANTLY, "event_type": "Do not contact", "lead_email": AT}, {"email"}),
    "reply": ("instantly", {**INSTANTLY, "event_type": "reply_received", "lead_email": AT, "reply_text": "Please remove me from your list.\n> unsubscribe: https://x.example"}, {"email"}),
    "reply for an office": ("instantly", {**INSTANTLY, "event_type": "reply_received", "lead_email": AT, "reply_text": "Please take us off and stop sending these."}, {"email"}),
    "reply with an empty snippet": ("instantly", {**INSTANTLY, "event_type": "reply_received", "lead_email": AT, "reply_text_snippet": "", "reply_text": "Unsubscribe"}, {"email"}),
    "glad reply": ("instantly", {**INSTANTLY, "event_type": "reply_received", "lead_email": AT, "reply_text": "Sounds good!\n> to unsubscribe: https://x.example"}, set()),
    # ... with words of an opt-out in an event that else means nothing to us, or whose type is new.
    "campaign done": ("instantly", {**INSTANTLY, "event_type": "campaign_completed", "lead_email": AT, "dnd": True}, {"all"}),
    "campaign done, unsubscribed": ("instantly", {**INSTANTLY, "event_type": "campaign_completed_for_lead_without_reply", "lead_email": AT, "unsubscribed": True}, {"email"}),
    "search done": ("instantly", {**INSTANTLY, "event_type": "supersearch_enrichment_completed", "data": {"lead": {"email": AT, "do_not_contact": "yes"}}}, {"all"}),
    "new instantly type": ("instantly", {**INSTANTLY, "event_type": "lead_paused", "lead_email": AT, "opted_out": True}, {"all"}),
    "campaign done, nothing said": ("instantly", {**INSTANTLY, "event_type": "campaign_completed", "lead_email": AT, "dnd": False}, set()),
    "instantly data": ("instantly", {"event_type": "lead_unsubscribed", "data": {"lead_email": AT}}, {"email"}),
    # How the address is written.
    "display name": ("instantly", {**INSTANTLY, "event_type": "lead_unsubscribed", "lead_email": f"Dana <{AT}>"}, {"email"}),
    "empty field": ("instantly", {**INSTANTLY, "event_type": "lead_unsubscribed", "lead_email": "", "email": AT}, {"email"}),
    "odd field": ("instantly", {**INSTANTLY, "event_type": "lead_unsubscribed", "lead_email": "n/a", "email": AT}, {"email"}),
    "mail name": ("ghl", {"type": "LCEmailStats", "webhookPayload": {**MAIL, "event": "unsubscribed", "recipient": f"Dana Reed <{AT}>"}}, {"email"}),
    # Bodies that no parser takes as they are.
    "byte order mark": ("instantly", '\ufeff{"event_type":"lead_unsubscribed","lead_email":"AT","reply_text_snippet":"stop"}', {"email"}),
    "control character": ("instantly", '{"event_type":"lead_unsubscribed","lead_email":"AT","reply_text_snippet":"a\tb"}', {"email"}),
    "line breaks": ("instantly", '{"event_type":"lead_unsubscribed","lead_email":"AT","reply_text_snippet":"a\r\nb"}', {"email"}),
    "half of an emoji": ("instantly", f'{{"event_type":"lead_unsubscribed","lead_email":"AT","reply_text_snippet":"{SPEECH}"}}', {"email"}),
    "two bytes a letter": ("ghl", "\ufffd\ufffd" + "".join(f"{c}\0" for c in '{"type":"ContactUpdate","email":"AT","dnd":true}'), {"all"}),
}  # fmt: skip

# Wherever a sender may put a contact, its address stands beside what it says of it.
for place in ("contact", "contactDetails", "contactSnapshot", "customData", "customdata", "lead", "triggerData", "webhookPayload"):  # fmt: skip
    told: dict[str, Any] = {place: {"email": AT, "dnd": True}}
    for sender, kind in (("ghl", {"type": "ContactUpdate"}), ("instantly", {"event_type": "campaign_completed"})):
        OPT_OUTS[f"{sender} {place}"] = (sender, {**kind, **told}, {"all"})
        OPT_OUTS[f"{sender} data {place}"] = (sender, {**kind, "data": told}, {"all"})
        OPT_OUTS[f"{sender} {place} beside"] = (sender, {**kind, "data": {"dnd": True, place: {"email": AT}}}, {"all"})


def opt_out_row(number: int, address: str, sender: str, body: dict[str, Any] | str, key: str) -> dict[str, Any]:
    """The row of raw.event that a body becomes."""
    text = body if isinstance(body, str) else json.dumps(body)
    text = text.replace("\0".join(AT), "\0".join(address)) if "\0" in text else text.replace(f'"{AT}"', f'"{address}"')
    return raw_row(
        sender,
        key,
        text.replace(f"<{AT}>", f"<{address}>"),
        f"2026-11-02T18:{number // 60:02d}:{number % 60:02d}+00:00",
    )
