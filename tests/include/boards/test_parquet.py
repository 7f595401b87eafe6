"""The normal values beside a row as published, the balance of the books, and a file that is no list of licensees."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import IO, Any

import pyarrow.parquet as parquet
import pytest

from include.boards.answers import write_answers
from include.boards.parquet import SCHEMA, Converted, convert
from include.boards.sources import board_source
from include.lake.zip_member import DamagedFile
from include.warehouse.tables import table
from tests.operators.board_files import ADA, BEN, CARA, NC_NOBODY, nc_page, nj_file, tx_file, wa_row

DAY = date(2025, 11, 10)


def converted(state: str, content: bytes) -> tuple[Converted, list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the books, the rows and the rejects."""
    parts: dict[str, bytes] = {}

    @contextmanager
    def part(name: str) -> Iterator[IO[bytes]]:
        sink = io.BytesIO()
        yield sink
        parts[name] = sink.getvalue()

    rejects = io.BytesIO()
    books = convert(
        io.BytesIO(content),
        board_source(state),
        source_object="gs://lake/f",
        file_date=DAY,
        open_part=part,
        rejects=rejects,
    )
    rows = parquet.read_table(io.BytesIO(parts["part-00000.parquet"])).to_pylist()
    return books, rows, [json.loads(line) for line in rejects.getvalue().splitlines()]


def test_schema_has_exactly_the_columns_of_the_table() -> None:
    target = table("raw.board_license")
    assert [field.name for field in SCHEMA] == [column.name for column in target.columns]
    assert [field.name for field in SCHEMA if not field.nullable] == [
        c.name for c in target.columns if c.mode == "REQUIRED"
    ]


def test_row_when_published_then_normal_values_and_the_row_itself() -> None:
    books, (row,), rejects = converted("NJ", nj_file(CARA))
    assert (books.rows_in, books.rows, books.rejected, rejects) == (1, 1, 0, [])
    payload = row.pop("payload")
    assert row == {
        "file_date": DAY, "source": "board_nj", "state": "NJ", "board": "New Jersey State Board of Dentistry",
        "source_object": "gs://lake/f", "line": 2, "license_number": "22DI00004711", "license_type": "Dentist",
        "full_name": "CARA DIAZ", "first_name": "CARA", "last_name": "DIAZ", "status": "Active", "status_class": "active",
        "status_known": True, "issued_on": date(2001, 2, 28), "expires_on": None,
    }  # fmt: skip
    assert json.loads(payload)["issue_date"] == "28/02/2001"
    assert list(json.loads(payload)) == list(board_source("NJ").columns)


def test_row_when_the_status_is_unknown_then_kept_flagged_and_remarked() -> None:
    books, (ada, ben), _ = converted("TX", tx_file({**ADA, "LIC_STA_DESC": "On Leave"}, {**BEN, "LIC_STA_DESC": ""}))
    assert (ada["status"], ada["status_class"], ada["status_known"]) == ("On Leave", "unknown", False)
    assert (ben["status"], ben["status_class"], ben["status_known"]) == (None, "unknown", False)
    assert books.remarks.note() == "statuses that are not declared: '(none)' (1), 'On Leave' (1)"


@pytest.mark.parametrize("text", ["2001-02-28", "02/30/2001", "28/02/2001"])
def test_row_when_a_date_is_no_date_of_the_boards_then_rejected_with_line_column_and_value(text: str) -> None:
    books, rows, (reject,) = converted("TX", tx_file(ADA, {**BEN, "LIC_EXPR_DTE": text}))
    assert (books.rows_in, books.rows, books.rejected, len(rows)) == (2, 1, 1, 1)
    assert (reject["line"], reject["rule"], reject["row_key"], reject["value"]) == (3, "bad_date", "4712", text)
    assert "Column LIC_EXPR_DTE holds no date of the form MM/DD/YYYY" in reject["reason"]
    assert json.loads(reject["record"])["FIRST_NME"] == "BEN"


def ma_file(*dates: tuple[str, str]) -> bytes:
    columns = board_source("MA").columns
    rows = [{**dict.fromkeys(columns, "x"), "license_no": f"DN{n:05d}", "license_status_name": "Current",
             "issue_date": issued, "expiration_date": expires} for n, (issued, expires) in enumerate(dates)]  # fmt: skip
    return "".join("|".join(line) + "|\n" for line in (columns, *(list(row.values()) for row in rows))).encode()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("19-07-1991 00:00:00", "01-12-2003 00:00:00"),
        ("19/07/1991 00:00:00", "01/12/2003 00:00:00"),
        ("7/19/1991 12:00:00 AM", "12/1/2003 12:00:00 AM"),
    ],
)
def test_dates_when_a_file_is_in_any_declared_form_then_the_same_days(first: str, second: str) -> None:
    books, rows, rejects = converted("MA", ma_file((first, ""), (second, first)))
    assert (books.rejected, rejects) == (0, [])
    assert [row["issued_on"] for row in rows] == [date(1991, 7, 19), date(2003, 12, 1)]
    assert [row["expires_on"] for row in rows] == [None, date(1991, 7, 19)]


def test_dates_when_a_file_fits_two_forms_or_none_then_refused_and_nothing_is_swapped() -> None:
    with pytest.raises(DamagedFile, match="fits both DD/MM/YYYY and MM/DD/YYYY, and line 2, '02/03/2001'"):
        converted("NJ", nj_file({**CARA, "issue_date": "02/03/2001"}))
    with pytest.raises(DamagedFile, match="its dates are in several forms"):
        converted("NJ", nj_file(CARA, {**CARA, "issue_date": "02/28/2001"}))


def test_row_when_blank_cells_are_published_then_they_are_null_beside_the_payload() -> None:
    _, (row,), _ = converted("TX", tx_file({**ADA, "LIC_NBR": " ", "LIC_ORIG_DTE": " ", "LAST_NME": ""}))
    assert (row["license_number"], row["issued_on"], row["last_name"]) == (None, None, None)
    assert json.loads(row["payload"])["LIC_NBR"] == " "


def test_row_when_from_a_data_set_then_its_row_id_is_not_kept() -> None:
    into = io.BytesIO()
    write_answers(into, [("page-00000.json", json.dumps([wa_row(1)]).encode())])
    _, (row,), _ = converted("WA", into.getvalue())
    assert (row["license_number"], row["issued_on"]) == ("DE60000001", date(2001, 2, 28))
    assert ":id" not in json.loads(row["payload"])


def test_row_when_looked_up_then_number_and_kind_come_out_of_one_cell() -> None:
    into = io.BytesIO()
    write_answers(into, [("4711.html", nc_page("4711").encode()), ("4712.html", NC_NOBODY.encode())])
    books, (row,), _ = converted("NC", into.getvalue())
    assert (row["license_number"], row["license_type"], row["expires_on"]) == (
        "4711",
        "Licensed Dentist",
        date(2026, 3, 31),
    )
    assert books.remarks.note() == "1 numbers are unknown to the board"


def test_file_when_it_has_no_row_then_refused_but_a_look_up_may_find_nobody() -> None:
    with pytest.raises(DamagedFile, match="no row in it, and a board without licensees does not exist"):
        converted("TX", tx_file())
    into = io.BytesIO()
    write_answers(into, [("4712.html", NC_NOBODY.encode())])
    assert converted("NC", into.getvalue())[0].rows == 0


def test_file_when_more_rows_are_bad_than_happen_by_accident_then_refused() -> None:
    bad = {**BEN, "LIC_ORIG_DTE": "2001-02-28"}
    books, _, _ = converted("TX", tx_file(ADA, *[bad] * 10))
    assert (books.rows_in, books.rejected) == (11, 10)
    with pytest.raises(
        DamagedFile, match=r"11 of 12 records are refused \(\{'bad_date': 11\}\); the first: line 3: '2001-02-28'\."
    ):
        converted("TX", tx_file(ADA, *[bad] * 11))


def test_file_when_converted_twice_then_the_same_rows() -> None:
    content = tx_file(ADA, BEN)
    assert converted("TX", content)[1] == converted("TX", content)[1]
