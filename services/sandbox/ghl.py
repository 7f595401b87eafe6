"""Go High Level contacts, to contracts/ghl-contacts.json, and the app events that a change sends.

Version v3, and 2023-02-21 and 2021-07-28, which name the channels of dndSettings otherwise.

Duplicates are found by e-mail, then by phone, and refused: "Allow Duplicate Contact" is off, as it ships by default.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.clock import Clock, iso
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest, identifier
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, bearer, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan
from services.sandbox.webhooks import Courier

PREFIX = "/ghl"
Test = Callable[[dict[str, Any]], bool]
TagChange = Callable[[list[str], list[str]], list[str]]
APP_ID = "66a0000000000000000sandb"
VERSION_ID = "66b0000000000000000sandb"
BURST_SECONDS = 10
DAY_SECONDS = 86_400
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
WORDS = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 422: "Unprocessable Entity", 429: "Too Many Requests"}
USUAL = {401: "Invalid token: access token is invalid", 403: "The token does not have access to this location."}
CURRENT = "v3"
# The channels of dndSettings: as the versions before v3 name them -> as v3 does, and the sandbox keeps them.
CHANNELS = {"Call": "call", "Email": "email", "SMS": "sms", "WhatsApp": "whatsApp", "GMB": "gmb", "FB": "fb"}
PLAIN_FIELDS = [
    "firstName",
    "lastName",
    "name",
    "email",
    "phone",
    "address1",
    "city",
    "state",
    "postalCode",
    "country",
    "website",
    "timezone",
    "companyName",
    "source",
    "assignedTo",
    "dnd",
    "tags",
    "dateOfBirth",
    "dndSettings",
]


@dataclass
class Contacts:
    """The contacts of one location by id, and what each change tells the app's webhook."""

    plan: Plan
    clock: Clock
    courier: Courier
    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_email: dict[str, str] = field(default_factory=dict)
    by_phone: dict[str, str] = field(default_factory=dict)
    used_ids: set[str] = field(default_factory=set)

    async def create(self, call: Call) -> Response:
        body, reasons = _with_channels(call)
        refusal = self._refusal(body, reasons)
        if refusal:
            return refusal
        fields = _clean(body)
        owner = self.find(fields.get("email"), fields.get("phone"))
        if owner:
            return self._duplicate(owner, fields)
        contact_id = self._new_id(fields)
        self.by_id[contact_id] = {"id": contact_id, "locationId": self.plan.ghl_location, "tags": []}
        self.by_id[contact_id] |= {"dnd": False, "type": "lead", "customFields": []}
        self.by_id[contact_id]["dateAdded"] = iso(self.clock.now)
        return JSONResponse({"contact": _shown(call, self._change(contact_id, fields, "ContactCreate"))}, 201)

    async def location(self, call: Call) -> Response:
        if call.path["locationId"] != self.plan.ghl_location:
            return error(403, "")
        settings = {"allowDuplicateContact": False}
        return JSONResponse({"location": {"id": self.plan.ghl_location, "settings": settings}})

    async def get(self, call: Call) -> Response:
        contact = self.by_id.get(call.path["contactId"])
        return JSONResponse({"contact": _shown(call, contact)}) if contact else _absent(call)

    async def update(self, call: Call) -> Response:
        contact_id = call.path["contactId"]
        if contact_id not in self.by_id:
            return _absent(call)
        body, reasons = _with_channels(call)
        refusal = self._refusal({"locationId": self.plan.ghl_location, **body}, reasons)
        if refusal:
            return refusal
        fields = _clean(body)
        for owner in (self.find(fields.get("email"), None), self.find(None, fields.get("phone"))):
            if owner not in (None, contact_id):
                return self._duplicate(owner, fields)
        contact = _shown(call, self._change(contact_id, fields, "ContactUpdate"))
        return JSONResponse({"succeeded": True, "succeded": True, "contact": contact})

    async def delete(self, call: Call) -> Response:
        contact = self.by_id.pop(call.path["contactId"], None)
        if contact is None:
            return _absent(call)
        self._forget_addresses(contact)
        self._tell("ContactDelete", contact)
        return JSONResponse({"succeeded": True, "succeded": True})

    async def search(self, call: Call) -> Response:
        if call.body["locationId"] != self.plan.ghl_location:
            return error(403, "")
        try:
            wanted = [_condition(item) for item in call.body.get("filters", [])]
        except ValueError as reason:
            return error(400, str(reason))
        text = call.body.get("query", "").lower()
        found = [contact for contact in self.by_id.values() if all(test(contact) for test in wanted)]
        found = [contact for contact in found if not text or text in _text(contact)]
        found.sort(key=lambda contact: (contact["dateAdded"], contact["id"]))
        size = call.body["pageLimit"]
        if call.body.get("searchAfter"):
            after = tuple(map(str, call.body["searchAfter"]))
            page = [contact for contact in found if (contact["dateAdded"], contact["id"]) > after][:size]
        else:
            start = (call.body.get("page", 1) - 1) * size
            page = found[start : start + size]
        shown = [{**_shown(call, contact), "searchAfter": [contact["dateAdded"], contact["id"]]} for contact in page]
        return JSONResponse({"contacts": shown, "total": len(found)})

    async def add_tags(self, call: Call) -> Response:
        return self._tag(call, 201, lambda old, given: [*old, *(tag for tag in given if tag not in old)])

    async def remove_tags(self, call: Call) -> Response:
        return self._tag(call, 200, lambda old, given: [tag for tag in old if tag not in given])

    def find(self, email: str | None, phone: str | None) -> str | None:
        """The id of the contact with this e-mail, else of the one with this phone, else None."""
        return self.by_email.get((email or "").lower()) or self.by_phone.get(phone or "")

    def _tag(self, call: Call, status: int, joined: TagChange) -> Response:
        contact = self.by_id.get(call.path["contactId"])
        if contact is None:
            return _absent(call)
        given = list(dict.fromkeys(tag.strip().lower() for tag in call.body["tags"]))
        contact["tags"] = joined(contact["tags"], given)
        contact["dateUpdated"] = iso(self.clock.now)
        self._tell("ContactTagUpdate", contact)
        return JSONResponse({"tags": contact["tags"]}, status)

    def _duplicate(self, owner: str, fields: dict[str, Any]) -> Response:
        """The refusal that tells whose address it is: x-duplicate-answer of the contract, inferred."""
        is_email = self.by_email.get(fields.get("email", "").lower()) == owner
        meta = {"contactId": owner, "matchingField": "email" if is_email else "phone"}
        if name := self.by_id[owner].get("name"):
            meta["contactName"] = name
        message = "This location does not allow duplicated contacts."
        return JSONResponse({"statusCode": 400, "message": message, "meta": meta}, 400)

    def _refusal(self, body: dict[str, Any], reasons: list[str]) -> Response | None:
        """Why a contact is not taken; `reasons` were found before."""
        if body["locationId"] != self.plan.ghl_location:
            return error(403, "")
        if body.get("email") and not EMAIL.fullmatch(body["email"]):
            reasons.append("email must be an email")
        if body.get("phone") and _e164(body["phone"]) is None:
            reasons.append("phone must be a valid phone number")
        return error(422, reasons) if reasons else None

    def _new_id(self, fields: dict[str, Any]) -> str:
        """20 letters and digits that depend on the address and on how often it was created, not on who came before."""
        address = fields.get("email") or fields.get("phone") or "anonymous"
        for generation in range(10_000):
            contact_id = digest(self.plan.seed, "ghl contact", address, str(generation))[:20]
            if contact_id not in self.used_ids:
                self.used_ids.add(contact_id)
                return contact_id
        raise RuntimeError(f"no free contact id for {address}")

    def _change(self, contact_id: str, fields: dict[str, Any], event: str) -> dict[str, Any]:
        contact = self.by_id[contact_id]
        custom = {item["id"]: item for item in contact["customFields"]}
        custom |= {item["id"]: item for item in fields.pop("customFields", [])}
        self._forget_addresses(contact)
        contact |= fields
        contact["customFields"] = list(custom.values())
        contact["dateUpdated"] = iso(self.clock.now)
        if contact.get("email"):
            contact["emailLowerCase"] = contact["email"].lower()
            self.by_email[contact["emailLowerCase"]] = contact_id
        if contact.get("phone"):
            self.by_phone[contact["phone"]] = contact_id
        self._tell(event, contact)
        return contact

    def _forget_addresses(self, contact: dict[str, Any]) -> None:
        if self.by_email.get(contact.get("emailLowerCase", "")) == contact["id"]:
            del self.by_email[contact["emailLowerCase"]]
        if self.by_phone.get(contact.get("phone", "")) == contact["id"]:
            del self.by_phone[contact["phone"]]

    def _tell(self, event: str, contact: dict[str, Any]) -> None:
        shown = {name: contact[name] for name in contact if name in (*PLAIN_FIELDS, "id", "customFields", "dateAdded")}
        payload = app_event(self.plan, event, contact["id"], self.clock.now, {**shown, "attachments": []})
        lane = contact.get("email", contact["id"])
        moment = self.clock.now
        self.clock.schedule(
            moment, f"{contact['id']} {payload['webhookId']}", lambda at: self.courier.post_ghl(at, lane, payload)
        )


def app_event(plan: Plan, event: str, subject: str, at: datetime, fields: dict[str, Any]) -> dict[str, Any]:
    """The envelope of a marketplace-app webhook. The webhookId is a function of event, subject, content and time."""
    content = repr(sorted(fields.items(), key=lambda item: item[0]))
    return {
        "type": event,
        "locationId": plan.ghl_location,
        "appId": APP_ID,
        "versionId": VERSION_ID,
        "webhookId": identifier(plan.seed, "ghl", event, subject, iso(at), content),
        "timestamp": iso(at),
        **fields,
    }


def ghl_routes(plan: Plan, contacts: Contacts, ledger: Ledger, faults: Faults) -> list[Route]:
    """Go High Level's routes below /ghl. Every answer carries the rate headers."""
    burst, daily = Window(plan.ghl_burst, BURST_SECONDS), Window(plan.ghl_daily, DAY_SECONDS)
    vendor = Vendor(
        name="ghl",
        prefix=PREFIX,
        contract=contract("ghl-contacts.json"),
        is_authorised=lambda request: hmac.compare_digest(bearer(request).encode(), plan.keys["ghl"].encode()),
        error=error,
        refuse=_refuse,
        windows=[burst, daily],
        headers=lambda: {
            "X-RateLimit-Limit-Daily": str(daily.limit),
            "X-RateLimit-Daily-Remaining": str(daily.remaining()),
            "X-RateLimit-Interval-Milliseconds": str(BURST_SECONDS * 1000),
            "X-RateLimit-Max": str(burst.limit),
            "X-RateLimit-Remaining": str(burst.remaining()),
        },
    )
    handlers = {
        "create-contact": contacts.create,
        "get-contact": contacts.get,
        "update-contact": contacts.update,
        "delete-contact": contacts.delete,
        "search-contacts-advanced": contacts.search,
        "add-tags": contacts.add_tags,
        "remove-tags": contacts.remove_tags,
        "get-location": contacts.location,
    }
    return vendor_routes(vendor, handlers, ledger, faults)


def error(status: int, message: str | list[str]) -> Response:
    """The vendor's error body: 422 lists its reasons, 400 has no `error` word."""
    usual: str | list[str] = USUAL.get(status, WORDS.get(status, "Bad Request"))
    text = message or ([WORDS[422]] if status == 422 else usual)
    body: dict[str, Any] = {"statusCode": status, "message": text}
    return JSONResponse(body if status == 400 else {**body, "error": WORDS.get(status, "Error")}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    outside = [problem for problem in problems if problem.place != "body"]
    if outside:
        return error(400, "; ".join(map(str, outside)))
    return error(422, [f"{problem.name or 'body'}: {problem.message}" for problem in problems])


def _absent(call: Call) -> Response:
    return error(400, f"Contact with id {call.path['contactId']} not found")


def _is_current(call: Call) -> bool:
    return call.request.headers["version"] == CURRENT


def _with_channels(call: Call) -> tuple[dict[str, Any], list[str]]:
    """The body with v3's names of the channels, and a reason for each name that is not of the version that was asked for."""
    body = dict(call.body)
    given = body.get("dndSettings")
    if not given:
        return body, []
    names = {name: name for name in CHANNELS.values()} if _is_current(call) else CHANNELS
    body["dndSettings"] = {names.get(name, name): value for name, value in given.items()}
    return body, [f"dndSettings.property {name} should not exist" for name in given if name not in names]


def _shown(call: Call, contact: dict[str, Any]) -> dict[str, Any]:
    """The contact in the words of the version that was asked for."""
    if _is_current(call) or "dndSettings" not in contact:
        return contact
    older = {name: old for old, name in CHANNELS.items()}
    return {**contact, "dndSettings": {older[name]: value for name, value in contact["dndSettings"].items()}}


def _clean(body: dict[str, Any]) -> dict[str, Any]:
    fields = {name: body[name] for name in PLAIN_FIELDS if body.get(name) is not None}
    if "phone" in fields:
        fields["phone"] = _e164(fields["phone"])
    if "tags" in fields:
        fields["tags"] = list(dict.fromkeys(tag.strip().lower() for tag in fields["tags"]))
    if "name" not in fields and ("firstName" in fields or "lastName" in fields):
        fields["name"] = f"{fields.get('firstName', '')} {fields.get('lastName', '')}".strip()
    if "customFields" in body:
        fields["customFields"] = [
            {"id": item["id"], "value": item.get("fieldValue", item.get("field_value", ""))}
            for item in body["customFields"]
        ]
    return fields


def _e164(phone: str) -> str | None:
    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _condition(item: dict[str, Any]) -> Test:
    """A test for one search filter. ValueError for an operator or a group that is not served here."""
    if "group" in item:
        tests = [_condition(inner) for inner in item.get("filters", [])]
        combine = any if item["group"] == "OR" else all
        return lambda contact: combine(test(contact) for test in tests)
    name, operator, value = item.get("field", ""), item.get("operator", "eq"), item.get("value")

    def known(contact: dict[str, Any]) -> Any:
        if name.startswith("customFields."):
            wanted = name.removeprefix("customFields.")
            return next((field["value"] for field in contact["customFields"] if field["id"] == wanted), None)
        return contact.get(name)

    tests_by_operator = {
        "eq": lambda contact: value in known(contact) if isinstance(known(contact), list) else known(contact) == value,
        "not_eq": lambda contact: known(contact) != value,
        "contains": lambda contact: str(value).lower() in str(known(contact) or "").lower(),
        "not_contains": lambda contact: str(value).lower() not in str(known(contact) or "").lower(),
        "exists": lambda contact: known(contact) not in (None, "", []),
        "not_exists": lambda contact: known(contact) in (None, "", []),
    }
    if operator not in tests_by_operator:
        raise ValueError(f"operator {operator!r} is not one of {sorted(tests_by_operator)}")
    return tests_by_operator[operator]


def _text(contact: dict[str, Any]) -> str:
    return " ".join(str(contact.get(name, "")) for name in ("name", "email", "phone", "companyName")).lower()
