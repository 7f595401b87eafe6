"""Wiza: individual reveals (asynchronous) and credit balances, to contracts/wiza.yaml.

A reveal takes real time, scaled down. What it costs is taken when it starts and shown when it is finished; when the
balance does not cover the level's price, the answer is HTTP 200 with a failed reveal, as Wiza does it.
"""

import asyncio
import hashlib
import hmac
import math
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, bearer, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan
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


@dataclass
class Wiza:
    """The reveals of one account."""

    plan: Plan
    world: World
    ledger: Ledger
    reveals: dict[int, Reveal] = field(default_factory=dict)
    open_until: list[float] = field(default_factory=list)
    callbacks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, call: Call) -> Response:
        level = call.body["enrichment_level"]
        now = time.monotonic()
        self.open_until = [done_at for done_at in self.open_until if done_at > now]
        if len(self.open_until) >= self.plan.wiza_concurrency * QUEUE_PER_SLOT:
            return error(429, "Usage limits exceeded")
        number = len(self.reveals) + 1
        if self.ledger.balances["wiza"] < FULL_PRICE[level]:
            failed = {"id": number, "status": "failed", "is_complete": True, "fail_error": "billing_issue"}
            self.reveals[number] = Reveal(number, now, level, failed)
            return JSONResponse(self.reveals[number].envelope(now))
        person = self.find(call.body["individual_reveal"])
        result = self.result(number, level, person, call.body.get("email_options", {}))
        credits = result["credits"]["api_credits"]["total"]
        if credits:
            subject = f"{person.npi if person else number}:{level}"
            cost = credits * self.plan.wiza_usd_per_credit
            self.ledger.charge("wiza", "startIndividualReveal", subject, credits, cost)
        self.reveals[number] = Reveal(number, now + self.duration(person, number), level, result)
        self.open_until.append(self.reveals[number].done_at)
        if call.body.get("callback_url"):
            task = asyncio.create_task(self.call_back(self.reveals[number], call.body["callback_url"]))
            self.callbacks.add(task)
            task.add_done_callback(self.callbacks.discard)
        return JSONResponse(self.reveals[number].envelope(now))

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

    async def call_back(self, reveal: Reveal, url: str) -> None:
        """Posts the finished reveal, with the SHA-256 of the key in x-auth-key; up to 3 more tries on a non-2xx."""
        await asyncio.sleep(max(0.0, reveal.done_at - time.monotonic()))
        headers = {"x-auth-key": hashlib.sha256(self.plan.keys["wiza"].encode()).hexdigest()}
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            for retry in range(4):
                try:
                    reply = await client.post(url, json=_envelope(reveal.result), headers=headers)
                except httpx.HTTPError:
                    reply = httpx.Response(503)
                if reply.is_success or reply.status_code in (403, 404):
                    return
                await asyncio.sleep(0.1 * 2**retry)


def wiza_routes(plan: Plan, world: World, ledger: Ledger, faults: Faults) -> list[Route]:
    """Wiza's routes below /wiza/api."""
    wiza = Wiza(plan, world, ledger)
    vendor = Vendor(
        name="wiza",
        prefix=PREFIX,
        contract=contract("wiza.yaml"),
        is_authorised=lambda request: hmac.compare_digest(bearer(request).encode(), plan.keys["wiza"].encode()),
        error=error,
        refuse=_refuse,
        windows=[Window(plan.wiza_requests_per_second, 1.0)],
    )
    handlers = {"startIndividualReveal": wiza.start, "getIndividualReveal": wiza.get, "getCredits": wiza.credits}
    return vendor_routes(vendor, handlers, ledger, faults)


def error(status: int, message: str) -> Response:
    return JSONResponse({"status": {"code": status, "message": message or MESSAGES.get(status, "Error")}}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, f"Invalid request: {'; '.join(map(str, problems))}")


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
