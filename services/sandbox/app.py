"""The sandbox as one ASGI application."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin import Admin, admin_routes
from services.sandbox.campaigns import Sender
from services.sandbox.clock import Clock
from services.sandbox.faults import Faults
from services.sandbox.ghl import Contacts, ghl_routes
from services.sandbox.instantly import instantly_routes
from services.sandbox.ledger import Ledger
from services.sandbox.nppes import nppes_routes
from services.sandbox.plan import Plan
from services.sandbox.sales import Sales
from services.sandbox.twilio import twilio_routes
from services.sandbox.webhooks import Courier
from services.sandbox.wiza import wiza_routes
from services.sandbox.world import World


def create_app(plan: Plan) -> Starlette:
    """One world with its vendors in front. Two apps of the same plan behave alike."""
    world = World(plan.nppes_dir, plan.seed, plan.start)
    clock = Clock(plan.start)
    ledger = Ledger(plan.credits)
    faults = Faults()
    courier = Courier(plan, faults)
    contacts = Contacts(plan, clock, courier)
    sender = Sender(plan, world, clock, courier, Sales(plan, clock, contacts, courier))

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            *nppes_routes(plan.nppes_dir, ledger, faults),
            *wiza_routes(plan, world, ledger, faults),
            *twilio_routes(plan, world, ledger, faults),
            *ghl_routes(plan, contacts, ledger, faults),
            *instantly_routes(plan, sender, ledger, faults),
            *admin_routes(Admin(plan, world, clock, ledger, faults, courier, asyncio.Lock())),
        ]
    )
