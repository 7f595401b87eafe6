"""Wiza: reveals and lists (asynchronous), prospects, companies and credit balances, to contracts/wiza.yaml.

A reveal takes real time, scaled down. What it costs is taken and shown when it is finished. When the balance, less what
is promised to reveals and lists under way, does not cover the level's price, the answer is HTTP 200 with a failed reveal,
as Wiza does it. A list, a search or a company that it does not cover is refused with 400.
"""

import hmac
import json
import math
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from include.enrichment.callbacks import wiza_auth_key
from services.sandbox.callbacks import Callback, Callbacks
from services.sandbox.clock import Clock, iso
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, bearer, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import OpeningWindow, Window
from services.sandbox.plan import Plan
from services.sandbox.views import Known, company_view
from services.sandbox.world import Person, WizaView, World

PREFIX = "/wiza/api"
MESSAGES = {
    400: "Invalid request",
    401: "Invalid API key.",
    403: "Forbidden",
    404: "Not found",
    429: "Too many requests",
}
FULL_PRICE = {"none": 1, "partial": 2, "phone": 5, "full": 7}
QUEUE_PER_SLOT = 200
COMPANY_PRICE = 2
PREVIEW_PRICE = 1
NO_CREDITS = "billing issue"
SEGMENTS = {"people": ("valid", "risky", "unfound"), "valid": ("valid",), "risky": ("risky",)}


class CompanyLimits:
    """Companies: so many a minute and a day. Wiza documents no headers for it."""

    def __init__(self, minute: int, day: int) -> None:
        self.windows = [OpeningWindow(minute, 60.0), OpeningWindow(day, 86_400.0)]

    def has_room(self) -> bool:
        return all(window.has_room() for window in self.windows)

    def take(self) -> None:
        for window in self.windows:
            window.take()

    def headers(self, status: int) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Reveal:
    """One reveal. `done_at` is a monotonic time; `result` is the data that is shown from then on."""

    id: int
    done_at: float
    level: str
    result: dict[str, Any]

    def envelope(self, now: float) -> dict[str, Any]:
        """What POST and GET answer at this moment."""
        if now >= self.done_at:
            return _envelope(self.result)
        status = "queued" if self.done_at - now > 0.05 else "resolving"
        return _envelope({"id": self.id, "status": status, "is_complete": False, "enrichment_level": self.level})


@dataclass(frozen=True)
class PeopleList:
    """One list. `people`: finished reveals of those who were not left out as duplicates. `found`: who a search found."""

    id: int
    name: str
    level: str
    created_at: str
    done_at: float
    people: tuple[dict[str, Any], ...]
    found: tuple[Person, ...] = ()

    def envelope(self, now: float) -> dict[str, Any]:
        is_done = now >= self.done_at
        credits = sum(one["credits"]["api_credits"]["total"] for one in self.people)
        data = {
            "id": self.id,
            "name": self.name,
            "status": "finished" if is_done else "queued",
            "stats": {"people": len(self.people) if is_done else 0, "credits": credits if is_done else 0},
            "finished_at": self.created_at if is_done else None,
            "created_at": self.created_at,
            "enrichment_level": self.level,
        }
        return {"status": {"code": 200, "message": "OK"}, "type": "list", "data": data}


@dataclass
class Wiza:
    """The reveals and lists of one account. `listed`: who was in a list before."""

    plan: Plan
    world: World
    clock: Clock
    ledger: Ledger
    callbacks: Callbacks
    known: Known
    reveals: dict[int, Reveal] = field(default_factory=dict)
    lists: dict[int, PeopleList] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    open_until: list[float] = field(default_factory=list)

    async def start(self, call: Call) -> Response:
        level = call.body["enrichment_level"]
        now = time.monotonic()
        self.open_until = [done_at for done_at in self.open_until if done_at > now]
        if len(self.open_until) >= self.plan.wiza_concurrency * QUEUE_PER_SLOT:
            return error(429, "Usage limits exceeded")
        number = len(self.reveals) + 1
        if self.ledger.free("wiza") < FULL_PRICE[level]:
            failed = {"id": number, "status": "failed", "is_complete": True, "fail_error": "billing_issue"}
            self.reveals[number] = Reveal(number, now, level, failed)
            return JSONResponse(self.reveals[number].envelope(now))
        person = self.find(call.body["individual_reveal"])
        result = self.result(number, level, person, call.body.get("email_options", {}))
        done = Reveal(number, now + self.duration(person, number), level, result)
        credits = result["credits"]["api_credits"]["total"]
        if credits:
            subject = f"{person.npi if person else number}:{level}"
            cost = credits * self.plan.wiza_usd_per_credit
            self.ledger.charge_at(done.done_at, "wiza", "startIndividualReveal", subject, credits, cost)
        self.reveals[number] = done
        self.open_until.append(done.done_at)
        self.call_back(call.body.get("callback_url"), "reveal", done.done_at, done.envelope(done.done_at))
        return JSONResponse(done.envelope(now))

    async def get(self, call: Call) -> Response:
        text = call.path["id"]
        reveal = self.reveals.get(int(text)) if text.isdigit() else None
        return JSONResponse(reveal.envelope(time.monotonic())) if reveal else error(404, "")

    async def credits(self, call: Call) -> Response:
        left = self.ledger.balances["wiza"]
        balances = {"email_credits": 0, "phone_credits": 0, "export_credits": 0, "api_credits": left}
        return JSONResponse({"credits": balances})

    def find(self, asked: dict[str, str]) -> Person | None:
        """The person that an input style finds: profile_url, then name with company or domain, then e-mail."""
        if asked.get("profile_url"):
            return self.world.person_of_profile(asked["profile_url"])
        if asked.get("full_name"):
            return self.world.person_at(asked["full_name"], asked.get("company", ""), asked.get("domain", ""))
        return self.world.mailbox(asked["email"]).person

    def duration(self, person: Person | None, number: int) -> float:
        """Seconds until the answer: exponential around the mean, at most five times the mean."""
        share = uniform(self.plan.seed, person.npi if person else str(number), "wiza seconds")
        return self.plan.async_seconds * min(5.0, -math.log(share))

    def result(self, number: int, level: str, person: Person | None, options: dict[str, bool]) -> dict[str, Any]:
        """The finished reveal with its price."""
        view = self.world.wiza_view(person) if person else None
        if person is None or view is None or view.outcome == "nothing":
            return _nothing(number, level)
        wants_email = level in ("partial", "full") and options.get("accept_work", True)
        email = view.email if wants_email else None
        phone = view.mobile_phone if level in ("phone", "full") else None
        email_credits = 2 if email and view.email_status == "valid" else 0
        phone_credits = 5 if phone else 0
        scrape_credits = 1 if level == "none" else 0
        return {
            **_profile(number, level, person),
            **_contact(email, phone, view),
            "credits": _price(email_credits, phone_credits, scrape_credits),
        }

    async def create_list(self, call: Call) -> Response:
        wanted = call.body["list"]
        level, options = wanted["enrichment_level"], wanted.get("email_options", {})
        people: list[dict[str, Any]] = []
        listed: set[str] = set()
        for item in wanted["items"]:
            key = json.dumps(item, sort_keys=True)
            if wanted.get("skip_duplicates") and key in self.listed | listed:
                continue
            listed.add(key)
            people.append(self.result(len(people) + 1, level, self.find(item), options))
        return self._new_list("createList", wanted, people, listed)

    async def get_list(self, call: Call) -> Response:
        found = self.lists.get(int(call.path["id"]))
        return JSONResponse(found.envelope(time.monotonic())) if found else flat_error(404, "List not found")

    async def contacts(self, call: Call) -> Response:
        found = self.lists.get(int(call.path["id"]))
        if found is None:
            return flat_error(404, "List not found")
        wanted = SEGMENTS[call.query["segment"]]
        done = found.people if time.monotonic() >= found.done_at else ()
        rows = [_row(one) for one in done if one.get("name") and one["email_status"] in wanted]
        if not rows:
            return error(400, "No contacts to export")
        return JSONResponse({"status": {"code": 200, "message": "OK"}, "data": rows})

    async def search(self, call: Call) -> Response:
        found = self._prospects(call.body["filters"])
        profiles = [_preview(person) for person in found[: call.body.get("size", 0)]]
        price = PREVIEW_PRICE if profiles else 0
        if price:
            if self.ledger.free("wiza") < price:
                return error(400, NO_CREDITS)
            subject = json.dumps(call.body["filters"], sort_keys=True)
            self.ledger.charge("wiza", "prospectSearch", subject, price, price * self.plan.wiza_usd_per_credit)
        credits = {"api_credits": {"total": price, "search_credits": price}}
        data = {"total": len(found), "profiles": profiles, "credits": credits}
        return JSONResponse({"status": {"code": 200, "message": "OK"}, "data": data})

    async def create_prospect_list(self, call: Call) -> Response:
        wanted = {"enrichment_level": "partial", **call.body["list"]}
        found = self._prospects(call.body["filters"])
        return self._prospect_list("createProspectList", wanted, found)

    async def continue_search(self, call: Call) -> Response:
        before = self.lists.get(call.body["id"])
        if before is None:
            return flat_error(404, "List not found")
        wanted = {"name": before.name, "enrichment_level": before.level, "max_profiles": call.body["max_profiles"]}
        return self._prospect_list("continueProspectSearch", wanted, list(before.found))

    async def company(self, call: Call) -> Response:
        if self.ledger.free("wiza") < COMPANY_PRICE:
            return error(400, NO_CREDITS)
        slug = call.body.get("company_linkedin_slug")
        domain = call.body.get("company_domain") or (f"{slug}.example" if slug else "")
        person = self.world.practice_at(domain, call.body.get("company_name", ""))
        company = company_view(self.world, "wiza", person) if person else None
        if company is None:
            return error(404, "Company not found")
        cost = COMPANY_PRICE * self.plan.wiza_usd_per_credit
        self.ledger.charge("wiza", "companyEnrichment", company.domain, COMPANY_PRICE, cost)
        data = {
            "company_name": company.name,
            "company_domain": company.domain,
            "company_size": company.employees,
            "company_size_range": "1-10" if company.employees <= 10 else "11-50",
            "company_revenue": str(company.revenue),
            "company_founded": company.founded,
            "company_industry": "medical practice",
            "company_linkedin": f"https://www.linkedin.com/company/{company.domain.removesuffix('.example')}",
            "company_street": company.address,
            "company_locality": company.city,
            "company_region": company.state,
            "company_postal_code": company.zip5,
            "company_country": "United States",
            "credits": {"api_credits": {"total": COMPANY_PRICE, "company_credits": COMPANY_PRICE}},
        }
        return JSONResponse({"status": {"code": 200, "message": "OK"}, "type": "company_enrichment", "data": data})

    def call_back(self, url: str | None, event_type: str, due: float, body: dict[str, Any]) -> None:
        """Posts the finished answer if a callback was asked for, with the SHA-256 of the key in x-auth-key."""
        if url:
            proof = ("x-auth-key", wiza_auth_key(self.plan.keys["wiza"]))
            self.callbacks.post(Callback("wiza", event_type, due, url, json.dumps(body).encode(), proof))

    def _prospects(self, filters: dict[str, Any]) -> list[Person]:
        """Whom Wiza knows and the served filters leave: states, as codes."""
        states = {place["v"].split(",")[0].strip().upper() for place in filters.get("location", [])}
        return [person for person in self.known.people() if not states or person.state in states]

    def _prospect_list(self, operation: str, wanted: dict[str, Any], found: list[Person]) -> Response:
        taken, left = found[: wanted["max_profiles"]], tuple(found[wanted["max_profiles"] :])
        level = wanted["enrichment_level"]
        people = [self.result(number, level, person, {}) for number, person in enumerate(taken, start=1)]
        return self._new_list(operation, wanted, people, {person.npi for person in taken}, left)

    def _new_list(
        self,
        operation: str,
        wanted: dict[str, Any],
        people: list[dict[str, Any]],
        listed: set[str],
        found: tuple[Person, ...] = (),
    ) -> Response:
        """Starts a list, charged when it is done; 400 and no list when the balance does not cover it."""
        level = wanted["enrichment_level"]
        charges = [(f"{one.get('linkedin_profile_url')}:{level}", one["credits"]["api_credits"]["total"]) for one in people]  # fmt: skip
        free = self.ledger.free("wiza")
        if sum(credits for _, credits in charges) > free or free <= 0:
            return error(400, NO_CREDITS)
        now = time.monotonic()
        number = len(self.lists) + 1
        made = PeopleList(
            number, wanted["name"], level, iso(self.clock.now), now + self.plan.async_seconds, tuple(people), found
        )
        for subject, credits in charges:
            if credits:
                cost = credits * self.plan.wiza_usd_per_credit
                self.ledger.charge_at(made.done_at, "wiza", operation, subject, credits, cost)
        self.lists[number] = made
        self.listed |= listed
        self.call_back(wanted.get("callback_url"), "list", made.done_at, made.envelope(made.done_at))
        return JSONResponse(made.envelope(now))


def wiza_routes(plan: Plan, world: World, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """Wiza's routes below /wiza/api."""
    known = Known(world, lambda person: world.wiza_view(person).outcome != "nothing")
    wiza = Wiza(plan, world, clock, ledger, Callbacks(faults), known)
    minute, day = (limit * plan.vendor_limit_factor for limit in plan.wiza_companies)
    vendor = Vendor(
        name="wiza",
        prefix=PREFIX,
        contract=contract("wiza.yaml"),
        is_authorised=lambda request: hmac.compare_digest(bearer(request).encode(), plan.keys["wiza"].encode()),
        error=error,
        refuse=_refuse,
        windows=[Window(plan.wiza_requests_per_second, 1.0)],
        operation_limits={"companyEnrichment": CompanyLimits(minute, day)},
    )
    handlers = {
        "startIndividualReveal": wiza.start,
        "getIndividualReveal": wiza.get,
        "createList": wiza.create_list,
        "getList": wiza.get_list,
        "getListContacts": wiza.contacts,
        "prospectSearch": wiza.search,
        "createProspectList": wiza.create_prospect_list,
        "continueProspectSearch": wiza.continue_search,
        "companyEnrichment": wiza.company,
        "getCredits": wiza.credits,
    }
    return vendor_routes(vendor, handlers, ledger, faults)


def flat_error(status: int, message: str) -> Response:
    """The other of Wiza's two envelopes, which lists use."""
    return JSONResponse({"status": status, "message": message}, status)


def error(status: int, message: str) -> Response:
    return JSONResponse({"status": {"code": status, "message": message or MESSAGES.get(status, "Error")}}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    if any(problem.place == "path" for problem in problems):
        return error(404, "")
    return error(400, f"Invalid request: {'; '.join(map(str, problems))}")


def _row(reveal: dict[str, Any]) -> dict[str, Any]:
    """A contact of a list."""
    shown = ("email", "email_type", "email_status", "title", "company", "company_domain", "mobile_phone", "location")
    row = {name: reveal.get(name) for name in shown}
    return {"full_name": reveal["name"], "linkedin": reveal["linkedin_profile_url"], **row}


def _preview(person: Person) -> dict[str, Any]:
    return {
        "full_name": f"{person.first_name.title()} {person.last_name.title()}",
        "linkedin_url": f"linkedin.com/in/{person.linkedin_slug}",
        "job_title": "Dentist",
        "job_company_name": person.practice_name,
        "location_name": f"{person.city.title()}, {person.state}",
    }


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {"status": {"code": 200, "message": "OK"}, "type": "individual_reveal", "data": data}


def _price(email: int, phone: int, scrape: int) -> dict[str, Any]:
    total = email + phone + scrape
    return {"api_credits": {"total": total, "email_credits": email, "phone_credits": phone, "scrape_credits": scrape}}


def _nothing(number: int, level: str) -> dict[str, Any]:
    return {
        "id": number,
        "status": "finished",
        "is_complete": True,
        "enrichment_level": level,
        "linkedin_profile_url": None,
        "email": None,
        "email_status": "unfound",
        "emails": [],
        "phone_status": "unfound",
        "phones": [],
        "fail_error": None,
        "credits": _price(0, 0, 0),
    }


def _profile(number: int, level: str, person: Person) -> dict[str, Any]:
    return {
        "id": number,
        "status": "finished",
        "is_complete": True,
        "enrichment_level": level,
        "fail_error": None,
        "name": f"{person.first_name.title()} {person.last_name.title()}",
        "title": "Dentist" if person.specialty == "general" else person.specialty.replace("_", " ").title(),
        "company": person.practice_name,
        "location": f"{person.city.title()}, {person.state}, United States",
        "linkedin_profile_url": f"https://www.linkedin.com/in/{person.linkedin_slug}",
        "company_domain": person.domain,
        "company_industry": "medical practice",
        "company_locality": person.city.title(),
        "company_region": person.state,
        "company_country": "United States",
        "company_street": person.address.title(),
        "company_postal_code": person.zip5,
    }


def _contact(email: str | None, phone: str | None, view: WizaView) -> dict[str, Any]:
    entry = {"email": email, "email_type": "work", "email_status": view.email_status}
    return {
        "email": email,
        "email_type": "work" if email else None,
        "email_status": view.email_status if email else "unfound",
        "emails": [entry] if email else [],
        "mobile_phone": phone,
        "phone_number": None,
        "phone_status": "found" if phone else "unfound",
        "phones": [{"number": phone, "pretty_number": phone, "type": "mobile"}] if phone else [],
    }
