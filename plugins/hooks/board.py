"""The sites of the state dental boards: files, downloads behind forms, Socrata data sets, and one-by-one look-ups.

What to ask is declared in include/boards. How: at most once in `delay_seconds`, never where robots.txt forbids it
(RFC 9309), under a name with an address to complain to, and not at all when the site says that nothing has changed.
Socrata: https://dev.socrata.com/docs/paging.html and https://dev.socrata.com/docs/app-tokens.html.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any

import httpx
from airflow.sdk import BaseHook
from protego import Protego

from hooks.http.errors import AuthFailed, BadRequest, EndpointNotFound, VendorDown, VendorError
from hooks.http.limits import TokenBucket
from hooks.http.transport import ATTEMPTS, Call, Reply, error_of_cut, outcome_of, pause_before_retry
from hooks.http.trust import trusted_certificates
from include.boards.answers import write_answers
from include.boards.pages import PageChanged, form_with, page_title
from include.boards.sources import BoardSource, FileFetch, FormFetch, LookupFetch, SocrataFetch

USER_AGENT = "dental-gtm"
# Some sites write dates by the language that is asked for: always the same one, or days and months change places.
ACCEPT_LANGUAGE = "en-US"
# New Jersey says of its download that it "may take a few minutes".
TIMEOUT = httpx.Timeout(connect=10.0, read=300.0, write=15.0, pool=5.0)
MAX_FILE_BYTES = 512 * 1024**2
MAX_PAGE_BYTES = 64 * 1024**2
NOT_MODIFIED = 304


class RobotsDisallow(VendorError):
    """The site's robots.txt forbids the address. Never retried: a person must talk to the board."""


class UnexpectedAnswer(VendorError):
    """Something else came than what is declared: a page for a file, another page, or too much of it."""


@dataclass(frozen=True)
class Answer:
    """What a site said about the version that it sent; None where it said nothing. Both go back with the next question."""

    etag: str | None
    last_modified: str | None

    def validators(self) -> dict[str, str]:
        """Return them under the names that the archive keeps them by."""
        return {name: value for name, value in vars(self).items() if value}

    def modified_at(self) -> datetime | None:
        try:
            return parsedate_to_datetime(self.last_modified or "")
        except ValueError:
            return None


class BoardHook(BaseHook):
    """Connection `board_<state>_default`: host = the board's site. Password: a Socrata app token (optional), or the Cookie
    header of a signed-in session where the declaration says `session`. Extra: `contact`, an address that goes into the
    User-Agent, and `requests_per_second`, which takes the place of the declared delay.
    """

    conn_name_attr = "board_conn_id"
    default_conn_name = "board_default"
    conn_type = "http"
    hook_name = "State dental board"

    def __init__(self, source: BoardSource, *, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__()
        self.source = source
        self._sleep = sleep
        self._client: httpx.Client | None = None
        self._robots: Protego | None = None
        self._bucket = TokenBucket(1.0 / source.delay_seconds)

    def get_conn(self) -> httpx.Client:
        if self._client is None:
            connection = self.get_connection(self.source.conn_id)
            if not connection.host or "://" not in connection.host:
                raise ValueError(f"connection {self.source.conn_id}: set host to the full address of the board's site")
            port = f":{connection.port}" if connection.port else ""
            extra = connection.extra_dejson
            if "requests_per_second" in extra:
                self._bucket = TokenBucket(float(extra["requests_per_second"]))
            contact = f" (+{extra['contact']})" if extra.get("contact") else ""
            self._client = httpx.Client(
                base_url=connection.host.rstrip("/") + port + "/",
                timeout=TIMEOUT,
                verify=trusted_certificates(),
                headers={
                    "User-Agent": USER_AGENT + contact,
                    "Accept-Encoding": "identity",
                    "Accept-Language": ACCEPT_LANGUAGE,
                    **self._secret(connection),
                },  # fmt: skip
                follow_redirects=True,
                event_hooks={"request": [self._stay_on_the_site]},
            )
        return self._client

    def fetch(self, into: IO[bytes], known: Mapping[str, str]) -> Answer | None:
        """Write what the board publishes now into `into`; None when it is what we have.

        :param known: validators of what we have, {} when nothing.

        A Socrata data set is written as a zip of its pages (include/boards/answers.py). Raises RobotsDisallow,
        UnexpectedAnswer, AuthFailed (a session has ended), EndpointNotFound (moved) or VendorDown.
        """
        fetch = self.source.fetch
        if isinstance(fetch, SocrataFetch):
            return self._data_set(fetch, into, known)
        if isinstance(fetch, FormFetch):
            answer: Answer | None = self._form_download(fetch, into)
        elif isinstance(fetch, FileFetch):
            answer = self._file(fetch, into, known)
        else:
            raise ValueError(f"{self.source.name} publishes no file: use look_up")
        if answer is not None:
            self._refuse_page(into)
        return answer

    def look_up(self, number: str) -> bytes:
        """Return the page that a board shows for one license number. Asking again costs nothing but its patience."""
        fetch = self.source.fetch
        if not isinstance(fetch, LookupFetch):
            raise ValueError(f"{self.source.name} answers no single look-up: use fetch")
        form = {**fetch.fields, fetch.number_field: fetch.number_form.format(number)}
        return self._page(Call("look_up", "POST", fetch.path, repeatable=True, form=form))

    def test_connection(self) -> tuple[bool, str]:
        """Read robots.txt: it costs the board nothing."""
        try:
            allowed = self._is_allowed(Call("probe", "GET", self.source.fetch.path, repeatable=True))
        except (VendorError, ValueError) as error:
            return False, str(error)
        return allowed, f"robots.txt {'allows' if allowed else 'forbids'} {self.source.fetch.path}"

    def _file(self, fetch: FileFetch, into: IO[bytes], known: Mapping[str, str]) -> Answer | None:
        path = fetch.path
        if fetch.page:
            page = self._page(Call("find_file", "GET", fetch.page, repeatable=True)).decode("utf-8", "replace")
            found = re.search(fetch.link, page)
            if found is None:
                raise self._changed("find_file", f"no link like {fetch.link} stands on {fetch.page}")
            path = path.format(*found.groups())
        return self._conditional(Call("download", "GET", path, repeatable=True), into, known, MAX_FILE_BYTES)

    def _form_download(self, fetch: FormFetch, into: IO[bytes]) -> Answer:
        """Fill in one form after the other, as a browser would; the last answer is the file."""
        url, page = self._url(fetch.path), self._page(Call("open_form", "GET", fetch.path, repeatable=True))
        for number, fields in enumerate(fetch.steps, start=1):
            try:
                form = form_with(page.decode("utf-8", "replace"), fields)
            except PageChanged as changed:
                raise self._changed(f"form_{number}", str(changed)) from changed
            url = str(httpx.URL(url).join(form.action))
            call = Call(f"form_{number}", "POST", url, repeatable=True, form={**form.hidden, **fields})
            if number == len(fetch.steps):
                return _answer(self._exchange(call, into, MAX_FILE_BYTES))
            page = self._page(call)
        raise ValueError(f"{self.source.name}: fetch.steps is empty")

    def _data_set(self, fetch: SocrataFetch, into: IO[bytes], known: Mapping[str, str]) -> Answer | None:
        first = io.BytesIO()
        answer = self._conditional(self._rows_call(fetch, 0), first, known, MAX_PAGE_BYTES)
        if answer is not None:
            write_answers(into, self._pages(fetch, first.getvalue()))
        return answer

    def _pages(self, fetch: SocrataFetch, first: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield every page; raises UnexpectedAnswer when they do not hold each row of the data set once or more."""
        seen: set[str] = set()
        number, page = 0, first
        while True:
            ids = self._row_ids(page)
            if ids and seen.issuperset(ids):
                raise self._changed("read_rows", f"page {number} repeats rows of the pages before: $offset is not kept")
            seen.update(ids)
            if ids or not number:
                yield f"page-{number:05d}.json", page
            if len(ids) < fetch.page_rows:
                break
            number += 1
            page = self._page(self._rows_call(fetch, number * fetch.page_rows))
        expected = self._count(fetch)
        if expected != len(seen):
            raise self._changed("read_rows", f"the pages hold {len(seen)} rows and the data set {expected}: it changed "
                                "while it was read. The task reads it again")  # fmt: skip

    def _rows_call(self, fetch: SocrataFetch, offset: int) -> Call:
        params = {
            "$select": ":id,*",
            "$where": fetch.where,
            "$order": ":id",
            "$limit": fetch.page_rows,
            "$offset": offset,
        }
        return Call("read_rows", "GET", fetch.path, repeatable=True, params=params)

    def _count(self, fetch: SocrataFetch) -> int:
        params = {"$select": "count(*) as rows", "$where": fetch.where}
        body = self._json(self._page(Call("count_rows", "GET", fetch.path, repeatable=True, params=params)))
        try:
            return int(body[0]["rows"])
        except (IndexError, KeyError, TypeError, ValueError) as odd:
            raise self._changed("count_rows", "the answer has no [0].rows") from odd

    def _row_ids(self, page: bytes) -> list[str]:
        rows = self._json(page)
        if not isinstance(rows, list) or not all(isinstance(row, dict) and ":id" in row for row in rows):
            raise self._changed("read_rows", "the answer is no list of rows with an :id")
        return [str(row[":id"]) for row in rows]

    def _json(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError as error:
            raise VendorDown(
                self.source.name, "read_rows", 200, "The body is not JSON: some proxy answered."
            ) from error

    def _conditional(self, call: Call, into: IO[bytes], known: Mapping[str, str], max_bytes: int) -> Answer | None:
        names = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
        headers = {header: known[name] for name, header in names.items() if known.get(name)}
        response = self._exchange(call, into, max_bytes, headers)
        return None if response.status_code == NOT_MODIFIED else _answer(response)

    def _page(self, call: Call) -> bytes:
        into = io.BytesIO()
        self._exchange(call, into, MAX_PAGE_BYTES)
        return into.getvalue()

    def _exchange(
        self, call: Call, into: IO[bytes], max_bytes: int, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Make one call and put its body into `into`; raises what the last of a few tries ended with."""
        if not self._is_allowed(call):
            raise RobotsDisallow(
                self.source.name,
                call.operation,
                None,
                f"robots.txt forbids {call.path}: ask the board for another way.",
            )
        failures = 0
        while True:
            self._sleep(self._bucket.reserve())
            into.seek(0)
            into.truncate()
            try:
                with self.get_conn().stream(
                    call.method, call.path, params=call.params, data=call.form, headers=headers
                ) as response:
                    error = self._refusal(call, response)
                    if error is None:
                        self._copy(call, response, into, max_bytes)
                        return response
            except httpx.RequestError as cut:
                error = error_of_cut(self.source.name, call, cut)
            failures += 1
            pause = pause_before_retry(error, failures, ATTEMPTS)
            if pause is None:
                raise error
            self._sleep(pause)

    def _copy(self, call: Call, response: httpx.Response, into: IO[bytes], max_bytes: int) -> None:
        received = 0
        for piece in response.iter_bytes():
            received += len(piece)
            if received > max_bytes:
                raise UnexpectedAnswer(
                    self.source.name, call.operation, response.status_code, f"More than {max_bytes} bytes came."
                )
            into.write(piece)

    def _refusal(self, call: Call, response: httpx.Response) -> VendorError | None:
        """The error that an answer stands for, or None when it is what was asked for."""
        vendor, status = self.source.name, response.status_code
        if status in (401, 403):
            advice = "The site refuses us: a firewall, or its owner. Ask the board; do not go around it."
            return AuthFailed(vendor, call.operation, status, advice)
        if response.is_success or status == NOT_MODIFIED:
            return None
        response.read()
        declared = f"include/boards/{self.source.state.lower()}.yaml"
        if status == 400:
            advice = f"The question was refused: a column or the filter is gone. Correct {declared}."
            return BadRequest(vendor, call.operation, status, advice)
        if status in (404, 410):
            advice = (
                f"{call.path.partition('?')[0]} is not there, or no longer. Look at the board's site and correct the host of connection "
                f"{self.source.conn_id} or the path in {declared}; then clear the task."
            )
            return EndpointNotFound(vendor, call.operation, status, advice)
        outcome = outcome_of(vendor, call, response)
        return None if isinstance(outcome, Reply) else outcome

    def _stay_on_the_site(self, request: httpx.Request) -> None:
        """Refuse to follow a redirect to another host, or back to plain HTTP: our token would go along to strangers."""
        base = self.get_conn().base_url
        if request.url.host == base.host and (request.url.scheme, base.scheme) != ("http", "https"):
            return
        advice = (
            f"The site sends us to {request.url.scheme}://{request.url.host}: it wants a sign-in, or it has moved. Sign in with "
            f"a browser and put the Cookie header into the password of {self.source.conn_id}, or put the file into the lake's "
            "delivered/ folder (docs/sources/boards.md); if it has moved, correct the connection's host."
        )
        raise AuthFailed(self.source.name, "redirect", None, advice)

    def _refuse_page(self, content: IO[bytes]) -> None:
        content.seek(0)
        head = content.read(2048)
        if not head:
            advice = "The file is empty, not one byte came. Look at the board's site; the task tries again."
            raise UnexpectedAnswer(self.source.name, "download", 200, advice)
        title = page_title(head)
        if title is None:
            return
        fetch = self.source.fetch
        if isinstance(fetch, FileFetch) and fetch.session:
            advice = f"The session has ended ({title!r} came). Sign in with a browser and put the Cookie header into the password of {self.source.conn_id}."
            raise AuthFailed(self.source.name, "download", 200, advice)
        advice = f"An HTML page came in place of the file: {title!r}. Look at the board's site; the task tries again."
        raise UnexpectedAnswer(self.source.name, "download", 200, advice)

    def _is_allowed(self, call: Call) -> bool:
        asked = self.get_conn().build_request(call.method, call.path, params=call.params)
        return bool(self._rules().can_fetch(asked.url.raw_path.decode("ascii"), USER_AGENT))

    def _rules(self) -> Protego:
        """The site's robots.txt, read once. 4xx: no rules; 5xx: no leave to read anything now (RFC 9309, 2.3.1)."""
        if self._robots is None:
            url = self.get_conn().base_url.copy_with(raw_path=b"/robots.txt")
            call = Call("robots", "GET", str(url), repeatable=True)
            try:
                response = self.get_conn().get(url)
            except httpx.RequestError as cut:
                raise error_of_cut(self.source.name, call, cut) from cut
            if response.status_code >= 500 or response.status_code == 429:
                raise VendorDown(self.source.name, "robots", response.status_code, "robots.txt cannot be read now.")
            self._robots = robots(response.text if response.is_success else "")
            wanted = self._robots.crawl_delay(USER_AGENT)
            if wanted and 1.0 / wanted < self._bucket.rate:
                self._bucket = TokenBucket(1.0 / wanted)
        return self._robots

    def _url(self, path: str) -> str:
        """The whole address of a path below the site's; a whole address stays."""
        base = self.get_conn().base_url
        return str(path if "://" in path else httpx.URL(f"{base}{path}"))

    def _secret(self, connection: Any) -> dict[str, str]:
        fetch = self.source.fetch
        if isinstance(fetch, FileFetch) and fetch.session:
            if not connection.password:
                advice = f"{self.source.conn_id} has no password: it must be the Cookie header of a signed-in session."
                raise AuthFailed(self.source.name, "connect", None, advice)
            return {"Cookie": connection.password}
        if isinstance(fetch, SocrataFetch) and connection.password:
            return {"X-App-Token": connection.password}
        return {}

    def _changed(self, operation: str, what: str) -> UnexpectedAnswer:
        advice = f"{what}. Compare the site with include/boards/{self.source.state.lower()}.yaml."
        return UnexpectedAnswer(self.source.name, operation, 200, advice)


def robots(text: str) -> Protego:
    """Return the rules of a robots.txt, as RFC 9309 reads them.

    Protego overlooks a group behind a byte order mark, and one that names us with a version, which forbids us all the same.
    """
    return Protego.parse(re.sub(r"(?im)^(\s*user-agent\s*:\s*[^/#\s]+)/\S*", r"\1", text.removeprefix("\ufeff")))


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.headers.get("ETag"), response.headers.get("Last-Modified"))
