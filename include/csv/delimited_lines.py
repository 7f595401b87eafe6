"""The records of a delimited text file, each with its physical lines: a stray quote costs its own line and no other."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import IO

from include.boards.sources import Delimited
from include.lake.zip_member import DamagedFile

MAX_LINE_BYTES = 1024**2
PIECE_BYTES = 1024**2
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OPEN_AT_THE_END = "unexpected end of data"  # as csv says it
CUT = "the download was cut. Get the file again."


@dataclass(frozen=True)
class Record:
    """One record of a file.

    :param line: the physical line on which it starts.
    :param raw: its bytes, without the last line end.
    :param fields: None when it is not RFC 4180 (`fault` says why; it is one physical line then), or not in the encoding.
    :param is_ended: whether a line end follows it.
    """

    line: int
    raw: bytes
    fields: list[str] | None
    fault: str = ""
    is_ended: bool = True


def physical_lines(content: IO[bytes]) -> int:
    """Return how many lines an editor would show, counted in the bytes; the file is left at its start."""
    content.seek(0)
    lines, end = 0, b"\n"
    while piece := content.read(PIECE_BYTES):
        lines += piece.count(b"\n")
        end = piece[-1:]
    content.seek(0)
    return lines + (end != b"\n")


def records(content: IO[bytes], form: Delimited, where: str) -> Iterator[Record]:
    """Yield the records, the header first; a blank line is one without a byte.

    A record that turns out not to be RFC 4180 is its first physical line only, and reading goes on with the next one: a stray
    quote opens a value that seems to run through the rows below.

    Raises DamagedFile when the file breaks off within quotes, or a line is longer than any row.
    """
    lines = _Lines(content, where)
    for raw in lines:
        first = lines.number
        if first == 1:
            raw = raw.removeprefix(BYTE_ORDER_MARK)
        if not raw.rstrip(b"\r\n"):
            yield Record(first, b"", [])
            continue
        lines.put_back([raw])
        taken, fields, fault = _quoted(lines, form) if form.quotes else _plain(lines, form)
        is_ended = taken[-1].endswith(b"\n")
        if fault == OPEN_AT_THE_END and not is_ended:
            raise DamagedFile(f"{where}: line {first} opens a quote that is never closed: {CUT}")
        if fault:
            lines.put_back(taken[1:])
            taken = taken[:1]
        record = b"".join(taken).rstrip(b"\r\n")
        yield Record(first, record, fields if _is_in(record, form.encoding) else None, fault, is_ended)


def _quoted(lines: _Lines, form: Delimited) -> tuple[list[bytes], list[str] | None, str]:
    """Take the lines of one record by RFC 4180; return them, its fields, and what is wrong with it."""
    taken: list[bytes] = []

    def texts() -> Iterator[str]:
        for raw in lines:
            taken.append(raw)
            yield raw.decode(form.encoding, "surrogateescape").replace("\r\n", "\n")

    try:
        fields = next(csv.reader(texts(), delimiter=form.delimiter, strict=True))
    except csv.Error as error:
        return taken, None, str(error)
    # csv takes a quote in a value that is not quoted for a character like any other.
    text = b"".join(taken).rstrip(b"\r\n")
    if b'"' in text and not _well_quoted(form.delimiter.encode()).fullmatch(text):
        return taken, None, "a quote in a value that is not in quotes"
    return taken, fields, ""


@cache
def _well_quoted(delimiter: bytes) -> re.Pattern[bytes]:
    value = rb'(?:"(?:[^"]++|"")*+"|[^"%b]*+)' % re.escape(delimiter)
    return re.compile(rb"%b(?:%b%b)*+" % (value, re.escape(delimiter), value))


def _plain(lines: _Lines, form: Delimited) -> tuple[list[bytes], list[str] | None, str]:
    raw = next(lines)
    return [raw], raw.decode(form.encoding, "surrogateescape").rstrip("\r\n").split(form.delimiter), ""


def _is_in(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class _Lines(Iterator[bytes]):
    """The physical lines of a file, numbered; those that were taken too many can be put back."""

    def __init__(self, content: IO[bytes], where: str) -> None:
        self.number = 0
        self._content = content
        self._where = where
        self._waiting: deque[bytes] = deque()

    def __next__(self) -> bytes:
        line = self._waiting.popleft() if self._waiting else self._content.readline(MAX_LINE_BYTES)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            raise DamagedFile(
                f"{self._where}: line {self.number} has more than {MAX_LINE_BYTES:,} bytes without a line feed: lines end "
                "as on old Macs, or this is no text. Get the file again, unopened."
            )
        return line

    def put_back(self, lines: list[bytes]) -> None:
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)
