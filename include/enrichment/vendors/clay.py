"""Clay: a run of our contact routine over some people, answered in pages of items, each by our key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from include.enrichment.answer_fields import Fields, OddAnswer, kind
from include.enrichment.candidate import Candidate
from include.enrichment.vendors.vendor import Vendor, e164, email

NAME = "clay"


def asked(row: Mapping[str, Any]) -> dict[str, str]:
    if row["company"]:
        return {"full_name": str(row["full_name"]), "company": str(row["company"])}
    return {"full_name": str(row["full_name"]), "city": str(row["city"]), "state": str(row["state"])}


def parse_response(result: Fields) -> Candidate:
    """Read the outputs of our routine, as it was asked for the e-mail alone."""
    mail = email(NAME, result.text("work_email"), result.text("email_status"))
    return Candidate(
        **mail,
        email_type="work" if mail else None,
        phone=e164(result.text("mobile_phone")),
        linkedin_url=result.url("linkedin_url"),
        company_domain=result.domain("company_domain"),
    )


def parts(body: Any, keys: Sequence[str] | None, people: int) -> list[Any]:
    """In any order, over one or more pages."""
    items = _items(body)
    if keys is None:
        missing = OddAnswer("data", f"has {len(items)} items, and {people} people were asked for")
        return [*map(_part, items), *[missing] * (people - len(items))]
    times = Counter(str(item["id"]) for item in items)
    by_key = {str(item["id"]): _part(item) for item in items}
    return [
        by_key[key] if times[key] == 1 else OddAnswer("data", f"has {times[key]} items for this person, not one")
        for key in keys
    ]


def keys_of(body: Any) -> set[str]:
    return {str(item["id"]) for item in _items(body)}


def unpaid(body: Any) -> set[str]:
    return {str(item["id"]) for item in _items(body) if is_unpaid(_error(item))}


def is_unpaid(error: str | None) -> bool:
    """Whether an item of a run failed because credits ran out in the middle of it: its person was not asked for."""
    return "credit" in (error or "").lower()


def _items(pages: Any) -> list[Mapping[str, Any]]:
    """The items of a run that have an id; what has none is nobody's."""
    if not isinstance(pages, list) or not all(isinstance(page, Mapping) for page in pages):
        raise OddAnswer("the answer", "must be a list of pages", pages)
    found_items: list[Mapping[str, Any]] = []
    for number, page in enumerate(pages):
        data = page.get("data")
        if data is not None and not isinstance(data, list):
            raise OddAnswer(f"[{number}].data", f"must be a list and is {kind(data)}", data)
        found_items += [item for item in data or [] if isinstance(item, Mapping) and isinstance(item.get("id"), str)]
    return found_items


def _part(item: Mapping[str, Any]) -> Any:
    """The result of an item, None where it failed."""
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


VENDOR = Vendor(NAME, parse_response, asked, parts, keys=keys_of, unpaid=unpaid)
