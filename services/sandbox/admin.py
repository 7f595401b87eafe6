"""/__sandbox__/: the clock, ordered faults, the ledger, credits, truth and keys. For tests, benchmarks and reports.

The pipeline never reads it. No key is asked for, because the sandbox listens on the loopback address.
"""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.clock import Clock, instant, iso
from services.sandbox.faults import Faults
from services.sandbox.ledger import Ledger
from services.sandbox.plan import Plan
from services.sandbox.responses import chances
from services.sandbox.traits import TASTES, traits
from services.sandbox.twilio import line_type
from services.sandbox.views import apollo_view, clay_view, true_company
from services.sandbox.webhooks import Courier, public_key
from services.sandbox.world import Person, World

PREFIX = "/__sandbox__"


@dataclass
class Admin:
    """The hands on the world. One clock move at a time."""

    plan: Plan
    world: World
    clock: Clock
    ledger: Ledger
    faults: Faults
    courier: Courier
    moving: asyncio.Lock

    async def get_clock(self, request: Request) -> Response:
        return JSONResponse({"now": iso(self.clock.now), "pending": self.clock.pending()})

    async def set_clock(self, request: Request) -> Response:
        """Moves the world to {"now": iso}, delivers what fell due, then answers {"now", "delivered", "failed"}."""
        async with self.moving:
            try:
                moment = instant((await _document(request))["now"])
                self.clock.move_to(moment)
            except (KeyError, TypeError, ValueError) as reason:
                return _bad(f'send {{"now": "2025-11-16T23:00:00Z"}}: {reason}')
            delivered, failed = await self.courier.deliver()
        return JSONResponse({"now": iso(self.clock.now), "delivered": delivered, "failed": failed})

    async def get_faults(self, request: Request) -> Response:
        return JSONResponse({"faults": self.faults.as_list()})

    async def order_fault(self, request: Request) -> Response:
        try:
            self.faults.order(await _document(request))
        except (TypeError, ValueError) as reason:
            return _bad(str(reason))
        return await self.get_faults(request)

    async def clear_faults(self, request: Request) -> Response:
        self.faults.clear()
        return await self.get_faults(request)

    async def get_ledger(self, request: Request) -> Response:
        return JSONResponse(self.ledger.as_dict())

    async def set_credits(self, request: Request) -> Response:
        """PUT {"credits": 12}: what is left from now on."""
        vendor = request.path_params["vendor"]
        if vendor not in self.ledger.balances:
            return _bad(f"{vendor!r} has no credits; these have: {sorted(self.ledger.balances)}")
        try:
            self.ledger.balances[vendor] = float((await _document(request))["credits"])
        except (KeyError, TypeError, ValueError) as reason:
            return _bad(f'send {{"credits": 100}}: {reason}')
        return JSONResponse({"vendor": vendor, "credits": self.ledger.balances[vendor]})

    async def get_truth(self, request: Request) -> Response:
        person = self.world.person(request.path_params["npi"])
        if person is None:
            return JSONResponse({"error": f"no dental person with NPI {request.path_params['npi']}"}, 404)
        return JSONResponse(self.truth(person))

    async def get_summary(self, request: Request) -> Response:
        people = list(self.world.people().values())
        views = [self.world.wiza_view(person) for person in people]
        neutral = [chances(self.plan.seed, person, "") for person in people]
        count = max(1, len(people))
        return JSONResponse(
            {
                "seed": self.plan.seed,
                "people": len(people),
                "active": sum(person.is_active for person in people),
                "wiza_has_email": sum(view.email is not None for view in views),
                "wiza_email_is_true": sum(view.mailbox == "true" for view in views),
                "mean_positive_chance": sum(neutral) / count,
                "tastes": {taste: sum(traits(p, self.plan.seed).taste == taste for p in people) for taste in TASTES},
            }
        )

    async def get_keys(self, request: Request) -> Response:
        """Public things that a receiver and a connection need: no API key among them."""
        return JSONResponse(
            {"ghl_webhook_public_key": public_key(self.courier.key), "ghl_location_id": self.plan.ghl_location}
        )

    def truth(self, person: Person) -> dict[str, Any]:
        """Everything that is true about one person, and what the vendors believe."""
        view = self.world.wiza_view(person)
        phone = f"+1{person.phone}"
        return {
            "npi": person.npi,
            "email": person.email,
            "linkedin_url": f"https://www.linkedin.com/in/{person.linkedin_slug}",
            "phone": phone,
            "phone_line_type": line_type(self.world, phone),
            "practice": {"name": person.practice_name, "domain": person.domain, "size": person.practice_size},
            "is_active": person.is_active,
            "traits": traits(person, self.plan.seed).as_dict(),
            "positive_chance": {taste: chances(self.plan.seed, person, taste) for taste in TASTES},
            "positive_chance_neutral": chances(self.plan.seed, person, ""),
            "wiza": {
                "outcome": view.outcome,
                "mailbox": view.mailbox,
                "email": view.email,
                "email_status": view.email_status,
            },
            "apollo": asdict(apollo_view(self.world, person)),
            "clay": asdict(clay_view(self.world, person)),
            "company": asdict(true_company(self.world, person)),
        }


def admin_routes(admin: Admin) -> list[Route]:
    return [
        Route(PREFIX + "/clock", admin.get_clock, methods=["GET"]),
        Route(PREFIX + "/clock", admin.set_clock, methods=["POST"]),
        Route(PREFIX + "/faults", admin.get_faults, methods=["GET"]),
        Route(PREFIX + "/faults", admin.order_fault, methods=["POST"]),
        Route(PREFIX + "/faults", admin.clear_faults, methods=["DELETE"]),
        Route(PREFIX + "/ledger", admin.get_ledger, methods=["GET"]),
        Route(PREFIX + "/credits/{vendor}", admin.set_credits, methods=["PUT"]),
        Route(PREFIX + "/truth", admin.get_summary, methods=["GET"]),
        Route(PREFIX + "/truth/{npi}", admin.get_truth, methods=["GET"]),
        Route(PREFIX + "/keys", admin.get_keys, methods=["GET"]),
    ]


async def _document(request: Request) -> dict[str, Any]:
    document = await request.json()
    if not isinstance(document, dict):
        raise ValueError("the body must be a JSON object")
    return document


def _bad(reason: str) -> Response:
    return JSONResponse({"error": reason}, 400)
