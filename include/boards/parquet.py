"""What a board published, as Parquet in the shape of raw.board_license: a row as published beside its normal values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import batched
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as parquet

from include.boards.date_forms import UnclearDates, date_of, form_of_all
from include.boards.rows import ROW_ID, Published, Rejected, Remarks, published_rows
from include.boards.sources import UNKNOWN, BoardSource
from include.lake.zip_member import DamagedFile
from include.quality.refusals import check_refused

ROWS_PER_GROUP = 20_000

_TEXTS = ("source", "state", "board", "source_object")
_OPTIONAL_TEXTS = ("license_number", "license_type", "full_name", "first_name", "last_name", "status")
SCHEMA = pa.schema(
    [
        pa.field("file_date", pa.date32(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXTS),
        pa.field("line", pa.int64(), nullable=False),
        *(pa.field(name, pa.string()) for name in _OPTIONAL_TEXTS),
        pa.field("status_class", pa.string(), nullable=False),
        pa.field("status_known", pa.bool_(), nullable=False),
        pa.field("issued_on", pa.date32()),
        pa.field("expires_on", pa.date32()),
        pa.field("payload", pa.string(), nullable=False),
    ]
)


@dataclass
class Converted:
    """What a conversion read and wrote; `rows_in` always equals `rows` plus `rejected`."""

    rows_in: int = 0
    rows: int = 0
    rejected: int = 0
    rejected_by_rule: Counter[str] = field(default_factory=Counter)
    first_rejected: str = ""
    remarks: Remarks = field(default_factory=Remarks)


def convert(
    content: IO[bytes],
    source: BoardSource,
    *,
    source_object: str,
    file_date: date,
    open_part: Callable[[str], AbstractContextManager[IO[bytes]]],
    rejects: IO[bytes],
) -> Converted:
    """Write `part-00000.parquet`, and the records that break a rule as JSON lines.

    :param content: the archived file, seekable; read in pieces.
    :param open_part: opens the part for writing.
    :param rejects: gets one JSON object a line, the fields of Rejected.

    Raises DamagedFile (include.lake.zip_member), BoardHeaderError (include.boards.rows) or PageChanged (include.boards.pages) when nothing of it
    may be loaded.
    """
    result = Converted()
    form = _date_form(content, source, source_object)
    rows = _accepted(content, source, form, source_object, file_date, rejects, result)
    with open_part("part-00000.parquet") as sink, parquet.ParquetWriter(sink, SCHEMA, compression="zstd") as writer:
        for group in batched(rows, ROWS_PER_GROUP, strict=False):
            writer.write_table(pa.Table.from_pylist(group, SCHEMA))
    _check(result, source, source_object)
    return result


def _date_form(content: IO[bytes], source: BoardSource, where: str) -> str:
    """Return the declared form that all dates of the file are in; reads the file once when there are several."""
    first, *others = source.date_forms
    if not others:
        return first
    texts: dict[str, int] = {}
    for read in published_rows(content, source, where, Remarks()):
        if isinstance(read, Published):
            for column in source.date_columns.values():
                texts.setdefault(_text(read, column), read.line)
    texts.pop("", None)
    try:
        return form_of_all(source.date_forms, texts, where)
    except UnclearDates as error:
        raise DamagedFile(str(error)) from error


def _accepted(
    content: IO[bytes],
    source: BoardSource,
    form: str,
    where: str,
    file_date: date,
    rejects: IO[bytes],
    result: Converted,
) -> Iterator[dict[str, Any]]:
    """Yield the rows that are loaded; write the others to `rejects`; count both in `result`."""
    for read in published_rows(content, source, where, result.remarks):
        result.rows_in += 1
        row = board_row(read, source, form, where, file_date) if isinstance(read, Published) else read
        if isinstance(row, Rejected):
            rejects.write(json.dumps(asdict(row), ensure_ascii=False).encode("utf-8") + b"\n")
            result.rejected += 1
            result.first_rejected = result.first_rejected or row.place
            result.rejected_by_rule[row.rule] += 1
            continue
        if not row["status_known"]:
            result.remarks.unknown_statuses[row["status"] or "(none)"] += 1
        result.rows += 1
        yield row


def board_row(
    read: Published, source: BoardSource, date_form: str, where: str, file_date: date
) -> dict[str, Any] | Rejected:
    """Return the raw.board_license row of a published one, or why there is none."""
    number = source.license_number.of(read.values)
    dates: dict[str, date | None] = {"issued_on": None, "expires_on": None}
    for name, column in source.date_columns.items():
        text = _text(read, column)
        dates[name] = date_of(text, date_form)
        if text and dates[name] is None:
            reason = f"Column {column} holds no date of the form {date_form}: the row is damaged, or the board writes dates in another form now."
            return Rejected(read.line, "bad_date", number or "", text, reason, _json(read.values))
    status = source.status(read.values)
    status_class = source.status_class(status)
    return {
        "file_date": file_date,
        "source": source.name,
        "state": source.state,
        "board": source.board,
        "source_object": where,
        "line": read.line,
        "license_number": number,
        "license_type": source.license_type.of(read.values),
        **{name: str(read.values.get(column) or "").strip() or None for name, column in source.names.items()},
        "status": status,
        "status_class": status_class,
        "status_known": status_class != UNKNOWN,
        **dates,
        "payload": _json(read.values),
    }


def _text(read: Published, column: str) -> str:
    return str(read.values.get(column) or "").strip()


def _json(values: Any) -> str:
    return json.dumps({name: value for name, value in values.items() if name != ROW_ID}, ensure_ascii=False)


def _check(result: Converted, source: BoardSource, where: str) -> None:
    if result.rows_in != result.rows + result.rejected:
        raise DamagedFile(
            f"{where}: {result.rows_in} records in, {result.rows} rows out and {result.rejected} rejected do not "
            "balance: this is an error in include/boards/parquet.py."
        )
    check_refused(where, result.rows_in, result.rejected_by_rule, result.first_rejected)
    if source.is_whole and not result.rows:
        raise DamagedFile(f"{where}: there is no row in it, and a board without licensees does not exist.")
