"""Leadfeeder: which companies visited our site on one day, and what they looked at.

Contract: https://docs.leadfeeder.com/api/, the older API with tokens. Confirmed: `Authorization: Token token=`, a
User-Agent that names the integration, `/accounts/{id}/visits` and `/leads` with start_date, end_date, page[number] and
page[size] up to 100, JSON:API; 100 requests a minute and token, then 429, reset each minute; 402 without a paid plan;
leads stop at 10,000. Inferred: `links.next` of a page that is not the last; a full page is followed without it, too.
The newer API (X-Api-Key, /v1) is not read yet: of its visits only four attributes are published, and none of them joins
to GA4, as `ga_client_ids` does here.

Companies only, never persons: a visit must not be attached to one. Days are days of the account's time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from airflow.sdk import BaseHook

from hooks.http.errors import BadRequest, VendorDown, VendorError
from hooks.http.transport import Call, Reply, Transport, endpoint

VENDOR = "leadfeeder"
REQUESTS_PER_SECOND = 100 / 60
PAGE = 100
MAX_LEADS = 10_000


class LeadfeederHook(BaseHook):
    """Connection: host `https://api.leadfeeder.com`, password = API token. Extra: `account_id`, `requests_per_second`."""

    conn_name_attr = "leadfeeder_conn_id"
    default_conn_name = "leadfeeder_default"
    conn_type = "http"
    hook_name = "Leadfeeder"

    def __init__(self, leadfeeder_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.leadfeeder_conn_id = leadfeeder_conn_id
        self._transport: Transport | None = None

    def get_conn(self) -> Transport:
        if self._transport is None:
            connection = self.get_connection(self.leadfeeder_conn_id)
            headers = {"User-Agent": "dental-gtm"}
            secret = ("Authorization", "Token token={}")
            self._transport = Transport(
                endpoint(VENDOR, connection, REQUESTS_PER_SECOND, headers, secret_header=secret)
            )
        return self._transport

    def account(self) -> str:
        """The account of extra `account_id`."""
        account = self.get_connection(self.leadfeeder_conn_id).extra_dejson.get("account_id")
        if not account:
            raise ValueError(f"connection {self.leadfeeder_conn_id}: extra account_id must name the account")
        return str(account)

    def pages(self, kind: str, day: date) -> bytes:
        """Every page of the day's `leads` or `visits`, byte for byte, one after another with a line end between.

        Raises BadRequest when the list of leads is cut off at 10,000.
        """
        return b"\n".join(page.content for page in self._pages(kind, day))

    def test_connection(self) -> tuple[bool, str]:
        """List the accounts of the token."""
        try:
            self._send("list_accounts", "/accounts", {})
        except VendorError as error:
            return False, str(error)
        return True, "Leadfeeder answers"

    def _pages(self, kind: str, day: date) -> list[Reply]:
        pages: list[Reply] = []
        seen: set[str] = set()
        while True:
            params = {
                "start_date": day.isoformat(),
                "end_date": day.isoformat(),
                "page[number]": len(pages) + 1,
                "page[size]": PAGE,
            }
            page = self._send(f"list_{kind}", f"/accounts/{self.account()}/{kind}", params)
            ids = _ids(f"list_{kind}", page)
            if ids and ids <= seen:
                raise VendorDown(VENDOR, f"list_{kind}", page.status, f"Page {len(pages) + 1} repeats what was read.")
            seen |= ids
            pages.append(page)
            if kind == "leads" and len(seen) >= MAX_LEADS:
                advice = f"{day} has {MAX_LEADS} leads or more, and Leadfeeder lists no more than that: read by feed."
                raise BadRequest(VENDOR, "list_leads", page.status, advice)
            if not ids or (len(ids) < PAGE and not (page.body.get("links") or {}).get("next")):
                return pages

    def _send(self, operation: str, path: str, params: Mapping[str, Any]) -> Reply:
        return self.get_conn().send(Call(operation, "GET", path, repeatable=True, params=params))


def _ids(operation: str, page: Reply) -> set[str]:
    items = page.body.get("data") if isinstance(page.body, Mapping) else None
    if not isinstance(items, list) or not all(isinstance(item, Mapping) and item.get("id") for item in items):
        raise VendorDown(VENDOR, operation, page.status, "The page has no list `data` of items with an id.")
    return {str(item["id"]) for item in items}
