"""NPPES downloads of CMS: the listing page, and zips that are resumed when the connection is cut.

Source: https://download.cms.gov/nppes/NPI_Files.html. Public, no key, no published limit. Names rotate (a weekly file
leaves the page a few weeks after the monthly one that contains it), so a file is found on the page, never guessed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import AuthFailed, VendorDown, VendorError
from hooks.http.transport import ATTEMPTS, TIMEOUT, Call, Reply, error_of_cut, outcome_of, pause_before_retry
from hooks.http.trust import trusted_certificates
from include.nppes.publication import FileKind, NppesFile, file_of_interval, published_files, unknown_files

VENDOR = "nppes"
LISTING = "NPI_Files.html"
LIST = Call("list_files", "GET", LISTING, repeatable=True)
USUALLY = {
    FileKind.WEEKLY: "CMS publishes a week on the Monday or Tuesday after it.",
    FileKind.MONTHLY: "CMS publishes it about the second Monday of the month, and takes it down a month later.",
    FileKind.DEACTIVATION: "CMS publishes it about the second Monday of the month, and takes it down a month later.",
}


class FileNotPublished(VendorError):
    """CMS does not list the file: not yet, or no longer. Retry in hours; an old week is taken from the archive."""


class NoLongerPublished(FileNotPublished):
    """CMS lists later files of the kind: this one was taken down or left out. Never retried: it does not come back."""


class NppesHook(BaseHook):
    """Connection: host `https://download.cms.gov/nppes`; no login, no password."""

    conn_name_attr = "nppes_conn_id"
    default_conn_name = "nppes_default"
    conn_type = "http"
    hook_name = "NPPES"

    def __init__(self, nppes_conn_id: str = default_conn_name, *, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__()
        self.nppes_conn_id = nppes_conn_id
        self._sleep = sleep
        self._client: httpx.Client | None = None

    def get_conn(self) -> httpx.Client:
        if self._client is None:
            connection = self.get_connection(self.nppes_conn_id)
            if not connection.host or "://" not in connection.host:
                raise ValueError(
                    f"connection {self.nppes_conn_id}: set host to a full address, https://download.cms.gov/nppes"
                )
            port = f":{connection.port}" if connection.port else ""
            self._client = httpx.Client(
                base_url=connection.host.rstrip("/") + port,
                timeout=TIMEOUT,
                verify=trusted_certificates(),
                # The bytes are archived as published: no transfer compression may come between.
                headers={"Accept-Encoding": "identity", "User-Agent": "dental-gtm"},
                follow_redirects=True,
            )
        return self._client

    def iter_files(self) -> Iterator[NppesFile]:
        """Yield the V2 files on the listing page, oldest first.

        Raises VendorDown when the page links to none: CMS has changed it.
        """
        yield from self._listed(self._page(LIST))

    def published_file(self, kind: FileKind, first: date, last: date) -> NppesFile:
        """Return the published file of a kind that belongs to the days `first` to `last` (include.nppes.publication says which).

        Raises FileNotPublished, naming what the page has, when it is not there; NoLongerPublished when later ones are.
        """
        page = self._page(LIST)
        files = self._listed(page)
        file = file_of_interval(files, kind, first, last)
        if file:
            return file
        of_kind = [file for file in files if file.kind is kind]
        names = ", ".join(file.name for file in of_kind) or "none"
        said = f"No {kind} V2 file for {first} to {last}. {LISTING} has: {names}. {USUALLY[kind]}"
        unknown = unknown_files(page)
        if unknown:
            said += f" It also has names that include/nppes/publication.py does not know: {', '.join(unknown)}."
        if any(file.day > last for file in of_kind):
            raise NoLongerPublished(VENDOR, "published_file", 200, f"{said} Later ones are there: it will not come.")
        raise FileNotPublished(VENDOR, "published_file", 200, said)

    def download(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a published file, exactly as many as Content-Length says.

        A cut connection is resumed where it broke. Raises FileNotPublished on 404, and VendorDown when several tries
        in a row bring no byte, when the file changes meanwhile, or when its length is not told.
        """
        call = Call("download", "GET", name, repeatable=True)
        received, total, version, failures = 0, 0, "", 0
        while True:
            headers = {"Range": f"bytes={received}-", "If-Range": version} if received else {}
            before = received
            try:
                with self.get_conn().stream("GET", name, headers=headers) as response:
                    error = _refusal(call, response, resumed_at=received, version=version)
                    if error is None:
                        if not received:
                            total, version = _length(call, response), _version(response)
                        for piece in response.iter_raw():
                            received += len(piece)
                            yield piece
                        if received != total:
                            error = _cut_off(call, received, total)
            except httpx.RequestError as cut:
                error = error_of_cut(VENDOR, call, cut)
            if error is None:
                return
            failures = 1 if received > before else failures + 1
            pause = pause_before_retry(error, failures, ATTEMPTS)
            if pause is None or (received and not version) or received > total:
                raise error
            self.log.info("%s was cut at byte %d of %d: resuming", name, received, total)
            self._sleep(pause)

    def test_connection(self) -> tuple[bool, str]:
        try:
            newest = list(self.iter_files())[-1]
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, f"Newest file: {newest.name}"

    def _listed(self, page: str) -> list[NppesFile]:
        files = published_files(page)
        if not files:
            unknown = ", ".join(unknown_files(page)) or "none"
            advice = f"{LISTING} links to no V2 file, and to these others: {unknown}. Compare it with include/nppes/publication.py."
            raise VendorDown(VENDOR, LIST.operation, 200, advice)
        return files

    def _page(self, call: Call) -> str:
        failures = 0
        while True:
            try:
                response = self.get_conn().get(call.path)
                error = _refusal(call, response)
                if error is None:
                    return response.text
            except httpx.RequestError as cut:
                error = error_of_cut(VENDOR, call, cut)
            failures += 1
            pause = pause_before_retry(error, failures, ATTEMPTS)
            if pause is None:
                raise error
            self._sleep(pause)


def _refusal(call: Call, response: httpx.Response, *, resumed_at: int = 0, version: str = "") -> VendorError | None:
    """The error that an answer stands for, or None when its body is what was asked for.

    :param resumed_at, version: of a resumed download, the first byte that is missing and what the bytes before it are of.
    """
    status = response.status_code
    if status in (401, 403):
        return AuthFailed(
            VENDOR, call.operation, status, "CMS needs no key: a proxy or CMS's firewall blocks this address."
        )
    if status == 404:
        return FileNotPublished(VENDOR, call.operation, status, f"{call.path} is not there: look at {LISTING}.")
    continues = response.headers.get("Content-Range", "").startswith(f"bytes {resumed_at}-")
    # Not every server heeds If-Range: one that goes on with another version would give a mixture of two files.
    continues = continues and _version(response) in ("", version)
    if status == 416 or (resumed_at and response.is_success and not continues):
        return VendorDown(
            VENDOR,
            call.operation,
            status,
            f"{call.path} was replaced while it was read, or the server does not resume. The task starts over.",
        )
    if response.is_success:
        return None
    response.read()
    outcome = outcome_of(VENDOR, call, response)
    return None if isinstance(outcome, Reply) else outcome


def _length(call: Call, response: httpx.Response) -> int:
    told = response.headers.get("Content-Length", "")
    if not told.isdigit():
        raise VendorDown(
            VENDOR,
            call.operation,
            response.status_code,
            "No Content-Length: a whole file cannot be told from a cut one.",
        )
    return int(told)


def _version(response: httpx.Response) -> str:
    """What tells this content from a later one under the same name: a strong ETag, else the date; else nothing."""
    etag = str(response.headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(response.headers.get("Last-Modified", ""))


def _cut_off(call: Call, received: int, total: int) -> VendorDown:
    return VendorDown(
        VENDOR, call.operation, None, f"{call.path}: {received} of {total} bytes came. The task tries again."
    )
