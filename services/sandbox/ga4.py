"""GA4: the rows of a day's export table, as Google would hold them at a moment.

GA4 has no API for this: Google writes tables into its customer's BigQuery. `GET /__sandbox__/ga4_export?day=` gives the rows that
such a table has now, one JSON object a line, and ga4_export.py puts them into the warehouse.

The visitors are those of site_visits.py. A day is published some hours after its end in the property's time zone, now and then a
day later. It is restated for 72 hours: a tenth of the visits comes late, and the Google Ads campaign of a session is told a day
after the rest. A quarter of the visitors gave no consent, so their rows have no user_pseudo_id. Numbers are made up.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.clock import Clock
from services.sandbox.draws import digest, uniform
from services.sandbox.google_ads import CUSTOMER
from services.sandbox.site_visits import SiteVisits, Visit

PROPERTY_ZONE = ZoneInfo("America/New_York")
HOST = "www.ours.example"
STREAM = "4460001122"
FORM_PAGES = {"/demo", "/contact"}
SUBMITS = 0.35  # of the visits that saw a page with a form
LEAD_USD = 150.0
CONSENT = 0.75
LATE_VISITS, RESTATED = 0.1, timedelta(hours=72)
LATE_DAYS = 0.04
ADS_AFTER = timedelta(hours=24)

Row = dict[str, Any]


@dataclass(frozen=True)
class Session:
    """One visit as GA4 sees it. `key` labels its draws; `arrived` is when its rows reach Google."""

    visit: Visit
    key: tuple[str, ...]
    consent: bool
    arrived: datetime
    campaign_id: str
    gclid: str


def published_at(seed: int, day: date) -> datetime:
    """When the day's table first appears: two to six hours after the day's end, and for some days 30 hours later."""
    late = 30 if uniform(seed, "ga4", day.isoformat(), "late day") < LATE_DAYS else 0
    return _end(day) + timedelta(hours=2 + late + 4 * uniform(seed, "ga4", day.isoformat(), "published"))


def export_rows(visits: SiteVisits, day: date, now: datetime) -> list[Row] | None:
    """The rows of the day's table at `now`, by time; None while there is no table."""
    seed = visits.world.seed
    if now < published_at(seed, day):
        return None
    # A visit is of a day where its practice is, and an event of a day in the property's time zone.
    around = (visit for n in (-1, 0, 1) for visit in visits.of(day + timedelta(days=n), now + timedelta(days=30)))
    sessions = [_session(visits, visit, day) for visit in around if _property_day(visit.started_at) == day]
    shown = min(now, _end(day) + RESTATED)
    rows = [
        row
        for session in sessions
        if session.arrived <= shown
        for row in _events(seed, session, tells_ads=shown >= _end(day) + ADS_AFTER)
        if row["event_date"] == f"{day:%Y%m%d}"
    ]
    return sorted(rows, key=lambda row: (row["event_timestamp"], row["event_bundle_sequence_id"]))


def ga4_routes(visits: SiteVisits, clock: Clock) -> list[Route]:
    """What Google would write into the table of a day now; 404 while there is no table."""

    async def export(request: Request) -> Response:
        try:
            day = date.fromisoformat(request.query_params["day"])
        except (KeyError, ValueError):
            return JSONResponse({"error": "ask for ?day=YYYY-MM-DD"}, 400)
        rows = export_rows(visits, day, clock.now)
        if rows is None:
            return JSONResponse({"error": f"{day} is not published yet"}, 404)
        return Response("".join(json.dumps(row) + "\n" for row in rows), media_type="application/x-ndjson")

    return [Route("/__sandbox__/ga4_export", export)]


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), PROPERTY_ZONE).astimezone(UTC)


def _property_day(moment: datetime) -> date:
    return moment.astimezone(PROPERTY_ZONE).date()


def _session(visits: SiteVisits, visit: Visit, day: date) -> Session:
    seed, key = visits.world.seed, ("ga4", visit.id)
    late = uniform(seed, *key, "late") < LATE_VISITS
    delay = RESTATED * uniform(seed, *key, "delay")
    platform = {"cpc": "google_ads", "paid_social": "meta_ads", "display": "ttd"}.get(visit.medium, "")
    ads = visits.platforms.ads(platform) if platform else []
    return Session(
        visit=visit,
        key=key,
        consent=uniform(seed, "ga4", visit.ga_client_id, "consent") < CONSENT,
        arrived=_end(day) + delay if late else visit.started_at + timedelta(seconds=visit.seconds + 5),
        campaign_id=next((ad.campaign_id for ad in ads if ad.campaign_name == visit.campaign), ""),
        gclid=f"Cj0KCQ{digest(seed, *key, 'gclid')}" if visit.medium == "cpc" else "",
    )


def _events(seed: int, session: Session, tells_ads: bool) -> list[Row]:
    """The session's events in order: session_start, a page_view and its engagement for each page, and the form's."""
    at, found = session.visit.started_at, []
    for number, (path, seconds) in enumerate(session.visit.pages):
        leaves = at + timedelta(seconds=seconds)
        names = [("session_start", at)] if number == 0 else []
        names += [("page_view", at), ("user_engagement", leaves)]
        if path in FORM_PAGES and uniform(seed, *session.key, "submits", str(number)) < SUBMITS:
            names[-1:-1] = [("form_start", at), ("form_submit", leaves), ("generate_lead", leaves)]
        for place, (name, moment) in enumerate(names):
            found.append(_row(seed, session, name, moment + timedelta(milliseconds=place), number, place, tells_ads))
        at = leaves
    return found


def _row(seed: int, session: Session, name: str, at: datetime, page: int, place: int, tells_ads: bool) -> Row:
    visit, person = session.visit, session.visit.person
    first = int(visit.ga_client_id.split(".")[1])
    lead = name == "generate_lead"
    row = {
        "event_date": f"{_property_day(at):%Y%m%d}",
        "event_timestamp": _micros(at),
        "event_name": name,
        "event_params": _params(session, name, page),
        "event_bundle_sequence_id": 1 + int(digest(seed, *session.key, "bundle")[:7], 16) + page,
        "event_server_timestamp_offset": max(1_000_000, _micros(session.arrived) - _micros(at)),
        "privacy_info": {
            "analytics_storage": "Yes" if session.consent else "No",
            "ads_storage": "Yes" if session.consent else "No",
            "uses_transient_token": "No" if session.consent else "Yes",
        },
        "device": {
            "category": "desktop",
            "operating_system": "Windows",
            "language": "en-us",
            "is_limited_ad_tracking": "No",
            "web_info": {"browser": "Chrome", "browser_version": "142.0.0.0", "hostname": HOST},
        },
        # Google writes the state's name; the world knows its two letters.
        "geo": {
            "city": person.city.title(),
            "region": person.state,
            "country": "United States",
            "continent": "Americas",
        },
        "stream_id": STREAM,
        "platform": "WEB",
        "event_dimensions": {"hostname": HOST},
        "is_active_user": session.consent,
        "batch_event_index": place + 1,
        "batch_page_id": _micros(visit.started_at) // 1000 + page,
        "batch_ordering_id": page + 1,
        "collected_traffic_source": _collected(session) if page == 0 else None,
        "session_traffic_source_last_click": _last_click(session, tells_ads),
    }
    if lead:
        row |= {"event_value_in_usd": LEAD_USD}
    if session.consent:
        row |= {
            "user_pseudo_id": visit.ga_client_id,
            "user_first_touch_timestamp": min(first * 1_000_000, _micros(visit.started_at)),
            "traffic_source": {
                "name": visit.campaign or f"({visit.medium})",
                "medium": visit.medium,
                "source": visit.source,
            },
        }
    return row


def _params(session: Session, name: str, page: int) -> list[Row]:
    visit = session.visit
    path, seconds = visit.pages[page]
    location = f"https://{HOST}{path}{_query(session) if page == 0 else ''}"
    texts = {"page_location": location, "page_title": path.strip("/").title() or "Home"}
    numbers = {"engaged_session_event": 1}
    if page:
        texts["page_referrer"] = f"https://{HOST}{visit.pages[page - 1][0]}"
    if name == "user_engagement":
        numbers["engagement_time_msec"] = seconds * 1000
    if name.startswith("form_"):
        texts["form_id"] = f"{path.strip('/')}-form"
    if session.consent:
        numbers |= {"ga_session_id": int(visit.started_at.timestamp()), "ga_session_number": 1}
    found = [{"key": key, "value": {"string_value": text}} for key, text in texts.items()]
    found += [{"key": key, "value": {"int_value": number}} for key, number in numbers.items()]
    if name == "generate_lead":
        found.append({"key": "value", "value": {"double_value": LEAD_USD}})
        found.append({"key": "currency", "value": {"string_value": "USD"}})
    return found


def _query(session: Session) -> str:
    """What the ad's link put behind the address: Google's own click id, or utm parameters. No consent, no click id."""
    if session.gclid:
        return f"?gclid={session.gclid}" if session.consent else ""
    if not session.visit.campaign:
        return ""
    name = session.visit.campaign.replace(" ", "%20").replace("|", "%7C").replace(",", "%2C")
    return f"?utm_source={session.visit.source}&utm_medium={session.visit.medium}&utm_campaign={name}"


def _collected(session: Session) -> Row | None:
    if session.gclid:
        return {"gclid": session.gclid} if session.consent else None
    return _manual(session, "manual_") if session.visit.campaign else None


def _last_click(session: Session, tells_ads: bool) -> Row:
    visit = session.visit
    groups = {"cpc": "Paid Search", "paid_social": "Paid Social", "display": "Display", "organic": "Organic Search"}
    group = groups.get(visit.medium, "Direct")
    source = {"source": visit.source, "medium": visit.medium}
    found: Row = {
        "manual_campaign": _manual(session, "") if visit.campaign and not session.gclid else source,
        "cross_channel_campaign": {**source, "default_channel_group": group, "primary_channel_group": group},
    }
    if session.gclid and tells_ads:
        found["google_ads_campaign"] = {
            "customer_id": CUSTOMER,
            "campaign_id": session.campaign_id,
            "campaign_name": visit.campaign,
        }
    return found


def _manual(session: Session, prefix: str) -> Row:
    visit = session.visit
    return {
        f"{prefix}campaign_id": session.campaign_id,
        f"{prefix}campaign_name": visit.campaign,
        f"{prefix}source": visit.source,
        f"{prefix}medium": visit.medium,
    }


def _micros(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
