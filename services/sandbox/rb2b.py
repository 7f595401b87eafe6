"""RB2B: what its dashboard exports for a day, as the CSV that public importers describe.

RB2B has no API that lists visitors, so there is nothing for the pipeline to call: a person exports, and puts the file into the
lake. `GET /__sandbox__/rb2b_export?day=` is that person's download, and belongs to the admin side.
"""

import csv
import io
from datetime import date

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.clock import Clock, iso
from services.sandbox.site_visits import SiteVisits, Visit

COLUMNS = [
    "LinkedInUrl", "FirstName", "LastName", "Title", "CompanyName", "AllTimePageViews", "WorkEmail", "Website",
    "Industry", "EstimatedEmployeeCount", "EstimateRevenue", "City", "State", "Zipcode", "LastSeenAt", "FirstSeenAt",
    "NewProfile", "MostRecentReferrer", "RecentPageCount", "RecentPageUrls", "Tags", "FilterMatches", "ProfileType",
]  # fmt: skip
SITE = "https://www.ours.example"


def rb2b_routes(visits: SiteVisits, clock: Clock) -> list[Route]:
    """The dashboard's export button."""

    async def export(request: Request) -> Response:
        try:
            day = date.fromisoformat(request.query_params["day"])
        except (KeyError, ValueError):
            return JSONResponse({"error": "ask for ?day=YYYY-MM-DD"}, 400)
        return Response(_csv(visits.identified(day, clock.now)), media_type="text/csv")

    return [Route("/__sandbox__/rb2b_export", export)]


def _csv(visits: list[Visit]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(COLUMNS)
    for visit in visits:
        person = visit.person
        writer.writerow([
            f"https://www.linkedin.com/in/{person.linkedin_slug}", person.first_name.title(), person.last_name.title(),
            "Dentist", person.practice_name, len(visit.pages), person.email, f"https://{person.domain}", "Dentists",
            "1-10" if person.practice_size < 4 else "11-50", "", person.city.title(), person.state, person.zip5,
            iso(visit.started_at), iso(visit.started_at), "true", "", len(visit.pages),
            ";".join(f"{SITE}{path}" for path, _ in visit.pages), "", "", "Person",
        ])  # fmt: skip
    return sink.getvalue()
