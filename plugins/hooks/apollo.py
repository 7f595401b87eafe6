"""Apollo: people and companies out of a database, at once; phone numbers minutes later.

Contract: https://docs.apollo.io/reference/people-enrichment, bulk-people-enrichment, organization-enrichment,
people-api-search, poll-webhook-result, view-api-usage-stats and view-credit-usage-stats.

Published prices: 1 credit for a person or a company that comes back with data, 8 more for a mobile number, 0 for nothing;
`credits_consumed` of a bulk answer is what was charged and may be a fraction. `/people/match` tells no charge. The same
person again may be charged again. No idempotency key: every paid call is asked once, and is outcome unknown when its answer is
lost. People search is free and shows neither e-mail nor phone.

Published limits, by team and endpoint, in fixed windows that open on the first call (Basic and Professional): enrichment
1000 a minute; search 200 a minute, 6000 an hour, 50,000 a day; everything else 200, 400 and 2000. Headers tell all three
windows at once; an empty one has no limit. How an account without credits is refused is not published: every refusal
that speaks of credits is taken for it.

`request_id` is a signed 64-bit integer, often negative. Callbacks carry no proof at all (include/enrichment/callbacks.py), and none
comes for a phone job that is `skipped` or a waterfall that was not `accepted`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import (
    AuthFailed,
    BadRequest,
    EndpointNotFound,
    NotFound,
    OutOfCredits,
    RateLimited,
    ResponseLost,
    VendorDown,
    VendorError,
)
from hooks.http.transport import AsyncTransport, Call, Endpoint, Reply, Transport, endpoint, outcome_of
from include.contacts.email_address import email_address
from include.enrichment.answer_fields import Fields, OddAnswer, finite

VENDOR = "apollo"
# A little below what is published: the vendor's window opens when the first call arrives, not when we send it.
ENRICH_PER_SECOND = 0.98 * 1000 / 60
SEARCH_PER_SECOND = 0.98 * 200 / 60
OTHER_PER_SECOND = 0.98 * 200 / 60
MAX_BULK = 10
CREDITS_PER_PERSON = 1.0  # who comes back with an e-mail or a LinkedIn page; phones and waterfalls are charged later
PAGE = 100
MAX_FOUND = 50_000  # search shows no more, however many there are
_INT64 = range(-(2**63), 2**63)
_WINDOWS = {"minute": ("minute", "minute", 60.0), "hour": ("hourly", "hourly", 3600.0), "day": ("24-hour", "24-hour", 86400.0)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PersonQuery:
    """What is known about a person; empty fields are not sent. The more, the surer the match."""

    first_name: str = ""
    last_name: str = ""
    name: str = ""
    email: str = ""
    organization_name: str = ""
    domain: str = ""
    linkedin_url: str = ""
    id: str = ""

    def fields(self) -> dict[str, str]:
        known = {name: value for name, value in asdict(self).items() if value}
        if not known:
            raise ValueError("a PersonQuery needs at least one field: pass a name, an e-mail, a LinkedIn URL or an id")
        return known


@dataclass(frozen=True, slots=True)
class Match:
    """One person. person: as sent, without the placeholder e-mail; None when nobody matched (and nothing was charged).

    credits: by the price list, because this answer tells no charge. request_id: to poll for the phone, else None.
    """

    person: Mapping[str, Any] | None
    credits: float
    request_id: int | None
    reply: Reply


@dataclass(frozen=True, slots=True)
class BulkMatch:
    """Up to ten people. people: in the order asked, None for a miss, without the placeholder e-mail; empty where the
    answer has no list of that length (include/enrichment/vendor_rows.py refuses it: it was paid for, so it is kept as received).

    credits: what Apollo says it charged; by the price list where it tells nothing, and the most that it can have been where
    what it tells can be no charge; None with a waterfall.
    billed: number of people who were charged for, which is not the number matched. None with a waterfall.
    request_id: to poll for what comes later; None unless more is coming.
    """

    people: tuple[Mapping[str, Any] | None, ...]
    credits: float | None
    billed: int | None
    request_id: int | None
    reply: Reply


@dataclass(frozen=True, slots=True)
class Organizations:
    """Companies: one (or none) of enrich, or those that a bulk call found, without gaps. credits: by the price list."""

    organizations: tuple[Mapping[str, Any], ...]
    credits: float
    reply: Reply


@dataclass(frozen=True, slots=True)
class LaterResult:
    """What came of an asynchronous request. result: the callback's body, None until it is there.

    state: `pending`; `ready`; `failed` when Apollo could not deliver its callback (the result may be there all the same).
    retry_after: seconds that Apollo asks to wait while it is pending.
    """

    state: Literal["pending", "ready", "failed"]
    result: Mapping[str, Any] | None
    retry_after: float | None
    reply: Reply


@dataclass(frozen=True, slots=True)
class Window:
    """One rate window of one endpoint. None: there is no limit."""

    limit: int | None
    used: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class CreditBalance:
    """One kind of credit in the current billing cycle. On plans with one pool, kinds share it: never add them up."""

    limit: float
    used: float
    left: float


class ApolloHook(BaseHook):
    """Connection: host `https://api.apollo.io/api/v1`, password = API key.

    Extra: `requests_per_second`, the pace of one task at the enrichment endpoints; search and the others are paced in
    the same proportion to what is published for them. `callback_secret`, for phones and waterfalls: one of the
    receiver's CALLBACK_SECRETS.
    """

    conn_name_attr = "apollo_conn_id"
    default_conn_name = "apollo_default"
    conn_type = "http"
    hook_name = "Apollo"

    def __init__(self, apollo_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.apollo_conn_id = apollo_conn_id
        self._transports: dict[float, Transport] = {}
        self.windows: dict[str, dict[str, Window]] = {}  # operation -> minute, hour, day, as the last answer told them

    def get_conn(self, published_rate: float = ENRICH_PER_SECOND) -> Transport:
        """The transport of one class of endpoints; each class has a limit of its own."""
        if published_rate not in self._transports:
            connection = self.get_connection(self.apollo_conn_id)
            self._transports[published_rate] = Transport(_endpoint(connection, published_rate), outcome=_outcome)
        return self._transports[published_rate]

    async def get_async_conn(self) -> AsyncTransport:
        """A transport for polling from the triggerer, where the blocking connection look-up would stop every trigger."""
        connection = await self.aget_connection(self.apollo_conn_id)
        return AsyncTransport(_endpoint(connection, OTHER_PER_SECOND), outcome=_outcome)

    def match(
        self, person: PersonQuery, *, reveal_phone: bool = False, reveal_personal: bool = False, webhook_url: str = ""
    ) -> Match:
        """Look one person up. Paid, so never repeated while the outcome is unknown.

        reveal_phone: the number comes later, to webhook_url (which Apollo then requires) and to later_result.
        Raises OutOfCredits when the account cannot pay, ResponseLost when the answer did not come back.
        """
        flags = _flags(reveal_phone, reveal_personal, False, webhook_url)
        reply = self._send("match", "POST", "/people/match", repeatable=False, params=person.fields() | flags)
        body = _object("match", reply, ResponseLost)
        if "person" not in body:
            raise ResponseLost(VENDOR, "match", reply.status, "The body has no field `person`.")
        found = without_placeholder(body["person"])
        later = _request_id("match", body) if reveal_phone and found else None
        return Match(found, float(found is not None and _is_billed(found)), later, reply)

    def bulk_match(
        self,
        people: Sequence[PersonQuery],
        *,
        reveal_phone: bool = False,
        reveal_personal: bool = False,
        waterfall_email: bool = False,
        webhook_url: str = "",
    ) -> BulkMatch:
        """Look one to ten people up in one call. Paid, so never repeated while the outcome is unknown. Raises as match does."""
        if not 1 <= len(people) <= MAX_BULK:
            raise ValueError(f"bulk_match takes 1 to {MAX_BULK} people, not {len(people)}: cut the list up")
        flags = _flags(reveal_phone, reveal_personal, waterfall_email, webhook_url)
        details = {"details": [person.fields() for person in people]}
        reply = self._send("bulk_match", "POST", "/people/bulk_match", repeatable=False, params=flags, json=details)
        body = _object("bulk_match", reply, ResponseLost)
        matches = body.get("matches")
        whole = isinstance(matches, list) and len(matches) == len(people)
        found = [without_placeholder(one) for one in matches] if isinstance(matches, list) else []
        billed = body.get("unique_enriched_records")
        return BulkMatch(
            people=tuple(found) if whole else (),
            credits=None if waterfall_email else _charged(body, len(people)),
            billed=billed if isinstance(billed, int) else None,
            request_id=_request_id("bulk_match", body) if _more_is_coming(body) else None,
            reply=reply,
        )

    def person(self, person_id: str) -> Match:
        """Everything about a person whose Apollo id is known. Paid. Raises NotFound for an id that is gone."""
        try:
            reply = self._send("get_person", "GET", f"/people/{person_id}", repeatable=False)
        except BadRequest as refused:
            if refused.status == 422:  # Apollo's way to say that it has no such person
                raise NotFound(VENDOR, "get_person", 422, "No such person.") from refused
            raise
        found = without_placeholder(_object("get_person", reply, ResponseLost).get("person"))
        return Match(found, float(found is not None), None, reply)

    def organization(self, *, domain: str = "", name: str = "", website: str = "", linkedin_url: str = "") -> Organizations:  # fmt: skip
        """Look one company up by at least one of the four. Paid when found."""
        known = {"domain": domain, "name": name, "website": website, "linkedin_url": linkedin_url}
        params = {key: value for key, value in known.items() if value}
        if not params:
            raise ValueError("organization needs a domain, a name, a website or a LinkedIn URL")
        reply = self._send("organization", "GET", "/organizations/enrich", repeatable=False, params=params)
        body = _object("organization", reply, ResponseLost)
        found = body.get("organization")
        return Organizations((found,) if found else (), float(bool(found)), reply)

    def organizations(self, domains: Sequence[str]) -> Organizations:
        """Look one to ten companies up by domain. The answer leaves the unknown out: tell them by `primary_domain`."""
        if not 1 <= len(domains) <= MAX_BULK:
            raise ValueError(f"organizations takes 1 to {MAX_BULK} domains, not {len(domains)}: cut the list up")
        reply = self._send(
            "organizations",
            "POST",
            "/organizations/bulk_enrich",
            repeatable=False,
            json={"details": [{"domain": domain} for domain in domains]},
        )
        body = _object("organizations", reply, ResponseLost)
        found = tuple(one for one in body.get("organizations") or [] if one)
        return Organizations(found, float(body.get("unique_enriched_records") or 0), reply)

    def iter_people(self, filters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the people that a free search finds, page by page, without e-mail and phone, last names masked.

        filters: the API's own names, for example {"person_titles[]": ["dentist"], "person_locations[]": ["Texas, US"]}.
        Raises BadRequest, after the first page, when more fit than search can show: cut the filters finer.
        """
        seen = 0
        page = 0
        while True:
            page += 1
            params = {**filters, "page": page, "per_page": PAGE}
            reply = self._send(
                "search_people", "POST", "/mixed_people/api_search", rate=SEARCH_PER_SECOND, params=params
            )
            body = _object("search_people", reply, VendorDown)
            people, total = body.get("people"), body.get("total_entries")
            if not isinstance(people, list) or not isinstance(total, int):
                raise VendorDown(VENDOR, "search_people", reply.status, "The page has no `people` and `total_entries`.")
            yield from people
            seen += len(people)
            if total > MAX_FOUND:
                advice = f"{total} people fit, and search shows {MAX_FOUND} at most: cut the filters finer."
                raise BadRequest(VENDOR, "search_people", reply.status, advice)
            if seen >= total or not people:
                return

    def iter_organizations(self, filters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the companies that a search finds. Paid: one credit a page of 100, so no page is repeated while the outcome is unknown."""
        page = 0
        while True:
            page += 1
            params = {**filters, "page": page, "per_page": PAGE}
            reply = self._send(
                "search_organizations",
                "POST",
                "/mixed_companies/search",
                repeatable=False,
                rate=SEARCH_PER_SECOND,
                params=params,
            )
            body = _object("search_organizations", reply, ResponseLost)
            yield from body.get("organizations") or []
            if page >= int((body.get("pagination") or {}).get("total_pages") or 0):
                return

    def later_result(self, request_id: int) -> LaterResult:
        """Read what came of an asynchronous request; free, kept 30 days. Not ready yet is an answer, not an error.

        Raises NotFound for an id that Apollo does not know, BadRequest for one that is older than 30 days or no int64.
        """
        return _later(self._send(*_poll(request_id), rate=OTHER_PER_SECOND))

    async def later_result_is_there(self, transport: AsyncTransport, request_id: int) -> bool:
        """Whether waiting longer is pointless: there, failed, or never to come. For a trigger."""
        operation, method, path = _poll(request_id)
        try:
            reply = await transport.send(Call(operation, method, path, repeatable=True))
        except BadRequest:  # unknown, expired or no int64: each stays so
            return True
        return _later(reply).state != "pending"

    def credits(self) -> dict[str, CreditBalance]:
        """Balance by kind of credit, an odd one left out; free. `lead_credit` pays for people and companies. Needs a master key."""
        reply = self._send("credits", "POST", "/usage_stats/credit_usage_stats", rate=OTHER_PER_SECOND)
        kinds = _object("credits", reply, VendorDown).get("credit_usage_stats")
        if not isinstance(kinds, Mapping):
            raise VendorDown(VENDOR, "credits", reply.status, "The body has no object `credit_usage_stats`.")
        read = {
            kind: [finite(told.get(name)) for name in ("limit", "consumed", "left_over")]
            for kind, told in kinds.items()
            if isinstance(told, Mapping)
        }
        return {kind: CreditBalance(*of) for kind, of in read.items() if None not in of}  # type: ignore[arg-type]

    def limits(self) -> dict[str, dict[str, Window]]:
        """The team's rate windows by endpoint (`people/match`) and span (minute, hour, day); free."""
        reply = self._send("limits", "POST", "/usage_stats/api_usage_stats", rate=OTHER_PER_SECOND)
        told = _object("limits", reply, VendorDown)
        return {
            _endpoint_name(key): {
                span: Window(window.get("limit"), window.get("consumed"), window.get("left_over"))
                for span, window in spans.items()
            }
            for key, spans in told.items()
        }

    def test_connection(self) -> tuple[bool, str]:
        """Read the credit balance: free, and it needs a good key."""
        try:
            left = self.credits().get("lead_credit")
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, f"Apollo answers; lead credits left: {left.left if left else 0.0:g}"

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        repeatable: bool = True,
        rate: float = ENRICH_PER_SECOND,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Reply:
        call = Call(operation, method, path, repeatable=repeatable, params=params, json=json)
        try:
            reply = self.get_conn(rate).send(call)
        except NotFound as missing:
            if operation == "webhook_result":
                raise
            advice = (
                f"There is no such path: correct the host of connection {self.apollo_conn_id}, then clear the task."
            )
            raise EndpointNotFound(VENDOR, operation, missing.status, advice) from missing
        self.windows[operation] = rate_windows(reply.headers)
        return reply


def rate_windows(headers: Mapping[str, str]) -> dict[str, Window]:
    """The three windows that an answer tells, by `minute`, `hour`, `day`. An empty or missing header is no limit."""
    return {
        span: Window(
            _count(headers.get(f"x-rate-limit-{limit}")),
            _count(headers.get(f"x-{used}-usage")),
            _count(headers.get(f"x-{used}-requests-left")),
        )
        for span, (limit, used, _) in _WINDOWS.items()
    }


def without_placeholder(person: Any) -> dict[str, Any] | None:
    """The person with `email` None where Apollo put its placeholder; None stays None, and what is no person is None."""
    if not isinstance(person, Mapping):
        return None
    locked = email_address(person.get("email")).reason == "placeholder"
    return {**person, "email": None} if locked else dict(person)


def _endpoint(connection: Any, published_rate: float) -> Endpoint:
    share = float(connection.extra_dejson.get("requests_per_second", ENRICH_PER_SECOND)) / ENRICH_PER_SECOND
    base = endpoint(VENDOR, connection, published_rate, secret_header=("x-api-key", "{}"))
    return Endpoint(VENDOR, base.base_url, published_rate * share, base.headers)


def _outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """What Apollo's own answers mean where they differ from everybody's."""
    status = response.status_code
    if status in (403, 422) and "credit" in _said(response).lower():
        return OutOfCredits(vendor, call.operation, status, "No credits left. Top the account up, then clear the task.")
    if status == 403:
        return AuthFailed(
            vendor,
            call.operation,
            status,
            "The key's scope or the plan does not include this endpoint: let an Apollo administrator add it to the key "
            f"of connection {vendor}_default, then clear the task.",
        )
    if call.operation == "webhook_result" and status == 404 and _error_code(response) == "result_pending":
        return Reply(status, response.text, response.json(), response.content, response.headers)
    meaning = outcome_of(vendor, call, response)
    if isinstance(meaning, RateLimited) and meaning.retry_after is None:
        meaning.retry_after = _seconds_of_full_window(response.headers)
    return meaning


def _seconds_of_full_window(headers: Mapping[str, str]) -> float | None:
    """The longest window that is used up, in seconds, for a 429 that names no wait."""
    full = [_WINDOWS[span][2] for span, window in rate_windows(headers).items() if window.left == 0]
    return max(full, default=None)


def _flags(phone: bool, personal: bool, waterfall_email: bool, webhook_url: str) -> dict[str, Any]:
    if (phone or waterfall_email) and not webhook_url:
        raise ValueError("phones and waterfalls come by callback: pass webhook_url, Apollo refuses the call without it")
    flags = {
        "reveal_phone_number": phone,
        "reveal_personal_emails": personal,
        "run_waterfall_email": waterfall_email,
        "webhook_url": webhook_url,
    }
    return {name: value for name, value in flags.items() if value}


def _charged(body: Mapping[str, Any], asked: int) -> float:
    """What a call about so many people took. Who cannot be read counts as charged for."""
    matches = body.get("matches")
    try:
        told = Fields(body).credits("credits_consumed")
    except OddAnswer:
        return asked * CREDITS_PER_PERSON
    if told is not None:
        return told
    if not isinstance(matches, list) or len(matches) != asked:
        return asked * CREDITS_PER_PERSON
    people = [without_placeholder(one) for one in matches]
    billed = sum(
        _is_billed(read) if read is not None else one is not None for one, read in zip(matches, people, strict=True)
    )
    return billed * CREDITS_PER_PERSON


def _is_billed(person: Mapping[str, Any]) -> bool:
    """Whether the price list asks a credit for this person: an e-mail or a LinkedIn page came back."""
    return bool(person.get("email") or person.get("linkedin_url"))


def _more_is_coming(body: Mapping[str, Any]) -> bool:
    phone, waterfall = _part(body, "phone_enrichment"), _part(body, "waterfall")
    return phone.get("status") == "pending" or waterfall.get("status") == "accepted"


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def _request_id(operation: str, body: Mapping[str, Any]) -> int | None:
    """The id of the background work: the phone job's own where it has one."""
    told = _part(body, "phone_enrichment").get("request_id") or body.get("request_id")
    try:
        return None if told is None else int(told)
    except (TypeError, ValueError, OverflowError) as odd:
        raise ResponseLost(VENDOR, operation, 200, "request_id is no integer.") from odd


def _poll(request_id: int) -> tuple[str, str, str]:
    if request_id not in _INT64:
        raise ValueError("request_id must be a signed 64-bit integer: it was changed on the way, perhaps as a float")
    return "webhook_result", "GET", f"/webhook_result/{request_id}"


def _later(reply: Reply) -> LaterResult:
    body = _object("webhook_result", reply, VendorDown)
    if reply.status == 404 or body.get("webhook_status") == "in_progress":
        wait = body.get("retry_after_seconds")
        return LaterResult("pending", None, float(wait) if wait is not None else None, reply)
    result = body.get("webhook_result")
    return LaterResult("ready" if body.get("webhook_status") == "success" else "failed", result, None, reply)


def _object(operation: str, reply: Reply, unreadable: type[VendorError]) -> Mapping[str, Any]:
    if not isinstance(reply.body, Mapping):
        raise unreadable(VENDOR, operation, reply.status, "The body is no JSON object.")
    return reply.body


def _said(response: httpx.Response) -> str:
    """The message of a refusal, in today's form and the one announced for 2027 (`error_details`)."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, Mapping):
        return ""
    details = body.get("error_details")
    parts = [body.get(name) for name in ("error", "error_message", "error_code", "message")]
    if isinstance(details, Mapping):
        parts += [details.get("code"), details.get("message")]
    return " ".join(str(part) for part in parts if part)


def _error_code(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("error_code", "")) if isinstance(body, Mapping) else ""


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().lstrip("-").isdigit() else None


def _endpoint_name(key: str) -> str:
    """`["api/v1/people", "match"]` -> `people/match`: Apollo keys its table by the text of a list."""
    try:
        parts = json.loads(key)
    except ValueError:
        return key
    return "/".join(str(part) for part in parts).removeprefix("api/v1/")
