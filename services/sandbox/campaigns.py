"""Sending: what an active Instantly campaign does with its leads on the world's clock."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from services.sandbox.clock import Clock, iso
from services.sandbox.draws import identifier, uniform
from services.sandbox.plan import Plan
from services.sandbox.responses import NEW_YORK, Happening, Window, answers, first_send, next_send, zone
from services.sandbox.sales import Sales
from services.sandbox.webhooks import Courier
from services.sandbox.world import World

ACTIVE, PAUSED, COMPLETED = 1, 2, 3
LEAD_ACTIVE, LEAD_COMPLETED, LEAD_BOUNCED, LEAD_UNSUBSCRIBED = 1, 3, -1, -2
DEFAULT_STEPS = [{"type": "email", "delay": 3, "variants": []}, {"type": "email", "delay": 0, "variants": []}]
INTEREST = {"lead_interested": 1, "lead_meeting_booked": 2, "lead_not_interested": -1, "lead_wrong_person": -2}
COUNTED = {
    "email_opened": ("email_open_count", "timestamp_last_open", "email_opened"),
    "email_link_clicked": ("email_click_count", "timestamp_last_click", "email_clicked"),
    "reply_received": ("email_reply_count", "timestamp_last_reply", "email_replied"),
}
DAYS_OF_UNIT = {"days": 1.0, "hours": 1 / 24, "minutes": 1 / 1440}


@dataclass
class Sender:
    """The sending half of one Instantly workspace. `campaigns`, `leads`, `webhooks` are the API's own objects by id,
    `blocked` its block list by value."""

    plan: Plan
    world: World
    clock: Clock
    courier: Courier
    sales: Sales
    campaigns: dict[str, dict[str, Any]] = field(default_factory=dict)
    leads: dict[str, dict[str, Any]] = field(default_factory=dict)
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    blocked: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: dict[str, dict[str, Callable[[], None]]] = field(default_factory=dict)

    def enrol(self, lead_id: str) -> None:
        """Plans the first e-mail of a lead, or lets it wait until its campaign is active."""
        campaign_id = self.leads[lead_id]["campaign"]
        if self.campaigns[campaign_id]["status"] != ACTIVE:
            self.waiting.setdefault(campaign_id, {})[lead_id] = lambda: self.enrol(lead_id)
            return
        key = self._key(lead_id)
        at = first_send(self.plan.seed, key, self.clock.now, self._zone(lead_id), self._window(campaign_id))
        self._plan_step(lead_id, 1, at.astimezone(UTC))

    def is_blocked(self, email: str) -> bool:
        """Whether an address, or its domain, stands on the block list."""
        return email in self.blocked or email.partition("@")[2] in self.blocked

    def activate(self, campaign_id: str) -> None:
        """Lets the leads that waited go on, in the order of their ids."""
        for _, resume in sorted(self.waiting.pop(campaign_id, {}).items()):
            resume()

    def _plan_step(self, lead_id: str, step: int, at: datetime) -> None:
        self.clock.schedule(at, f"{self._key(lead_id)} step {step}", lambda moment: self._send(lead_id, step, moment))

    def _send(self, lead_id: str, step: int, at: datetime) -> None:
        lead = self.leads.get(lead_id)
        if lead is None or lead["status"] != LEAD_ACTIVE or self.is_blocked(lead["email"]):
            return
        campaign = self.campaigns[lead["campaign"]]
        if campaign["status"] != ACTIVE:
            self.waiting.setdefault(campaign["id"], {})[lead_id] = lambda: self._resume(lead_id, step)
            return
        steps = _steps(campaign)
        mailbox = self.world.mailbox(lead["email"])
        self._happen(lead_id, step, Happening(at, "email_sent"))
        block = str((lead.get("payload") or {}).get("content_block_id") or "")
        for happening in answers(self.plan.seed, self._key(lead_id), mailbox, block, step, at):
            moment = happening.at.astimezone(UTC)
            self.clock.schedule(
                moment,
                f"{self._key(lead_id)} {step} {happening.kind} {iso(moment)}",
                lambda _, happening=happening: self._happen(lead_id, step, happening),  # type: ignore[misc]
            )
        if step < len(steps):
            days = steps[step - 1]["delay"] * DAYS_OF_UNIT[steps[step - 1].get("delay_unit", "days")]
            window = self._window(campaign["id"])
            later = next_send(self.plan.seed, f"{self._key(lead_id)} {step}", at, days, self._zone(lead_id), window)
            self._plan_step(lead_id, step + 1, later.astimezone(UTC))
        else:
            end = at + timedelta(days=3)
            self.clock.schedule(end, f"{self._key(lead_id)} end", lambda _: self._complete(lead_id))

    def _resume(self, lead_id: str, step: int) -> None:
        """A step that fell into a pause is sent in the next sending window."""
        window = self._window(self.leads[lead_id]["campaign"]) if lead_id in self.leads else Window()
        at = next_send(self.plan.seed, f"{lead_id} resume", self.clock.now, 0.01, self._zone(lead_id), window)
        self._plan_step(lead_id, step, at.astimezone(UTC))

    def _complete(self, lead_id: str) -> None:
        if lead_id in self.leads and self.leads[lead_id]["status"] == LEAD_ACTIVE:
            self.leads[lead_id]["status"] = LEAD_COMPLETED

    def _happen(self, lead_id: str, step: int, happening: Happening) -> None:
        lead = self.leads.get(lead_id)
        if lead is None or not _is_tracked(self.campaigns[lead["campaign"]], happening.kind):
            return
        moment = iso(happening.at)
        lead["timestamp_updated"] = lead["timestamp_last_touch"] = moment
        if happening.kind == "email_sent":
            lead["timestamp_last_contact"] = lead["last_step_timestamp_executed"] = moment
            lead["last_step_id"] = identifier(self.plan.seed, "step", lead["campaign"], str(step))
        if happening.kind in COUNTED:
            count, last, prefix = COUNTED[happening.kind]
            lead[count] += 1
            lead[last] = moment
            lead[f"{prefix}_step"], lead[f"{prefix}_variant"] = step, self._variant(lead_id, step)
        if happening.kind in INTEREST:
            lead["lt_interest_status"] = INTEREST[happening.kind]
            lead["timestamp_last_interest_change"] = moment
        if happening.kind == "reply_received" and self.campaigns[lead["campaign"]].get("stop_on_reply") is not False:
            lead["status"] = LEAD_COMPLETED
        if happening.kind == "email_bounced":
            lead["status"] = LEAD_BOUNCED
        if happening.kind == "lead_unsubscribed":
            lead["status"] = LEAD_UNSUBSCRIBED
        self._tell(lead, step, happening)
        person = self.world.mailbox(lead["email"]).person
        if happening.kind == "lead_meeting_booked" and person:
            self.sales.meeting(person, lead["email"], happening.at.astimezone(UTC))

    def _tell(self, lead: dict[str, Any], step: int, happening: Happening) -> None:
        payload = self._payload(lead, step, happening)
        for webhook in self.webhooks.values():
            if _is_subscribed(webhook, happening.kind, lead["campaign"]):
                headers = dict(webhook.get("headers") or {})
                self.courier.post_instantly(happening.at, lead["email"], webhook["target_hook_url"], headers, payload)

    def _payload(self, lead: dict[str, Any], step: int, happening: Happening) -> dict[str, Any]:
        campaign = self.campaigns[lead["campaign"]]
        accounts = campaign.get("email_list") or ["growth@mail-sandbox.example"]
        account = accounts[int(uniform(self.plan.seed, self._key(lead["id"]), "account") * len(accounts))]
        email_id = identifier(self.plan.seed, "email", self._key(lead["id"]), str(step))
        variant = self._variant(lead["id"], step)
        subject, text = self._content(lead, step, variant)
        payload = {
            **(lead.get("payload") or {}),
            "timestamp": iso(happening.at),
            "event_type": happening.kind,
            "workspace": identifier(self.plan.seed, "workspace"),
            "campaign_id": campaign["id"],
            "campaign_name": campaign["name"],
            "lead_email": lead["email"],
            "email_account": account,
        }
        if happening.kind.startswith(("email_", "reply_")):
            payload |= {"step": step, "variant": variant, "is_first": step == 1}
        if happening.kind in ("email_sent", "reply_received"):
            payload |= {"email_id": email_id, "email_subject": subject, "email_text": text}
        if happening.kind == "reply_received":
            payload |= {
                "unibox_url": f"https://app.instantly.ai/app/unibox?lead={lead['id']}",
                "reply_subject": f"Re: {subject}",
                "reply_text_snippet": happening.text[:60],
                "reply_text": happening.text,
                "reply_html": f"<p>{happening.text}</p>",
            }
        if happening.kind == "auto_reply_received":
            payload["reply_text_snippet"] = happening.text
        return payload

    def _content(self, lead: dict[str, Any], step: int, variant: int) -> tuple[str, str]:
        variants = _steps(self.campaigns[lead["campaign"]])[step - 1]["variants"]
        chosen = variants[variant - 1] if variants else {"subject": "", "body": ""}
        values = {name.lower(): str(value) for name, value in (lead.get("payload") or {}).items()}
        return _filled(chosen["subject"], values), _filled(chosen["body"], values)

    def _variant(self, lead_id: str, step: int) -> int:
        count = len(_steps(self.campaigns[self.leads[lead_id]["campaign"]])[step - 1]["variants"]) or 1
        return 1 + int(uniform(self.plan.seed, self._key(lead_id), "variant", str(step)) * count)

    def _key(self, lead_id: str) -> str:
        """Names a lead in a campaign by its person, so that the luck is the person's and not the address's."""
        lead = self.leads.get(lead_id)
        if lead is None:
            return lead_id
        person = self.world.mailbox(lead["email"]).person
        return f"{person.npi if person else lead['email']} {lead['campaign']}"

    def _zone(self, lead_id: str) -> Any:
        person = self.world.mailbox(self.leads[lead_id]["email"]).person if lead_id in self.leads else None
        return zone(person.state) if person else NEW_YORK

    def _window(self, campaign_id: str) -> Window:
        """The first schedule's hours and days, in the lead's own time zone. Instantly counts days from Sunday = 0."""
        schedules = self.campaigns[campaign_id]["campaign_schedule"]["schedules"]
        if not schedules:
            return Window()
        timing = schedules[0]["timing"]
        days = frozenset((int(day) - 1) % 7 for day, is_on in schedules[0]["days"].items() if is_on and day.isdigit())
        opens, closes = time.fromisoformat(timing["from"]), time.fromisoformat(timing["to"])
        return Window(opens, max(opens, closes), days or Window().days)


def _steps(campaign: dict[str, Any]) -> list[dict[str, Any]]:
    sequences = campaign.get("sequences") or []
    steps: list[dict[str, Any]] = sequences[0]["steps"] if sequences else []
    return steps or DEFAULT_STEPS


def _is_tracked(campaign: dict[str, Any], kind: str) -> bool:
    if kind == "email_opened":
        return campaign.get("open_tracking") is not False
    return kind != "email_link_clicked" or campaign.get("link_tracking") is not False


def _is_subscribed(webhook: dict[str, Any], kind: str, campaign_id: str) -> bool:
    wanted = webhook.get("event_type") or "all_events"
    return wanted in ("all_events", kind) and webhook.get("campaign") in (None, campaign_id)


def _filled(text: str, values: dict[str, str]) -> str:
    """The text with {{name}} replaced, names compared without case and underscores; unknown ones become empty."""
    plain = {name.replace("_", ""): value for name, value in values.items()}
    return re.sub(r"\{\{\s*([\w ]+?)\s*\}\}", lambda match: plain.get(match[1].lower().replace("_", ""), ""), text)
