"""What an address validator is asked and what its answer means, whoever the validator is.

The verdict is read here for the caller of a hook; clean/address/validated.sql reads the same bodies out of raw.vendor_response.
tests/sql/clean/test_address.py holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Status = Literal["confirmed", "corrected", "missing_unit", "wrong_unit", "undeliverable"]


class UnsupportedCountry(ValueError):
    """The validator knows nothing of this country; it was not asked. Ask another one, or leave the address pending."""


@dataclass(frozen=True, slots=True)
class AddressQuestion:
    """One address in standard form (include/contacts/postal_address.py). country: ISO alpha-2. postal_code: ZIP5 in the US."""

    line: str
    unit: str | None
    urbanization: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str

    def asked(self) -> dict[str, str]:
        """Return the parts that there are, by name: the request as the call ledger keeps it."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in parts.items() if value}


@dataclass(frozen=True, slots=True)
class AddressVerdict:
    """What the validator says, in its own spelling where it has one.

    dpv: USPS only, as sent. corrections: USPS's codes, for example `22` more than one address fits, `32` a default match.
    http_status, answer: the answer as received, for the archive.
    """

    status: Status
    dpv: str | None
    line: str | None
    unit: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    zip4: str | None
    is_vacant: bool | None
    is_business: bool | None
    corrections: tuple[str, ...]
    http_status: int
    answer: str


class AddressValidator(Protocol):
    """A hook that can be asked about addresses of some countries."""

    @property
    def countries(self) -> frozenset[str]:
        """ISO alpha-2 codes that it knows."""
        ...

    def validate(self, question: AddressQuestion) -> AddressVerdict:
        """Ask. Raises UnsupportedCountry before any call, and hooks.http.errors."""
        ...


def usps_verdict(question: AddressQuestion, http_status: int, answer: str, body: Any) -> AddressVerdict:
    """Read an answer of USPS Addresses v3: 200 with DPV, or its 400 and 404 that say that there is no such address.

    `vacant` is read as DPV defines it, Y is vacant; the descriptions in USPS's own API file say the reverse, its
    examples do not.
    """
    told: Mapping[str, Any] = body if http_status == 200 and isinstance(body, Mapping) else {}
    address, more = _part(told, "address"), _part(told, "additionalInfo")
    dpv = more.get("DPVConfirmation") or None
    line, unit = _text(address.get("streetAddress")), _text(address.get("secondaryAddress"))
    zip5 = _text(address.get("ZIPCode"))
    same = (line, unit, zip5) == (question.line, question.unit, question.postal_code)
    by_dpv: dict[str, Status] = {"Y": "confirmed" if same else "corrected", "D": "missing_unit", "S": "wrong_unit"}
    return AddressVerdict(
        status=by_dpv.get(str(dpv), "undeliverable"),
        dpv=None if dpv is None else str(dpv),
        line=line,
        unit=unit,
        city=_text(address.get("city")),
        state=_text(address.get("state")),
        postal_code=zip5,
        zip4=_text(address.get("ZIPPlus4")),
        is_vacant=_flag(more.get("vacant")),
        is_business=_flag(more.get("business")),
        corrections=_codes(told.get("corrections")),
        http_status=http_status,
        answer=answer,
    )


def addy_verdict(question: AddressQuestion, http_status: int, answer: str, body: Mapping[str, Any]) -> AddressVerdict:
    """Read an answer of Addy's /validation; no match is 200 with `address` null."""
    address = _part(body, "address")
    line = _text(address.get("displayline"))
    postcode = _text(address.get("postcode"))
    same = (line, postcode) == (question.line, question.postal_code)
    return AddressVerdict(
        status="undeliverable" if not address else "confirmed" if same else "corrected",
        dpv=None,
        line=line,
        unit=None,
        city=_text(address.get("city")),
        state=_text(address.get("region")),
        postal_code=postcode,
        zip4=None,
        is_vacant=None,
        is_business=None,
        corrections=(),
        http_status=http_status,
        answer=answer,
    )


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under a name, an empty one where it is none: what is odd is refused when it is loaded (include/enrichment/vendors/)."""
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def _codes(corrections: Any) -> tuple[str, ...]:
    listed = corrections if isinstance(corrections, list) else []
    return tuple(str(one["code"]) for one in listed if isinstance(one, Mapping) and one.get("code"))


def _text(value: Any) -> str | None:
    return str(value).strip().upper() or None if value is not None else None


def _flag(value: Any) -> bool | None:
    return {"Y": True, "N": False}.get(str(value))
