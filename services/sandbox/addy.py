"""Addy's address validation, to contracts/addy.yaml: New Zealand and Australia, from a handful of streets.

It matches free text by house number and street, and so takes an American street of the same name for its own, as the
real one may.
"""

import hmac
import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.plan import Plan

PREFIX = "/addy"
KEY_NAMES = ("addy-api-key", "x-addy-api-key", "api_key", "key")
# street -> suburb, city, region, postcode
STREETS = {
    "Queen Street": ("Auckland Central", "Auckland", "Auckland", "1010"),
    "Lambton Quay": ("Wellington Central", "Wellington", "Wellington", "6011"),
    "Collins Street": ("Melbourne", "Melbourne", "VIC", "3000"),
}


async def validate(call: Call) -> Response:
    text = call.query["address"]
    for street, (suburb, city, region, postcode) in STREETS.items():
        found = re.search(rf"\b(\d+[A-Za-z]?) {street}\b", text, re.IGNORECASE)
        if found:
            return JSONResponse(_matched(found[1].upper(), street, suburb, city, region, postcode))
    return JSONResponse(
        {"address": None, "alternatives": [], "reason": "No match found", "foundPrefix": False, "prefix": None}
    )


def addy_routes(plan: Plan, ledger: Ledger, faults: Faults) -> list[Route]:
    """Addy's routes below /addy."""
    vendor = Vendor(
        name="addy",
        prefix=PREFIX,
        contract=contract("addy.yaml"),
        is_authorised=_is_authorised(plan.keys["addy"]),
        error=error,
        refuse=_refuse,
    )
    return vendor_routes(vendor, {"validateAddress": validate}, ledger, faults)


def error(status: int, message: str) -> Response:
    return JSONResponse({"message": message or "Error"}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, "; ".join(map(str, problems)))


def _is_authorised(key: str) -> Callable[[Request], bool]:
    def check(request: Request) -> bool:
        given = [request.headers.get(name) or request.query_params.get(name) or "" for name in KEY_NAMES]
        return any(hmac.compare_digest(one.encode(), key.encode()) for one in given)

    return check


def _matched(number: str, street: str, suburb: str, city: str, region: str, postcode: str) -> dict[str, Any]:
    number_of = int(digest(0, number, street)[:6], 16)
    line = f"{number} {street}"
    address = {
        "id": number_of,
        "dpid": number_of,
        "linzid": number_of,
        "parcelid": number_of,
        "meshblock": number_of,
        "number": number,
        "street": street,
        "suburb": suburb,
        "city": city,
        "mailtown": city,
        "territory": city,
        "region": region,
        "postcode": postcode,
        "full": f"{line}, {suburb}, {city} {postcode}",
        "displayline": line,
        "address1": line,
        "address2": suburb,
        "address3": f"{city} {postcode}",
        "address4": "",
        "type": "Urban",
        "x": "174.76",
        "y": "-36.84",
        "modified": "2026-01-01",
        "paf": True,
        "deleted": False,
    }
    return {"address": address, "alternatives": [], "reason": "", "foundPrefix": False, "prefix": None}
