"""What the waterfall and the ledger must know of a vendor that answers about people or places: one Vendor each, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.contacts.email_address import email_address
from include.contacts.phone_number import phone_number
from include.enrichment.answer_fields import Fields
from include.enrichment.candidate import Candidate
from include.enrichment.waterfall import policy

MAX_EMPLOYEES = 10_000_000  # the largest employer of the world has two million
LAST_YEAR = 2100


def _of_one_person(body: Any, keys: Sequence[str] | None, people: int) -> list[Any]:
    if keys is None:
        return [body]
    raise ValueError(f"no answer of this vendor is about many people, and {people} were asked for in one call")


def _nothing_told(_: Fields) -> None:
    return None


def _no_keys(_: Any) -> set[str]:
    return set()


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's form, as pure functions over its JSON.

    parse_response: what one person's part of a response says. Raises OddAnswer where a field that is read, by us or by SQL, is not
        of the documented type.
    asked: a row of a chunk -> what the vendor is asked about it; None for one that is no part of the waterfall.
    parts: (body, keys of the people in the order asked or None for all parts that there are, people) -> each person's part:
        None for a miss, an OddAnswer where it cannot be told whose it is.
    read_charge: reads the figure that an answer tells of what it took. Raises OddAnswer where it can be none.
    without_charge: a person's part without such a figure, which no column could keep.
    keys: of the people of whom an answer says something, where it names them.
    unpaid: of those, whom the vendor left out because credits ran out.
    is_billed: whether a person of whom this was found is charged for. Vendors tell the sum only.
    """

    name: str
    parse_response: Callable[[Fields], Candidate]
    asked: Callable[[Mapping[str, Any]], dict[str, str]] | None = None
    parts: Callable[[Any, Sequence[str] | None, int], list[Any]] = _of_one_person
    read_charge: Callable[[Fields], None] = _nothing_told
    without_charge: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    keys: Callable[[Any], set[str]] = _no_keys
    unpaid: Callable[[Any], set[str]] = _no_keys
    is_billed: Callable[[Candidate], bool] = lambda candidate: bool(candidate.email)


def e164(number: str | None) -> str | None:
    """Return a number as E.164; what cannot be dialled, or is a placeholder, is no number. Without a country it is a North
    American one."""
    return phone_number(number).e164


def email(vendor: str, written: str | None, word: str | None) -> dict[str, Any]:
    """Return the e-mail fields of a Candidate: what the vendor's word for the status means stands in waterfall.yaml. A word that is
    not declared there is `unknown` and trusted nowhere, and so is an address that is none. A placeholder is nothing found."""
    told = email_address(written)
    if written is None or told.reason in ("empty", "placeholder"):
        return {}
    meaning = policy().vendors[vendor].statuses.get((word or "").lower())
    if told.address is None or meaning is None:
        return {"email": told.address or written.lower(), "email_status": "unknown", "email_confidence": 0.0}
    return {"email": told.address, "email_status": meaning.status, "email_confidence": meaning.confidence}
