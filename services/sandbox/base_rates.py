"""The world's base rates, from base_rates.yaml: every one with the public figure that it keeps to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

FILE = Path(__file__).with_name("base_rates.yaml")
SIZES = ("solo", "small", "group")
Vendor = Literal["wiza", "apollo", "clay"]
VENDORS: tuple[Vendor, ...] = ("wiza", "apollo", "clay")
MAILBOXES = ("true", "catch_all", "former", "wrong")


@dataclass(frozen=True)
class VendorRates:
    """What one vendor knows, by size of practice. finds: (share with an e-mail, with a profile only) of those who can be found.
    mailboxes: share of each kind of address, in the order of MAILBOXES. company: share of practices. mobile: share of people."""

    finds: Mapping[str, tuple[float, float]]
    mailboxes: Mapping[str, tuple[float, ...]]
    company: Mapping[str, float]
    mobile: float


@dataclass(frozen=True)
class BaseRates:
    """findable: share of people, by size of practice, whose work e-mail anybody can know. bounces: by kind of address."""

    findable: Mapping[str, float]
    vendors: Mapping[Vendor, VendorRates]
    bounces: Mapping[str, float]


@cache
def base_rates() -> BaseRates:
    """Return the rates of base_rates.yaml. Raises ValueError that names what is missing or no share."""
    return parsed(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def parsed(body: Mapping[str, Any]) -> BaseRates:
    vendors = {name: _vendor(name, body[name]) for name in VENDORS}
    findable = _shares("findable", body["findable"], SIZES)
    _sourced("findable", body["findable"])
    _sourced("bounces", body["bounces"])
    return BaseRates(findable, vendors, _shares("bounces", body["bounces"]["shares"], (*MAILBOXES, "unknown")))


def _vendor(name: str, body: Mapping[str, Any]) -> VendorRates:
    for part in ("finds", "mailboxes", "company", "mobile"):
        _sourced(f"{name}.{part}", body[part])
    finds = {size: _shares(f"{name}.finds", _of(body["finds"], size), ("email", "profile")) for size in SIZES}
    boxes = {size: _shares(f"{name}.mailboxes", _of(body["mailboxes"], size), MAILBOXES) for size in SIZES}
    for where, shares in {f"{name}.finds": finds, f"{name}.mailboxes": boxes}.items():
        if any(sum(of.values()) > 1.0 + 1e-9 for of in shares.values()):
            raise ValueError(f"{FILE.name}: {where} adds up to more than 1")
    return VendorRates(
        finds={size: (of["email"], of["profile"]) for size, of in finds.items()},
        mailboxes={size: tuple(of[kind] for kind in MAILBOXES) for size, of in boxes.items()},
        company=_shares(f"{name}.company", body["company"]["shares"], SIZES),
        mobile=_shares(f"{name}.mobile", body["mobile"], ("share",))["share"],
    )


def _of(by_size: Mapping[str, Any], size: str) -> Mapping[str, Any]:
    part: Mapping[str, Any] = by_size["every"] if "every" in by_size else by_size[size]
    return part


def _shares(where: str, body: Mapping[Any, Any], names: tuple[str, ...]) -> dict[str, float]:
    told = {_name(key): value for key, value in body.items()}
    for name in names:
        value = told.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError(f"{FILE.name}: {where}.{name} must be a share from 0 to 1, found {value!r}")
    return {name: float(told[name]) for name in names}


def _name(key: Any) -> str:
    return "true" if key is True else str(key)  # YAML reads `true` as a truth


def _sourced(where: str, body: Mapping[str, Any]) -> None:
    if "." not in str(body.get("source") or ""):
        raise ValueError(f"{FILE.name}: {where} needs a source: a public figure, and where it stands")
