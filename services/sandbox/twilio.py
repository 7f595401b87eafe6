"""Twilio Lookup v2: validation (free) and line type intelligence (paid), to contracts/twilio.yaml.

A package can fail inside a 200: 60600 for good, 60608 (downstream) once and then not again.
A failed package is not billed.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import phonenumbers
from phonenumbers import ValidationResult
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import choice, uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.plan import Plan
from services.sandbox.world import World

PREFIX = "/twilio"
ERRORS = {
    400: (20001, "Invalid parameter"),
    401: (20003, "Authenticate"),
    403: (20008, "Resource not accessible with Test Account Credentials"),
    404: (20404, "The requested resource was not found"),
    429: (20429, "Too Many Requests"),
    500: (20500, "Internal Server Error"),
    503: (20503, "Service unavailable"),
}
PACKAGES = [
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    "line_type_intelligence",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
]
CARRIERS = {
    "landline": "Example Bell",
    "mobile": "Example Wireless",
    "fixedVoip": "Example Cable Voice",
    "nonFixedVoip": "Example Cloud Voice",
    "tollFree": "Example Toll Free",
}
VALIDATION_ERRORS = {
    ValidationResult.TOO_SHORT: "TOO_SHORT",
    ValidationResult.TOO_LONG: "TOO_LONG",
    ValidationResult.INVALID_COUNTRY_CODE: "INVALID_COUNTRY_CODE",
    ValidationResult.INVALID_LENGTH: "INVALID_LENGTH",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "TOO_SHORT",
    ValidationResult.IS_POSSIBLE: "INVALID_BUT_POSSIBLE",
}
LINE_TYPES = [("landline", 0.52), ("fixedVoip", 0.29), ("mobile", 0.12), ("nonFixedVoip", 0.07)]
SOLO_LINE_TYPES = [("landline", 0.42), ("fixedVoip", 0.25), ("mobile", 0.27), ("nonFixedVoip", 0.06)]
TOLL_FREE = {"800", "833", "844", "855", "866", "877", "888"}


@dataclass
class Lookup:
    """Lookups of one account. `failed_once`: numbers whose downstream provider has failed already."""

    plan: Plan
    world: World
    ledger: Ledger
    failed_once: set[str] = field(default_factory=set)

    async def fetch(self, call: Call) -> Response:
        fields = [name for name in call.query.get("Fields", "").split(",") if name]
        unknown = [name for name in fields if name not in (*PACKAGES, "validation")]
        unserved = [name for name in fields if name not in ("validation", "line_type_intelligence", *unknown)]
        if unknown or unserved:
            return error(400, f"Fields: {unknown} are not fields; {unserved} are not enabled on this account")
        asked = call.path["PhoneNumber"]
        try:
            number = phonenumbers.parse(asked, call.query.get("CountryCode", "US"))
        except phonenumbers.NumberParseException:
            return error(404, f"The requested resource /v2/PhoneNumbers/{asked} was not found")
        answer = _answer(number, str(call.request.url.path).removeprefix(PREFIX))
        if answer["valid"] and "line_type_intelligence" in fields:
            answer["line_type_intelligence"] = self.line_type(answer["phone_number"])
        return JSONResponse(answer)

    def line_type(self, e164: str) -> dict[str, Any]:
        """The paid package; its own error code when it fails, and then no charge."""
        code = self.package_error(e164)
        if code is not None:
            empty = dict.fromkeys(("mobile_country_code", "mobile_network_code", "carrier_name", "type"))
            return {**empty, "error_code": code}
        self.ledger.charge("twilio", "FetchPhoneNumber", e164, 0.0, self.plan.twilio_line_type_usd)
        kind = line_type(self.world, e164)
        is_mobile = kind == "mobile"
        return {
            "error_code": None,
            "mobile_country_code": "310" if is_mobile else None,
            "mobile_network_code": "012" if is_mobile else None,
            "carrier_name": CARRIERS[kind],
            "type": kind,
        }

    def package_error(self, e164: str) -> int | None:
        share = uniform(self.world.seed, e164, "package")
        if share < 0.02:
            return 60600
        if share < 0.03 and e164 not in self.failed_once:
            self.failed_once.add(e164)
            return 60608
        return None


def line_type(world: World, e164: str) -> str:
    """The true line type: toll-free by area code; a solo practice is more often a mobile."""
    if e164[2:5] in TOLL_FREE:
        return "tollFree"
    people = world.people_of_phone(e164.removeprefix("+1"))
    is_solo = bool(people) and all(person.practice_size == 1 for person in people)
    return choice(SOLO_LINE_TYPES if is_solo else LINE_TYPES, uniform(world.seed, e164, "line type"))


def twilio_routes(plan: Plan, world: World, ledger: Ledger, faults: Faults) -> list[Route]:
    """Twilio's routes below /twilio."""
    vendor = Vendor(
        name="twilio",
        prefix=PREFIX,
        contract=contract("twilio.yaml"),
        is_authorised=_is_authorised(plan.keys["twilio"]),
        error=error,
        refuse=_refuse,
        max_in_flight=plan.twilio_concurrency,
    )
    vendor.headers = lambda: {"Twilio-Concurrent-Requests": str(vendor.in_flight)}
    return vendor_routes(vendor, {"FetchPhoneNumber": Lookup(plan, world, ledger).fetch}, ledger, faults)


def error(status: int, message: str) -> Response:
    code, usual = ERRORS.get(status, (20000 + status, "Error"))
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message or usual, "more_info": more, "status": status}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, f"Invalid parameter: {'; '.join(map(str, problems))}")


def _is_authorised(key: str) -> Callable[[Request], bool]:
    """Basic auth against "login:password"; a key without a colon is the password of any login."""

    def check(request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        if scheme.lower() != "basic":
            return False
        if ":" not in key:
            given = given.partition(b":")[2]
        return hmac.compare_digest(given, key.encode())

    return check


def _answer(number: phonenumbers.PhoneNumber, path: str) -> dict[str, Any]:
    valid = phonenumbers.is_valid_number(number)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    reason = VALIDATION_ERRORS.get(phonenumbers.is_possible_number_with_reason(number), "INVALID_BUT_POSSIBLE")
    return {
        "calling_country_code": str(number.country_code) if valid else None,
        "country_code": phonenumbers.region_code_for_number(number) if valid else None,
        "phone_number": e164,
        "national_format": national if valid else None,
        "valid": valid,
        "validation_errors": None if valid else [reason],
        **dict.fromkeys(PACKAGES),
        "url": f"https://lookups.twilio.com{path}",
    }
