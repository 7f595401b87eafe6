"""Visits of our site: Leadfeeder's as rows of raw.company_visit, an RB2B export as rows of raw.visitor_profile."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from include.lake.answers import DamagedAnswer, documents, storable, without_repeats

# As public importers of the export name them. RB2B publishes no list; what else a file has is kept in the payload.
RB2B_COLUMNS = ("LinkedInUrl", "CompanyName", "Website", "FirstSeenAt", "LastSeenAt")


MAX_WHOLE = 10**9  # pages or seconds of one visit; far below what INT64 holds


@dataclass(frozen=True)
class CompanyVisit:
    """One row of raw.company_visit without its source_object; its fields are the columns' names."""

    day: date
    source: str
    visit_id: str
    lead_id: str | None
    started_at: datetime | None
    company_name: str | None
    company_website: str | None
    traffic_source: str | None
    traffic_medium: str | None
    traffic_campaign: str | None
    page_depth: int | None
    visit_seconds: int | None
    visit: str
    company: str | None


@dataclass(frozen=True)
class VisitorProfile:
    """One row of raw.visitor_profile without its source_object; its fields are the columns' names."""

    day: date
    source: str
    line: int
    linkedin_url: str | None
    company_name: str | None
    website: str | None
    first_seen_at: str | None
    last_seen_at: str | None
    payload: str


def leadfeeder_items(content: bytes, where: str) -> list[Mapping[str, Any]]:
    """Return the items of Leadfeeder's pages by id, each once: pages shift while they are read, the later one holds.

    Raises DamagedAnswer for an item without id or attributes.
    """
    by_id: dict[str, Mapping[str, Any]] = {}
    for page, document in enumerate(documents(content, where), start=1):
        items = document.get("data") if isinstance(document, Mapping) else None
        if not isinstance(items, list):
            raise DamagedAnswer(
                f"{where}: page {page} has no list 'data': compare it with include/marketing/site_visits.py."
            )
        for number, item in enumerate(items, start=1):
            at = f"{where}: page {page}, item {number}"
            fields = item if isinstance(item, Mapping) else {}
            if not isinstance(fields.get("id"), str) or not isinstance(fields.get("attributes"), Mapping):
                has = sorted(fields) or item
                raise DamagedAnswer(f"{at}: has no id or no attributes, but {has}. Leadfeeder changed it.")
            by_id[fields["id"]] = fields
    return [by_id[key] for key in sorted(by_id)]


def leadfeeder_visits(leads: bytes, visits: bytes, day: date, where: str) -> list[CompanyVisit]:
    """Return the day's visits, each with its company where the day's leads hold it.

    :param leads: archived pages of the leads; :param visits: of the visits. :param where: the visits' object.
    """
    companies = {item["id"]: item for item in leadfeeder_items(leads, where.replace("visits", "leads"))}
    return [_company_visit(item, companies, day, where) for item in leadfeeder_items(visits, where)]


def rb2b_profiles(content: bytes, day: date, where: str) -> list[VisitorProfile]:
    """Return the records of an RB2B export, in the file's order. Raises DamagedAnswer where it is no such file."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = without_repeats(next(reader, []), where)
        missing = [name for name in RB2B_COLUMNS if name not in header]
        if missing:
            # Not what line 1 says: without a header that is a person.
            raise DamagedAnswer(
                f"{where}: line 1: missing columns {missing} among {len(header)}. Export the profiles from RB2B's dashboard "
                "as CSV with its header, and do not open the file in a spreadsheet."
            )
        found, line = [], 2
        for values in reader:
            if values and len(values) != len(header):
                raise DamagedAnswer(
                    f"{where}: line {line}: {len(values)} values instead of {len(header)}: export it again."
                )
            if values:  # a blank line is no profile
                found.append(_profile(dict(zip(header, values, strict=True)), day, line))
            line = reader.line_num + 1
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedAnswer(f"{where}: is no CSV in UTF-8 ({type(error).__name__}): export it again.") from None
    return found


def _company_visit(
    item: Mapping[str, Any], companies: Mapping[str, Mapping[str, Any]], day: date, where: str
) -> CompanyVisit:
    at = f"{where}: visit {item['id']!r}"
    of_visit = item["attributes"]
    if "lead_id" not in of_visit or "started_at" not in of_visit:
        raise DamagedAnswer(f"{at}: has no lead_id or started_at, but {sorted(of_visit)}. Leadfeeder changed it.")
    if of_visit.get("date") not in (None, day.isoformat()):
        raise DamagedAnswer(f"{at}: is of {of_visit['date']!r} in the answer for {day}: the date filter was ignored.")
    if not isinstance(of_visit["lead_id"], str | None):
        raise DamagedAnswer(f"{at}: lead_id is {of_visit['lead_id']!r}, not a text: it would find no company.")
    company = companies.get(of_visit["lead_id"] or "")
    of_company: Mapping[str, Any] = company["attributes"] if company else {}
    of_lead = f"{at}, its lead {of_visit['lead_id']!r}"
    return CompanyVisit(
        day=day,
        source="leadfeeder",
        visit_id=item["id"],
        lead_id=of_visit["lead_id"],
        started_at=_instant(of_visit["started_at"], at),
        company_name=_text(of_company, "name", of_lead),
        company_website=_text(of_company, "website_url", of_lead),
        traffic_source=_text(of_visit, "source", at),
        traffic_medium=_text(of_visit, "medium", at),
        traffic_campaign=_text(of_visit, "campaign", at),
        page_depth=_whole(of_visit.get("page_depth"), "page_depth", at),
        visit_seconds=_whole(of_visit.get("visit_length"), "visit_length", at),
        visit=storable(item, at),
        company=storable(company, of_lead) if company else None,
    )


def _profile(record: Mapping[str, str], day: date, line: int) -> VisitorProfile:
    return VisitorProfile(
        day=day,
        source="rb2b",
        line=line,
        linkedin_url=record["LinkedInUrl"] or None,
        company_name=record["CompanyName"] or None,
        website=record["Website"] or None,
        first_seen_at=record["FirstSeenAt"] or None,
        last_seen_at=record["LastSeenAt"] or None,
        payload=storable(record, f"line {line}"),
    )


def _instant(value: Any, at: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise DamagedAnswer(f"{at}: started_at is {value!r}, not a time of ISO 8601.") from None
    if moment.tzinfo is None:
        raise DamagedAnswer(f"{at}: started_at {value!r} has no time zone.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise DamagedAnswer(f"{at}: started_at {value!r} is before or after all time that a table holds.") from None


def _text(attributes: Mapping[str, Any], name: str, at: str) -> str | None:
    value = attributes.get(name)
    if value is not None and not isinstance(value, str):
        raise DamagedAnswer(f"{at}: {name} is {value!r}, not a text. Leadfeeder changed it.")
    return value


def _whole(value: Any, name: str, at: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0 or not 0 <= value <= MAX_WHOLE:
        raise DamagedAnswer(f"{at}: {name} is {value!r}, not a whole number from 0 to {MAX_WHOLE:,}.")
    return int(value)
