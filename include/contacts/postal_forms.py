"""Address forms that one pattern knows whole: post office boxes, routes, military mail, Puerto Rico."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from include.contacts.postal_lines import Line, plain_line

_BOX = re.compile(r"(?:P ?O|POST OFFICE|POSTAL) ?(?:BOX|BX|DRAWER)|(?:BOX|DRAWER)(?= )|POB|PO(?= #?[0-9])|CALLER")
_BOX_LINE = re.compile(rf"(?:{_BOX.pattern})\s*#?\s*(?P<id>[A-Z0-9][A-Z0-9-]*)")
_ROUTE = re.compile(
    r"(?P<kind>RURAL (?:ROUTE|RT)|RR|R R|RFD|ROUTE|RTE?|HIGHWAY CONTRACT(?: ROUTE)?|HC|HCR|STAR ROUTE)\s*#?\s*(?P<route>[0-9]+[A-Z]?)"
    r",?\s+BOX\s*#?\s*(?P<box>[A-Z0-9][A-Z0-9-]*)"
)
_MILITARY = re.compile(r"(?P<kind>PSC|CMR|UNIT|OPS|USS)\s+(?P<id>[A-Z0-9]+),?\s+BOX\s*#?\s*(?P<box>[A-Z0-9-]+)")
_URBANIZATION = re.compile(r"(?:URB|URBANIZACION)\s+(?P<name>[A-Z0-9][A-Z0-9 ]*)")
_INLINE_URBANIZATION = re.compile(r",\s*(?:URB|URBANIZACION)\s+(?P<name>[A-Z0-9][A-Z0-9 ]*)$")
SPANISH = {"AVENIDA": "AVE", "AVDA": "AVE", "CARRETERA": "CARR", "EDIFICIO": "EDIF", "APARTAMENTO": "APT",
           "KILOMETRO": "KM", "BARRIO": "BO", "CONDOMINIO": "COND", "OFICINA": "OFIC", "PISO": "FL", "URBANIZACION": "URB",
           "SUITE": "STE", "PLAZA": "PLZ", "CENTRO": "CTRO", "BOULEVARD": "BLVD"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Boxed:
    """A box, route or military line. unit: what the other line says beside it."""

    line: str
    unit: str | None
    kind: Literal["po_box", "rural_route", "military"]


@dataclass(frozen=True, slots=True)
class Island:
    """A Puerto Rican street line, with its urbanization apart."""

    line: str
    unit: str | None
    urbanization: str | None


def box_line(first: str, second: str) -> Boxed | None:
    """Return the box, route or military line, None where there is a street, which then says where the place is."""
    for line, other in ((first, second), (second, first)):
        military = _MILITARY.fullmatch(line)
        if military:
            return Boxed(f"{military['kind']} {military['id']} BOX {military['box']}", other or None, "military")
        route = _ROUTE.fullmatch(line)
        if route:
            kind = "HC" if route["kind"].startswith(("H", "S")) else "RR"
            return Boxed(f"{kind} {route['route']} BOX {route['box']}", other or None, "rural_route")
    box = _BOX_LINE.fullmatch(first)
    return Boxed(f"PO BOX {box['id']}", second or None, "po_box") if box else None


def island_line(first: str, second: str) -> Island | None:
    """Return street, unit and urbanization of a Puerto Rican address, None where the lines hold no house number.

    Line order differs from the mainland's: the urbanization may stand first, and a street may be `CALLE 13 A8` with
    the number last. Publication 28, appendix on Puerto Rico.
    """
    urbanization = None
    rest = []
    for line in (first, second):
        whole = _URBANIZATION.fullmatch(line)
        inline = _INLINE_URBANIZATION.search(line)
        found = whole or inline
        if found and urbanization is None:
            urbanization = f"URB {found['name'].strip()}"
            line = "" if whole else line[: found.start()]
        if line:
            rest.append(line)
    if not rest or not any(character.isdigit() for line in rest for character in line):
        return None
    told: Line = plain_line(_spanish(rest[0]), _spanish(rest[1]) if len(rest) > 1 else "")
    return Island(told.line, told.unit, urbanization)


def _spanish(line: str) -> str:
    return " ".join(SPANISH.get(word, word) for word in line.replace(",", " ").split())
