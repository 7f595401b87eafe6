"""Instantly v2: campaigns, leads, webhooks, webhook history and block list, to contracts/instantly.yaml."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.campaigns import ACTIVE, LEAD_ACTIVE, PAUSED, Sender
from services.sandbox.clock import iso
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import identifier
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, bearer, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan
from services.sandbox.webhooks import Attempt

PREFIX = "/instantly"
EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
ERRORS = {
    400: ("Bad Request", "Bad Request"),
    401: ("Unauthorized", "Invalid API key"),
    402: ("Payment Required", "Workspace does not have an active paid plan"),
    404: ("Not Found", "Not found"),
    429: ("Too Many Requests", "Rate limit exceeded, retry later"),
}
CORE_NAMES = {
    "first_name": "firstName",
    "last_name": "lastName",
    "company_name": "companyName",
    "job_title": "jobTitle",
}
CORE = ("first_name", "last_name", "company_name", "job_title", "website", "phone", "personalization")
COUNTERS = [
    "leads_uploaded",
    "in_blocklist",
    "duplicated_leads",
    "skipped_count",
    "invalid_email_count",
    "incomplete_count",
    "duplicate_email_count",
]
FILTERS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "FILTER_VAL_CONTACTED": lambda lead: bool(lead.get("timestamp_last_contact")),
    "FILTER_VAL_NOT_CONTACTED": lambda lead: not lead.get("timestamp_last_contact"),
    "FILTER_VAL_COMPLETED": lambda lead: lead["status"] == 3,
    "FILTER_VAL_UNSUBSCRIBED": lambda lead: lead["status"] == -2,
    "FILTER_VAL_ACTIVE": lambda lead: lead["status"] == 1,
    "FILTER_VAL_BOUNCED": lambda lead: lead["status"] == -1,
    "FILTER_VAL_REPLIED": lambda lead: lead["email_reply_count"] > 0,
    "FILTER_VAL_LINK_CLICKED": lambda lead: lead["email_click_count"] > 0,
    "FILTER_VAL_NO_OPENS": lambda lead: lead["email_open_count"] == 0,
    "FILTER_LEAD_INTERESTED": lambda lead: lead.get("lt_interest_status") == 1,
    "FILTER_LEAD_NOT_INTERESTED": lambda lead: lead.get("lt_interest_status") == -1,
    "FILTER_LEAD_MEETING_BOOKED": lambda lead: lead.get("lt_interest_status") == 2,
}


@dataclass
class Instantly:
    """One workspace. Leads, campaigns and webhooks live in the sender, which works on them as time passes."""

    plan: Plan
    sender: Sender
    ledger: Ledger
    lead_of: dict[tuple[str, str], str] = field(default_factory=dict)

    # --- leads ---

    async def add_leads(self, call: Call) -> Response:
        body = call.body
        if bool(body.get("campaign_id")) == bool(body.get("list_id")):
            return error(400, "Exactly one of campaign_id and list_id must be provided")
        if body.get("list_id"):
            return error(404, "List not found")
        campaign_id = body["campaign_id"]
        if campaign_id not in self.sender.campaigns:
            return error(404, "Campaign not found")
        if self.ledger.balances["instantly"] < len(body["leads"]):
            return error(402, "Lead upload limit of the plan reached")
        counts, created = self._take_leads(body, campaign_id)
        self.ledger.balances["instantly"] -= counts["leads_uploaded"]
        return JSONResponse(
            {
                "status": "success",
                "total_sent": len(body["leads"]),
                **counts,
                "blocklist_used": identifier(self.plan.seed, "blocklist"),
                "remaining_in_plan": int(self.ledger.balances["instantly"]),
                "created_leads": created,
            }
        )

    def _take_leads(self, body: dict[str, Any], campaign_id: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """(counter per outcome, the created leads with their index in the request)."""
        counts = dict.fromkeys(COUNTERS, 0)
        created = []
        in_request: set[str] = set()
        campaigns_of: dict[str, set[str]] = {}
        for campaign, email in self.lead_of:
            campaigns_of.setdefault(email, set()).add(campaign)
        skips = bool(body.get("skip_if_in_workspace") or body.get("skip_if_in_campaign"))
        for index, given in enumerate(body["leads"]):
            email = (given.get("email") or "").strip().lower()
            outcome = self._outcome(email, in_request, campaigns_of.get(email, set()), campaign_id, skips)
            counts[outcome] += 1
            in_request.add(email)
            if outcome == "leads_uploaded":
                lead = self._create_lead(given, email, campaign_id)
                summary = {name: lead.get(name) for name in ("id", "email", "first_name", "last_name", "phone")}
                created.append({"index": index, **summary})
        return counts, created

    def _outcome(self, email: str, in_request: set[str], campaigns: set[str], campaign_id: str, skips: bool) -> str:
        if not EMAIL.fullmatch(email):
            return "invalid_email_count"
        if email in in_request:
            return "duplicate_email_count"
        if self.sender.is_blocked(email):
            return "in_blocklist"
        if campaigns and skips:
            return "skipped_count"
        return "duplicated_leads" if campaign_id in campaigns else "leads_uploaded"

    def _create_lead(self, given: dict[str, Any], email: str, campaign_id: str) -> dict[str, Any]:
        now = iso(self.sender.clock.now)
        lead: dict[str, Any] = {
            "id": identifier(self.plan.seed, "lead", campaign_id, email, now),
            "timestamp_created": now,
            "timestamp_updated": now,
            "organization": self._organization(),
            "campaign": campaign_id,
            "status": LEAD_ACTIVE,
            "email": email,
            "email_open_count": 0,
            "email_reply_count": 0,
            "email_click_count": 0,
            "company_domain": email.split("@")[1],
            "status_summary": {},
            "upload_method": "api",
            "list_id": None,
        }
        _set_fields(lead, given)
        self.sender.leads[lead["id"]] = lead
        self.lead_of[campaign_id, email] = lead["id"]
        self.sender.enrol(lead["id"])
        return lead

    async def list_leads(self, call: Call) -> Response:
        body = call.body or {}
        wanted_filter = body.get("filter")
        if wanted_filter and wanted_filter not in FILTERS:
            return error(400, f"filter {wanted_filter!r} is not served; known: {', '.join(sorted(FILTERS))}")
        search = body.get("search", "").lower()
        found = [
            lead
            for lead in self.sender.leads.values()
            if body.get("campaign") in (None, lead["campaign"])
            and lead["email"] in body.get("contacts", [lead["email"]])
            and lead["id"] in body.get("ids", [lead["id"]])
            and lead["id"] not in body.get("excluded_ids", [])
            and (not wanted_filter or FILTERS[wanted_filter](lead))
            and search in f"{lead.get('first_name')} {lead.get('last_name')} {lead['email']}".lower()
        ]
        return _page(found, body.get("limit", 10), body.get("starting_after"))

    async def get_lead(self, call: Call) -> Response:
        return _one(self.sender.leads, call, "Lead")

    async def patch_lead(self, call: Call) -> Response:
        lead = self.sender.leads.get(call.path["id"])
        if lead is None:
            return error(404, "Lead not found")
        _set_fields(lead, call.body)
        lead["timestamp_updated"] = iso(self.sender.clock.now)
        return JSONResponse(lead)

    async def delete_lead(self, call: Call) -> Response:
        lead = self.sender.leads.pop(call.path["id"], None)
        if lead is None:
            return error(404, "Lead not found")
        self.lead_of.pop((lead["campaign"], lead["email"]), None)
        return JSONResponse(lead)

    # --- campaigns ---

    async def create_campaign(self, call: Call) -> Response:
        now = iso(self.sender.clock.now)
        same = sum(1 for campaign in self.sender.campaigns.values() if campaign["name"] == call.body["name"])
        campaign = {
            **call.body,
            "id": identifier(self.plan.seed, "campaign", call.body["name"], str(same)),
            "status": 0,
            "timestamp_created": now,
            "timestamp_updated": now,
            "organization": self._organization(),
        }
        self.sender.campaigns[campaign["id"]] = campaign
        return JSONResponse(campaign)

    async def list_campaigns(self, call: Call) -> Response:
        search, status = call.query.get("search", "").lower(), call.query.get("status")
        found = [
            campaign
            for campaign in self.sender.campaigns.values()
            if search in campaign["name"].lower()
            and (status is None or campaign["status"] == float(status))
            and str(campaign["status"]) != call.query.get("exclude_status")
        ]
        return _page(found, int(call.query.get("limit", 10)), call.query.get("starting_after"))

    async def get_campaign(self, call: Call) -> Response:
        return _one(self.sender.campaigns, call, "Campaign")

    async def activate(self, call: Call) -> Response:
        return self._set_status(call, ACTIVE)

    async def pause(self, call: Call) -> Response:
        return self._set_status(call, PAUSED)

    def _set_status(self, call: Call, status: int) -> Response:
        campaign = self.sender.campaigns.get(call.path["id"])
        if campaign is None:
            return error(404, "Campaign not found")
        campaign["status"] = status
        campaign["timestamp_updated"] = iso(self.sender.clock.now)
        if status == ACTIVE:
            self.sender.activate(campaign["id"])
        return JSONResponse(campaign)

    # --- webhooks ---

    async def create_webhook(self, call: Call) -> Response:
        number = str(len(self.sender.webhooks) + 1)
        webhook = {
            **call.body,
            "id": identifier(self.plan.seed, "webhook", call.body["target_hook_url"], number),
            "organization": self._organization(),
            "timestamp_created": iso(self.sender.clock.now),
            "status": 1,
        }
        self.sender.webhooks[webhook["id"]] = webhook
        return JSONResponse(webhook)

    async def list_webhooks(self, call: Call) -> Response:
        kind, campaign = call.query.get("event_type"), call.query.get("campaign")
        found = [
            webhook
            for webhook in self.sender.webhooks.values()
            if kind in (None, webhook.get("event_type")) and campaign in (None, webhook.get("campaign"))
        ]
        return _page(found, int(call.query.get("limit", 10)), call.query.get("starting_after"))

    async def get_webhook(self, call: Call) -> Response:
        return _one(self.sender.webhooks, call, "Webhook")

    async def patch_webhook(self, call: Call) -> Response:
        webhook = self.sender.webhooks.get(call.path["id"])
        if webhook is None:
            return error(404, "Webhook not found")
        webhook |= call.body
        return JSONResponse(webhook)

    async def delete_webhook(self, call: Call) -> Response:
        webhook = self.sender.webhooks.pop(call.path["id"], None)
        return JSONResponse(webhook) if webhook else error(404, "Webhook not found")

    async def list_webhook_events(self, call: Call) -> Response:
        query = call.query
        attempts = [
            _webhook_event(self.plan.seed, number, attempt, self._organization())
            for number, attempt in enumerate(self.sender.courier.history)
            if attempt.outgoing.sender == "instantly"
        ]
        found = [
            event
            for event in attempts
            if query.get("success") in (None, "true" if event["success"] else "false")
            and query.get("from", "") <= event["timestamp_created_date"] <= query.get("to", "9999")
            and query.get("search", "") in (event["lead_email"] or "")
        ]
        return _page(found, int(query.get("limit", 10)), query.get("starting_after"))

    # --- block list ---

    async def create_block(self, call: Call) -> Response:
        entry = self._block(call.body["bl_value"])
        return JSONResponse(entry) if entry else error(400, "bl_value must be an e-mail address or a domain")

    async def create_blocks(self, call: Call) -> Response:
        entries = [self._block(value) for value in call.body["bl_values"]]
        items = [entry for entry in entries if entry]
        counts = {"valid_count": len(items), "invalid_count": len(entries) - len(items)}
        return JSONResponse({"items": items, **counts})

    def _block(self, given: str) -> dict[str, Any] | None:
        """The entry of a value, new or as it was; None for what is neither an address nor a domain."""
        value = given.strip().lower()
        if not EMAIL.fullmatch(value if "@" in value else f"any@{value}"):
            return None
        entry = {
            "id": identifier(self.plan.seed, "block", value),
            "timestamp_created": iso(self.sender.clock.now),
            "organization_id": self._organization(),
            "bl_value": value,
            "is_domain": "@" not in value,
        }
        return self.sender.blocked.setdefault(value, entry)

    async def list_blocks(self, call: Call) -> Response:
        found = [
            entry
            for entry in self.sender.blocked.values()
            if call.query.get("search", "").lower() in entry["bl_value"]
            and (call.query.get("domains_only") != "true" or entry["is_domain"])
        ]
        return _page(found, int(call.query.get("limit", 10)), call.query.get("starting_after"))

    def _organization(self) -> str:
        return identifier(self.plan.seed, "workspace")


def instantly_routes(plan: Plan, sender: Sender, ledger: Ledger, faults: Faults) -> list[Route]:
    """Instantly's routes below /instantly."""
    api = Instantly(plan, sender, ledger)
    vendor = Vendor(
        name="instantly",
        prefix=PREFIX,
        contract=contract("instantly.yaml"),
        is_authorised=lambda request: hmac.compare_digest(bearer(request).encode(), plan.keys["instantly"].encode()),
        error=error,
        refuse=_refuse,
        windows=[Window(plan.instantly_per_second, 1.0), Window(plan.instantly_per_minute, 60.0)],
    )
    handlers = {
        "bulkAddLeads": api.add_leads,
        "listLeads": api.list_leads,
        "getLead": api.get_lead,
        "patchLead": api.patch_lead,
        "deleteLead": api.delete_lead,
        "createCampaign": api.create_campaign,
        "listCampaign": api.list_campaigns,
        "getCampaign": api.get_campaign,
        "activateCampaign": api.activate,
        "pauseCampaign": api.pause,
        "createWebhook": api.create_webhook,
        "listWebhook": api.list_webhooks,
        "getWebhook": api.get_webhook,
        "patchWebhook": api.patch_webhook,
        "deleteWebhook": api.delete_webhook,
        "listWebhookEvent": api.list_webhook_events,
        "createBlockListEntry": api.create_block,
        "createblukBlockListEntry": api.create_blocks,
        "listBlockListEntry": api.list_blocks,
    }
    return vendor_routes(vendor, handlers, ledger, faults)


def error(status: int, message: str) -> Response:
    word, usual = ERRORS.get(status, ("Error", "Error"))
    return JSONResponse({"statusCode": status, "error": word, "message": message or usual}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, "; ".join(map(str, problems)))


def _set_fields(lead: dict[str, Any], given: dict[str, Any]) -> None:
    """Core fields and custom variables of a lead, and the payload that shows both together."""
    for name in (*CORE, "lt_interest_status", "pl_value_lead", "assigned_to"):
        if name in given:
            lead[name] = given[name]
    payload = dict(lead.get("payload") or {})
    payload |= {CORE_NAMES.get(name, name): given[name] for name in CORE if given.get(name) is not None}
    payload |= given.get("custom_variables") or {}
    lead["payload"] = payload


def _one(objects: dict[str, dict[str, Any]], call: Call, what: str) -> Response:
    found = objects.get(call.path["id"])
    return JSONResponse(found) if found else error(404, f"{what} not found")


def _page(found: list[dict[str, Any]], limit: int, after: str | None) -> Response:
    """One page by ascending id; a cursor only when more follows."""
    ordered = sorted((item for item in found if after is None or item["id"] > after), key=lambda item: str(item["id"]))
    page = ordered[:limit]
    reply: dict[str, Any] = {"items": page}
    if len(ordered) > limit:
        reply["next_starting_after"] = page[-1]["id"]
    return JSONResponse(reply)


def _webhook_event(seed: int, number: int, attempt: Attempt, organization: str) -> dict[str, Any]:
    outgoing = attempt.outgoing
    created = iso(outgoing.at)
    group = identifier(seed, "retry group", outgoing.event_type, outgoing.lane, created)
    return {
        "id": identifier(seed, "webhook event", group, outgoing.url, str(attempt.retry), str(number)),
        "timestamp_created": created,
        "timestamp_created_date": created[:10],
        "organization_id": organization,
        "payload": outgoing.payload,
        "success": attempt.succeeded,
        "retry_count": attempt.retry,
        "will_retry": not attempt.succeeded and not attempt.is_last,
        "webhook_url": outgoing.url,
        "status_code": attempt.status_code,
        "error_message": attempt.error,
        "timestamp_next_retry": None,
        "retry_group_id": group,
        "lead_email": outgoing.payload.get("lead_email"),
        "response_time_ms": round(attempt.milliseconds, 1),
    }
