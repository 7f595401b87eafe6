"""Apollo: people and companies at once, phones and waterfalls in the background, to contracts/apollo.yaml.

Each endpoint has three windows of its own, all told in headers. A person costs 1 credit when an e-mail or a LinkedIn page
comes back, a mobile 8 more, each time anew. Out of credits is 422 with a message: the vendor does not publish its form.
"""

import hmac
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.sandbox.callbacks import Callback, Callbacks
from services.sandbox.clock import Clock, iso
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest, uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import OpeningWindow
from services.sandbox.plan import Plan
from services.sandbox.views import Company, Known, View, apollo_view, company_view
from services.sandbox.world import Person, World

PREFIX = "/apollo/api/v1"
MAX_BULK = 10
MAX_FOUND = 50_000
PHONE_CREDITS = 8.0
PLACEHOLDER_EMAIL = "email_not_unlocked@domain.com"
NO_CREDITS = "You have insufficient credits to perform this action."
BAD_KEY = "Invalid API key. See https://docs.apollo.io/reference/authentication for how to authenticate."
CLASS_OF = {
    "peopleEnrichment": "enrichment",
    "bulkPeopleEnrichment": "enrichment",
    "getPerson": "enrichment",
    "organizationEnrichment": "enrichment",
    "bulkOrganizationEnrichment": "enrichment",
    "peopleApiSearch": "search",
    "organizationSearch": "search",
}
TITLES = {"general": "Dentist", "hygienist": "Dental Hygienist", "assistant": "Dental Assistant"}


class Windows:
    """The minute, hour and day of one endpoint."""

    def __init__(self, limits: tuple[int | None, int | None, int | None], factor: int) -> None:
        minute, hour, day = (None if limit is None else limit * factor for limit in limits)
        self.spans = {
            "minute": OpeningWindow(minute, 60.0),
            "hourly": OpeningWindow(hour, 3600.0),
            "24-hour": OpeningWindow(day, 86_400.0),
        }

    def has_room(self) -> bool:
        return all(window.has_room() for window in self.spans.values())

    def take(self) -> None:
        for window in self.spans.values():
            window.take()

    def headers(self, status: int) -> dict[str, str]:
        """All three at once; a span without a limit has an empty header. retry-after on 429."""
        told = {}
        for span, window in self.spans.items():
            left = None if window.limit is None else max(0, window.limit - window.used())
            told[f"x-rate-limit-{span}"] = "" if window.limit is None else str(window.limit)
            told[f"x-{span}-usage"] = str(window.used())
            told[f"x-{span}-requests-left"] = "" if left is None else str(left)
        if status == 429:
            full = [window.reset_in() for window in self.spans.values() if not window.has_room()]
            told["retry-after"] = str(math.ceil(max(full, default=1.0)))
        return told

    def stats(self) -> dict[str, dict[str, int | None]]:
        names = {"minute": "minute", "hourly": "hour", "24-hour": "day"}
        return {
            names[span]: {
                "limit": window.limit,
                "consumed": None if window.limit is None else window.used(),
                "left_over": None if window.limit is None else window.limit - window.used(),
            }
            for span, window in self.spans.items()
        }


@dataclass(frozen=True)
class Job:
    """One background request. `result`: the callback's body, there from `due` (monotonic) on."""

    id: int
    kind: str
    due: float
    result: dict[str, Any]


@dataclass
class Apollo:
    """One team."""

    plan: Plan
    world: World
    clock: Clock
    ledger: Ledger
    callbacks: Callbacks
    windows: dict[str, Windows]
    known: Known
    jobs: dict[int, Job] = field(default_factory=dict)
    requests: int = 0
    ids: dict[str, str] = field(default_factory=dict)  # Apollo's person id -> NPI

    async def match(self, call: Call) -> Response:
        asked = dict(call.query)
        if not any(asked.get(name) for name in ("name", "last_name", "email", "linkedin_url", "id")):
            return error(422, "Invalid parameters")
        refusal = self._refusal(asked)
        if refusal:
            return refusal
        found = self._find(asked)
        self._charge_person("peopleEnrichment", found)
        body: dict[str, Any] = {"person": self._shown(found) if found else None}
        later = self._later(asked, [found] if found else [])
        if later:
            body["request_id"] = later.id
        if _is_on(asked, "run_waterfall_email") or _is_on(asked, "run_waterfall_phone"):
            body["waterfall"] = _waterfall(later)
        return JSONResponse(body)

    async def bulk_match(self, call: Call) -> Response:
        details = call.body["details"]
        if not details:
            return bulk_error(400, "INVALID_REQUEST", "invalid request, missing details")
        flags = dict(call.query)
        refusal = self._refusal(flags, bulk=True)
        if refusal:
            return refusal
        found = [self._find(one) for one in details]
        unique = {one[0].npi: one for one in found if one}
        if sum(_price(one) for one in unique.values()) > self.ledger.balances["apollo"]:
            return bulk_error(422, "INSUFFICIENT_CREDITS", NO_CREDITS)
        charged = {npi: self._charge_person("bulkPeopleEnrichment", one) for npi, one in unique.items()}
        later = self._later(flags, list(unique.values()))
        body: dict[str, Any] = {
            "request_id": later.id if later else self._new_request_id(),
            "status": "success",
            "error_code": None,
            "error_message": None,
            "total_requested_enrichments": len(details),
            "matches": [self._shown(one) if one else None for one in found],
        }
        if _is_on(flags, "run_waterfall_email") or _is_on(flags, "run_waterfall_phone"):
            return JSONResponse(body | {"waterfall": _waterfall(later)})
        body["unique_enriched_records"] = sum(credits > 0 for credits in charged.values())
        body["missing_records"] = sum(one is None for one in found)
        body["credits_consumed"] = sum(charged.values())
        if _is_on(flags, "reveal_phone_number") and unique:
            pending = {"request_id": str(later.id), "status": "pending"} if later else {"status": "skipped"}
            body["phone_enrichment"] = pending
        return JSONResponse(body)

    async def person(self, call: Call) -> Response:
        npi = self.ids.get(call.path["id"])
        person = self.world.person(npi) if npi else None
        if person is None:
            return error(422, "Person does not exist.")
        if self.ledger.balances["apollo"] < 1:
            return error(422, NO_CREDITS)
        self._charge("getPerson", person.npi, 1.0)
        shown = self._shown((person, apollo_view(self.world, person)))
        return JSONResponse({"person": {**shown, "email": PLACEHOLDER_EMAIL}})

    async def organization(self, call: Call) -> Response:
        asked = dict(call.query)
        if not any(asked.get(name) for name in ("domain", "linkedin_url", "name", "website")):
            return error(422, "Invalid parameters")
        if self.ledger.balances["apollo"] < 1:
            return error(422, NO_CREDITS)
        company = self._company(asked)
        if company:
            self._charge("organizationEnrichment", company.domain, 1.0)
        return JSONResponse({"organization": self._organization(company) if company else None})

    async def bulk_organizations(self, call: Call) -> Response:
        details = (call.body or {}).get("details") or []
        domains = call.query.getlist("domains[]")
        asked = details or [{"domain": domain} for domain in domains]
        if not asked:
            return bulk_error(400, "INVALID_REQUEST", "invalid request, missing details")
        if len(asked) > MAX_BULK:
            return bulk_error(400, "RECORD_LIMIT_EXCEEDED", "cannot enrich more than 10 in a single request")
        if self.ledger.balances["apollo"] < 1:
            return bulk_error(422, "INSUFFICIENT_CREDITS", NO_CREDITS)
        unique = {json.dumps(one, sort_keys=True): one for one in asked}
        companies = [company for one in unique.values() if (company := self._company(one))]
        for company in companies:
            self._charge("bulkOrganizationEnrichment", company.domain, 1.0)
        counts = {
            "total_requested_records": len(asked) if details else None,
            "total_requested_domains": None if details else len(asked),
            "unique_domains": None if details else len(unique),
            "unique_records": len(unique) if details else None,
            "unique_enriched_records": len(companies),
            "missing_records": len(unique) - len(companies),
        }
        organizations = [self._organization(company) for company in companies]
        return JSONResponse({"status": "success", "error_code": None, "error_message": None, **counts, "organizations": organizations})  # fmt: skip

    async def search_people(self, call: Call) -> Response:
        page, size = int(call.query.get("page", 1)), int(call.query.get("per_page", 10))
        if not 1 <= page <= 500 or not 1 <= size <= 100 or (page - 1) * size >= MAX_FOUND:
            return error(422, "Invalid parameters")
        try:
            found = self._searched(call)
        except ValueError as reason:
            return error(422, f"Invalid parameters: {reason}")
        people = [self._teaser(person) for person in found[(page - 1) * size : page * size]]
        return JSONResponse({"total_entries": len(found), "people": people})

    async def search_organizations(self, call: Call) -> Response:
        page, size = int(call.query.get("page", 1)), int(call.query.get("per_page", 10))
        if not 1 <= page <= 500 or not 1 <= size <= 100:
            return error(422, "Invalid parameters")
        if self.ledger.balances["apollo"] < 1:
            return error(422, NO_CREDITS)
        try:
            practices = {person.domain: person for person in self._searched(call)}
        except ValueError as reason:
            return error(422, f"Invalid parameters: {reason}")
        companies = [company_view(self.world, "apollo", practices[domain]) for domain in sorted(practices)]
        known = [company for company in companies if company]
        self._charge("organizationSearch", str(call.query), 1.0)
        shown = [self._organization(company) for company in known[(page - 1) * size : page * size]]
        pages = math.ceil(len(known) / size)
        pagination = {"page": page, "per_page": size, "total_entries": len(known), "total_pages": pages}
        return JSONResponse({"pagination": pagination, "organizations": shown, "accounts": []})

    async def poll(self, call: Call) -> Response:
        number = int(call.path["request_id"])
        if not -(2**63) <= number < 2**63:
            return poll_error(400, "invalid_request_id")
        job = self.jobs.get(number)
        if job is None:
            return poll_error(404, "request_id_unknown")
        if time.monotonic() < job.due:
            return JSONResponse({"error_code": "result_pending", "retry_after_seconds": 1}, 404)
        return JSONResponse(
            {
                "request_id": str(job.id),
                "webhook_status": "success",
                "request_type": job.kind,
                "last_dispatched_at": iso(self.clock.now),
                "failure_reason": None,
                "webhook_result": job.result,
            }
        )

    async def limits(self, call: Call) -> Response:
        names = {operation.id: operation.path for operation in contract("apollo.yaml").operations.values()}
        told = {}
        for operation, windows in self.windows.items():
            controller, _, action = names[operation].strip("/").partition("/")
            told[json.dumps([f"api/v1/{controller}", action or "index"])] = windows.stats()
        return JSONResponse(told)

    async def credits(self, call: Call) -> Response:
        left = math.floor(self.ledger.balances["apollo"])
        limit = math.floor(self.plan.credits["apollo"])
        kinds = {"lead_credit": {"limit": limit, "consumed": limit - left, "left_over": left}}
        cycle = {"start_date": "2025-11-01T00:00:00.000Z", "end_date": "2025-12-01T00:00:00.000Z"}
        return JSONResponse({"credit_usage_stats": kinds, "current_credit_cycle": cycle})

    async def health(self, call: Call) -> Response:
        return JSONResponse({"healthy": True, "is_logged_in": True})

    def _refusal(self, flags: Mapping[str, Any], *, bulk: bool = False) -> Response | None:
        """Why a paid people call is refused before any work."""
        needs_url = any(_is_on(flags, n) for n in ("reveal_phone_number", "run_waterfall_email", "run_waterfall_phone"))
        if needs_url and not flags.get("webhook_url"):
            message = "Please add a valid 'webhook_url' parameter"
            return bulk_error(400, "INVALID_REQUEST", message) if bulk else error(422, message)
        if self.ledger.balances["apollo"] < 1:
            return bulk_error(422, "INSUFFICIENT_CREDITS", NO_CREDITS) if bulk else error(422, NO_CREDITS)
        return None

    def _find(self, asked: Mapping[str, Any]) -> tuple[Person, View] | None:
        """Whom an input finds, by the surest field given; None when nobody, or somebody Apollo does not know."""
        person = None
        if asked.get("id"):
            person = self.world.person(self.ids.get(str(asked["id"]), ""))
        elif asked.get("linkedin_url"):
            person = self.world.person_of_profile(str(asked["linkedin_url"]))
        elif asked.get("email"):
            person = self.world.mailbox(str(asked["email"])).person
        else:
            name = asked.get("name") or f"{asked.get('first_name', '')} {asked.get('last_name', '')}"
            person = self.world.person_at(str(name), str(asked.get("organization_name") or ""), str(asked.get("domain") or ""))  # fmt: skip
        if person is None:
            return None
        view = apollo_view(self.world, person)
        return (person, view) if view.is_known else None

    def _charge_person(self, operation: str, found: tuple[Person, View] | None) -> float:
        """What this person costs: nothing when neither e-mail nor page came back."""
        credits = _price(found) if found else 0.0
        if found and credits:
            self._charge(operation, found[0].npi, credits)
        return credits

    def _charge(self, operation: str, subject: str, credits: float) -> None:
        self.ledger.charge("apollo", operation, subject, credits, credits * self.plan.apollo_usd_per_credit)

    def _later(self, flags: Mapping[str, Any], found: list[tuple[Person, View]]) -> Job | None:
        """Starts what comes by callback; None when nothing will come."""
        phones = _is_on(flags, "reveal_phone_number") or _is_on(flags, "run_waterfall_phone")
        waterfall = _is_on(flags, "run_waterfall_email") or _is_on(flags, "run_waterfall_phone")
        if not found or not (phones or waterfall):
            return None
        mobiles = sum(view.mobile_phone is not None for _, view in found) if phones else 0
        if mobiles * PHONE_CREDITS > self.ledger.balances["apollo"]:
            return None
        number = self._new_request_id()
        share = uniform(self.plan.seed, found[0][0].npi, "apollo seconds")
        due = time.monotonic() + self.plan.async_seconds * min(5.0, -math.log(share))
        people, credits = [], 0.0
        for person, view in found:
            numbers = [_phone(view.mobile_phone)] if phones and view.mobile_phone else []
            if numbers:
                self._charge("phoneReveal", f"{person.npi}:phone", PHONE_CREDITS)
                credits += PHONE_CREDITS
            entry: dict[str, Any] = {"id": self._id(person), "status": "success", "phone_numbers": numbers}
            if waterfall:
                entry = {"id": self._id(person), "phone_numbers": numbers, "emails": _emails(view)}
            people.append(entry)
        result: dict[str, Any] = {"status": "success", "total_requested_enrichments": len(found), "credits_consumed": credits, "people": people}  # fmt: skip
        if waterfall:
            result["request_id"] = str(number)
        else:
            billed = sum(bool(one["phone_numbers"]) for one in people)
            result |= {"unique_enriched_records": billed, "missing_records": 0}
        job = Job(number, "waterfall" if waterfall else "phone", due, result)
        self.jobs[number] = job
        url = str(flags["webhook_url"])
        self.callbacks.post(Callback("apollo", job.kind, due, url, json.dumps(result).encode()))
        return job

    def _new_request_id(self) -> int:
        """A signed 64-bit integer; every other one is negative."""
        self.requests += 1
        number = int(digest(self.plan.seed, "apollo request", str(self.requests))[:15], 16)
        return -number if self.requests % 2 else number

    def _id(self, person: Person) -> str:
        number = digest(self.plan.seed, person.npi, "apollo id")[:24]
        self.ids[number] = person.npi
        return number

    def _shown(self, found: tuple[Person, View]) -> dict[str, Any]:
        person, view = found
        verified = view.email is not None and view.confidence >= 0.7
        title = _title(person)
        slug = view.linkedin_slug
        company = company_view(self.world, "apollo", person)
        return {
            "id": self._id(person),
            "first_name": person.first_name.title(),
            "last_name": person.last_name.title(),
            "name": f"{person.first_name.title()} {person.last_name.title()}",
            "title": title,
            "headline": person.credential or None,
            "linkedin_url": f"http://www.linkedin.com/in/{slug}" if slug else None,
            "email": view.email,
            "email_status": "verified" if verified else "extrapolated" if view.email else "unavailable",
            "extrapolated_email_confidence": None if verified or not view.email else view.confidence,
            "city": person.city.title(),
            "state": person.state,
            "country": "United States",
            "organization_id": digest(self.plan.seed, view.domain, "apollo org")[:24],
            "organization": self._organization(company)
            if company and view.domain == person.domain
            else {"name": person.practice_name, "primary_domain": view.domain},  # fmt: skip
            "employment_history": [{"organization_name": person.practice_name, "title": title, "current": True}],
        }

    def _teaser(self, person: Person) -> dict[str, Any]:
        view = apollo_view(self.world, person)
        last = person.last_name.title()
        has = dict.fromkeys(("has_industry", "has_phone", "has_city", "has_state", "has_country", "has_zip_code"), True)
        known = company_view(self.world, "apollo", person) is not None
        return {
            "id": self._id(person),
            "first_name": person.first_name.title(),
            "last_name_obfuscated": f"{last[:2]}***{last[-1:]}",
            "title": _title(person),
            "last_refreshed_at": "2025-10-01T00:00:00.000+00:00",
            "has_email": view.email is not None,
            "has_city": True,
            "has_state": True,
            "has_country": True,
            "has_direct_phone": "Yes"
            if view.mobile_phone
            else "Maybe: please request direct dial via people/bulk_match",
            "organization": {"name": person.practice_name, **has, "has_revenue": known, "has_employee_count": known},
        }

    def _searched(self, call: Call) -> list[Person]:
        """Whom Apollo knows and the served filters leave: states in locations, practice domains, titles, sizes."""
        query = call.query
        locations = query.getlist("person_locations[]") + query.getlist("organization_locations[]")
        states = {part.strip().upper() for location in locations for part in location.split(",")}
        domains = {domain.lower() for domain in query.getlist("q_organization_domains_list[]")}
        titles = [title.lower() for title in query.getlist("person_titles[]")]
        sizes = [_range(text) for text in query.getlist("organization_num_employees_ranges[]")]
        return [
            person
            for person in self.known.people()
            if (not states or person.state in states)
            and (not domains or person.domain in domains)
            and (not titles or any(title in _title(person).lower() for title in titles))
            and (not sizes or self._has_size(person, sizes))
        ]

    def _has_size(self, person: Person, sizes: list[tuple[int, int]]) -> bool:
        company = company_view(self.world, "apollo", person)
        return company is not None and any(least <= company.employees <= most for least, most in sizes)

    def _company(self, asked: Mapping[str, Any]) -> Company | None:
        domain = str(asked.get("domain") or asked.get("website") or "").split("//")[-1].strip("/")
        person = self.world.practice_at(domain, str(asked.get("name") or ""))
        return company_view(self.world, "apollo", person) if person else None

    def _organization(self, company: Company) -> dict[str, Any]:
        return {
            "id": digest(self.plan.seed, company.domain, "apollo org")[:24],
            "name": company.name,
            "website_url": f"http://www.{company.domain}",
            "primary_domain": company.domain,
            "linkedin_url": f"http://www.linkedin.com/company/{company.domain.removesuffix('.example')}",
            "phone": company.phone,
            "founded_year": company.founded,
            "industry": "medical practice",
            "industries": ["medical practice"],
            "keywords": ["dentistry"],
            "estimated_num_employees": company.employees,
            "annual_revenue": company.revenue,
            "annual_revenue_printed": f"{company.revenue / 1_000_000:.1f}M",
            "raw_address": f"{company.address}, {company.city}, {company.state} {company.zip5}, US",
            "street_address": company.address,
            "city": company.city,
            "state": company.state,
            "postal_code": company.zip5,
            "country": "United States",
        }


def apollo_routes(plan: Plan, world: World, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """Apollo's routes below /apollo/api/v1."""
    operations = contract("apollo.yaml").operations
    windows = {
        name: Windows(plan.apollo_limits[CLASS_OF.get(name, "other")], plan.vendor_limit_factor) for name in operations
    }
    known = Known(world, lambda person: apollo_view(world, person).is_known)
    apollo = Apollo(plan, world, clock, ledger, Callbacks(faults), windows, known)
    vendor = Vendor(
        name="apollo",
        prefix=PREFIX,
        contract=contract("apollo.yaml"),
        is_authorised=lambda request: hmac.compare_digest(
            request.headers.get("x-api-key", "").encode(), plan.keys["apollo"].encode()
        ),
        error=error,
        refuse=_refuse,
        operation_limits=windows,
        parameters=_parameters,
    )
    handlers = {
        "peopleEnrichment": apollo.match,
        "bulkPeopleEnrichment": apollo.bulk_match,
        "getPerson": apollo.person,
        "organizationEnrichment": apollo.organization,
        "bulkOrganizationEnrichment": apollo.bulk_organizations,
        "peopleApiSearch": apollo.search_people,
        "organizationSearch": apollo.search_organizations,
        "pollWebhookResult": apollo.poll,
        "apiUsageStats": apollo.limits,
        "creditUsageStats": apollo.credits,
        "authHealth": apollo.health,
    }
    return vendor_routes(vendor, handlers, ledger, faults)


def _parameters(operation: Operation, request: Request, document: Any) -> tuple[QueryParams, Any]:
    """Apollo's parameters, out of the address and out of a JSON body: public clients send bodies (inferred).

    What the contract's body declares stays in the body. A list `person_titles` is the parameter `person_titles[]`, an object
    `revenue_range` is `revenue_range[min]` and `revenue_range[max]`.
    """
    if not isinstance(document, dict):
        return request.query_params, document
    own = {name: value for name, value in document.items() if f"body/{name}" in operation.declared}
    said = [pair for name, value in document.items() if name not in own for pair in _pairs(name, value)]
    return QueryParams([*request.query_params.multi_items(), *said]), own or (document if operation.body else None)


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [(name if name.endswith("[]") else f"{name}[]", _text(item)) for item in value]
    if isinstance(value, dict):
        return [pair for part, inner in value.items() for pair in _pairs(f"{name}[{part}]", inner)]
    return [] if value is None else [(name, _text(value))]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _title(person: Person) -> str:
    return TITLES.get(person.specialty, person.specialty.replace("_", " ").title())


def _range(text: str) -> tuple[int, int]:
    """The bounds of a range such as "1,10"; ValueError for another form."""
    least, most = text.split(",")
    return int(least), int(most)


def error(status: int, message: str) -> Response:
    """Apollo's forms of no: text for a bad key, `message` for a full window, `error` for the rest."""
    if status == 401:
        return PlainTextResponse(BAD_KEY, 401)
    if status == 429:
        path = f"api/v1/{message}"
        return JSONResponse({"message": f"The maximum number of api calls allowed for {path} is used up."}, 429)
    if status == 403:
        text = "This API key is not authorized to access this endpoint."
        return JSONResponse({"error": message or text, "error_code": "API_INACCESSIBLE"}, 403)
    return JSONResponse({"error": message or "Error"}, status)


def bulk_error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"status": "failed", "error_code": code, "error_message": message}, status)


def poll_error(status: int, code: str) -> Response:
    return JSONResponse({"error_code": code}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    if operation.id == "pollWebhookResult":
        return poll_error(400, "invalid_request_id")
    if any("too long" in problem.message for problem in problems):
        return bulk_error(400, "RECORD_LIMIT_EXCEEDED", "cannot enrich more than 10 in a single request")
    if operation.id.startswith("bulk"):
        return bulk_error(400, "INVALID_REQUEST", "; ".join(map(str, problems)))
    return error(422, "; ".join(map(str, problems)))


def _price(found: tuple[Person, View]) -> float:
    return 1.0 if found[1].email or found[1].linkedin_slug else 0.0


def _is_on(flags: Mapping[str, Any], name: str) -> bool:
    return str(flags.get(name, "")).lower() == "true"


def _waterfall(job: Job | None) -> dict[str, Any]:
    if job is None:
        return {"status": "not_accepted", "message": "There is nobody to enrich."}
    return {"status": "accepted", "message": "Results come to your webhook_url."}


def _phone(e164: str) -> dict[str, Any]:
    return {
        "raw_number": e164,
        "sanitized_number": e164,
        "type_cd": "mobile",
        "status_cd": "valid_number",
        "confidence_cd": "high",
        "dnc_status_cd": "not_found",
        "position": 0,
    }


def _emails(view: View) -> list[dict[str, Any]]:
    if not view.email:
        return []
    status = "verified" if view.confidence >= 0.7 else "extrapolated"
    return [{"email": view.email, "email_status_cd": status, "email_source_cd": "waterfall", "position": 0}]
