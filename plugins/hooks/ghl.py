"""Go High Level: contacts of one location.

Contract: https://marketplace.gohighlevel.com/docs (API version v3). Published limit: 100 calls in
10 seconds and 200,000 a day for each app and location; 429 carries X-RateLimit-* headers and no Retry-After. Upsert
finds an existing contact by e-mail or phone, as the location's duplicate setting says, so repeating one is harmless.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseHook

from hooks.errors import VendorDown, VendorError
from hooks.transport import Call, Transport, endpoint

VENDOR = "ghl"
REQUESTS_PER_SECOND = 10.0
API_VERSION = "v3"
PAGE = 100


@dataclass(frozen=True, slots=True)
class Upserted:
    """contact_id: GHL's id. created: False when an existing contact was updated."""

    contact_id: str
    created: bool


class GhlHook(BaseHook):
    """Connection: host `https://services.leadconnectorhq.com`, password = token, extra `location_id`."""

    conn_name_attr = "ghl_conn_id"
    default_conn_name = "ghl_default"
    conn_type = "http"
    hook_name = "Go High Level"

    def __init__(self, ghl_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.ghl_conn_id = ghl_conn_id
        self._transport: Transport | None = None
        self._location_id = ""

    def get_conn(self) -> Transport:
        if self._transport is None:
            connection = self.get_connection(self.ghl_conn_id)
            self._location_id = str(connection.extra_dejson.get("location_id", ""))
            if not self._location_id:
                raise ValueError(f"connection {self.ghl_conn_id} has no location_id in its extra: set it")
            self._transport = Transport(
                endpoint(VENDOR, connection, REQUESTS_PER_SECOND, headers={"Version": API_VERSION})
            )
        return self._transport

    @property
    def location_id(self) -> str:
        self.get_conn()
        return self._location_id

    def upsert_contact(self, payload: Mapping[str, Any]) -> Upserted:
        """Create or update one contact. payload: UpsertContactDtoV3; locationId comes from the connection.

        Raises BadRequest, with the refused fields named, when GHL does not accept the payload (400, 422).
        """
        body = {**payload, "locationId": self.location_id}
        reply = self.get_conn().send(Call("upsert_contact", "POST", "/contacts/upsert", repeatable=True, json=body))
        contact = reply.body.get("contact") if isinstance(reply.body, Mapping) else None
        if not isinstance(contact, Mapping) or not contact.get("id"):
            raise VendorDown(VENDOR, "upsert_contact", reply.status, "The body has no contact.id.")
        return Upserted(str(contact["id"]), bool(reply.body.get("new")))

    def update_contact(self, contact_id: str, payload: Mapping[str, Any]) -> None:
        """Change one contact by its id: by address, a changed address would make a second contact.

        payload: UpdateContactDtoV3. Raises NotFound or BadRequest when there is none, and BadRequest, with the refused
        fields named, when GHL does not accept the payload.
        """
        path = f"/contacts/{contact_id}"
        self.get_conn().send(Call("update_contact", "PUT", path, repeatable=True, json=dict(payload)))

    def iter_contacts(
        self, filters: Sequence[Mapping[str, Any]] = (), *, query: str | None = None, page_size: int = PAGE
    ) -> Iterator[dict[str, Any]]:
        """Every contact that matches. filters: `{"field", "operator", "value"}`, joined by AND; query: free text.

        Pages by `searchAfter`, the cursor of the last contact, because page numbers end at 10,000 records.
        """
        body: dict[str, Any] = {
            "locationId": self.location_id,
            "pageLimit": page_size,
            "filters": list(filters),
        }
        if query is not None:
            body["query"] = query
        while True:
            reply = self.get_conn().send(
                Call("search_contacts", "POST", "/contacts/search", repeatable=True, json=dict(body))
            )
            contacts = reply.body["contacts"]
            yield from contacts
            if len(contacts) < page_size or not contacts[-1].get("searchAfter"):
                return
            body["searchAfter"] = contacts[-1]["searchAfter"]

    def get_contact(self, contact_id: str) -> dict[str, Any]:
        """One contact as GHL holds it. Raises NotFound or BadRequest when there is none."""
        reply = self.get_conn().send(Call("get_contact", "GET", f"/contacts/{contact_id}", repeatable=True))
        contact: dict[str, Any] = reply.body["contact"]
        return contact

    def delete_contact(self, contact_id: str) -> None:
        """Delete one contact. Raises NotFound or BadRequest when it is already gone."""
        self.get_conn().send(Call("delete_contact", "DELETE", f"/contacts/{contact_id}", repeatable=True))

    def test_connection(self) -> tuple[bool, str]:
        """Search for one contact: free, and it needs a good token and location."""
        try:
            next(self.iter_contacts(page_size=1), None)
        except VendorError as error:
            return False, str(error)
        return True, f"Go High Level answers for location {self.location_id}"
