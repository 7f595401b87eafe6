"""The rows of what a board published, one at a time, with the line that each stands on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from include.boards.pages import PageChanged, labelled_cells, page_title
from include.boards.sources import BoardSource, Delimited, LookupFetch, SocrataFetch, folded_name
from include.csv.delimited_lines import BYTE_ORDER_MARK, CUT, Record, physical_lines, records
from include.lake.json_objects import RepeatedName, loads
from include.lake.zip_member import DamagedFile, members

ROW_ID = ":id"  # Socrata's own key of a row
PORTAL_CSV = Delimited(",", quotes=True, encoding="utf-8")  # what a Socrata site exports for people


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
    left_out: int = 0
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
            f"{self.left_out} rows are not of the declared kind and were left out": self.left_out,
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
    elif isinstance(source.fetch, SocrataFetch):
        yield from _data_set_rows(content, source, source.fetch, where, remarks)
    elif isinstance(source.fetch, LookupFetch):
        yield from _page_rows(content, source, source.fetch, where, remarks)


def licensee(html: bytes, source: BoardSource, fetch: LookupFetch, number: str) -> dict[str, str]:
    """Return the labeled cells of one look-up's answer; {} when the board knows no such number.

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
    expected, lines = physical_lines(content), 0
    for record in records(content, form, where):
        if not record.raw:
            lines += 1
        elif not names:
            names = _header(record, source, form, where, remarks)
            lines += 1 + record.raw.count(b"\n")
        else:
            read = _row(record, names, form, where)
            texts = read.values.values() if isinstance(read, Published) else [read.record]
            lines += 1 + sum(text.count("\n") for text in texts)
            yield read
    if not names:
        raise BoardHeaderError(f"{where}: the file is empty, it has not even a header. Get it again.")
    if lines != expected:
        raise DamagedFile(
            f"{where}: the file has {expected} lines, its header and records {lines}: this is an error in "
            "include/boards/rows.py."
        )


def _row(record: Record, names: Sequence[str], form: Delimited, where: str) -> Published | Rejected:
    if record.fault:
        reason = f"Not RFC 4180 ({record.fault}): a quote is missing or too many."
        return _rejected(record, "quotes", "", reason)
    if record.fields is None:
        at, odd = _not_encoded(record.raw, form.encoding)
        reason = f"Byte {at} of the record is not {form.encoding}: the board's encoding has changed."
        return _rejected(record, "encoding", odd, reason)
    if len(record.fields) != len(names):
        found = len(record.fields)
        if not record.is_ended:
            raise DamagedFile(
                f"{where}: line {record.line} breaks off after {found} of {len(names)} fields, without a line end: {CUT}"
            )
        reason = f"{found} fields instead of {len(names)}: a delimiter or a quote is missing or too many."
        return _rejected(record, "field_count", str(found), reason)
    values = dict(zip(names, record.fields, strict=True))
    if values.pop("", ""):
        reason = "The last column has no name and must be empty: the row is shifted."
        return _rejected(record, "field_count", str(len(record.fields)), reason)
    return Published(record.line, values)


def _not_encoded(raw: bytes, encoding: str) -> tuple[int, str]:
    """Return the place, from 1, and the hexadecimal value of the bytes that are not in the encoding."""
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start + 1, raw[error.start : error.end].hex()
    return 0, ""


def _header(record: Record, source: BoardSource, form: Delimited, where: str, remarks: Remarks) -> list[str]:
    """Return the columns under their declared names; the last one may be empty."""
    declared = f"include/boards/{source.state.lower()}.yaml"
    if b"\r" in record.raw or record.fields is None:
        fault = "it holds a carriage return, as lines of old Macs end" if b"\r" in record.raw else record.fault
        raise BoardHeaderError(
            f"{where}: line 1 is no header ({fault or 'its bytes are not ' + form.encoding}). Compare it with {declared}; "
            "line ends of old Macs and stray quotes are not read: get the file again, unopened."
        )
    names = [name.strip() for name in record.fields]
    if form.trailing_empty_column and names[-1]:
        raise BoardHeaderError(
            f"{where}: the empty column after {names[-1]!r} is gone. If the board means it, set trailing_empty_column "
            f"to false in {declared}."
        )
    _check_columns(names if names[-1] else names[:-1], source, where, remarks)
    return [source.column_named(name) for name in names]


def _check_columns(published: Sequence[str], source: BoardSource, where: str, remarks: Remarks) -> None:
    """Compare names as published with the declared ones; case, blanks and underscores do not count."""
    names = [source.column_named(name) for name in published]
    folded = Counter(folded_name(name) for name in published)
    missing = [name for name in source.columns if name not in names]
    new = [name for name in names if name not in {*source.columns, *source.optional_columns}]
    twice = sorted({name for name in published if folded[folded_name(name)] > 1 or not name})
    if missing or twice:
        raise BoardHeaderError(
            f"{where}: missing columns {missing}, columns that are not declared {new}, columns that are there twice "
            f"{twice}. Compare the file with include/boards/{source.state.lower()}.yaml, and correct the declaration."
        )
    remarks.new_columns += [name for name in new if name not in remarks.new_columns]


def _data_set_rows(
    content: IO[bytes], source: BoardSource, fetch: SocrataFetch, where: str, remarks: Remarks
) -> Iterator[Published | Rejected]:
    """Yield the rows of a data set: our archive of its pages, or what a person took from the site, as CSV or as JSON rows."""
    head = content.read(2048).removeprefix(BYTE_ORDER_MARK).lstrip()
    content.seek(0)
    if head.startswith(b"PK"):
        rows = _json_rows(members(content, where), source, where, remarks)
    elif head.startswith((b"[", b"{")):
        rows = _json_rows([("", content.read())], source, where, remarks)
    else:
        rows = _delimited_rows(content, source, PORTAL_CSV, where, remarks)
    for row in rows:
        if isinstance(row, Rejected) or fetch.takes(row.values):
            yield row
        else:
            remarks.left_out += 1


def _json_rows(
    pages: Iterable[tuple[str, bytes]], source: BoardSource, where: str, remarks: Remarks
) -> Iterator[Published | Rejected]:
    number = 0
    ids: set[str] = set()
    names: dict[str, str] = {}
    for page, body in pages:
        for row in _rows_of_page(body, f"{where}#{page}" if page else where, source):
            number += 1
            row_id = str(row.get(ROW_ID, number))
            if row_id in ids:
                remarks.repeated += 1
                continue
            ids.add(row_id)
            names.update({name: source.column_named(name) for name in row.keys() - names.keys() if name != ROW_ID})
            yield Published(number, {names.get(name, name): value for name, value in row.items()})
    # A field without a value is left out of its row, so a column is missing only when no row has it.
    _check_columns(list(names), source, where, remarks)


def _rows_of_page(body: bytes, where: str, source: BoardSource) -> list[dict[str, Any]]:
    try:
        rows = loads(body)
    except RepeatedName as error:
        raise BoardHeaderError(
            f"{where}: {error}. Its last value would count in silence: get the file again."
        ) from None
    except ValueError as error:
        raise DamagedFile(f"{where}: not JSON ({error}).") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DamagedFile(
            f"{where}: not a list of rows. What is read: the site's CSV export, or the JSON rows of "
            f"{source.fetch.path}; not its export of data and metadata in one object."
        )
    return rows


def _page_rows(
    content: IO[bytes], source: BoardSource, fetch: LookupFetch, where: str, remarks: Remarks
) -> Iterator[Published | Rejected]:
    if not content.read(2).startswith(b"PK"):
        raise DamagedFile(
            f"{where}: {source.name} is read one number at a time, so what is handed in must be a zip of its pages, each named "
            "<license number>.html: a list is not published."
        )
    for line, (page, body) in enumerate(members(content, where), start=1):
        values = licensee(body, source, fetch, page.removesuffix(".html"))
        if values:
            yield Published(line, values)
        else:
            remarks.not_found += 1


def _rejected(record: Record, rule: str, value: str, reason: str) -> Rejected:
    return Rejected(record.line, rule, "", value, reason, record.raw.decode("utf-8", "replace"))
