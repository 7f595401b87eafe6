"""The boards' hook: polite, conditional, and clear about what came instead. First a scripted site, then the sandbox's ten."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hooks.board import Answer, BoardHook, RobotsDisallow, UnexpectedAnswer
from hooks.http.errors import AuthFailed, BadRequest, EndpointNotFound, VendorDown
from include.boards.sources import LookupFetch, SocrataFetch, board_source, board_sources
from include.lake.zip_member import members
from tests.operators.board_files import ADA, NC_NOBODY, Site, connection, nc_page, serving_site, tx_file, wa_row

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

FILE = "/boards/lib/csv/Dentist.csv"
DATA_SET = "/boards/resource/qxh8-f4bd.json"
LOOK_UP = "/boards/NCBDESearch/searchresult.asp"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with serving_site() as running:
        for source in board_sources():
            monkeypatch.setenv(f"AIRFLOW_CONN_{source.conn_id.upper()}", connection(f"{running.url}/boards"))
        yield running


def hook(state: str, pauses: list[float] | None = None) -> BoardHook:
    return BoardHook(board_source(state), sleep=(pauses if pauses is not None else []).append)


def fetched(state: str, known: dict[str, str] | None = None) -> tuple[Answer | None, bytes]:
    into = io.BytesIO()
    answer = hook(state).fetch(into, known or {})
    return answer, into.getvalue()


def test_fetch_when_a_file_is_published_then_its_bytes_and_validators(site: Site) -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Mon, 10 Nov 2025 06:00:00 GMT"}
    site.pages[FILE] = (200, headers, tx_file(ADA))
    answer, content = fetched("TX")
    assert content == tx_file(ADA)
    assert answer == Answer('"v1"', "Mon, 10 Nov 2025 06:00:00 GMT")
    assert answer.validators() == {"etag": '"v1"', "last_modified": "Mon, 10 Nov 2025 06:00:00 GMT"}
    assert str(answer.modified_at()) == "2025-11-10 06:00:00+00:00"
    assert site.headers[0]["user-agent"].startswith("dental-gtm")


def test_fetch_when_a_site_writes_dates_by_language_then_the_same_one_is_always_asked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    site.pages[FILE] = tx_file(ADA)
    fetched("TX")
    assert [headers["accept-language"] for headers in site.headers] == ["en-US"]


def test_fetch_when_the_site_has_nothing_new_then_none(site: Site) -> None:
    site.pages[FILE] = 304
    answer, content = fetched("TX", {"etag": '"v1"', "last_modified": "Mon, 10 Nov 2025 06:00:00 GMT"})
    assert (answer, content) == (None, b"")
    assert site.headers[0]["if-none-match"] == '"v1"'
    assert site.headers[0]["if-modified-since"] == "Mon, 10 Nov 2025 06:00:00 GMT"


def test_fetch_when_the_connection_names_a_contact_then_it_is_in_the_user_agent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"contact": "data@example.org", "requests_per_second": 1000}
    monkeypatch.setenv("AIRFLOW_CONN_BOARD_TX_DEFAULT", connection(f"{site.url}/boards", extra=extra))
    site.pages[FILE] = tx_file(ADA)
    fetched("TX")
    assert site.headers[0]["user-agent"] == "dental-gtm (+data@example.org)"


def test_fetch_when_robots_forbid_the_path_then_nothing_is_asked(site: Site) -> None:
    site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /boards/lib/\n"
    site.pages[FILE] = tx_file(ADA)
    with pytest.raises(RobotsDisallow, match="robots.txt forbids lib/csv/Dentist.csv: ask the board"):
        fetched("TX")
    assert site.paths() == []


def test_fetch_when_robots_forbid_it_by_its_query_or_behind_a_byte_order_mark_then_nothing_is_asked(site: Site) -> None:
    site.pages[DATA_SET] = b"[]"
    for rules in ("User-agent: *\nDisallow: /*$offset=", "\ufeffUser-agent: *\r\nDisallow: /boards/"):
        site.pages["/robots.txt"] = rules.encode()
        with pytest.raises(RobotsDisallow, match="robots.txt forbids resource/qxh8-f4bd.json"):
            fetched("WA")
    assert site.paths() == []


def test_fetch_when_robots_name_us_and_not_others_then_the_rule_for_us_counts(site: Site) -> None:
    site.pages["/robots.txt"] = b"User-agent: dental-gtm\nDisallow:\n\nUser-agent: *\nDisallow: /\n"
    site.pages[FILE] = tx_file(ADA)
    assert fetched("TX")[1] == tx_file(ADA)


@pytest.mark.parametrize("status", [404, 403])
def test_fetch_when_there_are_no_robots_rules_then_allowed(site: Site, status: int) -> None:
    site.pages |= {"/robots.txt": status, FILE: tx_file(ADA)}
    assert fetched("TX")[1] == tx_file(ADA)


def test_fetch_when_robots_cannot_be_read_then_nothing_is_asked_now(site: Site) -> None:
    site.pages |= {"/robots.txt": 503, FILE: tx_file(ADA)}
    with pytest.raises(VendorDown, match="robots.txt cannot be read now"):
        fetched("TX")
    assert site.paths() == []


def test_pace_when_declared_or_asked_for_by_robots_then_the_slower_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BOARD_NC_DEFAULT", connection(f"{site.url}/boards", extra={}))
    site.pages[LOOK_UP] = NC_NOBODY.encode()
    for robots, least in ((b"", 2.5), (b"User-agent: *\nCrawl-delay: 7\n", 6.5)):
        site.pages["/robots.txt"] = robots
        pauses: list[float] = []
        asking = hook("NC", pauses)
        asking.look_up("4711")
        asking.look_up("4712")
        assert pauses[0] == 0
        assert least < pauses[1] <= least + 0.5


def test_fetch_when_the_site_is_down_then_tried_a_few_times_and_vendor_down(site: Site) -> None:
    site.pages[FILE] = 503
    with pytest.raises(VendorDown, match="board_tx download: HTTP 503"):
        fetched("TX")
    assert len(site.paths()) == 4


def test_fetch_when_the_file_has_moved_then_endpoint_not_found(site: Site) -> None:
    with pytest.raises(EndpointNotFound, match="board_tx download: HTTP 404.*connection board_tx_default"):
        fetched("TX")


def test_fetch_when_the_site_refuses_us_then_auth_failed_and_no_second_try(site: Site) -> None:
    site.pages[FILE] = 403
    with pytest.raises(AuthFailed, match="Ask the board; do not go around it"):
        fetched("TX")
    assert len(site.paths()) == 1


def test_fetch_when_a_page_comes_for_the_file_then_unexpected_and_its_title(site: Site) -> None:
    site.pages[FILE] = b"<!DOCTYPE html><html><head><title>Scheduled maintenance</title></head></html>"
    with pytest.raises(UnexpectedAnswer, match="An HTML page came in place of the file: 'Scheduled maintenance'"):
        fetched("TX")


@pytest.mark.parametrize(
    "page", [b"<!-- busy --><html>", b"<table><tr><td>Error", b"\r\n <p>Gone</p>", b'<?xml version="1.0"?><Error/>']
)
def test_fetch_when_a_page_does_not_begin_like_one_then_unexpected_all_the_same(site: Site, page: bytes) -> None:
    site.pages[FILE] = page
    with pytest.raises(UnexpectedAnswer, match="An HTML page came in place of the file"):
        fetched("TX")


def test_fetch_when_nothing_comes_then_unexpected_and_not_an_edition_without_a_row(site: Site) -> None:
    site.pages[FILE] = b""
    with pytest.raises(UnexpectedAnswer, match="not one byte came"):
        fetched("TX")


def test_fetch_when_the_site_sends_us_in_circles_then_endpoint_not_found(site: Site) -> None:
    site.pages[FILE] = (302, {"Location": FILE}, b"")
    with pytest.raises(EndpointNotFound, match="board_tx download.*redirects in a circle.*board_tx_default"):
        fetched("TX")


def test_fetch_when_the_download_is_cut_then_vendor_down_and_nothing_half(site: Site) -> None:
    site.pages[FILE] = (200, {"Content-Length": "5000"}, tx_file(ADA))
    with pytest.raises(VendorDown):
        fetched("TX")


def test_fetch_when_more_comes_than_a_file_may_have_then_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooks.board.MAX_FILE_BYTES", 100)
    site.pages[FILE] = tx_file(ADA)
    with pytest.raises(UnexpectedAnswer, match="More than 100 bytes came"):
        fetched("TX")


def test_fetch_when_a_session_is_needed_then_its_cookie_goes_along_and_its_end_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AuthFailed, match="board_fl_default has no password: it must be the Cookie header"):
        fetched("FL")
    monkeypatch.setenv("AIRFLOW_CONN_BOARD_FL_DEFAULT", connection(f"{site.url}/boards", password="session=1"))
    site.pages["/boards/LicensureData"] = b"pro_cde|profession_name\n"
    assert fetched("FL")[1] == b"pro_cde|profession_name\n"
    assert site.headers[0]["cookie"] == "session=1"
    assert site.paths() == ["/boards/LicensureData?fileName=LIC_701-P.txt&handler=DownloadDataFile"]
    site.pages["/boards/LicensureData"] = b"<html><title>Sign in</title></html>"
    with pytest.raises(AuthFailed, match="The session has ended .'Sign in' came.*board_fl_default"):
        fetched("FL")


def test_fetch_when_sent_to_another_host_then_auth_failed_and_the_token_does_not_go_along(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BOARD_WA_DEFAULT", connection(f"{site.url}/boards", password="app-token"))
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    site.pages |= {DATA_SET: (302, {"Location": f"{elsewhere}/login"}, b""), "/login": b"[]"}
    with pytest.raises(AuthFailed, match="The site sends us to http://localhost: it wants a sign-in, or it has moved"):
        fetched("WA")
    assert [
        (path.split("?")[0], seen["x-app-token"]) for path, seen in zip(site.paths(), site.headers, strict=True)
    ] == [(DATA_SET, "app-token")]


def test_fetch_when_sent_on_within_the_site_then_followed(site: Site) -> None:
    site.pages |= {FILE: (302, {"Location": "/boards/new.csv"}, b""), "/boards/new.csv": tx_file(ADA)}
    assert fetched("TX")[1] == tx_file(ADA)


def test_fetch_when_the_file_is_found_on_a_page_then_the_id_of_today_is_used(site: Site) -> None:
    folder = "/boards/s/oss6hf8jys2bmgxqd2gdz7w4oepm2il9/folder/72555242850"
    site.pages[folder] = (
        b'[{"typedID":"f_1","name":"DentalBoard_Counts.csv"},{"typedID":"f_42","name":"DentalBoard_Data00.xls"}]'
    )
    site.pages["/boards/index.php"] = b"Agency Code\tAgency Name\n"
    assert fetched("CA")[1] == b"Agency Code\tAgency Name\n"
    assert site.paths()[1].endswith("&file_id=f_42")
    site.pages[folder] = b"[]"
    with pytest.raises(UnexpectedAnswer, match="no link like .* stands on s/oss6.*include/boards/ca.yaml"):
        fetched("CA")


def test_fetch_when_a_form_lacks_a_field_then_unexpected_and_the_step_named(site: Site) -> None:
    site.pages["/boards/Verification_Bulk/Search.aspx"] = b'<form action="x"><input name="captcha"></form>'
    with pytest.raises(
        UnexpectedAnswer, match=r"board_nj form_1: .* it has \['captcha'\]. Compare the site with include/boards/nj"
    ):
        fetched("NJ")


def data_set(site: Site, pages: list[list[dict[str, str]]], count: object) -> list[tuple[str, bytes]]:
    """Read a data set that is served in these pages of two rows, and return what is kept of it."""
    asked: list[dict[str, str]] = []

    def reply(query: object) -> bytes:
        assert isinstance(query, dict)
        asked.append(query)
        if query["$select"].startswith("count"):
            return json.dumps(count).encode()
        return json.dumps(pages[min(int(query["$offset"]) // 2, len(pages) - 1)]).encode()

    site.pages[DATA_SET] = reply
    washington = board_source("WA")
    assert isinstance(washington.fetch, SocrataFetch)
    source = replace(washington, fetch=replace(washington.fetch, page_rows=2))
    into = io.BytesIO()
    BoardHook(source, sleep=lambda seconds: None).fetch(into, {})
    assert {(query["$where"], query.get("$order", ":id")) for query in asked} == {(source.fetch.where, ":id")}  # type: ignore[union-attr]
    return list(members(into, "pages.zip"))


def test_data_set_when_it_has_pages_then_all_are_kept_as_received(site: Site) -> None:
    first, second = [wa_row(1), wa_row(2)], [wa_row(3)]
    assert data_set(site, [first, second], [{"rows": "3"}]) == [
        ("page-00000.json", json.dumps(first).encode()),
        ("page-00001.json", json.dumps(second).encode()),
    ]


def test_data_set_when_the_last_page_is_full_then_the_empty_one_behind_it_is_not_kept(site: Site) -> None:
    assert len(data_set(site, [[wa_row(1), wa_row(2)], []], [{"rows": "2"}])) == 1


def test_data_set_when_a_page_repeats_some_rows_then_kept_for_the_conversion_to_count(site: Site) -> None:
    assert len(data_set(site, [[wa_row(1), wa_row(2)], [wa_row(2), wa_row(3)], []], [{"rows": "3"}])) == 2


def test_data_set_when_the_offset_is_not_kept_then_refused_instead_of_read_for_ever(site: Site) -> None:
    with pytest.raises(UnexpectedAnswer, match="page 1 repeats rows of the pages before"):
        data_set(site, [[wa_row(1), wa_row(2)]], [{"rows": "4"}])


def test_data_set_when_rows_moved_while_it_was_read_then_refused(site: Site) -> None:
    with pytest.raises(UnexpectedAnswer, match="the pages hold 3 rows and the data set 4: it changed"):
        data_set(site, [[wa_row(1), wa_row(2)], [wa_row(2), wa_row(3)], []], [{"rows": "4"}])


def test_data_set_when_the_answers_have_another_shape_then_refused(site: Site) -> None:
    with pytest.raises(UnexpectedAnswer, match="no list of rows with an :id"):
        data_set(site, [[{"status": "ACTIVE"}]], [{"rows": "1"}])
    with pytest.raises(UnexpectedAnswer, match=r"the answer has no \[0\].rows"):
        data_set(site, [[wa_row(1)]], [])


def test_data_set_when_the_question_is_refused_then_bad_request_and_no_second_try(site: Site) -> None:
    site.pages[DATA_SET] = (400, {}, b'{"errorCode": "query.soql.no-such-column"}')
    with pytest.raises(BadRequest, match="a column or the filter is gone. Correct include/boards/wa.yaml"):
        fetched("WA")
    assert len(site.paths()) == 1


def test_data_set_when_it_was_taken_away_then_endpoint_not_found_names_the_declaration(site: Site) -> None:
    site.pages[DATA_SET] = (404, {}, b'{"code": "dataset.missing", "error": true, "message": "Not found"}')
    with pytest.raises(EndpointNotFound, match="board_wa read_rows: HTTP 404.*include/boards/wa.yaml"):
        fetched("WA")


def test_data_set_when_the_connection_has_an_app_token_then_it_goes_along(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BOARD_WA_DEFAULT", connection(f"{site.url}/boards", password="token"))
    site.pages[DATA_SET] = 304
    assert fetched("WA", {"etag": '"v1"'}) == (None, b"")
    assert (site.headers[0]["x-app-token"], site.headers[0]["if-none-match"]) == ("token", '"v1"')


def test_look_up_when_asked_then_the_number_in_the_boards_form(site: Site) -> None:
    site.pages[LOOK_UP] = nc_page("4711").encode()
    assert hook("NC").look_up("4711") == nc_page("4711").encode()
    assert site.seen[0] == ("POST", LOOK_UP, "type=D&firstname=&lastname=&Submit=Submit&license=104711")


def test_connection_when_tested_then_robots_txt_answers(site: Site) -> None:
    assert hook("TX").test_connection() == (True, "robots.txt allows lib/csv/Dentist.csv")
    site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /\n"
    assert hook("TX").test_connection() == (False, "robots.txt forbids lib/csv/Dentist.csv")
    assert site.paths() == []


@pytest.mark.parametrize("state", [s.state for s in board_sources() if not isinstance(s.fetch, LookupFetch)])
def test_sandbox_when_asked_for_each_board_then_its_file_and_again_none_where_it_has_validators(
    vendor: Sandbox, state: str
) -> None:
    answer, content = fetched(state)
    assert answer is not None and len(content) > 1000
    assert fetched(state)[1] == content
    if answer.validators():
        assert fetched(state, answer.validators()) == (None, b"")


def test_sandbox_when_a_fault_is_ordered_then_the_hook_outlives_it(vendor: Sandbox) -> None:
    vendor.admin.post("faults", json={"vendor": "board_tx", "operation": "file", "kind": "drop_response"})
    vendor.admin.post("faults", json={"vendor": "board_tx", "operation": "file", "status": 503, "times": 2})
    assert fetched("TX")[1].startswith(b'"REC_TYPE"')
