"""Go High Level: contacts of one location.

Contract: https://marketplace.gohighlevel.com/docs (API version v3). Published limit: 100 calls in
10 seconds and 200,000 a day for each app and location; 429 carries X-RateLimit-* headers and no Retry-After.

Contacts are created and not upserted: an upsert that finds a contact replaces its tags, also those that people set. While
the location's setting "Allow Duplicate Contact" is off, GHL refuses to create a contact whose e-mail or phone another one
has, so repeating a call whose answer was lost makes no second contact.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import AuthFailed, BadRequest, VendorDown, VendorError
from hooks.http.transport import Call, Reply, Transport, endpoint, outcome_of

VENDOR = "ghl"
REQUESTS_PER_SECOND = 10.0
API_VERSION = "v3"
PAGE = 100
LOOKED_AFTER_SECONDS = (0.0, 2.0)  # a refused create is looked for twice, because GHL's search lags behind by seconds
DUPLICATES_ALLOWED = (
    "location {location} allows duplicate contacts, so a contact whose answer was lost, or that people made, would be made "
    "twice. Switch it off in Go High Level (Settings, Business Profile, Contact Deduplication Preferences)"
)


@dataclass(frozen=True, slots=True)
class Created:
    """contact_id: GHL's id. is_new: False when the contact was there already; nothing of it was changed then."""

    contact_id: str
    is_new: bool


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
                endpoint(VENDOR, connection, REQUESTS_PER_SECOND, headers={"Version": API_VERSION}), outcome=ghl_outcome
            )
        return self._transport

    @property
    def location_id(self) -> str:
        self.get_conn()
        return self._location_id

    def create_contact(self, payload: Mapping[str, Any]) -> Created:
        """Create one contact, or find the one that has its e-mail or phone. payload: CreateContactDtoV3 but locationId.

        GHL was seen to refuse a contact with 422 and to make it all the same, so no refusal is believed before a look.
        Raises BadRequest, with the refused fields named, when GHL does not accept the payload (400, 422).
        """
        body = {**payload, "locationId": self.location_id}
        try:
            reply = self.get_conn().send(Call("create_contact", "POST", "/contacts/", repeatable=True, json=body))
        except BadRequest as refusal:
            found = self._made_all_the_same(payload)
            if found is None:
                raise refusal
            return Created(str(found["id"]), is_new=False)
        if reply.status == 400:
            return Created(duplicate_id(reply.body), is_new=False)
        contact = reply.body.get("contact") if isinstance(reply.body, Mapping) else None
        if not isinstance(contact, Mapping) or not contact.get("id"):
            raise VendorDown(VENDOR, "create_contact", reply.status, "The body has no contact.id.")
        return Created(str(contact["id"]), is_new=True)

    def _made_all_the_same(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """The contact that has the address of a refused create, None when there is none."""
        for seconds in LOOKED_AFTER_SECONDS:
            time.sleep(seconds)
            try:
                found = next(self.iter_same_address(payload), None)
            except BadRequest:  # an address that cannot be looked for
                return None
            if found is not None:
                return found
        return None

    def update_contact(self, contact_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Change one contact by its id, and return it: by address, a changed address would make a second contact.

        payload: UpdateContactDtoV3. Raises NotFound or BadRequest when there is none, and BadRequest, with the refused
        fields named, when GHL does not accept the payload, or another contact has its e-mail or phone.
        """
        path = f"/contacts/{contact_id}"
        reply = self.get_conn().send(Call("update_contact", "PUT", path, repeatable=True, json=dict(payload)))
        contact = reply.body.get("contact") if isinstance(reply.body, Mapping) else None
        return dict(contact) if isinstance(contact, Mapping) else {}

    def add_tags(self, contact_id: str, tags: Sequence[str]) -> None:
        """Give a contact tags besides those that it has. GHL writes them in lower case."""
        path = f"/contacts/{contact_id}/tags"
        self.get_conn().send(Call("add_tags", "POST", path, repeatable=True, json={"tags": list(tags)}))

    def remove_tags(self, contact_id: str, tags: Sequence[str]) -> None:
        """Take these tags off a contact, and no other."""
        path = f"/contacts/{contact_id}/tags"
        self.get_conn().send(Call("remove_tags", "DELETE", path, repeatable=True, json={"tags": list(tags)}))

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
            if contacts[-1]["searchAfter"] == body.get("searchAfter"):
                raise VendorDown(VENDOR, "search_contacts", reply.status, "A page names itself as the next one.")
            body["searchAfter"] = contacts[-1]["searchAfter"]

    def get_contact(self, contact_id: str) -> dict[str, Any]:
        """One contact as GHL holds it. Raises NotFound or BadRequest when there is none."""
        reply = self.get_conn().send(Call("get_contact", "GET", f"/contacts/{contact_id}", repeatable=True))
        contact: dict[str, Any] = reply.body["contact"]
        return contact

    def delete_contact(self, contact_id: str) -> None:
        """Delete one contact. Raises NotFound or BadRequest when it is already gone."""
        self.get_conn().send(Call("delete_contact", "DELETE", f"/contacts/{contact_id}", repeatable=True))

    def allows_duplicates(self) -> bool:
        """Whether the location takes a second contact with the same e-mail or phone (scope locations.readonly)."""
        path = f"/locations/{self.location_id}"
        reply = self.get_conn().send(Call("get_location", "GET", path, repeatable=True))
        settings = reply.body["location"].get("settings") or {}
        return bool(settings.get("allowDuplicateContact"))

    def test_connection(self) -> tuple[bool, str]:
        """Search for one contact and read the location: free, and it needs a good token, its scopes and the setting."""
        try:
            next(self.iter_contacts(page_size=1), None)
            allows_duplicates = self.allows_duplicates()
        except VendorError as error:
            return False, str(error)
        if allows_duplicates:
            return False, DUPLICATES_ALLOWED.format(location=self.location_id)
        return True, f"Go High Level answers for location {self.location_id}"

    def iter_same_address(self, payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The contacts that have the payload's e-mail, then those that have its phone. New ones may be missing for seconds."""
        for name in ("email", "phone"):
            if payload.get(name):
                yield from self.iter_contacts([{"field": name, "operator": "eq", "value": payload[name]}])


def ghl_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """What an answer of GHL means: that a contact is there already is no error where one was to be created."""
    if call.operation == "create_contact" and response.status_code == 400:
        body = _json(response)
        if duplicate_id(body):
            return Reply(400, response.text, body, response.content, response.headers)
    if call.operation == "get_location" and response.status_code in (401, 403):
        advice = (
            "The token was refused, or it lacks the scope locations.readonly: mend the token, or the password of connection "
            f"{vendor}_default, then clear the task."
        )
        return AuthFailed(vendor, call.operation, response.status_code, advice)
    return outcome_of(vendor, call, response)


def duplicate_id(body: Any) -> str:
    """The id of the contact that has the address, from the 400 for a contact that would be a duplicate; else "".

    Its place, `meta.contactId`, is inferred: the contract documents the 400 with statusCode and message alone, and those who
    call GHL quote it so (x-duplicate-answer in the contract file). Where it is missing, the hook looks the contact up by
    the documented search, which may lag behind by seconds.
    """
    meta = body.get("meta") if isinstance(body, Mapping) else None
    return str(meta.get("contactId") or "") if isinstance(meta, Mapping) else ""


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
