"""Wiza: e-mail, phone and LinkedIn of a person or of a list, found in the background; companies at once.

Contract: https://docs.wiza.co/api-reference (individual-reveals, lists, prospect, company-enrichment, credits) and
https://docs.wiza.co/using-the-api/credit-deduction-behavior. A reveal is charged when it finds something: 1 credit for a
profile (level `none`), 2 for a valid e-mail, 5 for a phone; a company costs 2. Published limits: 5 reveals at once and a
queue of 200 times that, then 429; lists of 2500; companies 30 a minute and 43,200 a day; 15 calls a second is what
accounts report. No rate headers, no idempotency key, no listing of reveals or lists.

Out of credits has two forms: a reveal answers 200 and is `failed` with `billing_issue`; a list is refused with 400.
A callback goes to `callback_url`; its header proves the sender and not the body, so read the reveal again by its id.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import (
    BadRequest,
    EndpointNotFound,
    NotFound,
    OutOfCredits,
    ResponseLost,
    VendorDown,
    VendorError,
)
from hooks.http.transport import AsyncTransport, Call, Endpoint, Reply, Transport, endpoint, outcome_of
from include.enrichment.answer_fields import Fields, OddAnswer, finite

VENDOR = "wiza"
REQUESTS_PER_SECOND = 15.0
# A little below what is published: the vendor's window opens when the first call arrives, not when we send it.
COMPANIES_PER_SECOND = 0.98 * 30 / 60
MAX_LIST = 2500
MAX_PREVIEW = 30
COMPANY_CREDITS = 2.0
EMAIL_CREDITS = 2.0
FULL_CREDITS = 7.0  # a person of a list at level `full`: e-mail and phone

Level = Literal["none", "partial", "phone", "full"]
ListLevel = Literal["none", "partial", "full"]
Segment = Literal["people", "valid", "risky"]


@dataclass(frozen=True, slots=True)
class Reveal:
    """One reveal as Wiza shows it now. credits: what it cost so far, 0 until it is complete."""

    id: int
    status: str
    is_complete: bool
    credits: float
    reply: Reply


@dataclass(frozen=True, slots=True)
class PeopleList:
    """A list as Wiza shows it now. status: queued … finished or failed; other values exist and are not final.

    stats: Wiza's own counts, as sent. credits: what it cost so far, by stats.credits.
    """

    id: int
    status: str
    stats: Mapping[str, Any]
    credits: float
    reply: Reply

    @property
    def is_complete(self) -> bool:
        return self.status in ("finished", "failed")


@dataclass(frozen=True, slots=True)
class Contacts:
    """The people of one segment of a finished list, as sent; none when the segment is empty."""

    people: tuple[Mapping[str, Any], ...]
    reply: Reply


@dataclass(frozen=True, slots=True)
class Prospects:
    """How many people fit, and up to 30 of them without e-mail and phone. credits: what the preview cost."""

    total: int
    profiles: tuple[Mapping[str, Any], ...]
    credits: float
    reply: Reply


@dataclass(frozen=True, slots=True)
class Company:
    """One company as sent; None when Wiza does not know it (and charged nothing). credits: by the price list."""

    data: Mapping[str, Any] | None
    credits: float
    reply: Reply


class WizaHook(BaseHook):
    """Connection: host `https://wiza.co/api`, password = API key.

    Extra: `requests_per_second`, the pace of one task; company calls are paced in the same proportion to their own limit.
    `callback_secret`, for callbacks: one of the receiver's CALLBACK_SECRETS.
    """

    conn_name_attr = "wiza_conn_id"
    default_conn_name = "wiza_default"
    conn_type = "http"
    hook_name = "Wiza"

    def __init__(self, wiza_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.wiza_conn_id = wiza_conn_id
        self._transport: Transport | None = None
        self._companies: Transport | None = None

    def get_conn(self) -> Transport:
        if self._transport is None:
            self._transport = Transport(self._endpoint(self.get_connection(self.wiza_conn_id)), outcome=_outcome)
        return self._transport

    async def get_async_conn(self) -> AsyncTransport:
        """A transport for the triggerer, where the blocking connection look-up would stop every trigger."""
        return AsyncTransport(self._endpoint(await self.aget_connection(self.wiza_conn_id)), outcome=_outcome)

    def start_reveal(
        self,
        full_name: str,
        *,
        company: str | None = None,
        domain: str | None = None,
        level: Level = "partial",
        accept_personal: bool = False,
        callback_url: str = "",
    ) -> Reveal:
        """Ask for one person; the answer comes later under the returned id. Paid, so never repeated while the outcome is unknown.

        callback_url: where Wiza posts the finished reveal as well (include/enrichment/callbacks.py makes the address).
        Raises OutOfCredits when the account cannot pay, ResponseLost when the answer did not come back, EndpointNotFound
        when Wiza has no such path.
        """
        if not company and not domain:
            raise ValueError("start_reveal needs a company or a domain beside the name: pass one of them")
        who = {"full_name": full_name, "company": company, "domain": domain}
        return self._start_reveal(
            {name: value for name, value in who.items() if value}, level, accept_personal, callback_url
        )

    def start_reveal_of_profile(
        self, profile_url: str, *, level: Level = "partial", accept_personal: bool = False, callback_url: str = ""
    ) -> Reveal:
        """Ask for the person of a LinkedIn page, the surest way. Otherwise as start_reveal."""
        return self._start_reveal({"profile_url": profile_url}, level, accept_personal, callback_url)

    def start_reveal_of_email(self, email: str, *, level: Level = "none", callback_url: str = "") -> Reveal:
        """Ask who is behind an e-mail address, the weakest way. Otherwise as start_reveal."""
        return self._start_reveal({"email": email}, level, False, callback_url)

    def reveal(self, reveal_id: int) -> Reveal:
        """Read one reveal; free.

        Raises OutOfCredits when it failed because nobody could pay for it, NotFound or BadRequest for a bad id.
        """
        return _reveal("get_reveal", self.get_conn().send(_get_reveal(int(reveal_id))), VendorDown)

    async def is_over(self, transport: AsyncTransport, reveal_id: str) -> bool:
        """Whether waiting longer is pointless: found, not found or failed. For the trigger."""
        try:
            return _reveal("get_reveal", await transport.send(_get_reveal(int(reveal_id))), VendorDown).is_complete
        except (OutOfCredits, BadRequest):  # a bad id stays bad
            return True

    def create_list(
        self,
        name: str,
        people: Sequence[Mapping[str, str]],
        *,
        level: ListLevel = "partial",
        accept_personal: bool = False,
        accept_generic: bool = False,
        skip_duplicates: bool = True,
        callback_url: str = "",
    ) -> PeopleList:
        """Ask for up to 2500 people at once. Paid, so never repeated while the outcome is unknown; nothing can list our lists afterwards.

        people: each `{"profile_url"}`, `{"email"}`, or `{"full_name", "company" and/or "domain"}`.
        skip_duplicates: leave out whom an earlier list of the account has had.
        Raises OutOfCredits when the account cannot pay, ResponseLost when the answer did not come back.
        """
        if not 1 <= len(people) <= MAX_LIST:
            raise ValueError(f"a list takes 1 to {MAX_LIST} people, not {len(people)}: cut it up")
        options = {"accept_work": True, "accept_personal": accept_personal, "accept_generic": accept_generic}
        wanted = {
            "name": name,
            "enrichment_level": level,
            "email_options": options,
            "items": [dict(person) for person in people],
            "skip_duplicates": skip_duplicates,
            **({"callback_url": callback_url} if callback_url else {}),
        }
        return _list("create_list", self._post("create_list", "/lists", {"list": wanted}), ResponseLost)

    def list(self, list_id: int) -> PeopleList:
        """Read one list; free. Raises NotFound for an unknown id."""
        return _list("get_list", self.get_conn().send(_get_list(list_id)), VendorDown)

    async def list_is_complete(self, transport: AsyncTransport, list_id: int) -> bool:
        """Whether waiting longer is pointless: finished, failed or unknown. For a trigger."""
        try:
            return _list("get_list", await transport.send(_get_list(list_id)), VendorDown).is_complete
        except BadRequest:  # a bad id stays bad
            return True

    def contacts(self, list_id: int, segment: Segment = "people") -> Contacts:
        """The people of a finished list; free. Raises NotFound for an unknown list."""
        path = f"/lists/{list_id}/contacts"
        call = Call("list_contacts", "GET", path, repeatable=True, params={"segment": segment})
        reply = self.get_conn().send(call)
        if reply.status == 400:
            return Contacts((), reply)
        people = reply.body.get("data") if isinstance(reply.body, Mapping) else None
        if not isinstance(people, Sequence) or isinstance(people, str):
            raise VendorDown(VENDOR, "list_contacts", reply.status, "The body has no list `data`.")
        return Contacts(tuple(people), reply)

    def search_prospects(self, filters: Mapping[str, Any], size: int = 0) -> Prospects:
        """Count who fits, and preview up to 30. Free with size 0; a preview may cost, and is never repeated while the outcome is unknown.

        filters: Wiza's own names, for example {"job_title": [{"v": "dentist", "s": "i"}]}.
        """
        if not 0 <= size <= MAX_PREVIEW:
            raise ValueError(f"a preview shows 0 to {MAX_PREVIEW} people, not {size}")
        unreadable = ResponseLost if size else VendorDown
        body = {"size": size, "filters": dict(filters)}
        reply = self._post("search_prospects", "/prospects/search", body, repeatable=size == 0)
        data = _data("search_prospects", reply, unreadable)
        profiles = data.get("profiles")
        shown = tuple(profiles) if isinstance(profiles, Sequence) and not isinstance(profiles, str) else ()
        total = finite(data.get("total"))
        return Prospects(int(total or 0), shown, _charged(data, most=size * EMAIL_CREDITS), reply)

    def create_prospect_list(
        self, name: str, filters: Mapping[str, Any], max_profiles: int, *, level: ListLevel = "partial"
    ) -> PeopleList:
        """Search, and enrich up to max_profiles of who fits into a new list. Paid, so never repeated while the outcome is unknown."""
        options = {"name": name, "max_profiles": max_profiles, "enrichment_level": level}
        body = {"list": options, "filters": dict(filters)}
        reply = self._post("create_prospect_list", "/prospects/create_prospect_list", body)
        return _list("create_prospect_list", reply, ResponseLost)

    def continue_search(self, list_id: int, max_profiles: int) -> PeopleList:
        """Enrich the next max_profiles of a prospect list's search. Paid, so never repeated while the outcome is unknown."""
        body = {"id": list_id, "max_profiles": max_profiles}
        call = Call("continue_search", "POST", "/prospects/continue_search", repeatable=False, json=body)
        return _list("continue_search", self.get_conn().send(call), ResponseLost)

    def company(
        self, *, name: str = "", domain: str = "", linkedin_id: str = "", linkedin_slug: str = ""
    ) -> Company:  # fmt: skip
        """Look one company up by at least one of the four. Paid when found, so never repeated while the outcome is unknown."""
        known = {
            "company_name": name,
            "company_domain": domain,
            "company_linkedin_id": linkedin_id,
            "company_linkedin_slug": linkedin_slug,
        }
        body = {field: value for field, value in known.items() if value}
        if not body:
            raise ValueError("company needs a name, a domain or a LinkedIn id or slug")
        if self._companies is None:
            published = self._endpoint(self.get_connection(self.wiza_conn_id))
            rate = published.requests_per_second / REQUESTS_PER_SECOND * COMPANIES_PER_SECOND
            paced = Endpoint(VENDOR, published.base_url, rate, published.headers)
            self._companies = Transport(paced, outcome=_outcome)
        reply = self._post("company", "/company_enrichments", body, transport=self._companies)
        if reply.status == 404:
            return Company(None, 0.0, reply)
        return Company(_data("company", reply, ResponseLost), COMPANY_CREDITS, reply)

    def credits(self) -> dict[str, float]:
        """Balance by kind of credit, for example {"api_credits": 812.0}; an unlimited one is math.inf, an odd one left out."""
        reply = self.get_conn().send(Call("get_credits", "GET", "/meta/credits", repeatable=True))
        kinds = reply.body.get("credits") if isinstance(reply.body, Mapping) else None
        if not isinstance(kinds, Mapping):
            raise VendorDown(VENDOR, "get_credits", reply.status, "The body has no object `credits`.")
        told = {kind: math.inf if value == "unlimited" else finite(value) for kind, value in kinds.items()}
        return {kind: value for kind, value in told.items() if value is not None}

    def test_connection(self) -> tuple[bool, str]:
        """Read the credit balance: free, and it needs a good key."""
        try:
            left = self.credits()
        except VendorError as error:
            return False, str(error)
        return True, f"Wiza answers; API credits left: {left.get('api_credits', 0.0):g}"

    def _start_reveal(self, who: Mapping[str, str], level: Level, accept_personal: bool, callback_url: str) -> Reveal:
        body = {
            "individual_reveal": dict(who),
            "enrichment_level": level,
            "email_options": {"accept_work": True, "accept_personal": accept_personal},
            **({"callback_url": callback_url} if callback_url else {}),
        }
        return _reveal("start_reveal", self._post("start_reveal", "/individual_reveals", body), ResponseLost)

    def _post(
        self,
        operation: str,
        path: str,
        body: Mapping[str, Any],
        *,
        repeatable: bool = False,
        transport: Transport | None = None,
    ) -> Reply:
        try:
            return (transport or self.get_conn()).send(Call(operation, "POST", path, repeatable=repeatable, json=body))
        except NotFound as missing:  # the path names no record, so the path itself is what is not found
            advice = f"There is no such path: correct the host of connection {self.wiza_conn_id}, then clear the task."
            raise EndpointNotFound(VENDOR, operation, missing.status, advice) from missing

    def _endpoint(self, connection: Any) -> Endpoint:
        return endpoint(VENDOR, connection, REQUESTS_PER_SECOND)


def _outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """What Wiza's refusals mean where they are answers: an empty segment, an unknown company, an empty account."""
    status = response.status_code
    message = _message(response) if status in (400, 404) else ""
    is_empty_segment = call.operation == "list_contacts" and status == 400 and "no contacts" in message
    is_unknown_company = call.operation == "company" and status == 404 and "company" in message
    if is_empty_segment or is_unknown_company:
        return Reply(status, response.text, response.json(), response.content, response.headers)
    if status == 400 and ("billing" in message or "credit" in message):
        return OutOfCredits(vendor, call.operation, status, "No credits left. Top the account up, then clear the task.")
    return outcome_of(vendor, call, response)


def _message(response: httpx.Response) -> str:
    """Wiza's words in small letters, out of either of its two error envelopes."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, Mapping):
        return ""
    status = body.get("status")
    return str(status.get("message") if isinstance(status, Mapping) else body.get("message")).lower()


def _get_list(list_id: int) -> Call:
    return Call("get_list", "GET", f"/lists/{list_id}", repeatable=True)


def _data(operation: str, reply: Reply, unreadable: type[VendorError]) -> Mapping[str, Any]:
    data = reply.body.get("data") if isinstance(reply.body, Mapping) else None
    if not isinstance(data, Mapping):
        raise unreadable(VENDOR, operation, reply.status, "The body has no object `data`.")
    return data


def _list(operation: str, reply: Reply, unreadable: type[VendorError]) -> PeopleList:
    data = _data(operation, reply, unreadable)
    stats = data.get("stats")
    if not isinstance(data.get("id"), int) or not isinstance(data.get("status"), str):
        raise unreadable(VENDOR, operation, reply.status, "The body has no data.id and data.status.")
    counted = stats if isinstance(stats, Mapping) else {}
    return PeopleList(data["id"], data["status"], counted, _list_credits(counted), reply)


def _list_credits(stats: Mapping[str, Any]) -> float:
    """What a list says that it took; the most that its people can have cost where what it says can be no charge."""
    people = finite(stats.get("people"))
    most = FULL_CREDITS * (people if people is not None and 0 <= people <= MAX_LIST else MAX_LIST)
    told = 0.0 if stats.get("credits") is None else finite(stats["credits"])
    return told if told is not None and 0 <= told <= FULL_CREDITS * MAX_LIST else most


def _get_reveal(reveal_id: int) -> Call:
    return Call("get_reveal", "GET", f"/individual_reveals/{reveal_id}", repeatable=True)


def _reveal(operation: str, reply: Reply, unreadable: type[VendorError]) -> Reveal:
    """Read the envelope. Wiza answers 200 when credits are out: only `fail_error` in the body tells."""
    data = reply.body.get("data") if isinstance(reply.body, Mapping) else None
    if not isinstance(data, Mapping) or not {"id", "status", "is_complete"} <= data.keys():
        raise unreadable(VENDOR, operation, reply.status, "The body has no data.id, status and is_complete.")
    if data.get("fail_error") == "billing_issue":
        raise OutOfCredits(
            VENDOR,
            operation,
            reply.status,
            "billing_issue: no credits left. Top the account up, then clear the task.",
        )
    if not isinstance(data["id"], int) or isinstance(data["id"], bool):
        raise unreadable(VENDOR, operation, reply.status, "data.id is no whole number.")
    # What is neither true nor false is no longer worked on: it is kept, and refused when it is read.
    is_complete = data["is_complete"] is not False
    return Reveal(data["id"], str(data["status"]), is_complete, _charged(data, most=EMAIL_CREDITS), reply)


def _charged(data: Mapping[str, Any], *, most: float) -> float:
    """What an answer says that it took; the most that it can have been where what it says can be no charge."""
    try:
        return Fields(data).part("credits").part("api_credits").credits("total") or 0.0
    except OddAnswer:
        return most
