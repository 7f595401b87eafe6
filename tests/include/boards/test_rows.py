"""Rows out of what boards publish: exact on quotes, line ends and encodings; a damaged file is refused and named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from include.boards import rows as board_rows
from include.boards.answers import write_answers
from include.boards.pages import PageChanged
from include.boards.rows import BoardHeaderError, Published, Rejected, Remarks, published_rows
from include.boards.sources import board_source
from include.csv.delimited_lines import records
from include.lake.zip_member import DamagedFile
from tests.operators.board_files import (
    ADA,
    BEN,
    CARA,
    NC_NOBODY,
    TX_COLUMNS,
    nc_page,
    nj_file,
    tx_file,
    tx_line,
    wa_row,
)

WHERE = "gs://lake/raw/f"


def rows(state: str, content: bytes, remarks: Remarks | None = None) -> list[Published | Rejected]:
    return list(published_rows(io.BytesIO(content), board_source(state), WHERE, remarks or Remarks()))


def values(state: str, content: bytes) -> list[dict[str, Any]]:
    found = rows(state, content)
    assert all(isinstance(row, Published) for row in found), found
    return [dict(row.values) for row in found if isinstance(row, Published)]


def rejected(state: str, content: bytes) -> Rejected:
    (row,) = [row for row in rows(state, content) if isinstance(row, Rejected)]
    return row


def zipped(**pages: object) -> bytes:
    into = io.BytesIO()
    bodies = {name: body if isinstance(body, str) else json.dumps(body) for name, body in pages.items()}
    write_answers(into, [(name.replace("__", "."), body.encode()) for name, body in bodies.items()])
    return into.getvalue()


def test_csv_when_sound_then_each_row_as_published_with_its_line() -> None:
    ada, ben = rows("TX", tx_file(ADA, BEN))
    assert isinstance(ada, Published) and isinstance(ben, Published)
    assert (ada.line, ben.line) == (2, 3)
    assert list(ada.values) == list(TX_COLUMNS)
    assert ada.values["ADDRESS1"] == '1 "OAK" ST, STE 2'


def test_csv_when_a_value_holds_a_line_end_then_one_row_and_the_next_line_is_right() -> None:
    first, second = rows("TX", tx_file({**ADA, "SCHOOL": "OHIO\nSTATE"}, BEN))
    assert isinstance(first, Published) and first.values["SCHOOL"] == "OHIO\nSTATE"
    assert (first.line, second.line) == (2, 4)


@pytest.mark.parametrize(
    "change", [(b"\n", b"\r\n"), (b"", b"\xef\xbb\xbf"), (b"\n", b"\n\n")], ids=["crlf", "bom", "blank lines"]
)
def test_csv_when_line_ends_or_a_bom_differ_then_the_same_values(change: tuple[bytes, bytes]) -> None:
    old, new = change
    content = tx_file(ADA, BEN)
    assert values("TX", content.replace(old, new) if old else new + content) == values("TX", content)


def test_csv_when_the_last_line_has_no_end_but_all_fields_then_it_is_a_row() -> None:
    assert len(values("TX", tx_file(ADA, BEN)[:-1])) == 2


def test_csv_when_a_row_is_short_or_long_then_rejected_with_line_and_count() -> None:
    short = tx_line(ADA).replace(',"4711"', "")
    found = rejected("TX", tx_file(BEN) + short.encode() + tx_line(ADA).encode())
    assert (found.line, found.rule, found.value) == (3, "field_count", "33")
    assert found.reason.startswith("33 fields instead of 34")
    assert "ABBOT" in found.record
    assert rejected("TX", tx_file(BEN) + tx_line(ADA).replace('"4711"', '"4711",""').encode()).value == "35"


def test_csv_when_bytes_are_latin_1_then_only_that_row_is_rejected_and_the_byte_named() -> None:
    found = rejected("TX", tx_file({**ADA, "LAST_NME": "MUÑOZ"}, BEN).replace("Ñ".encode(), "Ñ".encode("latin-1")))
    assert (found.line, found.rule, found.value) == (2, "encoding", "d1")
    assert "is not utf-8" in found.reason


def test_csv_when_a_quote_inside_a_value_is_not_doubled_then_rejected_not_guessed() -> None:
    found = rejected("TX", tx_file({**ADA, "ADDRESS1": "12 @OAK@ ST"}, BEN).replace(b"@", b'"'))
    assert (found.line, found.rule) == (2, "quotes")


def test_csv_when_cut_in_a_row_then_damaged_and_the_line_named() -> None:
    content = tx_file(ADA, BEN)
    with pytest.raises(DamagedFile, match=f"{WHERE}: line 3 opens a quote that is never closed"):
        rows("TX", content[:-20].rstrip(b'"') + b',"N')
    with pytest.raises(DamagedFile, match=rf"{WHERE}: line 3 breaks off after \d+ of 34 fields"):
        rows("TX", content[: content.rindex(b',""')])


def test_csv_when_columns_are_missing_new_or_doubled_then_the_exact_difference() -> None:
    with pytest.raises(
        BoardHeaderError, match=r"missing columns \['LIC_STA_DESC'\], .*declared \['STATUS'\], .*twice \[\]"
    ):
        rows("TX", tx_file(ADA).replace(b"LIC_STA_DESC", b"STATUS"))
    with pytest.raises(BoardHeaderError, match=r"missing columns \['ZIP'\], .*twice \['CITY'\]"):
        rows("TX", tx_file(ADA).replace(b'"ZIP"', b'"CITY"'))


@pytest.mark.parametrize("again", ["CITY", "city", "ERX_WAIVER", "FAX", ""])
def test_csv_when_no_column_is_missing_but_one_is_there_twice_then_refused_by_name(again: str) -> None:
    columns = [*TX_COLUMNS, *(["ERX_WAIVER", "FAX", ""][: 3 if again == "" else 2]), again]
    with pytest.raises(BoardHeaderError, match=rf"missing columns \[\], .*twice \[.*'{again}'"):
        rows("TX", tx_file({**ADA, "CITY": "AUSTIN"}, columns=columns))


@pytest.mark.parametrize("state", ["NJ", "MA", "FL", "CA"])
def test_pipes_and_tabs_when_a_column_is_there_twice_then_refused_by_name(state: str) -> None:
    source = board_source(state)
    assert source.delimited is not None
    content = source.delimited.delimiter.join([*source.columns, source.columns[3].upper(), ""]) + "\n"
    with pytest.raises(BoardHeaderError, match=rf"twice \[.*'{source.columns[3]}'"):
        rows(state, content.encode())


@pytest.mark.parametrize(
    "written",
    [str.lower, str.upper, str.title, lambda name: name.replace("_", " ")],
    ids=["lower", "upper", "title", "blanks"],
)
def test_csv_when_the_header_is_written_otherwise_then_loaded_under_the_declared_names(
    written: Callable[[str], str],
) -> None:
    header, _, rest = tx_file(ADA, BEN).partition(b"\n")
    assert values("TX", written(header.decode()).encode() + b"\n" + rest) == values("TX", tx_file(ADA, BEN))


@pytest.mark.parametrize(
    "damage", [('"ADA"', '"AD"A"'), ('"ADA"', '"ADA'), ('"ADA"', 'ADA"'), ('""\n', '"\n'), ('""\n', '"""\n')]
)
def test_csv_when_quotes_are_stray_in_two_rows_then_these_alone_are_rejected(damage: tuple[str, str]) -> None:
    stray = tx_line(ADA).replace(*damage)
    assert stray != tx_line(ADA)
    lines = [tx_line(ADA)] * 9 + [stray] + [tx_line(ADA)] * 9 + [stray] + [tx_line(BEN)] * 10
    found = rows("TX", tx_file() + "".join(lines).encode())
    assert [(row.line, row.rule) for row in found if isinstance(row, Rejected)] == [(11, "quotes"), (21, "quotes")]
    assert [row.line for row in found if isinstance(row, Published)] == [n for n in range(2, 32) if n not in (11, 21)]


@pytest.mark.parametrize("state", ["NJ", "MA", "FL", "CA"])
def test_pipes_and_tabs_when_quotes_are_stray_then_they_are_characters_of_their_rows(state: str) -> None:
    source = board_source(state)
    assert source.delimited is not None
    end = source.delimited.delimiter + "\n" if source.delimited.trailing_empty_column else "\n"
    lines = [source.columns, *[[f'A"{n}' if n % 10 == 9 else "A" for _ in source.columns] for n in range(30)]]
    found = values(state, "".join(source.delimited.delimiter.join(line) + end for line in lines).encode())
    assert [row[source.columns[0]] for row in found if row[source.columns[0]] != "A"] == ['A"9', 'A"19', 'A"29']
    assert len(found) == 30


def test_csv_when_a_line_is_lost_on_the_way_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_rows, "records", lambda *given: (r for r in records(*given) if r.line != 3))
    with pytest.raises(DamagedFile, match=f"{WHERE}: the file has 4 lines, its header and records 3"):
        rows("TX", tx_file(ADA, BEN, ADA))


def test_csv_when_columns_moved_or_a_new_one_came_then_loaded_by_name_and_remarked() -> None:
    remarks = Remarks()
    (row,) = rows("TX", tx_file({**ADA, "FAX": "1"}, columns=[*reversed(TX_COLUMNS), "ERX_WAIVER", "FAX"]), remarks)
    assert isinstance(row, Published) and (row.values["LIC_NBR"], row.values["FAX"]) == ("4711", "1")
    assert remarks.note() == "columns that are not declared: FAX"


def test_csv_when_the_header_is_not_rfc_4180_then_refused_and_the_reason_told() -> None:
    with pytest.raises(
        BoardHeaderError, match=f"{WHERE}: line 1 is no header .*carriage return, as lines of old Macs end"
    ):
        rows("TX", tx_file(ADA, BEN).replace(b"\n", b"\r"))


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf"])
def test_csv_when_empty_then_refused(content: bytes) -> None:
    with pytest.raises(BoardHeaderError):
        rows("TX", content)


def test_file_when_an_html_page_was_saved_as_it_then_damaged_and_its_title_told() -> None:
    with pytest.raises(DamagedFile, match=r"an HTML page \(503 Service Unavailable\) came in place of the file"):
        rows("TX", b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head></html>")


def test_pipes_when_sound_then_no_trailing_column_and_quotes_are_characters() -> None:
    (row,) = values("NJ", nj_file({**CARA, "addr_line_1": 'SUITE "B'}))
    assert row["addr_line_1"] == 'SUITE "B'
    assert "" not in row


def test_pipes_when_the_trailing_empty_column_is_gone_then_refused_and_the_remedy_named() -> None:
    with pytest.raises(BoardHeaderError, match="after 'license_status_name' is gone.*trailing_empty_column to false"):
        rows("NJ", nj_file(CARA).replace(b"|\n", b"\n"))


def test_pipes_when_one_row_lacks_the_trailing_pipe_or_fills_it_then_rejected() -> None:
    cut = rejected("NJ", nj_file(CARA, {**CARA, "license_status_name": "Retired"}).replace(b"Retired|", b"Retired"))
    assert (cut.line, cut.value) == (3, "18")
    shifted = rejected("NJ", nj_file(CARA).replace(b"|Active|", b"||Active"))
    assert (shifted.rule, shifted.reason) == (
        "field_count",
        "The last column has no name and must be empty: the row is shifted.",
    )


def test_pipes_when_a_trailing_column_comes_undeclared_then_loaded_all_the_same() -> None:
    florida = board_source("FL").columns
    content = "|".join(florida) + "|\n" + "|".join("x" for _ in florida) + "|\n"
    assert list(values("FL", content.encode())[0]) == list(florida)


def test_tabs_when_named_xls_then_read_as_text() -> None:
    california = board_source("CA").columns
    content = "\t".join(california) + "\r\n" + "\t".join(california) + "\r\n"
    assert values("CA", content.encode()) == [{name: name for name in california}]


def test_data_set_when_pages_repeat_rows_then_each_once_and_counted() -> None:
    remarks = Remarks()
    content = zipped(page_0__json=[wa_row(1), wa_row(2)], page_1__json=[wa_row(2), wa_row(3, status="")])
    found = rows("WA", content, remarks)
    assert [row.line for row in found] == [1, 2, 4]
    assert remarks.note() == "1 rows came twice and were dropped"


def test_data_set_when_no_row_has_a_declared_column_then_the_exact_difference() -> None:
    renamed = [{name.replace("status", "state"): value for name, value in wa_row(1).items()}]
    with pytest.raises(
        BoardHeaderError, match=r"missing columns \['status'\], columns that are not declared \['state'\]"
    ):
        rows("WA", zipped(page_0__json=renamed))


@pytest.mark.parametrize(
    ("body", "said"), [("[{", "page_0.json: not JSON"), ({"error": True}, "not a list of rows"), ([1], "not a list")]
)
def test_data_set_when_a_page_is_no_list_of_rows_then_damaged_and_the_page_named(body: object, said: str) -> None:
    with pytest.raises(DamagedFile, match=said):
        rows("WA", zipped(page_0__json=body))


def test_data_set_when_the_archived_zip_is_cut_then_damaged() -> None:
    with pytest.raises(DamagedFile, match=f"{WHERE}: the zip is truncated or damaged"):
        rows("WA", zipped(page_0__json=[wa_row(1)])[:-10])


WA_CSV = (
    "CredentialNumber,LastName,FirstName,MiddleName,CredentialType,Status,BirthYear,CEDueDate,FirstIssueDate,"
    "LastIssueDate,ExpirationDate,ActionTaken\n"
    "DE00000001,MOLAR,ADA,,Dentist License,ACTIVE,1980,,20100101,20250101,20270101,No\n"
    "RN00000001,BRIDGE,BEA,,Registered Nurse License,ACTIVE,1980,,20100101,20250101,20270101,No\n"
)


def test_data_set_when_handed_in_as_the_portals_csv_then_read_and_other_professions_left_out() -> None:
    remarks = Remarks()
    (ada,) = rows("WA", WA_CSV.encode(), remarks)
    assert isinstance(ada, Published)
    assert (ada.line, ada.values["credentialnumber"], ada.values["firstissuedate"]) == (2, "DE00000001", "20100101")
    assert remarks.note() == "1 rows are not of the declared kind and were left out"


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n "])
def test_data_set_when_handed_in_as_json_rows_then_read(start: bytes) -> None:
    handed_in = [{name: value for name, value in wa_row(n).items() if name != ":id"} for n in (1, 2)]
    assert values("WA", start + json.dumps(handed_in).encode()) == handed_in


@pytest.mark.parametrize("state", ["WA", "CO", "IL", "CT"])
def test_data_set_when_handed_in_in_another_form_then_the_error_says_what_is_read(state: str) -> None:
    path = board_source(state).fetch.path
    with pytest.raises(DamagedFile, match=f"{WHERE}: not a list of rows. What is read: .*CSV export, or .* of {path}"):
        rows(state, b'{"meta": {"view": {}}, "data": [["row-1", 1]]}')
    with pytest.raises(DamagedFile, match=f"{WHERE}: not JSON"):
        rows(state, b'[{"status": ')
    with pytest.raises(BoardHeaderError, match=r"missing columns \["):
        rows(state, b"Name,Town\nADA,AUSTIN\n")


def test_data_set_when_a_row_has_a_field_twice_then_refused_by_name() -> None:
    row = json.dumps(wa_row(1))[:-1] + ', "status": "EXPIRED"}'
    with pytest.raises(BoardHeaderError, match=r"the names \['status'\] more than once"):
        rows("WA", zipped(page_0__json=f"[{row}]"))
    with pytest.raises(BoardHeaderError, match=r"twice \['Status', 'status'\]"):
        rows("WA", zipped(page_0__json=[wa_row(1) | {"Status": "EXPIRED"}]))


def test_look_up_when_a_list_is_handed_in_then_the_error_says_what_is_read() -> None:
    with pytest.raises(DamagedFile, match="board_nc is read one number at a time, .* a zip of its pages"):
        rows("NC", b"Name,License #\nADA,4711\n")


def test_look_up_when_some_numbers_are_unknown_then_rows_for_the_others_and_a_count() -> None:
    remarks = Remarks()
    content = zipped(
        **{"4711__html": nc_page("4711"), "4712__html": NC_NOBODY, "4713__html": nc_page("4713", "Retired")}
    )
    ada, other = rows("NC", content, remarks)
    assert isinstance(ada, Published) and isinstance(other, Published)
    assert ada.values == {
        "Name": "Dr. Ada Abbot", "License #": "4711 (Licensed Dentist)", "City": "CARY", "License Issued": "6/5/1998",
        "State": "NC", "Expiration": "3/31/2026", "Board Action": "N", "Status": "Good Standing", "Anesthesia": "N",
        "Sedation": "Y",
    }  # fmt: skip
    assert (other.line, remarks.not_found) == (3, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Expiration", "Valid until", r"board_nc, number 4711: the labels \['Expiration'\] are gone"),
        (
            "search results",
            "Please prove that you are human",
            "number 4711: 'search results' does not stand on the page",
        ),
    ],
)
def test_look_up_when_the_page_has_changed_then_the_number_and_the_difference_are_named(
    old: str, new: str, said: str
) -> None:
    with pytest.raises(PageChanged, match=said):
        rows("NC", zipped(**{"4711__html": nc_page("4711").replace(old, new)}))
