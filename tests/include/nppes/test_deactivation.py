"""The deactivation report: its exact form is read; any other one is refused with what differs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

import pyarrow.parquet as parquet
import pytest

from include.csv.parquet import Converted
from include.lake.zip_member import DamagedFile
from include.nppes.deactivation import COLUMNS, SHEET, convert_report
from include.nppes.layout import HeaderContractError
from include.nppes.publication import WrongDates, WrongMembers
from include.warehouse.tables import table
from services.nppes_sample.xlsx import xlsx_bytes

DAY = date(2025, 11, 10)
WHERE = "gs://lake/raw/nppes/2025-11-10/r.zip"
MEMBER = "NPPES Deactivated NPI Report 20251110.xlsx"
TITLE = "NPPES Deactivated Records as of Nov 10 2025"
ROWS = [["2551230990", "11/04/2025"], ["2000000002", "01/02/2020"]]
STAMP = (2025, 11, 10, 6, 0, 0)


@dataclass
class Output:
    result: Converted
    rows: list[dict[str, Any]]
    rejected: list[dict[str, Any]]


def report(
    rows: Sequence[Sequence[str | int | None]] = ROWS,
    title: str | None = TITLE,
    header: Sequence[str | None] = COLUMNS,
    merged: Sequence[str] = ("A1:B1",),
    sheet: str = SHEET,
) -> bytes:
    return zipped({MEMBER: xlsx_bytes(sheet, [[title], header, *rows], merged, STAMP)})


def zipped(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def converted(source: bytes) -> Output:
    sink, rejects = io.BytesIO(), io.BytesIO()

    @contextmanager
    def open_part(name: str) -> Iterator[IO[bytes]]:
        assert name == "part-00000.parquet"
        yield sink

    result = convert_report(
        io.BytesIO(source), source_object=WHERE, file_date=DAY, open_part=open_part, rejects=rejects
    )
    rows = parquet.read_table(io.BytesIO(sink.getvalue())).to_pylist()
    return Output(result, rows, [json.loads(line) for line in rejects.getvalue().splitlines()])


def test_convert_report_when_in_the_known_form_then_rows_as_published() -> None:
    output = converted(report())
    assert (output.result.rows_in, output.result.rows, output.result.rejected) == (2, 2, 0)
    assert output.rows[0] == {
        "file_date": DAY,
        "source": "nppes_deactivation",
        "source_object": f"{WHERE}#{MEMBER}",
        "line": 3,
        "npi": "2551230990",
        "nppes_deactivation_date": "11/04/2025",
    }
    assert list(output.rows[0]) == [c.name for c in table("raw.nppes_deactivation").columns]


def test_convert_report_when_the_title_is_not_merged_or_a_day_older_then_read_too() -> None:
    assert converted(report(title="NPPES Deactivated Records as of Nov 9 2025", merged=())).result.rows == 2


def test_convert_report_when_it_lists_nobody_then_one_part_without_rows() -> None:
    assert converted(report([])).rows == []


@pytest.mark.parametrize(
    ("row", "rule", "value"),
    [
        (["2551230991", "11/04/2025"], "npi_check_digit", "2551230991"),
        ([2551230990, "11/04/2025"], "not_text", "2551230990"),
        (["2551230990", 45965], "not_text", "45965"),
        (["2551230990", "2025-11-04"], "deactivation_date", "2025-11-04"),
        (["2551230990", "1/2/2020"], "deactivation_date", "1/2/2020"),
        (["2551230990", None], "field_count", "1"),
        (["2551230990", "11/04/2025", "DT"], "field_count", "3"),
    ],
)
def test_convert_report_when_a_row_is_wrong_then_refused_with_its_row_and_value(
    row: list[str | int | None], rule: str, value: str
) -> None:
    output = converted(report([*ROWS, row]))
    assert (output.result.rows_in, output.result.rows) == (3, 2)
    (rejected,) = output.rejected
    assert (rejected["line"], rejected["rule"], rejected["value"]) == (5, rule, value)
    assert rejected["row_key"] == str(row[0])


def test_convert_report_when_the_zip_was_packed_on_a_mac_then_its_companions_are_no_report() -> None:
    with zipfile.ZipFile(io.BytesIO(report(ROWS))) as whole:
        sheet = whole.read(MEMBER)
    output = converted(zipped({f"__MACOSX/._{MEMBER}": b"\0\5\x16\7", f"~${MEMBER}": b"x", MEMBER: sheet}))
    assert (output.result.member, output.result.rows) == (MEMBER, len(ROWS))


def test_convert_report_when_a_spreadsheet_program_rewrote_it_then_the_whole_file_is_refused() -> None:
    with pytest.raises(
        DamagedFile,
        match=r"12 of 12 records are refused \(\{'not_text': 12\}\); the first: line 3, npi: '2551230990'\.",
    ):
        converted(report([[2551230990, "11/04/2025"]] * 12))


def test_convert_report_when_any_part_of_the_spreadsheet_is_a_bomb_then_nothing_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("include.lake.zip_member.ANY_RATIO_BYTES", 10_000)
    with zipfile.ZipFile(io.BytesIO(report())) as whole, zipfile.ZipFile(io.BytesIO(whole.read(MEMBER))) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    content["xl/workbook.xml"] += b" " * 1_000_000
    with pytest.raises(DamagedFile, match="xl/workbook.xml: .* looks like a zip bomb"):
        converted(zipped({MEMBER: zipped(content)}))
    with pytest.raises(HeaderContractError, match="0 sheets"):
        converted(zipped({MEMBER: zipped({})}))


def test_convert_report_when_the_spreadsheet_is_larger_than_any_report_then_it_is_not_even_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("include.nppes.deactivation.MAX_SPREADSHEET_BYTES", 100)
    with pytest.raises(
        DamagedFile, match=r"bytes, over the limit of 100\. If the report is genuine, raise MAX_SPREADSHEET_BYTES"
    ):
        converted(report())


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (
            report(merged=("A1:B1", "A2:B2"), header=("NPI and NPPES Deactivation Date",)),
            HeaderContractError,
            r"the cells A2:B2 are merged, only the title.*Row 2 must be \['NPI', 'NPPES Deactivation Date'\]",
        ),
        (report(merged=("A4:A5",)), HeaderContractError, "the cells A4:A5 are merged"),
        (
            report(header=("NPI", "Reason", "NPPES Deactivation Date")),
            HeaderContractError,
            r"row 2 is \['NPI', 'Reason', 'NPPES Deactivation Date'\], expected \['NPI', 'NPPES Deactivation Date'\]",
        ),
        (report(header=("NPPES Deactivation Date", "NPI")), HeaderContractError, r"row 2 is \['NPPES Deact"),
        (report(title=None), HeaderContractError, r"row 1 is \[\], expected one title"),
        (report(title="NPPES Deactivated Records as of Feb 30 2025"), HeaderContractError, "row 1 is .*Feb 30 2025"),
        (report(title="NPPES Deactivated Records as of Nvb 10 2025"), HeaderContractError, "row 1 is .*Nvb 10 2025"),
        (report(sheet="Sheet1"), HeaderContractError, r"the sheets are \['Sheet1'\]"),
        (report(title="NPPES Deactivated Records as of Nov 11 2025"), WrongDates, "as of 2025-11-11, its file name"),
        (report(title="NPPES Deactivated Records as of Nov 10 2024"), WrongDates, "as of 2024-11-10"),
        (zipped({"a.xlsx": b"", "b.xlsx": b""}), WrongMembers, "2 members named <report>.xlsx"),
        (zipped({"report.csv": b"NPI"}), WrongMembers, "no member named <report>.xlsx"),
        (zipped({MEMBER: b"<html>"}), DamagedFile, f"{MEMBER}: not a zip"),
        (zipped({MEMBER: zipped({"xl/worksheets/sheet1.xml": b"<worksheet"})}), DamagedFile, "cannot be read"),
        (
            zipped({MEMBER: zipped({"xl/worksheets/sheet1.xml": b"", "xl/worksheets/sheet2.xml": b""})}),
            HeaderContractError,
            "2 sheets, one named 'DeactivatedNPIs' is expected",
        ),
        (report()[:400], DamagedFile, "truncated or damaged"),
        (b"<html>503</html>", DamagedFile, "not a zip"),
    ],
    ids=[
        "merged-header", "merged-rows", "added-column", "moved-columns", "no-title", "no-such-day", "no-such-month", "other-sheet", "future", "old",
        "two-sheets", "csv", "no-xlsx", "no-workbook", "two-worksheets", "truncated", "html",
    ],
)  # fmt: skip
def test_convert_report_when_it_is_something_else_then_nothing_is_loaded_and_the_difference_is_named(
    content: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        converted(content)
    assert WHERE in str(refused.value)
