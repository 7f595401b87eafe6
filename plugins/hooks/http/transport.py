"""One HTTP call to a vendor: timeouts, pacing, the short ring of retries, and what each answer means.

A hook holds a transport; it does not inherit from one. The long ring of retries (minutes) is the task's.

Nothing here logs a URL, a header or a body: URLs hold phone numbers, and bodies hold people.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx

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
from hooks.http.limits import TokenBucket
from hooks.http.trust import trusted_certificates
from include.enrichment.answer_fields import OddAnswer, read_json

if TYPE_CHECKING:
    from airflow.sdk import Connection

TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=15.0, pool=5.0)
# A server that closes an idle connection while a call goes out on it leaves that call with an unknown outcome; servers wait 5 s and longer.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2.0)
ATTEMPTS = 4
MAX_PAUSE = 30.0  # seconds; a vendor that asks for more gets it from the task's retry, not from a sleeping worker
FIRST_PAUSE = 0.5  # seconds

# No whole request reached the vendor: safe to repeat even when the call costs money.
NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,  # our own client refused to write it
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_SECRET = re.compile(r"[!-~]+")  # what a header can carry: a pasted key often brings a blank or a line end along

log = logging.getLogger(__name__)

# httpx writes every URL to the log at INFO, and Twilio's URLs hold phone numbers.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a vendor is and how it knows us; built from an Airflow connection, never printed."""

    vendor: str
    base_url: str
    requests_per_second: float
    headers: Mapping[str, str]
    basic_auth: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.vendor}, {self.base_url})"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of 2xx, or one that a vendor's own outcome takes for one.

    text: the body exactly as received. body: that text parsed, None when it was empty.
    content: the bytes of the body, for an archive. headers: names in lower case, for rate windows.
    """

    status: int
    text: str
    body: Any
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. repeatable: doing it twice costs and changes nothing more than doing it once.

    path: below the endpoint's base address, or a whole URL. form, content: a body in place of json.
    """

    operation: str
    method: str
    path: str
    repeatable: bool
    params: Mapping[str, Any] | None = None
    json: Any = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None


# (vendor, call, response) -> what the response means.
Outcome = Callable[[str, Call, httpx.Response], Reply | VendorError]


class Transport:
    """Makes calls from a task.

    :param outcome: what an answer means, for a vendor that says "slow down" or "wrong key" in words of its own.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        http: httpx.BaseTransport | None = None,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
        outcome: Outcome | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._attempts = attempts
        self._sleep = sleep
        self._outcome = outcome or outcome_of
        self._bucket = TokenBucket(endpoint.requests_per_second)
        self._client = httpx.Client(
            base_url=endpoint.base_url,
            headers=endpoint.headers,
            auth=endpoint.basic_auth,
            timeout=TIMEOUT,
            limits=LIMITS,
            verify=trusted_certificates(),
            transport=http,
        )

    def send(self, call: Call) -> Reply:
        """Return the answer, or raise one of hooks.http.errors after at most `attempts` tries."""
        attempt = 0
        while True:
            attempt += 1
            self._sleep(self._bucket.reserve())
            try:
                response = self._client.request(
                    call.method, call.path, params=call.params, json=call.json, data=call.form, content=call.content
                )
            except httpx.RequestError as cut:
                outcome: Reply | VendorError = error_of_cut(self._endpoint.vendor, call, cut)
            else:
                outcome = self._outcome(self._endpoint.vendor, call, response)
            if isinstance(outcome, Reply):
                return outcome
            pause = pause_before_retry(outcome, attempt, self._attempts)
            if pause is None:
                raise outcome
            self._sleep(pause)

    @property
    def requests_per_second(self) -> float:
        """The pace of this transport."""
        return self._endpoint.requests_per_second

    def close(self) -> None:
        self._client.close()


class AsyncTransport:
    """Makes calls from a trigger. The same rules as Transport."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        http: httpx.AsyncBaseTransport | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._outcome = outcome or outcome_of
        self._bucket = TokenBucket(endpoint.requests_per_second)
        self._client = httpx.AsyncClient(
            base_url=endpoint.base_url,
            headers=endpoint.headers,
            auth=endpoint.basic_auth,
            timeout=TIMEOUT,
            limits=LIMITS,
            verify=trusted_certificates(),
            transport=http,
        )

    async def send(self, call: Call) -> Reply:
        """Return the answer, or raise one of hooks.http.errors after at most ATTEMPTS tries."""
        attempt = 0
        while True:
            attempt += 1
            await asyncio.sleep(self._bucket.reserve())
            try:
                response = await self._client.request(call.method, call.path, params=call.params, json=call.json)
            except httpx.RequestError as cut:
                outcome: Reply | VendorError = error_of_cut(self._endpoint.vendor, call, cut)
            else:
                outcome = self._outcome(self._endpoint.vendor, call, response)
            if isinstance(outcome, Reply):
                return outcome
            pause = pause_before_retry(outcome, attempt, ATTEMPTS)
            if pause is None:
                raise outcome
            await asyncio.sleep(pause)

    async def aclose(self) -> None:
        await self._client.aclose()


def error_of_cut(vendor: str, call: Call, cut: httpx.RequestError) -> VendorError:
    """What a call without an answer that can be read means: down when nothing was sent or a repeat is harmless, else outcome unknown."""
    kind = type(cut).__name__  # the exception's own text may hold the URL
    if isinstance(cut, httpx.TooManyRedirects):
        return EndpointNotFound(
            vendor,
            call.operation,
            None,
            f"The site redirects in a circle, as one does that wants a sign-in or has moved: look at it in a browser, then correct "
            f"connection {vendor}_default and clear the task.",
        )
    if call.repeatable or isinstance(cut, NEVER_SENT):
        return VendorDown(
            vendor,
            call.operation,
            None,
            f"The connection failed ({kind}). Check the host in connection {vendor}_default and the vendor's "
            "status page; the task tries again by itself.",
        )
    return _lost(vendor, call, None, f"The request went out and the connection was cut ({kind}).")


def outcome_of(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """The answer when it is 2xx and readable, else the error that it stands for."""
    status = response.status_code
    if response.is_success:
        return _read(vendor, call, response)
    if status in (401, 403):
        return AuthFailed(
            vendor,
            call.operation,
            status,
            f"The key was refused: correct login and password of connection {vendor}_default, then clear the task.",
        )
    if status == 402:
        return OutOfCredits(
            vendor,
            call.operation,
            status,
            "The account or its plan cannot pay: top it up, then clear the task.",
        )
    if status == 404 and _names_a_record(call, response):
        code = _code(response)
        return NotFound(vendor, call.operation, status, f"No such record{_said(code)}.", code=code)
    if status in (404, 405) or status < 400:
        return EndpointNotFound(
            vendor,
            call.operation,
            status,
            f"Whoever answers there does not take this call: correct the host of connection {vendor}_default, or the "
            "vendor has changed its contract. Nothing was done; then clear the task.",
        )
    if status == 429:
        return RateLimited(
            vendor,
            call.operation,
            status,
            "Too many calls, and this one was not processed. The task tries again in minutes; if it stays, lower "
            f"requests_per_second of connection {vendor}_default or the slots of pool {vendor}.",
            retry_after=seconds_asked_for(response.headers),
        )
    if status >= 500 or status == 408:
        # 503 is a refusal. After any other we cannot know whether the work was done before it broke.
        if not call.repeatable and status != 503:
            return _lost(vendor, call, status, "The vendor broke off while it worked on the call.")
        return VendorDown(
            vendor,
            call.operation,
            status,
            "The vendor is failing; see its status page. The task tries again.",
        )
    fields = refused_fields(response, call.json)
    code = _code(response)
    named = f" It complains about: {', '.join(fields)}." if fields else ""
    return BadRequest(
        vendor,
        call.operation,
        status,
        f"The vendor refused the request{_said(code)}.{named} Correct the data or the code: a retry is refused too.",
        fields=fields,
        code=code,
    )


def pause_before_retry(error: VendorError, attempt: int, attempts: int) -> float | None:
    """Seconds to wait before the next try, or None when this error is final for the short ring.

    Full jitter on an exponential (0.5, 1, 2 … s); a wait that the vendor names is kept, plus jitter, up to 30 s.
    """
    if attempt >= attempts or not isinstance(error, (RateLimited, VendorDown)):
        return None
    jitter = random.uniform(0.0, FIRST_PAUSE * 2 ** (attempt - 1))
    asked = error.retry_after if isinstance(error, RateLimited) else None
    if asked is not None and asked > MAX_PAUSE:
        return None
    pause = jitter if asked is None else asked + min(jitter, 1.0)
    log.info("Try %d of %d in %.1f s, after: %s", attempt + 1, attempts, pause, error)
    return pause


def seconds_asked_for(headers: Mapping[str, str]) -> float | None:
    """The wait that a 429 names, in seconds: Retry-After (seconds or a date), else the burst window of GHL."""
    retry_after = headers.get("retry-after", "").strip()
    if retry_after:
        try:
            return max(0.0, float(retry_after))
        except ValueError:
            pass
        try:
            return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return None
    if headers.get("x-ratelimit-daily-remaining", "") == "0":
        return 3600.0  # the day's quota is gone: not something to wait for in a worker
    window = headers.get("x-ratelimit-interval-milliseconds", "")
    return int(window) / 1000 if window.isdigit() else None


def refused_fields(response: httpx.Response, payload: Any) -> tuple[str, ...]:
    """Names of our own payload's fields that the refusal mentions, sorted.

    Only names that we sent are returned, never the vendor's sentence: it may quote a person's address.
    """
    if not isinstance(payload, Mapping):
        return ()
    words = set(response.text.replace('"', " ").replace("'", " ").replace(".", " ").replace(":", " ").split())
    return tuple(sorted(name for name in payload if name in words))


def endpoint(
    vendor: str,
    connection: "Connection",
    default_rate: float,
    headers: Mapping[str, str] | None = None,
    basic: bool = False,
    secret_header: tuple[str, str] = ("Authorization", "Bearer {}"),
) -> Endpoint:
    """Read host, secret and plan facts from a connection.

    Host is a full base URL. Extra `requests_per_second` overrides the published rate (default_rate).
    basic: HTTP Basic with login and password; otherwise the password is sent in secret_header (name, form of the
    value), as a bearer token unless the vendor wants it otherwise.
    Raises AuthFailed when the secret is missing or holds what no key holds, and ValueError when the host is missing
    or no http(s) URL.
    """
    if not connection.host:
        raise ValueError(f"connection {connection.conn_id} has no host: set the vendor's full base URL")
    if not connection.password or (basic and not connection.login):
        missing = "login or password" if basic else "password"
        raise AuthFailed(vendor, "connect", None, f"Connection {connection.conn_id} has no {missing}: set it.")
    if not _SECRET.fullmatch(connection.password) or (basic and not _SECRET.fullmatch(str(connection.login))):
        raise AuthFailed(
            vendor,
            "connect",
            None,
            f"The login or password of connection {connection.conn_id} holds a blank, a line end or a character that no "
            "key has, as pasting leaves it: set it again, then clear the task.",
        )
    host = connection.host if "://" in connection.host else f"https://{connection.host}"
    if not re.fullmatch(r"https?://[!-~]+", host):
        raise ValueError(
            f"the host of connection {connection.conn_id} is no http(s) URL: set the vendor's full base URL"
        )
    port = f":{connection.port}" if connection.port else ""
    rate = float(connection.extra_dejson.get("requests_per_second", default_rate))
    sent = {"Accept": "application/json", **(headers or {})}
    if basic:
        return Endpoint(vendor, host.rstrip("/") + port, rate, sent, (str(connection.login), connection.password))
    name, form = secret_header
    sent[name] = form.format(connection.password)
    return Endpoint(vendor, host.rstrip("/") + port, rate, sent)


def _read(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    text = response.text
    if not text.strip():
        return Reply(response.status_code, text, None, response.content, response.headers)
    try:
        return Reply(response.status_code, text, read_json(text), response.content, response.headers)
    except OddAnswer:
        if call.repeatable:
            return VendorDown(
                vendor,
                call.operation,
                response.status_code,
                "The body is not JSON: some proxy answered.",
            )
        return _lost(vendor, call, response.status_code, "The body is not JSON, so what was done is not known.")


def _lost(vendor: str, call: Call, status: int | None, what: str) -> ResponseLost:
    return ResponseLost(
        vendor,
        call.operation,
        status,
        f"{what} The vendor may have done it: the call stays outcome unknown and is not repeated by itself. "
        "Look it up at the vendor; the DAG's own page says under OutcomeUnknown how to go on if it was not done.",
    )


def _names_a_record(call: Call, response: httpx.Response) -> bool:
    """Whether a 404 says that the vendor lacks a record, rather than that this host lacks the path.

    A vendor's own 404 is a JSON object. A web server's page is not, and the frameworks' answer for an unknown path is
    `Cannot GET /path`. Taking one of those for "gone" would call an opt-out done that never was.
    """
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, Mapping) and not str(body.get("message", "")).startswith(f"Cannot {call.method} ")


def _code(response: httpx.Response) -> int | None:
    """The vendor's numeric error code, as Twilio sends it, for example 20404."""
    try:
        body = response.json()
    except ValueError:
        return None
    code = body.get("code") if isinstance(body, Mapping) else None
    return code if isinstance(code, int) else None


def _said(code: int | None) -> str:
    return f" (code {code})" if code is not None else ""
