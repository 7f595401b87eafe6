"""CMS's report of deactivated NPIs, a spreadsheet in a zip, as Parquet.

Source: the zip NPPES_Deactivated_NPI_Report_<MMDDYY>_V2.zip. Its one sheet has a title over both columns, a header, and
then a row an NPI, all cells text, newest first. About 350,000 rows; the sheet is streamed, its shared strings are not.
"""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import batched
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as parquet

from include.csv.parquet import Converted
from include.csv.rows import Rejected
from include.lake.zip_member import DamagedFile, check_members, open_member
from include.nppes.layout import HeaderContractError, bigquery_name
from include.nppes.publication import WrongDates, npi_is_valid, report_member
from include.quality.refusals import check_refused

SHEET = "DeactivatedNPIs"
COLUMNS = ("NPI", "NPPES Deactivation Date")
SOURCE = "nppes_deactivation"
MAX_SPREADSHEET_BYTES = 128 * 1024**2  # 4 MB in 2023
ROWS_PER_GROUP = 50_000
COMPARE = "CMS has changed its layout: compare it with include/nppes/deactivation.py."
OLDEST = timedelta(days=31)  # how long before the day in its file name a report may be made

SCHEMA = pa.schema(
    [
        pa.field("file_date", pa.date32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_object", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("npi", pa.string(), nullable=False),
        pa.field(bigquery_name(COLUMNS[1]), pa.string()),
    ]
)
_TITLE = "NPPES Deactivated Records as of %b %d %Y"
_TITLE_CELLS = b"A1:B1"
_MERGED = re.compile(rb'<mergeCell\b[^>]*\bref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')
_WORKSHEET = re.compile(r"xl/worksheets/[^/]+\.xml")


def convert_report(
    source: IO[bytes],
    *,
    source_object: str,
    file_date: date,
    open_part: Callable[[str], AbstractContextManager[IO[bytes]]],
    rejects: IO[bytes],
) -> Converted:
    """Write the rows of a report as one Parquet part, and the rows that break a rule as JSON lines.

    :param source: the zip, seekable.
    :param source_object: where it is archived, as `gs://bucket/object`; with `#spreadsheet` it goes into each row.
    :param file_date: the day in its name, which is the partition.
    :param open_part: opens the part (`part-00000.parquet`) for writing.
    :param rejects: gets one JSON object a line, the fields of Rejected; `line` is the row of the sheet.

    Raises DamagedFile, WrongMembers (include.nppes.publication), WrongDates for a report made on another day, or
    HeaderContractError, with the exact difference, when the sheet is not laid out as it was: nothing of it may be loaded.
    """
    with open_member(source, source_object, lambda names: report_member(names, source_object)) as member:
        where = f"{source_object}#{member.name}"
        if member.size > MAX_SPREADSHEET_BYTES:
            raise DamagedFile(
                f"{where}: {member.size:,} bytes, over the limit of {MAX_SPREADSHEET_BYTES:,}. If the report is genuine, raise "
                "MAX_SPREADSHEET_BYTES in include/nppes/deactivation.py."
            )
        spreadsheet = io.BytesIO(member.stream.read())
        result = Converted(member.name)
    _check_parts(spreadsheet, where)
    rows = _rows(spreadsheet, where)
    _check_title(next(rows, ()), file_date, where)
    _check_header(next(rows, ()), where)
    accepted = _accepted(rows, rejects, result)
    result.parts.append("part-00000.parquet")
    with open_part(result.parts[0]) as sink, parquet.ParquetWriter(sink, SCHEMA, compression="zstd") as writer:
        writer.write_table(SCHEMA.empty_table())
        for group in batched(accepted, ROWS_PER_GROUP, strict=False):
            writer.write_table(_table(group, file_date, where))
            result.rows += len(group)
    check_refused(where, result.rows_in, result.rejected_by_rule, result.first_rejected)
    return result


def _check_parts(spreadsheet: IO[bytes], where: str) -> None:
    """Refuse a bomb, and any merged cell but the title's: one in the header or below hides what it covers."""
    check_members(spreadsheet, where)  # openpyxl reads every part but the sheet as a whole
    merged: set[bytes] = set()
    with open_member(spreadsheet, where, lambda parts: _worksheet(parts, where)) as sheet:
        rest = b""
        while piece := sheet.stream.read(1 << 20):
            merged.update(_MERGED.findall(rest + piece))
            rest = piece[-200:]
    wrong = sorted(cells.decode() for cells in merged - {_TITLE_CELLS})
    if wrong:
        raise HeaderContractError(
            f"{where}: the cells {', '.join(wrong)} are merged, only the title in A1:B1 may be. Row 2 must be "
            f"{list(COLUMNS)} in A2 and B2. {COMPARE}"
        )


def _worksheet(parts: Sequence[str], where: str) -> str:
    found = [name for name in parts if _WORKSHEET.fullmatch(name)]
    if len(found) != 1:
        raise HeaderContractError(
            f"{where}: {len(found)} sheets, one named {SHEET!r} is expected. Its parts: {sorted(parts)}. {COMPARE}"
        )
    return found[0]


def _rows(spreadsheet: IO[bytes], where: str) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of each row of the sheet, without empty ones at the end."""
    workbook = _workbook(spreadsheet, where)
    if workbook.sheetnames != [SHEET]:
        raise HeaderContractError(f"{where}: the sheets are {workbook.sheetnames}, expected [{SHEET!r}]. {COMPARE}")
    sheet = workbook[SHEET]
    sheet.reset_dimensions()  # the size that the sheet claims would cut off what lies beyond it
    try:
        for cells in sheet.iter_rows(values_only=True):
            width = max((at for at, value in enumerate(cells, start=1) if value is not None), default=0)
            yield cells[:width]
    except (IndexError, KeyError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(where, error) from error


def _workbook(spreadsheet: IO[bytes], where: str) -> Any:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CMS's writer leaves out the default style
            return openpyxl.load_workbook(spreadsheet, read_only=True)
    except (KeyError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(where, error) from error


def _unreadable(where: str, error: Exception) -> DamagedFile:
    return DamagedFile(f"{where}: the spreadsheet cannot be read ({error!r}). Download it again.")


def _check_title(cells: tuple[Any, ...], file_date: date, where: str) -> None:
    try:
        (title,) = cells
        made = datetime.strptime(str(title).strip(), _TITLE).date()
    except ValueError:
        raise HeaderContractError(
            f"{where}: row 1 is {list(cells)}, expected one title such as 'NPPES Deactivated Records as of Nov 10 2025'. "
            f"{COMPARE}"
        ) from None
    if not file_date - OLDEST <= made <= file_date:
        raise WrongDates(
            f"{where}: row 1 says that the report is as of {made}, its file name says {file_date}. It is dated in the "
            "future, or another report was published under this name: nothing of it is loaded. Compare it with CMS's page."
        )


def _check_header(cells: tuple[Any, ...], where: str) -> None:
    found = [str(value or "") for value in cells]
    if found != list(COLUMNS):
        raise HeaderContractError(f"{where}: row 2 is {found}, expected {list(COLUMNS)}. {COMPARE}")


def _accepted(rows: Iterator[tuple[Any, ...]], rejects: IO[bytes], result: Converted) -> Iterator[tuple[int, str, str]]:
    """Yield (row of the sheet, NPI, date) of what is loaded; write the others to `rejects`; count both in `result`."""
    for line, cells in enumerate(rows, start=3):
        if not cells:
            continue
        result.rows_in += 1
        fault = _fault(line, cells)
        if fault:
            rejects.write(json.dumps(asdict(fault), ensure_ascii=False).encode("utf-8") + b"\n")
            result.rejected += 1
            result.first_rejected = result.first_rejected or fault.place
            result.rejected_by_rule[fault.rule] += 1
        else:
            yield line, cells[0], cells[1]


def _fault(line: int, cells: tuple[Any, ...]) -> Rejected | None:
    npi = str(cells[0])
    if len(cells) != 2 or None in cells:
        reason = "The row has not exactly an NPI and a date: somebody edited the sheet, or CMS changed it."
        return _rejected(line, "field_count", npi, COLUMNS[1], str(len(cells)), reason, cells)
    for column, value in zip(COLUMNS, cells, strict=True):
        if not isinstance(value, str):
            reason = "The cell is a number or a date, not text: a spreadsheet program rewrote the file. Get CMS's own."
            return _rejected(line, "not_text", npi, column, str(value), reason, cells)
    if not npi_is_valid(npi):
        reason = "The NPI is not ten digits with a right check digit: the row was damaged, no real row fails this."
        return _rejected(line, "npi_check_digit", npi, COLUMNS[0], npi, reason, cells)
    if not _is_date(cells[1]):
        reason = "The deactivation date is not MM/DD/YYYY: a tool rewrote the file. Get CMS's own."
        return _rejected(line, "deactivation_date", npi, COLUMNS[1], cells[1], reason, cells)
    return None


def _rejected(line: int, rule: str, npi: str, column: str, value: str, reason: str, cells: tuple[Any, ...]) -> Rejected:
    record = ",".join("" if cell is None else str(cell) for cell in cells)
    return Rejected(line, rule, npi[:10], bigquery_name(column), value, reason, record)


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%m/%d/%Y")
    except ValueError:
        return False
    return len(text) == len("MM/DD/YYYY")


def _table(rows: Sequence[tuple[int, str, str]], file_date: date, where: str) -> pa.Table:
    lines, npis, dates = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [
            pa.repeat(pa.scalar(file_date, pa.date32()), len(rows)),
            pa.repeat(pa.scalar(SOURCE, pa.string()), len(rows)),
            pa.repeat(pa.scalar(where, pa.string()), len(rows)),
            pa.array(lines, pa.int64()),
            pa.array(npis, pa.string()),
            pa.array(dates, pa.string()),
        ],
        schema=SCHEMA,
    )
