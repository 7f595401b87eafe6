"""Leadfeeder's older API: leads (companies) and visits of one account, to contracts/leadfeeder.yaml."""

import hmac
import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.clock import Clock, iso
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan
from services.sandbox.responses import zone
from services.sandbox.site_visits import SiteVisits, Visit

PREFIX = "/leadfeeder"
ACCOUNT = "281194"
SITE = "www.ours.example"
MAX_LEADS = 10_000
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    404: "Not Found",
    429: "Rate limit of 100 requests per minute exceeded",
}


@dataclass
class Leadfeeder:
    """One account with one site."""

    visits: SiteVisits
    clock: Clock

    async def accounts(self, call: Call) -> Response:
        attributes = {"name": "Dental GTM", "timezone": "America/New_York"}
        return JSONResponse({"data": [{"id": ACCOUNT, "type": "accounts", "attributes": attributes}]})

    async def leads(self, call: Call) -> Response:
        by_practice: dict[str, list[Visit]] = {}
        for visit in self._found(call):
            by_practice.setdefault(visit.practice, []).append(visit)
        items = [self._lead(practice, visits) for practice, visits in sorted(by_practice.items())]
        return _page(call, items[:MAX_LEADS])

    async def list_visits(self, call: Call) -> Response:
        return _page(call, [self._visit(visit) for visit in self._found(call)])

    def _found(self, call: Call) -> list[Visit]:
        if call.path["account_id"] != ACCOUNT:
            return []
        first, last = (date.fromisoformat(call.query[name]) for name in ("start_date", "end_date"))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [visit for day in days for visit in self.visits.of(day, self.clock.now)]

    def _lead_id(self, practice: str) -> str:
        return digest(self.visits.world.seed, practice, "lead")[:16]

    def _lead(self, practice: str, visits: list[Visit]) -> dict[str, Any]:
        person = visits[0].person
        days = sorted(_local_day(visit) for visit in visits)
        attributes: dict[str, Any] = {
            "name": person.practice_name,
            "industry": "Dentists",
            "website_url": f"https://{person.domain}",
            "linkedin_url": None,
            "phone": None,
            "business_id": None,
            "employee_count": 3 * person.practice_size,
            "employees_range": {"min": person.practice_size, "max": 5 * person.practice_size},
            "revenue": None,
            "first_visit_date": days[0],
            "last_visit_date": days[-1],
            "visits": len(visits),
            "quality": min(10, 2 + sum(len(visit.pages) for visit in visits)),
            "tags": [],
            "crm_organization_id": None,
            "view_in_leadfeeder": f"https://app.leadfeeder.example/l/{self._lead_id(practice)}",
        }
        return {"id": self._lead_id(practice), "type": "leads", "attributes": attributes}

    def _visit(self, visit: Visit) -> dict[str, Any]:
        route = [
            {
                "hostname": SITE,
                "page_path": path,
                "page_url": f"https://{SITE}{path}",
                "page_title": path.strip("/").title() or "Home",
                "previous_page_path": visit.pages[number - 1][0] if number else None,
                "time_on_page": seconds,
                "display_page_name": path,
            }
            for number, (path, seconds) in enumerate(visit.pages)
        ]
        attributes = {
            "lead_id": self._lead_id(visit.practice),
            "started_at": iso(visit.started_at),
            "date": _local_day(visit),
            "hour": visit.started_at.astimezone(zone(visit.person.state)).hour,
            "source": visit.source,
            "medium": visit.medium,
            "campaign": visit.campaign or None,
            "keyword": None,
            "referring_url": None,
            "page_depth": len(visit.pages),
            "visit_length": visit.seconds,
            "device_type": "desktop",
            "country_code": "US",
            "lf_client_id": digest(self.visits.world.seed, visit.practice, "lf")[:20],
            "ga_client_ids": [visit.ga_client_id],
            "visit_route": route,
        }
        return {"id": visit.id, "type": "visits", "attributes": attributes}


def leadfeeder_routes(plan: Plan, visits: SiteVisits, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """Leadfeeder's routes below /leadfeeder."""
    api = Leadfeeder(visits, clock)
    key = f"Token token={plan.keys['leadfeeder']}"
    vendor = Vendor(
        name="leadfeeder",
        prefix=PREFIX,
        contract=contract("leadfeeder.yaml"),
        is_authorised=lambda request: hmac.compare_digest(
            request.headers.get("authorization", "").encode(), key.encode()
        ),
        error=error,
        refuse=_refuse,
        windows=[Window(plan.leadfeeder_per_minute, 60.0)],
    )
    handlers = {"legacyListAccounts": api.accounts, "legacyListLeads": api.leads, "legacyListVisits": api.list_visits}
    return vendor_routes(vendor, handlers, ledger, faults)


def error(status: int, message: str) -> Response:
    return JSONResponse({"errors": [{"title": message or TITLES.get(status, "Error")}]}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, "; ".join(map(str, problems)))


def _local_day(visit: Visit) -> str:
    return visit.started_at.astimezone(zone(visit.person.state)).date().isoformat()


def _page(call: Call, items: list[dict[str, Any]]) -> Response:
    number, size = int(call.query.get("page[number]", 1)), int(call.query.get("page[size]", 10))
    last = max(1, math.ceil(len(items) / size))
    links = {
        "self": str(call.request.url),
        "last": str(call.request.url.include_query_params(**{"page[number]": last})),
    }
    if number < last:
        links["next"] = str(call.request.url.include_query_params(**{"page[number]": number + 1}))
    return JSONResponse({"data": items[(number - 1) * size : number * size], "links": links})
