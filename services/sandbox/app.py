"""The sandbox as one ASGI application."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.addy import addy_routes
from services.sandbox.admin import Admin, admin_routes
from services.sandbox.ads import AdPlatforms
from services.sandbox.apollo import apollo_routes
from services.sandbox.boards import board_routes
from services.sandbox.campaigns import Sender
from services.sandbox.clay import clay_routes
from services.sandbox.clock import Clock
from services.sandbox.faults import Faults
from services.sandbox.ga4 import ga4_routes
from services.sandbox.ghl import Contacts, ghl_routes
from services.sandbox.google_ads import google_ads_routes
from services.sandbox.instantly import instantly_routes
from services.sandbox.leadfeeder import leadfeeder_routes
from services.sandbox.ledger import Ledger
from services.sandbox.meta_ads import meta_ads_routes
from services.sandbox.nppes import nppes_routes
from services.sandbox.plan import Plan
from services.sandbox.rb2b import rb2b_routes
from services.sandbox.sales import Sales
from services.sandbox.site_visits import SiteVisits
from services.sandbox.ttd import ttd_routes
from services.sandbox.twilio import twilio_routes
from services.sandbox.usps import usps_routes
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
    platforms = AdPlatforms(world)
    visits = SiteVisits(world, platforms)
    sender = Sender(plan, world, clock, courier, Sales(plan, clock, contacts, courier))

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            *nppes_routes(plan.nppes_dir, ledger, faults),
            *board_routes(world, clock, ledger, faults),
            *wiza_routes(plan, world, clock, ledger, faults),
            *apollo_routes(plan, world, clock, ledger, faults),
            *clay_routes(plan, world, clock, ledger, faults),
            *twilio_routes(plan, world, ledger, faults),
            *usps_routes(plan, world, ledger, faults),
            *addy_routes(plan, ledger, faults),
            *ghl_routes(plan, contacts, ledger, faults),
            *instantly_routes(plan, sender, ledger, faults),
            *google_ads_routes(plan, platforms, clock, ledger, faults),
            *meta_ads_routes(plan, platforms, clock, ledger, faults),
            *ttd_routes(plan, platforms, clock, ledger, faults),
            *leadfeeder_routes(plan, visits, clock, ledger, faults),
            *rb2b_routes(visits, clock),
            *ga4_routes(visits, clock),
            *admin_routes(Admin(plan, world, clock, ledger, faults, courier, asyncio.Lock())),
        ]
    )
