"""USPS Addresses v3 with its OAuth token endpoint, to contracts/usps.yaml.

USPS knows the places of the world and judges each by a draw of its own: a part has another ZIP than the registry says,
is vacant, needs a unit, or is unknown. Boxes and military mail are delivered to. Quota in real time, by the hour.
"""

import hmac
import re
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest, uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, bearer, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan
from services.sandbox.world import Person, World

PREFIX = "/usps"
TOKEN_SECONDS = 28_799
MESSAGES = {
    401: "Missing or malformed access token.",
    404: "There is no match for the address requested.",
    429: "Too many requests have been received from client in a short amount of time.",
    503: "Service is unavailable.",
}
SHORT = {"STREET": "ST", "AVENUE": "AVE", "ROAD": "RD", "BOULEVARD": "BLVD", "DRIVE": "DR", "LANE": "LN", "COURT": "CT",
         "PARKWAY": "PKWY", "HIGHWAY": "HWY", "PLACE": "PL", "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W"}  # fmt: skip
UNIT = re.compile(r"\s(?:STE|SUITE|UNIT|APT|BLDG|FL|FLOOR|RM|ROOM|#)\b.*| #.*")
BOX = re.compile(r"(?:PO BOX|RR \S+ BOX|HC \S+ BOX|(?:PSC|CMR|UNIT) \S+ BOX) \S+")
UNKNOWN, OTHER_ZIP, NEEDS_UNIT, NO_SUCH_UNIT, VACANT = 0.025, 0.04, 0.35, 0.03, 0.015


@dataclass
class Usps:
    """One application. `issued`: access token -> when it ends, in monotonic seconds."""

    plan: Plan
    world: World
    issued: dict[str, float] = field(default_factory=dict)
    _people: dict[str, Person] = field(default_factory=dict)
    _places: dict[tuple[str, str, str], Person] = field(default_factory=dict)

    async def token(self, call: Call) -> Response:
        key, secret = self.plan.keys["usps"].split(":")
        body = call.body or {}
        if body.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if not (_same(body["client_id"], key) and _same(body["client_secret"], secret)):
            return JSONResponse({"error": "invalid_client", "error_description": "The client is not known."}, 401)
        token = f"eyJ.{digest(self.plan.seed, 'usps token', str(len(self.issued)))}"
        self.issued[token] = time.monotonic() + TOKEN_SECONDS
        told = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "status": "approved"}
        return JSONResponse({**told, "scope": "addresses"})

    def is_authorised(self, request: Request) -> bool:
        if request.url.path == f"{PREFIX}/oauth2/v3/token":
            return True
        return self.issued.get(bearer(request), 0.0) > time.monotonic()

    async def validate(self, call: Call) -> Response:
        asked = call.query
        if not (asked.get("city") or asked.get("ZIPCode")):
            return error(400, "The address information in the request is insufficient to match.")
        line = asked["streetAddress"].upper()
        if BOX.fullmatch(line):
            return JSONResponse(_answer(line, asked, asked.get("ZIPCode") or "00501", "Y", business="N"))
        place = self.place(line, asked.get("city", ""), asked["state"])
        if place is None or self.draw(place, "unknown") < UNKNOWN:
            return error(404, "")
        unit = asked.get("secondaryAddress")
        dpv = "Y"
        if unit and self.draw(place, "no such unit", unit) < NO_SUCH_UNIT:
            dpv = "S"
        elif not unit and place.practice_size > 1 and self.draw(place, "needs unit") < NEEDS_UNIT:
            dpv = "D"
        vacant = "Y" if self.draw(place, "vacant") < VACANT else "N"
        return JSONResponse(_answer(street(line), asked, self.zip5(place), dpv, vacant=vacant))

    def place(self, line: str, city: str, state: str) -> Person | None:
        """Somebody at the place that this line means; None when nobody in the world works there."""
        people = self.world.people()
        if people is not self._people:
            self._people = people
            self._places = {(street(one.address), one.city.upper(), one.state): one for one in people.values()}
        return self._places.get((street(line), city.upper(), state))

    def zip5(self, place: Person) -> str:
        """The ZIP code that USPS has: at some places another one than the registry."""
        if self.draw(place, "zip") >= OTHER_ZIP:
            return place.zip5
        return f"{place.zip5[:4]}{(int(place.zip5[4:] or 0) + 1) % 10}"

    def draw(self, place: Person, *labels: str) -> float:
        return uniform(self.world.seed, "usps", street(place.address), place.city.upper(), place.state, *labels)


def usps_routes(plan: Plan, world: World, ledger: Ledger, faults: Faults) -> list[Route]:
    """USPS's routes below /usps."""
    usps = Usps(plan, world)
    vendor = Vendor(
        name="usps",
        prefix=PREFIX,
        contract=contract("usps.yaml"),
        is_authorised=usps.is_authorised,
        error=error,
        refuse=_refuse,
        windows=[Window(plan.usps_per_hour, 3600.0)],
    )
    return vendor_routes(vendor, {"getAccessToken": usps.token, "validateAddress": usps.validate}, ledger, faults)


def street(line: str) -> str:
    """A street line without its unit, in upper case and short words, as both the registry and a caller mean it."""
    words = UNIT.sub("", " ".join(re.sub(r"[.,]", " ", line.upper()).split())).split()
    return " ".join(SHORT.get(word, word) for word in words)


def error(status: int, message: str) -> Response:
    told = {"code": str(status), "message": message or MESSAGES.get(status, "Error"), "errors": []}
    headers = {"Retry-After": "3600"} if status == 429 else None
    return JSONResponse({"apiVersion": "/addresses/v3/", "error": told}, status, headers)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    found = [{"title": "openapi_validation_error", "detail": str(problem), "source": "API"} for problem in problems]
    told = {"code": "400", "message": "OASValidation: the request breaks the specification", "errors": found}
    return JSONResponse({"apiVersion": "/addresses/v3/", "error": told}, 400)


def _answer(line: str, asked: Any, zip5: str, dpv: str, vacant: str = "N", business: str = "Y") -> dict[str, Any]:
    other_zip = asked.get("ZIPCode") not in (None, zip5)
    default = [{"code": "32", "text": "Default address: more information such as a suite is needed"}]
    return {
        "firm": None,
        "address": {
            "streetAddress": line,
            "streetAddressAbbreviation": None,
            "secondaryAddress": asked.get("secondaryAddress"),
            "city": (asked.get("city") or "ANYTOWN").upper(),
            "cityAbbreviation": None,
            "state": asked["state"],
            "ZIPCode": zip5,
            "ZIPPlus4": f"{int(digest(0, line, zip5)[:6], 16) % 9000 + 1000}",
            "urbanization": asked.get("urbanization"),
        },
        "additionalInfo": {
            "deliveryPoint": "00",
            "carrierRoute": "C001",
            "DPVConfirmation": dpv,
            "DPVCMRA": "N",
            "business": business,
            "centralDeliveryPoint": "N",
            "vacant": vacant,
        },
        "corrections": default if dpv == "D" else [],
        "matches": [] if other_zip or dpv != "Y" else [{"code": "31", "text": "Single Response - exact match"}],
    }


def _same(given: Any, key: str) -> bool:
    return hmac.compare_digest(str(given).encode(), key.encode())
