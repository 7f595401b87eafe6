"""The hook against a small local server: listing, resume after cuts, and errors that say what to do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from airflow.sdk import RetryAction

from hooks.http.errors import AuthFailed, BadRequest, EndpointNotFound, VendorDown
from hooks.http.transport import ATTEMPTS
from hooks.nppes import FileNotPublished, NoLongerPublished, NppesHook
from include.airflow.nppes import NPPES_RETRY
from include.nppes.publication import FileKind

NAME = "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip"
MONDAY, SUNDAY = date(2025, 11, 3), date(2025, 11, 9)
CONTENT = bytes(range(256)) * 4000  # about 1 MB
MONTHLY = "NPPES_Data_Dissemination_November_2025_V2.zip"
REPORT = "NPPES_Deactivated_NPI_Report_111025_V2.zip"
PAGE = f"""<a href="./{NAME}">w</a> <a href="./NPPES_Data_Dissemination_110325_110925_Weekly.zip">V1</a>
<a href="./{MONTHLY}">m</a> <a href="./{REPORT}">d</a>"""


class Site(ThreadingHTTPServer):
    """CMS's site. `cuts`: after how many bytes each answer in turn is cut; `statuses`: refusals to give first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = PAGE
        self.content = CONTENT
        self.etag = '"v1"'
        self.cuts: list[int] = []
        self.statuses: list[int] = []
        self.resumes = True
        self.compares_versions = True
        self.tells_length = True
        self.goes_in_circles = False
        self.ranges: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        site = self.server
        if site.goes_in_circles:
            self._send(302, b"", {"Location": self.path})
        elif site.statuses:
            self.send_error(site.statuses.pop(0))
        elif self.path == "/nppes/NPI_Files.html":
            self._send(200, site.page.encode(), {})
        elif self.path == f"/nppes/{NAME}":
            self._send_file()
        else:
            self.send_error(404)

    def _send_file(self) -> None:
        site = self.server
        asked = self.headers.get("Range", "")
        site.ranges.append(asked)
        headers = {"ETag": site.etag} if site.etag else {}
        is_same = not site.compares_versions or self.headers["If-Range"] == site.etag
        if asked and site.resumes and is_same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(site.content) - 1}/{len(site.content)}"
            self._send(206, site.content[start:], headers)
        else:
            self._send(200, site.content, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.server.tells_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts and "html" not in self.path else None
        self.wfile.write(body[:cut])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hook(site: Site, monkeypatch: pytest.MonkeyPatch) -> NppesHook:
    connection = {"conn_type": "http", "host": f"http://127.0.0.1:{site.server_port}/nppes"}
    monkeypatch.setenv("AIRFLOW_CONN_NPPES_DEFAULT", json.dumps(connection))
    return NppesHook(sleep=lambda seconds: None)


def test_iter_files_when_page_is_listed_then_v2_files_oldest_first(hook: NppesHook) -> None:
    assert [file.name for file in hook.iter_files()] == [MONTHLY, NAME, REPORT]


def test_iter_files_when_page_has_no_links_then_down_and_says_compare(hook: NppesHook, site: Site) -> None:
    site.page = "<html>We have moved</html>"
    with pytest.raises(VendorDown, match="links to no V2 file"):
        list(hook.iter_files())


@pytest.mark.parametrize(
    ("kind", "first", "last", "name"),
    [
        (FileKind.WEEKLY, MONDAY, SUNDAY, NAME),
        (FileKind.MONTHLY, date(2025, 10, 15), date(2025, 11, 14), MONTHLY),
        (FileKind.DEACTIVATION, date(2025, 10, 15), date(2025, 11, 14), REPORT),
    ],
)
def test_published_file_when_listed_then_found_by_kind(
    hook: NppesHook, kind: FileKind, first: date, last: date, name: str
) -> None:
    assert hook.published_file(kind, first, last).name == name


@pytest.mark.parametrize(
    ("kind", "first", "last", "message"),
    [
        (
            FileKind.WEEKLY,
            date(2025, 11, 10),
            date(2025, 11, 16),
            f"2025-11-10 to 2025-11-16.*{NAME}.*Monday or Tuesday",
        ),
        # Both lie in the future of the run's interval.
        (FileKind.MONTHLY, date(2025, 9, 15), date(2025, 10, 14), f"No monthly.*{MONTHLY}.*second Monday"),
        (FileKind.DEACTIVATION, date(2025, 9, 15), date(2025, 10, 14), f"No deactivation.*{REPORT}"),
    ],
)
def test_published_file_when_missing_then_error_names_what_is_listed_and_is_retried(
    hook: NppesHook, kind: FileKind, first: date, last: date, message: str
) -> None:
    with pytest.raises(FileNotPublished, match=message) as error:
        hook.published_file(kind, first, last)
    assert not isinstance(error.value, BadRequest)  # BadRequest fails a task at once


def test_published_file_when_names_have_a_new_form_then_they_are_told(hook: NppesHook, site: Site) -> None:
    renamed = "NPPES_Data_Dissemination_111025_111625_Weekly_V3.zip"
    site.page = PAGE + f'<a href="./{renamed}">w</a><a href="./NPPES_Readme.pdf">r</a>'
    with pytest.raises(FileNotPublished, match=f"names that include/nppes/publication.py does not know: {renamed}\\.$"):
        hook.published_file(FileKind.WEEKLY, date(2025, 11, 10), date(2025, 11, 16))
    site.page = f'<a href="./{renamed}">w</a>'
    with pytest.raises(VendorDown, match=f"no V2 file, and to these others: {renamed}. Compare it"):
        list(hook.iter_files())


def test_published_file_when_later_ones_are_listed_then_it_will_not_come(hook: NppesHook) -> None:
    with pytest.raises(NoLongerPublished, match="Later ones are there: it will not come"):
        hook.published_file(FileKind.WEEKLY, date(2025, 10, 27), date(2025, 11, 2))
    with pytest.raises(FileNotPublished) as late:
        hook.published_file(FileKind.WEEKLY, date(2025, 11, 10), date(2025, 11, 16))
    decided = [
        NPPES_RETRY.evaluate(error, 1, 16).action for error in (late.value, NoLongerPublished("nppes", "x", 200, ""))
    ]
    assert decided == [RetryAction.RETRY, RetryAction.FAIL]


def test_download_when_nothing_goes_wrong_then_the_exact_bytes(hook: NppesHook, site: Site) -> None:
    assert b"".join(hook.download(NAME)) == CONTENT
    assert site.ranges == [""]


def test_download_when_cut_often_then_resumed_where_it_broke(hook: NppesHook, site: Site) -> None:
    site.cuts = [1000, 500_000, 3, 3, 3, 3, 3]
    assert b"".join(hook.download(NAME)) == CONTENT
    assert site.ranges[:3] == ["", "bytes=1000-", "bytes=501000-"]


def test_download_when_three_resumes_in_a_row_bring_nothing_then_down(hook: NppesHook, site: Site) -> None:
    site.cuts = [1000] + [0] * 20
    with pytest.raises(VendorDown):
        list(hook.download(NAME))
    assert len(site.ranges) == 4


def test_download_when_the_file_changes_meanwhile_then_never_mixed(hook: NppesHook, site: Site) -> None:
    site.cuts = [1000]
    pieces = hook.download(NAME)
    next(pieces)
    site.etag, site.content = '"v2"', CONTENT[::-1]
    with pytest.raises(VendorDown, match="replaced while it was read"):
        list(pieces)


def test_download_when_the_server_goes_on_with_another_version_then_never_mixed(hook: NppesHook, site: Site) -> None:
    site.cuts, site.compares_versions = [1000], False
    pieces = hook.download(NAME)
    next(pieces)
    site.etag, site.content = '"v2"', CONTENT[::-1]
    with pytest.raises(VendorDown, match="replaced while it was read"):
        list(pieces)


def test_download_when_the_site_sends_us_in_circles_then_endpoint_not_found(hook: NppesHook, site: Site) -> None:
    site.goes_in_circles = True
    with pytest.raises(EndpointNotFound, match="nppes list_files.*redirects"):
        list(hook.iter_files())
    with pytest.raises(EndpointNotFound, match="nppes download.*redirects"):
        list(hook.download(NAME))


def test_download_when_the_server_cannot_resume_then_error_and_no_mixture(hook: NppesHook, site: Site) -> None:
    site.cuts, site.resumes = [1000], False
    with pytest.raises(VendorDown, match="does not resume"):
        list(hook.download(NAME))


def test_download_when_content_has_no_version_then_a_cut_is_not_resumed(hook: NppesHook, site: Site) -> None:
    site.cuts, site.etag = [1000], ""
    with pytest.raises(VendorDown):
        list(hook.download(NAME))
    assert site.ranges == [""]


def test_download_when_length_is_not_told_then_refused(hook: NppesHook, site: Site) -> None:
    site.tells_length = False
    with pytest.raises(VendorDown, match="No Content-Length"):
        list(hook.download(NAME))


def test_download_when_gone_then_file_not_published(hook: NppesHook) -> None:
    with pytest.raises(FileNotPublished, match="HTTP 404"):
        list(hook.download("NPPES_Data_Dissemination_010125_010725_Weekly_V2.zip"))


def test_download_when_down_for_a_moment_then_tried_again(hook: NppesHook, site: Site) -> None:
    site.statuses = [503, 500]
    assert b"".join(hook.download(NAME)) == CONTENT


def test_any_call_when_cms_stays_down_then_vendor_down_after_three_tries(hook: NppesHook, site: Site) -> None:
    site.statuses = [503] * 10
    with pytest.raises(VendorDown, match="503"):
        hook.published_file(FileKind.WEEKLY, MONDAY, SUNDAY)
    assert len(site.statuses) == 10 - ATTEMPTS


def test_any_call_when_blocked_then_auth_failed_at_once(hook: NppesHook, site: Site) -> None:
    site.statuses = [403]
    with pytest.raises(AuthFailed, match="firewall"):
        list(hook.iter_files())


def test_connection_when_tested_then_names_the_newest_file(hook: NppesHook, site: Site) -> None:
    assert hook.test_connection() == (True, f"Newest file: {REPORT}")
    site.page = ""
    assert hook.test_connection()[0] is False


def test_hook_when_host_is_bare_then_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NPPES_DEFAULT", json.dumps({"conn_type": "http", "host": "download.cms.gov"}))
    with pytest.raises(ValueError, match="full address"):
        NppesHook().get_conn()
