"""An entry of the call ledger as rows of raw.vendor_response: one, or one for each person that the call was about.

What is odd in an answer is refused, and only that: a person's part where a call was about many, else the answer. Its row
says `failed`, so that its person is asked for at the next vendor, and keeps its share of what was paid. A charge that can
be none is refused alone: the people in the answer stand, and the hook booked the most that the call can have taken.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.enrichment.answer_fields import Fields, OddAnswer, is_credible, kind, read_json, require_storable
from include.enrichment.candidate import Candidate
from include.enrichment.vendors import parse_response, vendor_of
from include.enrichment.waterfall import policy
from include.lake.call_ledger import Entry


@dataclass(frozen=True, slots=True)
class Refused:
    """What is refused of an answer. request_key: that of the person's row, or of the call. value: ASCII.

    is_charge: only the figure of what the call took; the people in the answer are used.
    """

    request_key: str
    field: str
    problem: str
    value: str
    is_charge: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """One person's part of an answer as it was read. odd: why nothing of it is used."""

    part: Any
    candidate: Candidate = Candidate()
    odd: OddAnswer | None = None


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """rows: JSON types. refused: what of the entry was not used."""

    rows: list[dict[str, Any]]
    refused: list[Refused]


def vendor_rows(entry: Entry) -> list[dict[str, Any]]:
    """Return the rows of an entry."""
    return ledger_rows(entry).rows


def ledger_rows(entry: Entry) -> LedgerRows:
    """Return the rows, whose credits and USD add up to the entry's, and what was refused. Raises nothing for any answer.

    A call about many people has a request ``{"people": [{"key", "npi", "segment", "asked"}, …]}``; a row's request is
    what was asked about its person, its body this person's part of the answer. Whom the vendor left out because credits
    ran out has no row: nothing was asked about them.
    """
    request = json.loads(entry.request)
    people = request.get("people")
    asked = people if people is not None else [
        {"key": entry.request_key, "npi": entry.person_key, "segment": entry.purpose.get("segment"), "asked": request}
    ]  # fmt: skip
    call_key = entry.request_key if people is not None else None
    credits, usd, odd_money = _money(entry, len(asked))
    reads = _reads(entry, asked, is_about_many=people is not None)
    unpaid = unpaid_keys(entry)
    refused = _strangers(entry, [one["key"] for one in asked])
    refused += [Refused(entry.request_key, odd.field, odd.problem, odd.value, is_charge=True) for odd in odd_money]
    refused += [
        Refused(one["key"], read.odd.field, read.odd.problem, read.odd.value)
        for one, read in zip(asked, reads, strict=True)
        if read.odd is not None and one["key"] not in unpaid
    ]
    rows = [
        _row(entry, one, read, credits * share, usd * share, call_key)
        for one, read, share in zip(asked, reads, _shares(entry.vendor, reads), strict=True)
        if one["key"] not in unpaid
    ]
    once = {(one.request_key, one.field): one for one in refused}
    return LedgerRows(rows, list(once.values()))


def unpaid_keys(entry: Entry) -> set[str]:
    """Return the keys of those whom an answered call left out because credits ran out."""
    try:
        return vendor_of(entry.vendor).unpaid(read_json(entry.body)) if entry.body else set()
    except OddAnswer:
        return set()


def tally(vendor: str, text: str, people: int) -> tuple[int, int]:
    """(e-mails in an answer about so many people, people of whom it says nothing that can be read)."""
    try:
        parts = vendor_of(vendor).parts(read_json(text), None, people)
    except OddAnswer:
        return 0, people
    reads = [_read(vendor, part) for part in parts]
    return sum(read.candidate.email is not None for read in reads), sum(read.odd is not None for read in reads)


def _money(entry: Entry, people: int) -> tuple[float, float, list[OddAnswer]]:
    """(credits, USD, what is odd about them): where they cannot be what was charged, the most that it can have been."""
    try:
        odd = _odd_charge(entry.vendor, read_json(entry.body)) if entry.body else None
    except OddAnswer:
        odd = None  # no JSON at all: told of its people
    faults = [] if odd is None else [odd]
    if is_credible(entry.credits) and is_credible(entry.cost_usd):
        return entry.credits, entry.cost_usd, faults
    sold = policy().vendors.get(entry.vendor)
    credits = people * sold.max_credits if sold else 0.0
    faults.append(OddAnswer("credits", "are none that a call can take", [entry.credits, entry.cost_usd]))
    return credits, sold.usd(credits) if sold else 0.0, faults


def _odd_charge(vendor: str, body: Any) -> OddAnswer | None:
    """What is odd in that which an answer says that it took."""
    try:
        vendor_of(vendor).read_charge(Fields(body) if isinstance(body, Mapping) else Fields({}))
    except OddAnswer as odd:
        return odd
    return None


def _reads(entry: Entry, asked: Sequence[Mapping[str, Any]], *, is_about_many: bool) -> list[Read]:
    if not entry.body:
        return [Read(None)] * len(asked)
    try:
        body = read_json(entry.body)
        if not is_about_many:
            return [_read(entry.vendor, body)]
        parts = vendor_of(entry.vendor).parts(body, [one["key"] for one in asked], len(asked))
    except OddAnswer as odd:
        return [Read(None, odd=odd)] * len(asked)
    return [_read(entry.vendor, part) for part in parts]


def _read(vendor: str, part: Any) -> Read:
    try:
        if isinstance(part, OddAnswer):
            raise part
        if part is not None and not isinstance(part, Mapping):
            raise OddAnswer("the answer", f"must be an object and is {kind(part)}", part)
        if part is not None and _odd_charge(vendor, part) is not None:
            part = vendor_of(vendor).without_charge(part)
        candidate = parse_response(vendor, part)
        require_storable(part)
        return Read(part, candidate)
    except OddAnswer as odd:
        return Read(None, odd=odd)


def _strangers(entry: Entry, keys: Collection[str]) -> list[Refused]:
    """What an answer says of others than those who were asked for: all of it is left out."""
    if not entry.body:
        return []
    try:
        others = vendor_of(entry.vendor).keys(read_json(entry.body)) - set(keys)
    except OddAnswer:
        return []
    problem = f"has items for {len(others)} people who were not asked for"
    return [Refused(entry.request_key, "data", problem, ascii(sorted(others)[:3])[:200])] if others else []


def _row(
    entry: Entry,
    one: Mapping[str, Any],
    read: Read,
    credits: float,
    cost_usd: float,
    call_key: str | None,
) -> dict[str, Any]:
    is_refused = read.odd is not None
    known = {} if is_refused else read.candidate.as_json()
    return {
        "vendor": entry.vendor,
        "operation": entry.operation,
        "request_key": one["key"],
        "person_key": one["npi"],
        "status": "failed" if is_refused else entry.status,
        "http_status": entry.http_status,
        "vendor_ref": entry.vendor_ref,
        "request": json.dumps(one["asked"], ensure_ascii=False, sort_keys=True),
        # Written anew: PARSE_JSON refuses a number with more digits than it can keep. The ledger has the exact text.
        "body": None if is_refused or read.part is None else json.dumps(read.part, ensure_ascii=False),
        "credits": credits,
        "cost_usd": cost_usd,
        "requested_at": entry.requested_at.isoformat(),
        "responded_at": entry.responded_at.isoformat() if entry.responded_at else None,
        "requested_date": entry.requested_at.date().isoformat(),
        "call_key": call_key,
        "run_id": entry.purpose.get("run_id"),
        "segment": one["segment"],
        "found": json.dumps(known, ensure_ascii=False) if known else None,
    }


def _shares(vendor: str, reads: Sequence[Read]) -> list[float]:
    """Who of a call's people took how much of it, by the vendor's price list: vendors tell the sum only. Of whom nothing can be
    read counts as charged for."""
    is_billed = vendor_of(vendor).is_billed
    billed = [one.odd is not None or is_billed(one.candidate) for one in reads]
    if not any(billed):
        billed = [True] * len(reads)  # not to be explained, and not to be lost either
    return [1 / sum(billed) if is_billed_for else 0.0 for is_billed_for in billed]
