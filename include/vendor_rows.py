"""An entry of the call ledger as rows of raw.vendor_response: one, or one for each person that the call was about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from include.call_ledger import Entry
from include.found import found


def vendor_rows(entry: Entry) -> list[dict[str, Any]]:
    """Return the rows (JSON types). Their credits and USD add up to the entry's.

    A call about many people has a request ``{"people": [{"key", "npi", "segment", "asked"}, …]}``; a row's request is
    what was asked about its person, its body this person's part of the answer. Whom the vendor left out because credits
    ran out has no row: nothing was asked about them.
    """
    request = json.loads(entry.request)
    # Written anew: PARSE_JSON refuses a number with more digits than it can keep. The ledger has the exact text.
    body = json.loads(entry.body) if entry.body else None
    if "people" not in request:
        return [_row(entry, entry.request_key, entry.person_key, request, body, entry.credits, entry.purpose.get("segment"), None)]  # fmt: skip # noqa: E501
    people = request["people"]
    parts = _parts(entry.vendor, body, people) if body is not None else [None] * len(people)
    shares = _shares(entry.vendor, entry.credits, parts)
    unpaid = unpaid_keys(entry)
    return [
        _row(entry, one["key"], one["npi"], one["asked"], part, share, one["segment"], entry.request_key)
        for one, part, share in zip(people, parts, shares, strict=True)
        if one["key"] not in unpaid
    ]


def unpaid_keys(entry: Entry) -> set[str]:
    """Return the keys of those whom an answered call left out because credits ran out."""
    if entry.vendor != "clay" or not entry.body:
        return set()
    items = _items(json.loads(entry.body))
    return {key for key, item in items.items() if unpaid_at_clay((item.get("error") or {}).get("message"))}


def unpaid_at_clay(error: str | None) -> bool:
    """Whether an item of a run failed because credits ran out in the middle of it: its person was not asked for."""
    return "credit" in (error or "").lower()


def emails_in(vendor: str, text: str) -> int:
    """How many people of an answer have an e-mail."""
    body = json.loads(text)
    if vendor == "apollo":
        parts = list(body["matches"])
    elif vendor == "clay":
        parts = [item.get("result") for item in _items(body).values()]
    else:
        parts = [body]
    return sum(found(vendor, part).email is not None for part in parts)


def _row(
    entry: Entry,
    key: str,
    npi: str | None,
    request: Any,
    body: Any,
    credits: float,
    segment: str | None,
    call_key: str | None,
) -> dict[str, Any]:
    known = found(entry.vendor, body).as_json()
    return {
        "vendor": entry.vendor,
        "operation": entry.operation,
        "request_key": key,
        "person_key": npi,
        "status": entry.status,
        "http_status": entry.http_status,
        "vendor_ref": entry.vendor_ref,
        "request": json.dumps(request, ensure_ascii=False, sort_keys=True),
        "body": None if body is None else json.dumps(body, ensure_ascii=False),
        "credits": credits,
        "cost_usd": entry.cost_usd * credits / entry.credits if call_key and entry.credits else entry.cost_usd,
        "requested_at": entry.requested_at.isoformat(),
        "responded_at": entry.responded_at.isoformat() if entry.responded_at else None,
        "requested_date": entry.requested_at.date().isoformat(),
        "call_key": call_key,
        "run_id": entry.purpose.get("run_id"),
        "segment": segment,
        "found": json.dumps(known, ensure_ascii=False) if known else None,
    }


def _parts(vendor: str, body: Any, people: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Each person's part of an answer, None for a miss."""
    if vendor == "apollo":  # in the order asked
        return list(body["matches"])
    if vendor == "clay":  # by our key, in any order, over one or more pages
        items = _items(body)
        return [(items.get(one["key"]) or {}).get("result") for one in people]
    raise ValueError(
        f"{vendor}: no answer of theirs is about many people: add how to part it in include/vendor_rows.py"
    )


def _items(pages: Any) -> dict[str, Any]:
    return {item["id"]: item for page in pages for item in page.get("data") or []}


def _shares(vendor: str, credits: float, parts: Sequence[Any]) -> list[float]:
    """Who of a call's people took how many of its credits. Vendors tell the sum only; by their price lists Apollo charges
    for an e-mail or a LinkedIn page, and our routine at Clay for an e-mail."""
    read = [found(vendor, part) for part in parts]
    billed = [bool(one.email or (vendor == "apollo" and one.linkedin_url)) for one in read]
    if credits and not any(billed):
        billed = [True] * len(parts)  # not to be explained, and not to be lost either
    return [credits / sum(billed) if is_billed else 0.0 for is_billed in billed]
