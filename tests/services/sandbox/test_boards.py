"""The boards' sites: each in its published form, with people whom NPPES knows and some whom it does not."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from registry_files import HEADER, MEMBER_1, WEEK_1, _values, dentists, write_zip
from sandbox_runs import TestClient, in_process

from services.sandbox.board_licensees import licensees
from services.sandbox.clock import Clock
from services.sandbox.plan import Plan
from services.sandbox.world import World

SESSION = {"Cookie": "session=1"}
FL = "/boards/fl/LicensureData?fileName=LIC_701-P.txt&handler=DownloadDataFile"
TX = "/boards/tx/lib/csv/Dentist.csv"
CA_FOLDER = "/boards/ca/s/oss6hf8jys2bmgxqd2gdz7w4oepm2il9/folder/72555242850"
DATA_SETS = {"wa": "qxh8-f4bd", "il": "pzzh-kp68", "ct": "ngch-56tr", "co": "7s5z-vewr"}
FORMS = {"nj": ("Verification_Bulk", "Dentistry"), "ma": ("mylicenseverification", "DENTISTRY")}


def data_set(client: TestClient, state: str, **query: object) -> Any:
    return client.get(
        f"/boards/{state}/resource/{DATA_SETS[state]}.json", params={"$where": ":id is not null", **query}
    )


def form_download(client: TestClient, state: str) -> str:
    """Walk through the four pages as a browser does."""
    folder, profession = FORMS[state]
    base = f"/boards/{state}/{folder}/"
    page = client.get(base + "Search.aspx").text
    for fields in (
        {
            "t_web_lookup__profession_name": profession,
            "t_web_lookup__license_type_name": "Dentist",
            "sch_button": "Search",
        },
        {"btnBulkDownLoad": "Download File"},
        {"btnContinue": "Continue"},
        {"filetype": "delimitedtext", "sch_button": "Download"},
    ):
        action = re.search(r'action="./([^"]+)"', page)
        hidden = re.search(r'name="__VIEWSTATE" value="([^"]+)"', page)
        assert action and hidden
        page = client.post(base + action[1], data={"__VIEWSTATE": hidden[1], **fields}).text
    return page


def test_texas_when_read_then_quoted_csv_of_38_columns_with_bare_numbers(client: TestClient) -> None:
    text = client.get(TX).text
    header, *rows = csv.reader(io.StringIO(text))
    assert len(header) == 38 and {len(row) for row in rows} == {38}
    assert "\r" not in text and text.endswith("\n")
    first = text.splitlines()[1]
    assert re.match(r'"Licensed Dentist",\d+,"\d+",\d+,"', first)
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", rows[0][5])


@pytest.mark.parametrize("state", FORMS)
def test_form_boards_when_walked_through_then_pipes_with_an_empty_last_column(client: TestClient, state: str) -> None:
    header, *rows = form_download(client, state).splitlines()
    names = header.split("|")
    assert names[-1] == "" and len(names) == {"nj": 19, "ma": 14}[state]
    assert {row.count("|") for row in rows} == {len(names) - 1}
    row = dict(zip(names, rows[0].split("|"), strict=True))
    assert re.fullmatch({"nj": r"22DI\d{8}", "ma": r"DN\d+"}[state], row["license_no"])
    assert re.fullmatch({"nj": r"\d\d/\d\d/\d{4}", "ma": r"\d\d-\d\d-\d{4} 00:00:00"}[state], row["issue_date"])


def test_form_boards_when_the_hidden_field_is_not_sent_back_then_500(client: TestClient) -> None:
    reply = client.post("/boards/nj/Verification_Bulk/Search.aspx", data={"sch_button": "Search"})
    assert (reply.status_code, reply.text) == (500, "Validation of viewstate MAC failed.\n")
    assert client.get("/boards/nj/mylicenseverification/Search.aspx").status_code == 404


def test_florida_when_no_session_then_a_sign_in_page_else_39_columns(client: TestClient) -> None:
    assert "Sign in" in client.get(FL).text
    header, *rows = client.get(FL, headers=SESSION).text.splitlines()
    assert len(header.split("|")) == 39 and {row.count("|") for row in rows} == {38}
    assert any("*** NOT AVAILABLE ***" in row for row in rows)


def test_california_when_read_then_tab_separated_text_named_xls_under_an_id_of_this_month(client: TestClient) -> None:
    (file_id,) = re.findall(r'"typedID":"f_(\d+)"[^}]*"name":"DentalBoard_Data00.xls"', client.get(CA_FOLDER).text)
    path = "/boards/ca/index.php?rm=box_download_shared_file&shared_name=x&file_id=f_"
    lines = client.get(path + file_id).text.split("\r\n")
    assert lines[0].split("\t")[:2] == ["Agency Code", "Agency Name"]
    assert {line.count("\t") for line in lines[:-1]} == {19} and lines[-1] == ""
    assert client.get(path + "1").status_code == 404


@pytest.mark.parametrize("state", DATA_SETS)
def test_data_set_when_paged_then_every_row_once_in_the_order_of_its_id(client: TestClient, state: str) -> None:
    count = int(data_set(client, state, **{"$select": "count(*) as rows"}).json()[0]["rows"])
    ids: list[str] = []
    while page := data_set(
        client, state, **{"$select": ":id,*", "$order": ":id", "$limit": 20, "$offset": len(ids)}
    ).json():
        ids += [row[":id"] for row in page]
    assert ids == sorted(set(ids)) and len(ids) == count > 20


def test_data_set_when_a_value_is_empty_then_the_field_is_left_out(client: TestClient) -> None:
    rows = data_set(client, "wa", **{"$limit": 1000}).json()
    assert {"middlename" in row for row in rows} == {True, False}
    assert all(value != "" for row in rows for value in row.values())


def test_data_set_when_the_question_is_wrong_then_400_and_another_id_404(client: TestClient) -> None:
    assert data_set(client, "wa", **{"$page": 1}).status_code == 400
    assert data_set(client, "wa", **{"$where": "lastname like"}).status_code == 400
    assert data_set(client, "wa", nobodys="1").json()["code"] == "query.soql.no-such-column"
    assert client.get("/boards/wa/resource/qxh8-f4bd.json").status_code == 200
    assert client.get("/boards/wa/resource/pzzh-kp68.json", params={"$limit": 1}).status_code == 404


def test_north_carolina_when_a_number_is_asked_then_that_licensee_or_nobody(client: TestClient, plan: Plan) -> None:
    world, day = World(plan.nppes_dir, plan.seed, plan.start), Clock(plan.start).now.date()
    someone = licensees(world, "NC", day)[0]
    asked = {"type": "D", "license": f"1{int(someone.number):05d}"}
    page = client.post("/boards/nc/NCBDESearch/searchresult.asp", data=asked).text
    assert "search results" in page and "License # : </b>&nbsp;" in page and " (Licensed Dentist)" in page
    nobody = client.post("/boards/nc/NCBDESearch/searchresult.asp", data={"license": "199999"}).text
    assert "search results" in nobody and "License #" not in nobody


@pytest.mark.parametrize("path", [TX, FL, f"/boards/wa/resource/{DATA_SETS['wa']}.json?$limit=20"])
def test_file_when_its_etag_is_sent_back_then_304_until_it_changes(client: TestClient, path: str) -> None:
    first = client.get(path, headers=SESSION)
    known = {**SESSION, "If-None-Match": first.headers["etag"]}
    assert first.headers["last-modified"] == "Mon, 10 Nov 2025 00:00:00 GMT"
    assert client.get(path, headers=known).status_code == 304
    client.post("/__sandbox__/clock", json={"now": "2026-06-10T06:00:00Z"})
    later = client.get(path, headers=known)
    assert later.status_code == 200 and later.content != first.content


def test_robots_when_read_then_the_published_files_are_allowed(client: TestClient) -> None:
    text = client.get("/robots.txt").text
    assert text.startswith("User-agent: *\n") and "Disallow: /boards/tx/private/" in text


def test_faults_when_ordered_then_that_board_fails_and_the_ledger_counts(client: TestClient) -> None:
    client.post("/__sandbox__/faults", json={"vendor": "board_tx", "operation": "file", "status": 503})
    client.post("/__sandbox__/faults", json={"vendor": "boards", "operation": "robots", "status": 500})
    assert [client.get(TX).status_code for _ in range(2)] == [503, 200]
    assert [client.get("/robots.txt").status_code for _ in range(2)] == [500, 200]
    lines = client.get("/__sandbox__/ledger").json()["vendors"]["board_tx"]["operations"]
    assert lines["file"]["statuses"] == {"200": 1, "503": 1}


def test_licensees_when_listed_then_strangers_new_names_and_every_standing(plan: Plan) -> None:
    world, day = World(plan.nppes_dir, plan.seed, plan.start), Clock(plan.start).now.date()
    everyone = [who for state in ("TX", "FL", "CA", "IL", "NC", "NJ", "CO") for who in licensees(world, state, day)]
    assert {bool(who.npi) for who in everyone} == {True, False}
    assert any(who.former_last_name for who in everyone)
    assert {who.standing for who in everyone} >= {
        "active",
        "lapsed",
        "retired",
        "deceased",
        "disciplined",
        "restricted",
    }
    assert licensees(world, "TX", day) == licensees(World(plan.nppes_dir, plan.seed, plan.start), "TX", day)
    assert all(who.email.endswith("@mail.example") for who in everyone if who.email)


def test_licensees_when_nppes_has_the_number_then_the_board_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = ["Provider License Number_2", "Provider License Number State Code_2"]
    monkeypatch.setattr("registry_files.HEADER", [*HEADER, *slot])
    monkeypatch.setattr("registry_files._values", lambda who: [*_values(who), "54321", "TX"])
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(30))
    world, day = World(tmp_path, 7, "2025-11-10T06:00:00Z"), Clock("2025-11-10T06:00:00Z").now.date()
    known = [who for who in licensees(world, "TX", day) if who.npi]
    assert len(known) == len(world.people()) and {who.number for who in known} == {"54321"}


def test_site_when_the_registry_is_empty_then_a_board_still_lists_its_strangers(tmp_path: Path) -> None:
    assert in_process(Plan(tmp_path)).get(TX).text.count("\n") == 26
