"""The rows of what a board published, one at a time, with the line that each stands on."""

from __future__ import annotations

import csv
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from include.board_answers import answers
from include.board_pages import PageChanged, labelled_cells, page_title
from include.board_sources import BoardSource, Delimited, LookupFetch, SocrataFetch
from include.zip_member import DamagedFile

MAX_RECORD_BYTES = 1024**2
ROW_ID = ":id"  # Socrata's own key of a row


class BoardHeaderError(ValueError):
    """The columns are not those that are declared. The message is the exact difference, and nothing is loaded."""


@dataclass(frozen=True)
class Published:
    """A row as published: column -> value. line: physical line of a file (header = 1), or the number of the row."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Rejected:
    """A record that is not loaded, and why."""

    line: int
    rule: str
    row_key: str
    value: str
    reason: str
    record: str

    @property
    def place(self) -> str:
        """Where it is and what stands there, in words."""
        return f"line {self.line}: {self.value!r}"


@dataclass
class Remarks:
    """What a reader of the load should know, beside its rows."""

    repeated: int = 0
    not_found: int = 0
    new_columns: list[str] = field(default_factory=list)
    unknown_statuses: Counter[str] = field(default_factory=Counter)

    def note(self) -> str:
        """Return it in words; "" when there is nothing to say."""
        words = ", ".join(f"{word!r} ({rows})" for word, rows in sorted(self.unknown_statuses.items()))
        said = {
            f"columns that are not declared: {', '.join(self.new_columns)}": self.new_columns,
            f"statuses that are not declared: {words}": words,
            f"{self.repeated} rows came twice and were dropped": self.repeated,
            f"{self.not_found} numbers are unknown to the board": self.not_found,
        }
        return "; ".join(text for text, holds in said.items() if holds)


def published_rows(
    content: IO[bytes], source: BoardSource, where: str, remarks: Remarks
) -> Iterator[Published | Rejected]:
    """Yield the rows of a board's file, or of its archived answers.

    Raises DamagedFile, BoardHeaderError or PageChanged when nothing of it may be loaded.
    """
    head = content.read(2048)
    content.seek(0)
    title = page_title(head)
    if title is not None:
        raise DamagedFile(f"{where}: an HTML page ({title or 'without a title'}) came in place of the file.")
    if source.delimited is not None:
        yield from _delimited_rows(content, source, source.delimited, where, remarks)
        return
    try:
        if isinstance(source.fetch, SocrataFetch):
            yield from _json_rows(content, source, where, remarks)
        elif isinstance(source.fetch, LookupFetch):
            yield from _page_rows(content, source, source.fetch, where, remarks)
    except zipfile.BadZipFile as error:
        raise DamagedFile(f"{where}: the archived answers are damaged ({error}).") from error


def licensee(html: bytes, source: BoardSource, fetch: LookupFetch, number: str) -> dict[str, str]:
    """Return the labelled cells of one look-up's answer; {} when the board knows no such number.

    Raises PageChanged naming number and difference.
    """
    text = html.decode("utf-8", "replace")
    if fetch.mark.casefold() not in text.casefold():
        raise PageChanged(f"{source.name}, number {number}: {fetch.mark!r} does not stand on the page.")
    try:
        return labelled_cells(text, source.columns, fetch.title_column)
    except PageChanged as changed:
        raise PageChanged(f"{source.name}, number {number}: {changed}. Compare it with include/boards.") from changed


def _delimited_rows(
    content: IO[bytes], source: BoardSource, form: Delimited, where: str, remarks: Remarks
) -> Iterator[Published | Rejected]:
    names: list[str] = []
    for line, record, is_ended in _records(content, form, where):
        if not names:
            names = _header(record, source, form, where, remarks)
            continue
        try:
            fields = _fields(record.decode(form.encoding), form)
        except UnicodeDecodeError as error:
            reason = f"Byte {error.start + 1} of the record is not {form.encoding}: the board's encoding has changed."
            yield _rejected(line, "encoding", record[error.start : error.end].hex(), reason, record)
            continue
        except csv.Error as error:
            yield _rejected(line, "quotes", "", f"Not RFC 4180 ({error}): a quote is missing or too many.", record)
            continue
        if len(fields) != len(names):
            if not is_ended:
                raise DamagedFile(
                    f"{where}: line {line} breaks off after {len(fields)} of {len(names)} fields, without a line end: "
                    "the download was cut. Get the file again."
                )
            reason = f"{len(fields)} fields instead of {len(names)}: a delimiter or a quote is missing or too many."
            yield _rejected(line, "field_count", str(len(fields)), reason, record)
            continue
        values = dict(zip(names, fields, strict=True))
        if values.pop("", ""):
            reason = "The last column has no name and must be empty: the row is shifted."
            yield _rejected(line, "field_count", str(len(fields)), reason, record)
            continue
        yield Published(line, values)
    if not names:
        raise BoardHeaderError(f"{where}: the file is empty, it has not even a header. Get it again.")


def _records(content: IO[bytes], form: Delimited, where: str) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (first line, record without its line end, whether it had one); empty lines are passed over."""
    line, start, record = 0, 1, b""
    while piece := content.readline(MAX_RECORD_BYTES):
        line += 1
        record += piece
        if form.quotes and record.count(b'"') % 2:
            if len(record) > MAX_RECORD_BYTES:
                break
            continue
        text = record.rstrip(b"\r\n")
        if text:
            yield start, text, record.endswith(b"\n")
        start, record = line + 1, b""
    if record:
        raise DamagedFile(f"{where}: line {start} opens a quote that is never closed. The file is cut or damaged.")


def _fields(text: str, form: Delimited) -> list[str]:
    if not form.quotes:
        return text.split(form.delimiter)
    return next(csv.reader([text.replace("\r\n", "\n")], delimiter=form.delimiter, strict=True))


def _header(record: bytes, source: BoardSource, form: Delimited, where: str, remarks: Remarks) -> list[str]:
    try:
        names = [name.strip() for name in _fields(record.decode("utf-8-sig", "replace"), form)] or [""]
    except csv.Error as error:
        raise BoardHeaderError(
            f"{where}: line 1 is no header of RFC 4180 ({error}). Compare it with include/boards/{source.state.lower()}.yaml; "
            "line ends of old Macs and stray quotes are not read: get the file again, unopened."
        ) from None
    if form.trailing_empty_column and names[-1]:
        raise BoardHeaderError(
            f"{where}: the empty column after {names[-1]!r} is gone. If the board means it, set trailing_empty_column "
            f"to false in include/boards/{source.state.lower()}.yaml."
        )
    named = names if names[-1] else names[:-1]
    _check_columns(named, source, where, remarks)
    return names


def _check_columns(names: Sequence[str], source: BoardSource, where: str, remarks: Remarks) -> None:
    missing = [name for name in source.columns if name not in names]
    new = [name for name in names if name not in {*source.columns, *source.optional_columns}]
    twice = sorted({name for name in names if names.count(name) > 1 or not name})
    if missing or twice:
        raise BoardHeaderError(
            f"{where}: missing columns {missing}, columns that are not declared {new}, columns that are there twice "
            f"{twice}. Compare the file with include/boards/{source.state.lower()}.yaml, and correct the declaration."
        )
    remarks.new_columns += [name for name in new if name not in remarks.new_columns]


def _json_rows(content: IO[bytes], source: BoardSource, where: str, remarks: Remarks) -> Iterator[Published | Rejected]:
    number = 0
    ids: set[str] = set()
    names: dict[str, None] = {}
    for page, body in answers(content):
        for row in _rows_of_page(body, f"{where}#{page}"):
            number += 1
            row_id = str(row.get(ROW_ID, number))
            if row_id in ids:
                remarks.repeated += 1
                continue
            ids.add(row_id)
            names.update(dict.fromkeys(name for name in row if name != ROW_ID))
            yield Published(number, row)
    # A field without a value is left out of its row, so a column is missing only when no row has it.
    _check_columns(list(names), source, where, remarks)


def _rows_of_page(body: bytes, where: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(body)
    except ValueError as error:
        raise DamagedFile(f"{where}: not JSON ({error}).") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DamagedFile(f"{where}: not a list of rows.")
    return rows


def _page_rows(
    content: IO[bytes], source: BoardSource, fetch: LookupFetch, where: str, remarks: Remarks
) -> Iterator[Published | Rejected]:
    for line, (page, body) in enumerate(answers(content), start=1):
        values = licensee(body, source, fetch, page.removesuffix(".html"))
        if values:
            yield Published(line, values)
        else:
            remarks.not_found += 1


def _rejected(line: int, rule: str, value: str, reason: str, record: bytes) -> Rejected:
    return Rejected(line, rule, "", value, reason, record.decode("utf-8", "replace"))
