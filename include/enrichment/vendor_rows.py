"""An entry of the call ledger as rows of raw.vendor_response: one, or one for each person that the call was about.

What is odd in an answer is refused, and only that: a person's part where a call was about many, else the answer. Its row
says `failed`, so that its person is asked for at the next vendor, and keeps its share of what was paid. A charge that can
be none is refused alone: the people in the answer stand, and the hook booked the most that the call can have taken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.enrichment.answer_fields import Fields, OddAnswer, is_credible, kind, read_json, require_storable
from include.enrichment.found import Found, found
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
    found: Found = Found()
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
    if entry.vendor != "clay" or not entry.body:
        return set()
    try:
        items = _items(read_json(entry.body))
    except OddAnswer:
        return set()
    return {str(item["id"]) for item in items if unpaid_at_clay(_error(item))}


def unpaid_at_clay(error: str | None) -> bool:
    """Whether an item of a run failed because credits ran out in the middle of it: its person was not asked for."""
    return "credit" in (error or "").lower()


def tally(vendor: str, text: str, people: int) -> tuple[int, int]:
    """(e-mails in an answer about so many people, people of whom it says nothing that can be read)."""
    try:
        parts = _parts(vendor, read_json(text), None, people)
    except OddAnswer:
        return 0, people
    reads = [_read(vendor, part) for part in parts]
    return sum(read.found.email is not None for read in reads), sum(read.odd is not None for read in reads)


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
    credits = people * sold.most_credits if sold else 0.0
    faults.append(OddAnswer("credits", "are none that a call can take", [entry.credits, entry.cost_usd]))
    return credits, sold.usd(credits) if sold else 0.0, faults


def _odd_charge(vendor: str, body: Any) -> OddAnswer | None:
    """What is odd in that which an answer says that it took. Clay, Twilio, USPS and Addy tell no figure."""
    told = Fields(body) if isinstance(body, Mapping) else Fields({})
    try:
        if vendor == "apollo":
            told.credits("credits_consumed")
        elif vendor == "wiza":
            credits = told.part("data").part("credits")
            credits.part("api_credits").credits("total")
            require_storable(credits.body, credits.where)
    except OddAnswer as odd:
        return odd
    return None


def _without_charge(vendor: str, part: Any) -> Any:
    """A person's part without a charge that can be none, which no column could keep."""
    if vendor != "wiza" or _odd_charge(vendor, part) is None or not isinstance(part.get("data"), Mapping):
        return part
    return {**part, "data": {**part["data"], "credits": None}}


def _reads(entry: Entry, asked: Sequence[Mapping[str, Any]], *, is_about_many: bool) -> list[Read]:
    if not entry.body:
        return [Read(None)] * len(asked)
    try:
        body = read_json(entry.body)
        if not is_about_many:
            return [_read(entry.vendor, body)]
        parts = _parts(entry.vendor, body, [one["key"] for one in asked], len(asked))
    except OddAnswer as odd:
        return [Read(None, odd=odd)] * len(asked)
    return [_read(entry.vendor, part) for part in parts]


def _read(vendor: str, part: Any) -> Read:
    try:
        if isinstance(part, OddAnswer):
            raise part
        if part is not None and not isinstance(part, Mapping):
            raise OddAnswer("the answer", f"must be an object and is {kind(part)}", part)
        part = _without_charge(vendor, part)
        read = found(vendor, part)
        require_storable(part)
        return Read(part, read)
    except OddAnswer as odd:
        return Read(None, odd=odd)


def _parts(vendor: str, body: Any, keys: Sequence[str] | None, people: int) -> list[Any]:
    """Each person's part of an answer: None for a miss, an OddAnswer where it cannot be told whose it is.

    keys: of the people, in the order asked; None for all parts that there are.
    """
    if vendor == "apollo":  # in the order asked
        matches = body.get("matches") if isinstance(body, Mapping) else None
        if not isinstance(matches, list):
            raise OddAnswer("matches", f"must be a list and is {kind(matches)}", matches)
        if len(matches) != people:
            raise OddAnswer("matches", f"has {len(matches)} entries, and {people} people were asked for")
        return matches
    if vendor == "clay":  # by our key, in any order, over one or more pages
        items = _items(body)
        if keys is None:
            missing = OddAnswer("data", f"has {len(items)} items, and {people} people were asked for")
            return [*map(_part_of_item, items), *[missing] * (people - len(items))]
        times = Counter(str(item["id"]) for item in items)
        parts = {str(item["id"]): _part_of_item(item) for item in items}
        return [
            parts[key] if times[key] == 1 else OddAnswer("data", f"has {times[key]} items for this person, not one")
            for key in keys
        ]
    if keys is None:
        return [body]
    raise ValueError(
        f"{vendor}: no answer of theirs is about many people: add how to part it in include/enrichment/vendor_rows.py"
    )


def _items(pages: Any) -> list[Mapping[str, Any]]:
    """The items of a run at Clay that have an id; what has none is nobody's."""
    if not isinstance(pages, list) or not all(isinstance(page, Mapping) for page in pages):
        raise OddAnswer("the answer", "must be a list of pages", pages)
    found_items: list[Mapping[str, Any]] = []
    for number, page in enumerate(pages):
        data = page.get("data")
        if data is not None and not isinstance(data, list):
            raise OddAnswer(f"[{number}].data", f"must be a list and is {kind(data)}", data)
        found_items += [item for item in data or [] if isinstance(item, Mapping) and isinstance(item.get("id"), str)]
    return found_items


def _part_of_item(item: Mapping[str, Any]) -> Any:
    """The result of an item of a run at Clay, None where it failed."""
    try:
        status = Fields(item).text("status")
        Fields(item).part("error").text("message")
    except OddAnswer as odd:
        return odd
    return item.get("result") if status == "complete" else None


def _error(item: Mapping[str, Any]) -> str | None:
    error = item.get("error")
    message = error.get("message") if isinstance(error, Mapping) else None
    return message if isinstance(message, str) else None


def _strangers(entry: Entry, keys: Collection[str]) -> list[Refused]:
    """What an answer of Clay says of others than those who were asked for: all of it is left out."""
    if entry.vendor != "clay" or not entry.body:
        return []
    try:
        others = {str(item["id"]) for item in _items(read_json(entry.body))} - set(keys)
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
    known = {} if is_refused else read.found.as_json()
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
    """Who of a call's people took how much of it. Vendors tell the sum only; by their price lists Apollo charges for an
    e-mail or a LinkedIn page, and our routine at Clay for an e-mail. Of whom nothing can be read counts as charged for."""
    billed = [
        bool(one.odd or one.found.email or (vendor == "apollo" and one.found.linkedin_url)) for one in reads
    ]  # fmt: skip
    if not any(billed):
        billed = [True] * len(reads)  # not to be explained, and not to be lost either
    return [1 / sum(billed) if is_billed else 0.0 for is_billed in billed]
