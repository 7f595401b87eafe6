"""Instantly v2: leads, campaigns, webhooks and the block list of one workspace.

Contract: https://developer.instantly.ai. Published limit: 100 calls a second and 6,000 a minute for the workspace,
shared by all keys; no rate headers. 402 means a workspace without a paid plan. No idempotency key: a repeated lead is
absorbed by the skip flags, but its id is then not in the answer, so adding leads is never repeated while the outcome is unknown: find them
with iter_leads.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow.sdk import BaseHook

from hooks.http.errors import BadRequest, VendorDown, VendorError
from hooks.http.transport import Call, Transport, endpoint

VENDOR = "instantly"
REQUESTS_PER_SECOND = 100.0
MAX_LEADS = 1000  # in one call of add_leads
MAX_BLOCKED = 1000  # in one call of bulk-create
PAGE = 100


class InstantlyHook(BaseHook):
    """Connection: host `https://api.instantly.ai`, password = API key, extra `requests_per_second`."""

    conn_name_attr = "instantly_conn_id"
    default_conn_name = "instantly_default"
    conn_type = "http"
    hook_name = "Instantly"

    def __init__(self, instantly_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.instantly_conn_id = instantly_conn_id
        self._transport: Transport | None = None

    def get_conn(self) -> Transport:
        if self._transport is None:
            connection = self.get_connection(self.instantly_conn_id)
            self._transport = Transport(endpoint(VENDOR, connection, REQUESTS_PER_SECOND))
        return self._transport

    def add_leads(self, campaign_id: str, leads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Add up to 1000 leads to a campaign; leads that any campaign already has are skipped.

        Returns the whole answer: created_leads[{index, id, email}] (index into `leads`), duplicated_leads,
        skipped_count, in_blocklist, invalid_email_count, duplicate_email_count.
        Raises ResponseLost when the answer did not come back.
        """
        if not 1 <= len(leads) <= MAX_LEADS:
            raise ValueError(f"add_leads takes 1 to {MAX_LEADS} leads, not {len(leads)}: split the batch")
        body = {"campaign_id": campaign_id, "leads": list(leads), "skip_if_in_campaign": True}
        return self._send("add_leads", "POST", "/api/v2/leads/add", repeatable=False, json=body)

    def iter_leads(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every lead that matches, by id. filters: fields of the list request, such as campaign or contacts."""
        cursor: dict[str, Any] = {}
        while True:
            body = {**filters, "limit": PAGE, **cursor}
            page = self._send("list_leads", "POST", "/api/v2/leads/list", repeatable=True, json=body)
            yield from page["items"]
            # A last page can still carry a cursor: an empty page is the end.
            if not page["items"] or not page.get("next_starting_after"):
                return
            cursor = {"starting_after": _moved("list_leads", cursor.get("starting_after"), page)}

    def patch_lead(self, lead_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change fields of one lead; custom_variables are merged into its payload. Returns the lead."""
        return self._send("patch_lead", "PATCH", f"/api/v2/leads/{lead_id}", repeatable=True, json=dict(changes))

    def delete_lead(self, lead_id: str) -> dict[str, Any]:
        """Delete one lead and return it. Raises NotFound when it is already gone."""
        return self._send("delete_lead", "DELETE", f"/api/v2/leads/{lead_id}", repeatable=True)

    def iter_campaigns(self, search: str | None = None) -> Iterator[dict[str, Any]]:
        """Every campaign, or those whose name contains `search`."""
        return self._iter("list_campaigns", "/api/v2/campaigns", {"search": search} if search else {})

    def get_campaign(self, campaign_id: str) -> dict[str, Any]:
        """One campaign. Raises NotFound."""
        return self._send("get_campaign", "GET", f"/api/v2/campaigns/{campaign_id}", repeatable=True)

    def create_campaign(self, campaign: Mapping[str, Any]) -> dict[str, Any]:
        """Create a campaign (needs at least name and campaign_schedule) as a draft, and return it with its id."""
        return self._send("create_campaign", "POST", "/api/v2/campaigns", repeatable=False, json=dict(campaign))

    def activate_campaign(self, campaign_id: str) -> dict[str, Any]:
        """Start or resume sending; harmless on an active campaign."""
        return self._send("activate_campaign", "POST", f"/api/v2/campaigns/{campaign_id}/activate", repeatable=True)

    def iter_webhooks(self) -> Iterator[dict[str, Any]]:
        """Every webhook subscription of the workspace."""
        return self._iter("list_webhooks", "/api/v2/webhooks", {})

    def create_webhook(
        self,
        target_hook_url: str,
        event_type: str = "all_events",
        *,
        name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Subscribe a URL. headers: sent with each delivery; the only proof of origin that Instantly has."""
        body: dict[str, Any] = {"target_hook_url": target_hook_url, "event_type": event_type}
        if name:
            body["name"] = name
        if headers:
            body["headers"] = dict(headers)
        return self._send("create_webhook", "POST", "/api/v2/webhooks", repeatable=False, json=body)

    def delete_webhook(self, webhook_id: str) -> None:
        """Stop deliveries to one subscription. Raises NotFound when it is already gone."""
        self._send("delete_webhook", "DELETE", f"/api/v2/webhooks/{webhook_id}", repeatable=True)

    def block(self, value: str) -> dict[str, Any]:
        """Put an e-mail address or a domain on the workspace's block list."""
        body = {"bl_value": value}
        return self._send("block", "POST", "/api/v2/block-lists-entries", repeatable=True, json=body)

    def ensure_blocked(self, addresses: Sequence[str]) -> dict[str, str]:
        """Put e-mail addresses on the workspace's block list where they do not stand on it, and read it back.

        Returns address -> id of its entry, for those that stand on it: whoever is missing was refused. One bad address
        stops no other. Harmless to repeat.
        """
        held = self._blocked(addresses)
        missing = [address for address in addresses if address not in held]
        for start in range(0, len(missing), MAX_BLOCKED):
            self._block_all(missing[start : start + MAX_BLOCKED])
        return held | self._blocked(missing)

    def _block_all(self, addresses: Sequence[str]) -> None:
        body = {"bl_values": list(addresses)}
        try:
            self._send("block_all", "POST", "/api/v2/block-lists-entries/bulk-create", repeatable=True, json=body)
        except BadRequest:
            # It does not say which of them it is about; whether the last one alone is refused is read back.
            if len(addresses) > 1:
                middle = len(addresses) // 2
                self._block_all(addresses[:middle])
                self._block_all(addresses[middle:])

    def _blocked(self, addresses: Sequence[str]) -> dict[str, str]:
        """The ids of the entries that stand on the block list now."""
        found = {}
        for address in addresses:
            entries = self._iter("list_blocked", "/api/v2/block-lists-entries", {"search": address})
            entry = next((one for one in entries if str(one["bl_value"]).lower() == address.lower()), None)
            if entry is not None:
                found[address] = str(entry["id"])
        return found

    def test_connection(self) -> tuple[bool, str]:
        """Read one campaign page: free, and it needs a good key."""
        try:
            next(self.iter_campaigns(), None)
        except VendorError as error:
            return False, str(error)
        return True, "Instantly answers"

    def _iter(self, operation: str, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        params: dict[str, Any] = {**filters, "limit": PAGE}
        while True:
            page = self._send(operation, "GET", path, repeatable=True, params=params)
            yield from page["items"]
            if not page["items"] or not page.get("next_starting_after"):
                return
            params = {**params, "starting_after": _moved(operation, params.get("starting_after"), page)}

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        repeatable: bool,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> dict[str, Any]:
        body: dict[str, Any] = self.get_conn().send(Call(operation, method, path, repeatable, params, json)).body
        return body


def _moved(operation: str, before: str | None, page: Mapping[str, Any]) -> str:
    """The cursor of the next page. Raises VendorDown when it is that of this page: the list would never end."""
    following = str(page["next_starting_after"])
    if following == before:
        raise VendorDown(VENDOR, operation, 200, "A page names itself as the next one.")
    return following
